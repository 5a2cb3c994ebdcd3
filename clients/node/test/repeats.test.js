'use strict';
// Many commands at once: one payment for a ClientId, and never more than the account has.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Hub, CREATED, COMPLETED, FAILED, ERROR } = require('../lib/hub');
const { Sandbox } = require('../lib/sandbox');

let sandbox;
before(async () => {
  sandbox = await Sandbox.start();
});
after(() => sandbox.end());

const ten = Array.from({ length: 10 }, (_, index) => index);

async function withdrawals(key = sandbox.api_key) {
  const all = await sandbox.customer('GET', '/v1/transactions', undefined, key);
  return all.filter((transaction) => transaction.type === 'withdrawal');
}

function assertEqualAnswers(events) {
  for (const event of events) assert.deepEqual(event, events[0]);
}

test('a ClientId ten times at once is one payment and ten equal answers', async () => {
  const hub = await Hub.connect(sandbox);
  const [balance, earlier] = [await sandbox.balance(), await withdrawals()];
  const invoice = await sandbox.invoice('hang', 1_000);
  await Promise.all(ten.map(() => hub.invoke('one connection', invoice.payment_request)));
  const answers = await hub.events.atLeast(10, (event) => event.subject === CREATED);
  assert.equal(answers.length, 10);
  assertEqualAnswers(answers);

  await sandbox.release(invoice, 'settle');
  await hub.event('one connection', COMPLETED);
  assert.equal((await withdrawals()).length, earlier.length + 1);
  assert.equal(await sandbox.balance(), balance - 1_000);
  await hub.invoke('one connection', invoice.payment_request);
  await hub.events.atLeast(11, (event) => event.subject === CREATED);
  assertEqualAnswers(hub.of('one connection', CREATED));
  assert.equal(hub.of('one connection', COMPLETED).length, 1);
  assert.equal(hub.events.all.length, 12, 'and nothing else arrived');
  assert.equal(await sandbox.balance(), balance - 1_000);
  await hub.stop();
});

test('a ClientId on ten connections at once is one payment, and all are answered', async () => {
  const hubs = await Promise.all(ten.map(() => Hub.connect(sandbox)));
  const [balance, earlier] = [await sandbox.balance(), await withdrawals()];
  const invoice = await sandbox.invoice('pay', 1_000);
  await Promise.all(hubs.map((hub) => hub.invoke('ten connections', invoice.payment_request)));
  await Promise.all(hubs.map((hub) => hub.event('ten connections', CREATED)));
  await Promise.all(hubs.map((hub) => hub.event('ten connections', COMPLETED)));

  const created = hubs.flatMap((hub) => hub.of('ten connections', CREATED));
  assertEqualAnswers(created);
  assert.equal(created.length, 10 + 9, 'the event for each, and an answer for each repeat');
  assertEqualAnswers(hubs.flatMap((hub) => hub.of('ten connections', COMPLETED)));
  assert.equal(hubs.flatMap((hub) => hub.events.all).length, 10 + 9 + 10);
  assert.equal((await withdrawals()).length, earlier.length + 1);
  assert.equal(await sandbox.balance(), balance - 1_000);
  await Promise.all(hubs.map((hub) => hub.stop()));
});

test('fifty withdrawals at once from 1,000 sats hold nine times 106 and no more', async () => {
  const account = await sandbox.operator('POST', '/admin/v1/accounts', { name: 'small' });
  const request = { name: 'small', account_id: account.id };
  const { key } = await sandbox.operator('POST', '/admin/v1/keys', request);
  await sandbox.deposit(1_000, {}, key);
  assert.equal(await sandbox.balance(key), 1_000);
  const others = await sandbox.balance();

  const invoices = [];
  for (let index = 0; index < 50; index += 1) invoices.push(await sandbox.invoice('hang', 100));
  const hub = await Hub.connect(sandbox, { key });
  await Promise.all(invoices.map((each, index) => hub.invoke(`w${index}`, each.payment_request)));
  await hub.events.atLeast(50);
  const created = hub.events.all.filter((event) => event.subject === CREATED);
  const refused = hub.events.all.filter((event) => event.subject === ERROR);
  assert.deepEqual([created.length, refused.length], [9, 41]);
  for (const { data } of refused) {
    assert.equal(data.httpStatusCode, 400);
    assert.match(data.message, /^Insufficient funds: 106 sats are needed/);
  }
  assert.equal(await sandbox.balance(key), 1_000 - 9 * 106);

  const held = created.map((event) => invoices[Number(event.clientId.slice(1))]);
  for (const [index, invoice] of held.entries()) {
    await sandbox.release(invoice, index < 5 ? 'settle' : 'fail');
  }
  await hub.events.atLeast(5, (event) => event.subject === COMPLETED);
  await hub.events.atLeast(4, (event) => event.subject === FAILED);
  assert.equal(await sandbox.balance(key), 1_000 - 5 * 100);
  assert.equal(await sandbox.balance(), others, "another account's money is not touched");
  assert.equal(hub.events.all.length, 50 + 9);
  assert.equal((await withdrawals(key)).length, 9);
  await sandbox.audit();
  await hub.stop();
});
