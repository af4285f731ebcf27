// What the page refuses, and what it tells browsers not to do.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { browser, leave, serve, signIn, visitor } from './lib.mjs'

let server
before(async () => { server = await serve() })
after(() => server?.stop())

const get = (path, cookie = '') => fetch(server.page + path, { redirect: 'manual', headers: { cookie } })

/** Posts fields; `cookie` is the session's. */
const post = (path, fields, { cookie = '', ...headers } = {}) => fetch(server.page + path, {
  method: 'POST',
  redirect: 'manual',
  headers: { cookie, ...headers },
  body: fields,
})
const typed = (fields) => new URLSearchParams(fields)
const parts = (fields) => {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  return form
}
const cookieOf = (response) => /pl_session=[0-9a-f]+/.exec(response.headers.get('set-cookie'))?.[0]

/** A session that has signed in, or has not, with its token. */
async function session(name) {
  const form = await get('/sign-in')
  const [cookie, token] = [cookieOf(form), tokenIn(await form.text())]
  if (!name) return { cookie, token }
  const entered = await post('/sign-in', typed({ name, token, back: '/audit' }), { cookie })
  assert.equal(entered.status, 303)
  const own = cookieOf(entered)
  return { cookie: own, token: tokenIn(await (await get('/audit', own)).text()) }
}
const tokenIn = (html) => /name="token" value="([0-9a-f]{64})"/.exec(html)?.[1]

async function journal() {
  const html = await (await get('/audit')).text()
  return /(?:账本第|Journal entry) (\d+)/.exec(html)[1]
}

describe('headers', () => {
  const pages = [
    '/', '/areas/150300', '/areas/150300?as=csv', '/areas/150300/chart.svg', '/rules', '/runs', '/record',
    '/replay?area=150300', '/audit', '/sign-in', '/nowhere', '/areas/999999', '/?month=x', '/runs/R99999',
  ]
  for (const path of pages) {
    it(path, async () => {
      const { headers, status } = await get(path)
      assert.ok(status < 500, `${status}`)
      const policy = headers.get('content-security-policy')
      for (const part of [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'",
        "form-action 'self'", "base-uri 'none'",
      ]) assert.ok(policy.split('; ').includes(part), `${part} in ${policy}`)
      assert.doesNotMatch(policy, /unsafe|http:|data:|\*/)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('x-frame-options'), 'DENY')
      assert.ok(['same-origin', 'no-referrer'].includes(headers.get('referrer-policy')))
      assert.equal(headers.get('cache-control'), 'no-store')
      assert.equal(headers.get('access-control-allow-origin'), null)
      assert.equal(headers.get('server'), null)
    })
  }

  it('of style and script: kept for good, under an address that changes with them', async () => {
    const html = await (await get('/')).text()
    const assets = [...html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path)
    assert.equal(assets.length, 3)
    for (const path of assets) {
      const { headers, status } = await get(path)
      assert.equal(status, 200)
      assert.match(headers.get('cache-control'), /immutable/)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
    }
    assert.equal((await get(assets[0].replace(/\/[^/]+$/, '/../../Cargo.toml'))).status, 404)
  })

  it('no style or script stands in a page, and none comes from elsewhere', async () => {
    for (const path of ['/', '/areas/150100?month=2020-01', '/rules', '/record', '/replay?area=150300']) {
      const html = await (await get(path)).text()
      assert.doesNotMatch(html, /<style|<script(?![^>]*\bsrc=)|\son[a-z]+=|\sstyle=|javascript:/i, path)
      assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//, path)
    }
  })
})

describe('refusals', () => {
  it('an address that names nothing is told so and shows no secrets', async () => {
    for (const [path, status] of [
      ['/nowhere', 404], ['/areas/999999', 404], ['/areas/x', 400], ['/rules/none', 404],
      ['/runs/R99999', 404],
      ['/?month=2021-13', 400], ['/?within=999999', 400], ['/figures/150300/none/2021-04', 404],
      ['/areas/150300?as=exe', 400], ['/audit?before=x', 400],
    ]) {
      const answer = await get(path)
      assert.equal(answer.status, status, path)
      assert.doesNotMatch(await answer.text(), /panicked|\.rs:|\/root|\/home/, path)
    }
  })

  it('what is typed into an address is shown as text', async () => {
    for (const path of [
      '/?month=<script>alert(1)</script>', '/replay?area="><img src=x onerror=alert(1)>',
      '/audit?principal="><script>1</script>', '/sign-in?back="><script>1</script>',
    ]) {
      const html = await (await get(encodeURI(path))).text()
      assert.doesNotMatch(html, /<script>|<img src=x/, path)
    }
  })

  it('a session that signing in began is another than the one before it, and cannot be planted', async () => {
    const before = await session()
    const entered = await post('/sign-in', typed({ name: 'mei', token: before.token }), before)
    assert.notEqual(cookieOf(entered), before.cookie)
    assert.match(entered.headers.get('set-cookie'), /HttpOnly/)
    assert.match(entered.headers.get('set-cookie'), /SameSite=Lax/)
    const planted = `pl_session=${'a'.repeat(64)}`
    const html = await (await get('/record', planted)).text()
    assert.equal(tokenIn(html), undefined)
  })

  it('signing in leads nowhere else', async () => {
    for (const back of ['https://example.org/', '//example.org', '/\\example.org', 'javascript:alert(1)']) {
      const { cookie, token } = await session()
      const entered = await post('/sign-in', typed({ name: 'mei', token, back }), { cookie })
      assert.equal(entered.headers.get('location'), '/', back)
    }
  })

  it('only its own names are answered, so that no other site can take this address for its own', async () => {
    const { port } = new URL(server.page)
    const under = (host) => new Promise((done, failed) => {
      request({ port, host: '127.0.0.1', path: '/', headers: { host } }, (answer) => {
        answer.resume()
        done(answer.statusCode)
      }).on('error', failed).end()
    })
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) assert.equal(await under(host), 200, host)
    for (const host of ['other.example', `other.example:${port}`, `127.0.0.1.other.example:${port}`]) {
      assert.equal(await under(host), 421, host)
    }
  })

  it('signing out ends the session for good', async () => {
    const { cookie, token } = await session('mei')
    assert.equal((await post('/sign-out', typed({ token }), { cookie })).status, 303)
    assert.doesNotMatch(await (await get('/', cookie)).text(), /sign-out/)
  })
})

describe('forms that did not come from the page', () => {
  const rows = 'month,area_code,series,value,released_on,source\n2030-01,150300,cpi,9.9,,s\n'
  const forms = [
    ['/record', { request: crypto.randomUUID(), rows }, typed],
    ['/record/check', { month: '2030-01', 'v.150300.cpi': '9.9' }, parts],
    ['/runs', { step: 'make' }, parts],
    ['/runs/R1/move', { request: crypto.randomUUID(), made: '1' }, typed],
    ['/runs/R1/payment-list', {}, parts],
    ['/sign-out', {}, typed],
  ]
  for (const [path, fields, encode] of forms) {
    it(path, async () => {
      const before = await journal()
      const { cookie, token } = await session('mei')
      const other = await session('li')
      const visitor = await session()
      const refused = async (fields, headers) => (await post(path, encode(fields), headers)).status
      assert.equal(await refused({ ...fields }, { cookie }), 403, 'no token')
      assert.equal(await refused({ token: '', ...fields }, { cookie }), 403, 'an empty token')
      const changed = `${token.slice(0, -1)}${token.endsWith('0') ? 1 : 0}`
      assert.equal(await refused({ token: changed, ...fields }, { cookie }), 403, 'a wrong token')
      assert.equal(await refused({ token: other.token, ...fields }, { cookie }), 403, "another's token")
      assert.equal(await refused({ token, ...fields }), 303, 'no session: sign in first')
      assert.equal(await refused({ token: visitor.token, ...fields }, visitor), 303, 'nobody has signed in')
      assert.equal((await get(path, cookie)).status === 405 || ['/record', '/runs'].includes(path), true)
      assert.equal(await journal(), before)
    })
  }

  it('a page of another site cannot post even with the cookie there', async () => {
    const chrome = await browser()
    try {
      const page = await visitor(chrome, { host: server.page, expecting: [/403/] })
      await signIn(page, server.page, 'mei', '/record')
      const before = await journal()
      await page.route('http://other.example/', (route) => route.fulfill({
        contentType: 'text/html',
        body: `<form method="post" action="${server.page}/record"><input name="rows" value="x"></form>`,
      }))
      await page.goto('http://other.example/')
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.request().method() === 'POST'),
        page.evaluate(() => document.forms[0].submit()),
      ])
      assert.ok([303, 403].includes(answer.status()), `${answer.status()}`)
      assert.equal(await journal(), before)
      await leave(page)
    } finally {
      await chrome.close()
    }
  })
})
