// What the browser tests share: a server over the whole shipped history, a browser, and what must hold of
// every page.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const HERE = dirname(fileURLToPath(import.meta.url))
const ROOT = resolve(HERE, '../..')

/** Where screenshots and measurements are kept, as output of the tests. */
export const OUTPUT = join(ROOT, 'target/browser')
/** The program under test. */
export const PROGRAM = resolve(ROOT, process.env.PRICE_LINKAGE ?? 'target/debug/price-linkage')
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** What every page keeps to. Times are those of a release build; of another they are only written down. */
export const LIMITS = { firstByte: 20, weight: 200_000, largestPaint: 500 }
const IS_TUNED = PROGRAM.includes('/release/')

export const LANGUAGES = ['zh', 'en']
export const WIDTHS = [1280, 390]

mkdirSync(OUTPUT, { recursive: true })

/** Starts `serve` over a store and resolves once it tells where it listens. */
async function started(store, flags) {
  const all = ['--store', store, 'serve', '--listen', '127.0.0.1:0', '--page', '127.0.0.1:0', ...flags]
  const child = spawn(PROGRAM, all, { stdio: ['ignore', 'pipe', 'pipe'] })
  let told = ''
  let wrong = ''
  child.stderr.on('data', (part) => { wrong += part })
  const ended = new Promise((done) => child.once('exit', done))
  const address = await new Promise((found, failed) => {
    child.stdout.on('data', (part) => {
      told += part
      const page = /page on (http:\/\/\S+?)\/?\s/.exec(told)
      const grpc = /serving on (\S+?),/.exec(told)
      if (page && grpc) found({ page: page[1], grpc: `http://${grpc[1]}` })
    })
    ended.then((code) => failed(new Error(`serve ended with ${code}: ${wrong}`)))
  })
  const stop = async () => {
    child.kill('SIGTERM')
    assert.equal(await ended, 0, `serve ended badly: ${wrong}`)
    assert.doesNotMatch(wrong, /panicked/)
  }
  return { ...address, stop }
}

/** A store with the whole shipped history, made once for each build of the program. */
async function seed() {
  const seed = join(OUTPUT, `seed-${Math.round(statSync(PROGRAM).mtimeMs)}.store`)
  if (!existsSync(seed)) {
    const fresh = mkdtempSync(join(tmpdir(), 'price-linkage-seed-'))
    await (await started(join(fresh, 'store'), [])).stop()
    cpSync(join(fresh, 'store'), seed, { recursive: true })
    rmSync(fresh, { recursive: true })
  }
  return seed
}

/** A server of its own over a copy of the shipped history; stop it when done. */
export async function serve(...flags) {
  const folder = mkdtempSync(join(tmpdir(), 'price-linkage-page-'))
  const store = join(folder, 'store')
  cpSync(await seed(), store, { recursive: true })
  const server = await started(store, flags)
  return {
    ...server,
    stop: async () => {
      await server.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

/** The browser. As root it has no sandbox to put itself into. */
export function browser() {
  const args = process.getuid() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath: CHROMIUM, args })
}

/**
 * A page in a context of its own, with what goes wrong on it gathered in `page.wrong`: console errors,
 * exceptions, requests that fail. A refusal that a test asks for is told with `expecting`.
 */
export async function visitor(chrome, { lang = 'zh', width = 1280, js = true, host, expecting = [] } = {}) {
  const context = await chrome.newContext({
    viewport: { width, height: width < 600 ? 844 : 800 },
    hasTouch: width < 600,
    javaScriptEnabled: js,
    reducedMotion: 'reduce',
    locale: lang === 'en' ? 'en-GB' : 'zh-CN',
  })
  await context.addCookies([{ name: 'pl_lang', value: lang, url: host }])
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  page.wrong = []
  const note = (text) => {
    if (!expecting.some((pattern) => pattern.test(text))) page.wrong.push(text)
  }
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) note(`console ${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => note(`exception: ${error.message}`))
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText
    // A download and a page left early end a request by design.
    if (why !== 'net::ERR_ABORTED') note(`request failed: ${request.url()} ${why}`)
  })
  return page
}

/** Fails on anything that went wrong on the page so far, then closes it. */
export async function leave(page) {
  await page.context().close()
  assert.deepEqual(page.wrong, [])
}

/** Signs in and comes back to `back`. */
export async function signIn(page, host, name, back = '/') {
  await page.goto(`${host}/sign-in?back=${encodeURIComponent(back)}`)
  await page.locator('input[name=name]').fill(name)
  await page.locator('main form button').click()
  await page.waitForURL(`${host}${back}`)
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds serious or critical, one line each. */
export async function inaccessible(page) {
  await page.evaluate(AXE)
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  return found.violations
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .flatMap(({ id, nodes }) => nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 160)}`))
}

/** Fails when the page has a serious fault for those who do not see it or use no mouse. */
export async function accessible(page) {
  assert.deepEqual(await inaccessible(page), [])
}

/** Fails when the page, unlike a table or chart in it, must be scrolled sideways. */
export async function fits(page) {
  const [content, view] = await page.evaluate(() => {
    const root = document.scrollingElement
    return [root.scrollWidth, root.clientWidth]
  })
  assert.ok(content <= view, `the page is ${content} px wide in a view of ${view} px`)
}

/** Loads the page with an empty cache and measures it: milliseconds and bytes as sent. */
export async function measured(page, address) {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  await session.send('Network.clearBrowserCache')
  let weight = 0
  session.on('Network.loadingFinished', ({ encodedDataLength }) => { weight += encodedDataLength })
  await page.goto(address, { waitUntil: 'load' })
  const times = await page.evaluate(() => new Promise((done) => {
    const [{ requestStart, responseStart }] = performance.getEntriesByType('navigation')
    new PerformanceObserver((list) => {
      const largestPaint = list.getEntries().at(-1).startTime
      done({ firstByte: responseStart - requestStart, largestPaint })
    }).observe({ type: 'largest-contentful-paint', buffered: true })
  }))
  await session.detach()
  return { ...times, weight }
}

const measures = []

/** The fewest and the most loads of a page that is measured. */
const LOADS = { fewest: 5, most: 40 }

/**
 * The best of five loads, or of more while it is over the limits, so that no other program on the machine
 * decides; fails over the limits.
 */
export async function quick(page, address, name) {
  const keys = Object.keys(LIMITS)
  const found = { name }
  let over = keys
  for (let load = 0; load < LOADS.fewest || (over.length > 0 && load < LOADS.most); load++) {
    const one = await measured(page, address)
    for (const key of keys) found[key] = Math.min(one[key], found[key] ?? Infinity)
    over = keys.filter((key) => found[key] >= LIMITS[key])
  }
  measures.push(found)
  assert.deepEqual(over.filter((key) => key === 'weight' || IS_TUNED), [], JSON.stringify(found))
}

/** Writes down what was measured. */
export function keepMeasures() {
  const lines = measures.map(({ name, firstByte, weight, largestPaint }) => (
    `${name}\t${firstByte.toFixed(1)}\t${largestPaint.toFixed(0)}\t${weight}`
  ))
  const head = 'page\tfirst byte (ms)\tlargest paint (ms)\tbytes\n'
  writeFileSync(join(OUTPUT, 'measures.tsv'), `${head}${lines.join('\n')}\n`)
}

/** Keeps a picture of the whole page. */
export async function picture(page, name) {
  await page.screenshot({ path: join(OUTPUT, `${name}.png`), fullPage: true })
}
