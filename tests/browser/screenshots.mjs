// Makes docs/screenshots again: node tests/browser/screenshots.mjs

import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LANGUAGES, browser, leave, serve, visitor } from './lib.mjs'

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../docs/screenshots')
const BYTES_MAX = 1_500_000
const LAPTOP = { width: 1280, height: 680 }
const PHONE = { width: 390, height: 844 }

/** Pages that show what the program is for, with the part of the page that is to be seen. */
const SHOTS = [
  ['month', '/?month=2013-03', LAPTOP],
  ['nation', '/?within=000000&month=2019-11', LAPTOP],
  ['area', '/areas/150300?month=2021-04', LAPTOP],
  ['rules', '/rules?area=150300&month=2021-04', LAPTOP],
  ['replay', '/replay?area=150100&from=2018-01&until=2021-12', LAPTOP],
  ['phone', '/areas/150100?month=2020-01', PHONE],
]

rmSync(FOLDER, { recursive: true, force: true })
mkdirSync(FOLDER, { recursive: true })
const server = await serve()
const chrome = await browser()
for (const lang of LANGUAGES) {
  for (const [name, path, size] of SHOTS) {
    const page = await visitor(chrome, { lang, width: size.width, host: server.page })
    await page.setViewportSize(size)
    await page.goto(server.page + path, { waitUntil: 'networkidle' })
    await page.screenshot({ path: join(FOLDER, `${name}-${lang}.png`) })
    await leave(page)
  }
}
await chrome.close()
await server.stop()

const bytes = readdirSync(FOLDER).reduce((sum, file) => sum + statSync(join(FOLDER, file)).size, 0)
console.log(`${readdirSync(FOLDER).length} pictures, ${bytes} bytes`)
if (bytes > BYTES_MAX) throw new Error(`pictures: ${bytes} bytes, expected at most ${BYTES_MAX}`)
