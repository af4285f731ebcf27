// One person's morning without a mouse: read the month, sign in, record, confirm.

import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { browser, leave, serve, visitor } from './lib.mjs'

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

/** Presses Tab until what has the focus matches, at most `most` times; fails if it has no visible focus. */
async function tabTo(page, selector, most = 120) {
  for (let pressed = 0; pressed < most; pressed++) {
    await page.keyboard.press('Tab')
    const [matches, visible, html] = await page.evaluate((wanted) => {
      const at = document.activeElement
      const { outlineStyle, outlineWidth } = getComputedStyle(at)
      // An area of the map shows the focus by its own edge.
      const piece = at.querySelector('.piece')
      const marked = outlineStyle !== 'none' && outlineWidth !== '0px'
      const edged = piece !== null && Number.parseFloat(getComputedStyle(piece).strokeWidth) >= 3
      // Of a date the browser marks the part in focus, out of reach of the page.
      const date = at.matches('input[type=date]')
      return [at.matches(wanted), marked || edged || date, at.outerHTML.slice(0, 200)]
    }, selector)
    assert.ok(visible, `no visible focus on ${html}`)
    if (matches) return
  }
  assert.fail(`no way to ${selector} in ${most} presses of Tab`)
}

it('a clerk reads the month, signs in, records a figure and sees it, by keyboard alone', async () => {
  const page = await visitor(chrome, { host: server.page })
  const { keyboard } = page
  await page.goto(`${server.page}/?month=2020-01`)

  // The first stop skips the navigation.
  await keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip')
  await keyboard.press('Enter')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'content')
  await tabTo(page, 'figure.map a[href*="150100"]')
  await keyboard.press('Enter')
  await page.waitForURL(/\/areas\/150100/)

  await tabTo(page, 'details.derivation summary')
  await keyboard.press('Enter')
  assert.equal(await page.locator('details.derivation[open]').count(), 1)

  await page.goto(`${server.page}/record`)
  await tabTo(page, 'main a[href^="/sign-in"]')
  await keyboard.press('Enter')
  await page.waitForURL(/sign-in/)
  // The one field has the focus.
  assert.equal(await page.evaluate(() => document.activeElement.name), 'name')
  await keyboard.type('mei')
  await keyboard.press('Enter')
  await page.waitForURL(/\/record$/)

  await tabTo(page, 'input[name="v.150300.cpi"]')
  await keyboard.type('3.6')
  await tabTo(page, 'input[name=source]')
  await keyboard.type('Survey team')
  await keyboard.press('Enter')
  await page.waitForURL(/\/record\/check/)
  await tabTo(page, 'button.strong')
  await keyboard.press('Enter')
  await page.locator('.sentence').waitFor()
  await page.waitForURL(/\/record$/)
  assert.match(await page.locator('h1').innerText(), /已记录/)
  await leave(page)
})
