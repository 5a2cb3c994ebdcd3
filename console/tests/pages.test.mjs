// Every page, in light and dark, on a desk and on a phone: no complaint of the browser, no barrier.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { assertAccessible, assertNoComplaints, begin, end, open } from './browser.mjs'

const PAGES = {
  '': 'Overview',
  transactions: 'Transactions',
  receive: 'Receive',
  send: 'Send',
  webhooks: 'Webhooks',
  keys: 'API keys',
  approvals: 'Approvals',
  accounts: 'Accounts',
  node: 'Node',
  audit: 'Audit',
  tester: 'API tester',
  settings: 'Settings',
  'no/such/page': 'No such page',
}
// A folder for pictures of all pages; none are taken without it.
const PICTURES = process.env.LEYDEN_PICTURES

let world
before(async () => {
  world = await begin()
})
after(() => end(world))

for (const colorScheme of ['light', 'dark']) {
  test(`every page is whole and open to everybody in ${colorScheme} colours`, async () => {
    const page = await open(world, { colorScheme })
    for (const [where, title] of Object.entries(PAGES)) {
      await page.goto(world.sandbox.console_url + where)
      await page.getByRole('heading', { level: 1, name: title }).waitFor()
      await page.getByLabel('Loading').first().waitFor({ state: 'detached' })
      await assertAccessible(page, `${title}, ${colorScheme}`)
      if (PICTURES) {
        fs.mkdirSync(PICTURES, { recursive: true })
        const name = `${title.toLowerCase().replaceAll(' ', '-')}-${colorScheme}.png`
        await page.screenshot({ path: path.join(PICTURES, name), fullPage: true })
      }
      assertNoComplaints(page)
    }
  })
}

test('every page fits a phone', async () => {
  const page = await open(world, { viewport: { width: 375, height: 740 } })
  for (const [where, title] of Object.entries(PAGES)) {
    await page.goto(world.sandbox.console_url + where)
    await page.getByRole('heading', { level: 1, name: title }).waitFor()
    await page.getByLabel('Loading').first().waitFor({ state: 'detached' })
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    assert.ok(beyond <= 0, `${title} is ${beyond} px too wide`)
  }
  await page.goto(world.sandbox.console_url)
  await page.getByRole('button', { name: 'Show the pages' }).click()
  await page.getByRole('link', { name: 'Settings' }).click()
  await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
  assertNoComplaints(page)
})

test('a page is reached and used by keyboard alone', async () => {
  const page = await open(world)
  await page.getByRole('link', { name: 'Receive' }).first().focus()
  await page.keyboard.press('Enter')
  await page.getByLabel('Amount').focus()
  await page.keyboard.press('Enter')
  await page.getByRole('img', { name: 'The invoice as a QR code' }).waitFor()
  assertNoComplaints(page)
})

test('a program gets JSON for an unknown path, and a page comes with its own policy', async () => {
  const program = await fetch(`${world.sandbox.api_url}/no/such/path`)
  assert.equal(program.status, 404)
  assert.equal((await program.json()).code, 'not_found')
  const page = await fetch(world.sandbox.console_url, { headers: { accept: 'text/html' } })
  const policy = page.headers.get('content-security-policy')
  assert.match(policy, /default-src 'none'/)
  assert.doesNotMatch(policy, /unsafe/)
})
