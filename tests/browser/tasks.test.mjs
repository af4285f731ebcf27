// What each page is for, done as its user would: in both languages, on a laptop and on a phone.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import {
  LANGUAGES, WIDTHS, accessible, browser, fits, leave, picture, serve, signIn, visitor,
} from './lib.mjs'

let server
let chrome
before(async () => {
  server = await serve()
  chrome = await browser()
})
after(async () => {
  await chrome?.close()
  await server?.stop()
})

/** Of its own for each language and width, so that no case reads what another recorded. */
const OWN = [
  { city: '150100', month: '2026-09', revised: '2019-01', paid: '2019-12' },
  { city: '150200', month: '2026-09', revised: '2019-02', paid: '2020-01' },
  { city: '150300', month: '2026-09', revised: '2019-03', paid: '2020-02' },
  { city: '150100', month: '2026-05', revised: '2019-04', paid: '2020-03' },
]
const cases = LANGUAGES.flatMap((lang) => WIDTHS.map((width) => ({ lang, width })))
  .map((one, at) => ({ ...one, ...OWN[at] }))

const number = (text) => Number(/\d+/.exec(text)?.[0])
const entries = async (page) => number(await page.locator('footer').innerText())

/** A file as somebody would choose it. */
const csv = (name, text) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) })

async function saved(page, link) {
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()])
  return { name: download.suggestedFilename(), content: readFileSync(await download.path()) }
}

for (const { lang, width, city, month, revised, paid } of cases) {
  const en = lang === 'en'
  const open = async (path, options = {}) => {
    const page = await visitor(chrome, { lang, width, host: server.page, ...options })
    await page.goto(server.page + path)
    return page
  }
  const kept = (page, name) => picture(page, `task-${name}-${lang}-${width}`)

  describe(`${lang} at ${width} px`, () => {
    it('tells which areas are paid this month, and leads from the map to the reason', async () => {
      const page = await open('/?month=2019-11')
      const states = await page.locator('table#areas tbody tr').evaluateAll((rows) => (
        rows.map((row) => [row.cells[0].innerText, row.querySelector('.tag').className])
      ))
      assert.equal(states.length, 12)
      const paid = states.filter(([, tone]) => tone === 'tag yes').length
      assert.equal(number(await page.locator('.card.yes strong').innerText()), paid)
      await page.locator('figure.map a[href*="/areas/150300"] path').click()
      await page.waitForURL(/\/areas\/150300\?month=2019-11/)
      assert.match(await page.locator('.sentence').first().innerText(), en ? /Wuhai|CPI/ : /CPI/)
      await leave(page)
    })

    it('answers why an area is not paid, with margins, clauses and the figures behind them', async () => {
      const page = await open('/areas/150300?month=2021-04')
      const answer = await page.locator('.answer .sentence').innerText()
      for (const part of ['0.9', '3.0', '2.3', '6.0']) assert.ok(answer.includes(part), answer)
      const rows = page.locator('table#conditions tbody tr')
      assert.equal(await rows.count(), 2)
      const first = rows.filter({ hasText: '3.0' })
      for (const part of ['0.9', '3.0', '-2.1', '《']) {
        assert.ok((await first.innerText()).includes(part), await first.innerText())
      }
      assert.ok(await page.locator('.chart svg').first().isVisible())
      await first.getByRole('link', { name: '0.9' }).click()
      await page.waitForURL(/\/figures\/150300\/cpi\/2021-04/)
      assert.ok((await page.locator('table#revisions').innerText()).includes('0.9'))
      await leave(page)
    })

    it('unfolds how an amount comes about, step by step, and downloads what it shows', async () => {
      const page = await open('/areas/150100?month=2020-01')
      const sum = page.locator('table#amounts tbody tr').first().locator('td').nth(2).locator('a')
      const yuan = await sum.innerText()
      assert.match(yuan, /^\d+(\.\d+)?$/)
      await sum.click()
      const derivation = page.locator('details.derivation[open]')
      await derivation.waitFor()
      const steps = await derivation.locator('ol').first().innerText()
      assert.ok(steps.includes(yuan), steps)
      assert.ok(await derivation.locator('a[href^="/rules/"]').count() > 0)
      await accessible(page)
      await kept(page, 'derivation')
      const table = page.locator('p.downloads a[href*="table=amounts"]')
      const file = await saved(page, table.filter({ hasText: 'CSV' }))
      assert.match(file.name, /\.csv$/)
      assert.ok(file.content.toString('utf8').includes(yuan))
      const book = await saved(page, table.filter({ hasText: 'XLSX' }))
      assert.equal(book.content.subarray(0, 2).toString(), 'PK')
      await leave(page)
    })

    it('shows the law in force, where it stands, and two documents beside each other', async () => {
      const page = await open('/rules?area=150300&month=2021-04')
      const threshold = page.locator('table#parameters tbody tr').filter({ hasText: 'threshold' }).first()
      assert.match(await threshold.innerText(), /3\.0|6\.0/)
      await threshold.locator('a').first().click()
      await page.waitForURL(/\/rules\/[a-z0-9-]+$/)
      await fits(page)
      await accessible(page)
      await kept(page, 'document')
      await page.goBack()
      await page.locator('form[action="/rules/compare"] button').click()
      await page.waitForURL(/\/rules\/compare/)
      const differs = page.locator('table#comparison .differs')
      assert.ok(await differs.count() > 0)
      await fits(page)
      await accessible(page)
      await kept(page, 'compare')
      await leave(page)
    })

    it('checks figures before it records them, with what is wrong beside the cell', async () => {
      const page = await visitor(chrome, { lang, width, host: server.page })
      await signIn(page, server.page, 'mei', `/record?month=${month}`)
      const before = await entries(page)
      const cpi = page.locator(`input[name="v.${city}.cpi"]`)
      await cpi.fill('3,6')
      await page.locator('button.strong').click()
      assert.equal(await cpi.getAttribute('aria-invalid') !== null, true)
      const told = await cpi.getAttribute('aria-describedby')
      assert.ok((await page.locator(`[id="${told}"]`).innerText()).length > 3)
      assert.equal(await cpi.inputValue(), '3,6')
      await accessible(page)
      await kept(page, 'record-wrong')

      await cpi.fill('9.6')
      await page.locator(`input[name="v.${city}.food"]`).fill('12.4')
      await page.locator('input[name=source]').fill('Statistics office')
      await page.locator('button.strong').click()
      const outcomes = await page.locator('table#rows tbody tr').allInnerTexts()
      assert.equal(outcomes.length, 2)
      assert.ok(outcomes.every((row) => row.includes(en ? 'new' : '新增')), outcomes.join('\n'))
      const changes = await page.locator('table#changes tbody tr').allInnerTexts()
      const starts = changes.filter((row) => row.includes(month) && row.includes(en ? 'started' : '启动'))
      assert.ok(starts.length > 0, changes.join('\n'))
      assert.equal(await entries(page), before)
      await accessible(page)
      await fits(page)
      await kept(page, 'record-check')

      await page.locator('button.strong').click()
      assert.equal(await entries(page), before + 1)
      await page.goto(`${server.page}/figures/${city}/cpi/${month}`)
      assert.ok((await page.locator('table#revisions').innerText()).includes('9.6'))
      await leave(page)
    })

    it('takes a table of figures, and shows a revision as one', async () => {
      const page = await visitor(chrome, { lang, width, host: server.page })
      await signIn(page, server.page, 'mei', '/record')
      const head = 'month,area_code,series,value,released_on,source\n'
      const wrong = `${head}${revised},150100,cpi,x,,s\n`
      await page.locator('input[type=file]').setInputFiles(csv('wrong.csv', wrong))
      await page.locator('button.strong').click()
      assert.ok((await page.locator('[role=alert]').innerText()).includes(en ? 'value' : '数值'))
      const right = `${head}${revised},150100,cpi,2.05,,s\n`
      await page.locator('input[type=file]').setInputFiles(csv('right.csv', right))
      await page.locator('button.strong').click()
      const rows = await page.locator('table#rows tbody tr').allInnerTexts()
      assert.equal(rows.length, 1)
      assert.ok(rows[0].includes('2.05'), rows[0])
      assert.ok(rows[0].includes(en ? 'revision' : '修订'), rows[0])
      await leave(page)
    })

    it('makes a run, has another approve and release it, and gives its papers', async () => {
      const page = await visitor(chrome, { lang, width, host: server.page })
      await signIn(page, server.page, 'zhang', '/runs')
      const head = 'index_month,area_code,group,residence,persons\n'
      const one = `${head}${paid},150100,subsistence_allowance,urban,1200\n`
      await page.locator('input[type=file]').setInputFiles(csv('headcounts.csv', one))
      await page.locator('button[value=check]').click()
      assert.ok((await page.locator('.sentence').innerText()).includes('1200'))
      await page.goBack()
      await page.locator('input[type=file]').setInputFiles(csv('headcounts.csv', one))
      await page.locator('input[name=note]').fill(`${lang} ${width}`)
      await page.locator('button[value=make]').click()
      await page.waitForURL(/\/runs\/R\d+$/)
      const run = /R\d+$/.exec(page.url())[0]
      assert.ok((await page.locator('table#lines').innerText()).includes('1200'))
      await accessible(page)
      await fits(page)
      await kept(page, 'run')
      await page.locator('form.step button').filter({ hasText: en ? 'submit' : '提交' }).click()
      await page.waitForLoadState()

      await signIn(page, server.page, 'li', `/runs/${run}`)
      await page.locator('form.step button').filter({ hasText: en ? 'approve' : '批准' }).click()
      await page.waitForLoadState()
      await page.locator('form.step button').filter({ hasText: en ? 'release' : '拨付' }).click()
      await page.waitForLoadState()
      assert.match(await page.locator('h1').innerText(), en ? /released/ : /拨付/)
      const life = await page.locator('table#events tbody tr').allInnerTexts()
      for (const who of ['zhang', 'li']) assert.ok(life.some((row) => row.includes(who)), life.join('\n'))
      const papers = [['computation.xlsx', 'PK'], ['funding.xlsx', 'PK'], ['receipt.json', '{']]
      for (const [ending, begins] of papers) {
        const file = await saved(page, page.locator(`a[href$="${ending}"]`))
        assert.equal(file.content.subarray(0, begins.length).toString(), begins, ending)
      }
      const notice = await saved(page, page.locator('a[href^="/notices/"]').first())
      assert.equal(notice.content.subarray(0, 2).toString(), 'PK')
      await leave(page)
    })

    it('replays under other thresholds, at once, with an address to send on', async () => {
      const page = await open('/replay?area=150100&from=2019-01&until=2020-12')
      const months = () => page.locator('#result table#months .tag.yes').count()
      const before = await months()
      assert.ok(before > 0)
      const slider = page.locator('input[type=range][name*="cpi"][name$="threshold"]').first()
      await slider.fill('1')
      await page.locator('table#totals').waitFor()
      await page.waitForURL(/threshold=1/)
      assert.ok(await months() > before)
      const link = await page.locator('#result a[href^="/replay"]').last().getAttribute('href')
      await accessible(page)
      await fits(page)
      await kept(page, 'replay')
      const after = await months()
      await page.goto(server.page + link)
      assert.equal(await months(), after)
      await leave(page)
    })

    it('shows who did what, and checks the whole chain', async () => {
      const page = await visitor(chrome, { lang, width, host: server.page })
      await signIn(page, server.page, 'auditor', '/audit')
      assert.ok(await page.locator('table#entries tbody tr').count() >= 24)
      await page.locator('form[action="/audit/verify"] button').click()
      const told = await page.locator('[role=status]').innerText()
      assert.match(told, en ? /Sound/ : /核对无误/)
      assert.match(told, /[0-9a-f]{64}/)
      await accessible(page)
      await fits(page)
      await kept(page, 'audit-sound')
      await leave(page)
    })
  })
}
