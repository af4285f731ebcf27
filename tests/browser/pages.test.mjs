// Every page, in both languages and at both widths: nothing goes wrong, nobody is shut out, it fits, it is
// light and quick; and it is there without a script.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  LANGUAGES, WIDTHS, accessible, browser, fits, keepMeasures, leave, picture, quick, serve, visitor,
} from './lib.mjs'

/** Pages that anybody may read, and what each must say. */
const PAGES = [
  ['month', '/?month=2021-04', '乌海市', 'Why'],
  ['month-newest', '/', '内蒙古自治区', 'the mechanism'],
  ['month-nation', '/?within=000000&month=2019-11', '启动情况', 'the mechanism'],
  ['area', '/areas/150300?month=2021-04', '未启动', 'not'],
  ['area-paid', '/areas/150100?month=2020-01', '怎样算出来的', 'how each sum'],
  ['area-county', '/areas/150302?month=2019-11', '乌海市', 'Conditions'],
  ['figure', '/figures/150300/cpi/2021-04', '版次', 'revision'],
  ['rules', '/rules', '文件沿革', 'Documents through time'],
  ['rules-area', '/rules?area=150300&month=2021-04', '2021年4月', '2021-04'],
  ['runs', '/runs', '发放批次', 'Runs'],
  ['record', '/record', '录入指数', 'Record figures'],
  ['replay', '/replay?area=150300&from=2018-01', '历史测算', 'Replay'],
  ['audit', '/audit', '账本', 'journal'],
  ['sign-in', '/sign-in', '登录', 'Sign in'],
]

let server
let chrome
before(async () => {
  server = await serve()
  chrome = await browser()
})
after(async () => {
  keepMeasures()
  await chrome?.close()
  await server?.stop()
})

const says = { zh: (zh) => zh, en: (_, en) => en }

for (const lang of LANGUAGES) {
  for (const width of WIDTHS) {
    describe(`${lang} at ${width} px`, () => {
      for (const [name, path, zh, en] of PAGES) {
        it(name, async () => {
          const page = await visitor(chrome, { lang, width, host: server.page })
          await page.goto(server.page + path)
          assert.match(await page.locator('html').getAttribute('lang'), new RegExp(`^${lang}`))
          assert.equal(await page.locator('h1').count(), 1)
          const text = await page.locator('main').innerText()
          assert.ok(text.toLowerCase().includes(says[lang](zh, en).toLowerCase()), text.slice(0, 400))
          await picture(page, `${name}-${lang}-${width}`)
          await fits(page)
          await accessible(page)
          await leave(page)
        })
      }
    })
  }
}

describe('first byte, weight and largest paint', () => {
  for (const [name, path] of PAGES) {
    it(name, async () => {
      const page = await visitor(chrome, { host: server.page })
      await quick(page, server.page + path, name)
      await leave(page)
    })
  }
})

describe('without a script', () => {
  for (const [name, path, zh] of PAGES) {
    it(name, async () => {
      const page = await visitor(chrome, { js: false, host: server.page })
      await page.goto(server.page + path)
      assert.ok((await page.locator('main').innerText()).includes(zh))
      await leave(page)
    })
  }
})

it('keeps the language once it was chosen, on every page', async () => {
  const page = await visitor(chrome, { host: server.page })
  await page.goto(`${server.page}/rules`)
  await page.getByRole('link', { name: 'English' }).click()
  await page.waitForURL(/\/rules/)
  assert.equal(await page.locator('html').getAttribute('lang'), 'en')
  await page.goto(`${server.page}/audit`)
  assert.equal(await page.locator('html').getAttribute('lang'), 'en')
  await page.getByRole('link', { name: '中文' }).click()
  await page.waitForURL(/\/audit/)
  assert.match(await page.locator('html').getAttribute('lang'), /^zh/)
  await leave(page)
})

it('says in words what a picture says: each area of the map is a link with its state', async () => {
  const page = await visitor(chrome, { host: server.page })
  await page.goto(`${server.page}/?month=2019-11`)
  const names = await page.locator('figure.map a').evaluateAll((links) => (
    links.map((link) => link.getAttribute('aria-label'))
  ))
  assert.equal(names.length, 12)
  const rows = await page.locator('table#areas tbody tr').evaluateAll((all) => (
    all.map((row) => `${row.cells[0].innerText} ${row.cells[2].innerText}`)
  ))
  assert.deepEqual(names.sort(), rows.sort())
  await leave(page)
})

it('goes to another month and back by its links', async () => {
  const page = await visitor(chrome, { host: server.page })
  await page.goto(`${server.page}/?month=2019-11`)
  await page.locator('a[rel=prev]').click()
  await page.waitForURL(/month=2019-10/)
  await page.locator('a[rel=next]').click()
  await page.waitForURL(/month=2019-11/)
  await page.locator('select[name=month]').selectOption('2020-01')
  await page.locator('main form.choice button').click()
  await page.waitForURL(/month=2020-01/)
  assert.match(await page.locator('h1').innerText(), /2020年1月/)
  await leave(page)
})

it('reads well when it is printed: no navigation, no buttons, tables whole', async () => {
  const page = await visitor(chrome, { host: server.page })
  await page.goto(`${server.page}/areas/150100?month=2020-01`)
  await page.emulateMedia({ media: 'print' })
  assert.equal(await page.locator('header nav').isVisible(), false)
  assert.equal(await page.locator('.downloads').first().isVisible(), false)
  assert.equal(await page.locator('table#amounts').isVisible(), true)
  await picture(page, 'area-paid-print')
  await leave(page)
})
