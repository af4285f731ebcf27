// The services from a browser, with a client that was generated from proto/ and bundled as anybody would
// who builds a page of their own. Their page stands on the same address, as behind a proxy.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { OUTPUT, browser, leave, serve, visitor } from './lib.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))

let server
let chrome
let script
before(async () => {
  const bin = join(HERE, 'node_modules/.bin')
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
  execFileSync(join(bin, 'buf'), ['generate'], { cwd: HERE, env })
  const bundle = await build({
    stdin: {
      contents: `
        export { createClient, ConnectError, Code } from '@connectrpc/connect'
        export { createGrpcWebTransport } from '@connectrpc/connect-web'
        export { TriggerService } from '${OUTPUT}/generated/pricelinkage/v1/trigger_pb.js'
        export { ReplayService } from '${OUTPUT}/generated/pricelinkage/v1/replay_pb.js'
        export { IndexService } from '${OUTPUT}/generated/pricelinkage/v1/index_pb.js'`,
      resolveDir: HERE,
    },
    nodePaths: [join(HERE, 'node_modules')],
    bundle: true,
    format: 'iife',
    globalName: 'linkage',
    write: false,
    logLevel: 'error',
  })
  script = bundle.outputFiles[0].text
  server = await serve()
  chrome = await browser()
})
after(async () => {
  await chrome?.close()
  await server?.stop()
})

/** Somebody's own page with the client in it. */
async function own(options) {
  const page = await visitor(chrome, { host: server.page, ...options })
  await page.route('**/own.html', (route) => route.fulfill({
    contentType: 'text/html', body: '<!doctype html><title>own</title><script src="/own.js"></script>',
  }))
  await page.route('**/own.js', (route) => route.fulfill({ contentType: 'text/javascript', body: script }))
  await page.goto(`${server.page}/own.html`)
  return page
}

it('answers one question', async () => {
  const page = await own()
  const status = await page.evaluate(async () => {
    const { createClient, createGrpcWebTransport, TriggerService } = globalThis.linkage
    const client = createClient(TriggerService, createGrpcWebTransport({ baseUrl: location.origin }))
    const asked = { area: '150300', month: { year: 2021, month: 4 } }
    const { areaName, triggered, reason } = await client.getStatus(asked)
    return { areaName, triggered, reason: reason.zh }
  })
  assert.equal(status.areaName, '乌海市')
  // No.
  assert.equal(status.triggered, 2)
  assert.match(status.reason, /0\.9/)
  await leave(page)
})

it('streams a replay, the first month before the last', async () => {
  const page = await own()
  const months = await page.evaluate(async () => {
    const { createClient, createGrpcWebTransport, ReplayService } = globalThis.linkage
    const client = createClient(ReplayService, createGrpcWebTransport({ baseUrl: location.origin }))
    const asked = { areas: ['150300'], from: { year: 2019, month: 1 }, until: { year: 2019, month: 12 } }
    const months = []
    for await (const message of client.replay(asked)) months.push(JSON.stringify(message, (_, value) => (
      typeof value === 'bigint' ? String(value) : value
    )))
    return months
  })
  assert.ok(months.length >= 1, `${months.length}`)
  assert.ok(months.some((month) => month.includes('"month":12')), months.at(-1))
  await leave(page)
})

it('refuses with a code, a text and a reason, as it does any other client', async () => {
  const page = await own()
  const refusal = await page.evaluate(async () => {
    const { createClient, createGrpcWebTransport, TriggerService } = globalThis.linkage
    const client = createClient(TriggerService, createGrpcWebTransport({ baseUrl: location.origin }))
    try {
      await client.getStatus({ area: '999999', month: { year: 2021, month: 4 } })
    } catch (error) {
      return { code: error.code, message: error.rawMessage, details: error.details.length }
    }
    return null
  })
  assert.equal(refusal.code, 5)
  assert.match(refusal.message, /999999/)
  assert.ok(refusal.details > 0)
  await leave(page)
})

it('answers no page of another site', async () => {
  const page = await visitor(chrome, { host: server.page, expecting: [/CORS/, /Failed to load|ERR_FAILED/] })
  await page.route('http://other.example/**', (route) => route.fulfill({
    contentType: route.request().url().endsWith('.js') ? 'text/javascript' : 'text/html',
    body: route.request().url().endsWith('.js') ? script : '<!doctype html><script src="/own.js"></script>',
  }))
  await page.goto('http://other.example/')
  const outcome = await page.evaluate(async (host) => {
    const { createClient, createGrpcWebTransport, TriggerService } = globalThis.linkage
    const client = createClient(TriggerService, createGrpcWebTransport({ baseUrl: host }))
    return client.getStatus({ area: '150300' }).then(() => 'answered', () => 'refused')
  }, server.page)
  assert.equal(outcome, 'refused')
  await leave(page)
})
