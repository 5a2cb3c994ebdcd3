// Debian's Chromium on the pages of a sandbox of its own. What a page complains of fails the test that opened it.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'
import axe from 'axe-core'

const require = createRequire(import.meta.url)
const { Sandbox } = require('../../clients/node/lib/sandbox.js')

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
// As root there is no sandbox; the rest keeps the browser from asking the world.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export async function begin() {
  const sandbox = await Sandbox.start()
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
  return { sandbox, browser }
}

export async function end({ sandbox, browser }) {
  await browser.close()
  await sandbox.stop()
}

// The first look for a session finds none, and the server makes no estimates yet.
const EXPECTED = { '/admin/v1/session': 401, '/v1/bitcoin/withdraw/estimate': 404 }

/** A page that remembers what it complained of. */
export async function open({ sandbox, browser }, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  page.complaints = []
  page.on('pageerror', (error) => page.complaints.push(String(error)))
  page.on('console', (message) => {
    const isOfAnAnswer = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !isOfAnAnswer) page.complaints.push(message.text())
  })
  page.on('response', (response) => {
    const { pathname } = new URL(response.url())
    if (response.status() >= 400 && EXPECTED[pathname] !== response.status()) {
      page.complaints.push(`${response.status()} ${pathname}`)
    }
  })
  await page.goto(sandbox.console_url)
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  return page
}

export function assertNoComplaints(page) {
  assert.deepEqual(page.complaints, [])
}

/** Every rule of WCAG 2.2 AA that a machine can check. */
export async function assertAccessible(page, where) {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'] }),
  )
  const told = violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 90)} ${any[0]?.message ?? ''}`).join('\n')}`,
  )
  assert.deepEqual(told, [], where)
}
