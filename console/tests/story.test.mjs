// The first two minutes: open the page, receive, send, look what happened.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertNoComplaints, begin, end, open } from './browser.mjs'

let world
before(async () => {
  world = await begin()
})
after(() => end(world))

async function invoice(behaviour) {
  const answer = await fetch(`${world.sandbox.sandbox_url}/invoice`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.sandbox.admin_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ amount_sats: 2_100, behaviour }),
  })
  return (await answer.json()).payment_request
}

test('a newcomer receives and sends a payment and sees what happened', async () => {
  const page = await open(world)
  await page.getByText('1,000,000 sat').first().waitFor()

  await page.getByRole('link', { name: 'Receive' }).first().click()
  await page.getByRole('button', { name: 'Make an invoice' }).click()
  await page.getByRole('img', { name: 'The invoice as a QR code' }).waitFor()
  await page.getByRole('button', { name: 'Pay it as the counterparty' }).click()
  await page.getByText('Paid', { exact: true }).waitFor()

  await page.getByRole('link', { name: 'Send' }).first().click()
  await page.getByRole('textbox', { name: 'To' }).fill(await invoice('pay'))
  await page.getByRole('button', { name: 'What is it?' }).click()
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByText('settled').waitFor()
  await page.getByRole('link', { name: 'Details' }).click()
  await page.getByText('withdrawal.lightning.completed').waitFor()
  await page.getByText('Proof of payment').waitFor()

  await page.getByRole('link', { name: 'Transactions', exact: true }).click()
  await page.getByRole('row', { name: /Sent/ }).first().waitFor()
  await page
    .getByRole('row', { name: /Received/ })
    .first()
    .waitFor()
  assertNoComplaints(page)
})

test('a payment that is held says why it is pending, and one that fails says that nothing has left', async () => {
  const page = await open(world)
  await page.goto(`${world.sandbox.console_url}send`)
  await page.getByRole('textbox', { name: 'To' }).fill(await invoice('hang'))
  await page.getByRole('button', { name: 'What is it?' }).click()
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByRole('link', { name: 'Details' }).click()
  await page.getByText('Why it is pending').waitFor()

  await page.goto(`${world.sandbox.console_url}send`)
  await page.getByRole('textbox', { name: 'To' }).fill(await invoice('fail'))
  await page.getByRole('button', { name: 'What is it?' }).click()
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByText('Nothing has left the account').waitFor()
  assertNoComplaints(page)
})

test('what a stranger writes is shown as text', async () => {
  const hostile = '<img src=x onerror="document.title=1">'
  const made = await fetch(`${world.sandbox.api_url}/v1/bitcoin/deposit/lightning-invoice`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.sandbox.api_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ amount: 7, currency: 'sats', description: hostile, metadata: { note: hostile } }),
  })
  const { data } = await made.json()
  await fetch(`${world.sandbox.sandbox_url}/pay`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.sandbox.admin_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ payment_request: data.payment_request }),
  })
  const page = await open(world)
  await page.getByRole('link', { name: 'Received' }).first().click()
  await page.getByText('onerror').waitFor()
  assert.equal(await page.locator('img[src="x"]').count(), 0)
  assertNoComplaints(page)
})

test('the cookie of a session is out of reach of scripts and of other sites', async () => {
  const page = await open(world)
  const cookies = await page.context().cookies()
  const session = cookies.find(({ name }) => name === 'leyden_session')
  assert.equal(session.httpOnly, true)
  assert.equal(session.sameSite, 'Strict')
  assert.equal(await page.evaluate(() => document.cookie), '')
  const forged = await page.evaluate(async () => {
    const answer = await fetch('/admin/v1/accounts', { method: 'POST', body: '{"name":"x"}' })
    return answer.status
  })
  assert.equal(forged, 403)
})

test('the tester connects to the hub with a key, invokes the command and hears its events', async () => {
  const page = await open(world)
  await page.getByRole('link', { name: 'API tester' }).click()
  await page.getByRole('heading', { name: 'WithdrawLightning' }).waitFor()
  await page.getByText('Disconnected').waitFor()
  await page.getByRole('textbox', { name: 'API key' }).fill(world.sandbox.api_key)
  await page.getByRole('button', { name: 'Connect' }).click()
  await page.getByText('Connected', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Fill in an example' }).click()
  await page.getByRole('button', { name: 'Invoke WithdrawLightning' }).click()
  const log = page.getByRole('log')
  await log.getByText('execution.withdrawal.lightspark.created').waitFor()
  await log.getByText('execution.withdrawal.lightspark.completed').waitFor()
  const stored = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))
  assert.ok(!stored.includes(world.sandbox.api_key), 'the key is not stored')
  assertNoComplaints(page)
})
