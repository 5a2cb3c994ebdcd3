'use strict';
// WithdrawLightning with @microsoft/signalr: every outcome that the counterparty can give it.

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { after, before, test } = require('node:test');

const { Hub, assertEnvelope, build, CREATED, COMPLETED, FAILED } = require('../lib/hub');
const { Sandbox } = require('../lib/sandbox');

let sandbox;
let hub;
let counterparty;
before(async () => {
  sandbox = await Sandbox.start();
  hub = await Hub.connect(sandbox);
  counterparty = (await sandbox.operator('GET', '/sandbox')).counterparty_node_id;
});
after(async () => {
  await hub.stop();
  await sandbox.end();
});

const sha256 = (hex) => createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex');

function assertCreated(event, clientId, amountBTC) {
  assertEnvelope(event, CREATED, clientId);
  const { paymentId, ...rest } = event.data;
  assert.match(paymentId, /^\S+$/);
  assert.deepEqual(rest, {
    httpStatusCode: 200,
    status: 'PENDING',
    amountBTC,
    destinationPublicKey: counterparty,
    message: 'Lightning withdrawal created successfully',
  });
}

const forms = [
  ['positional arguments', (clientId, invoice) => [clientId, invoice]],
  ['one array argument', (clientId, invoice) => [[clientId, invoice]]],
];
for (const [form, given] of forms) {
  test(`${form} give a created event within a second, then a completed one`, async () => {
    const clientId = `paid by ${form}`;
    const before = await sandbox.balance();
    const invoice = await sandbox.invoice('pay', 123_456);
    assert.equal(await hub.invoke(...given(clientId, invoice.payment_request)), undefined);
    const created = await hub.event(clientId, CREATED, 1_000);
    assertCreated(created, clientId, 0.00123456);

    const completed = await hub.event(clientId, COMPLETED);
    assertEnvelope(completed, COMPLETED, clientId);
    const { feeBTC, preimage, ...repeated } = completed.data;
    assert.deepEqual(repeated, {
      ...created.data,
      status: 'SUCCESS',
      message: 'Lightning withdrawal completed',
    });
    assert.equal(feeBTC, 0, 'a direct neighbour takes no fee');
    assert.equal(sha256(preimage), invoice.payment_hash);
    assert.equal(await sandbox.balance(), before - 123_456);
  });
}

test('a refused payment gives a failed event, and the balance is exactly what it was', async () => {
  const before = await sandbox.balance();
  const { payment_request } = await sandbox.invoice('fail', 50_000);
  await hub.invoke('refused', payment_request);
  const created = await hub.event('refused', CREATED, 1_000);
  const failed = await hub.event('refused', FAILED);
  assertEnvelope(failed, FAILED, 'refused');
  assert.deepEqual(failed.data, {
    ...created.data,
    httpStatusCode: 400,
    status: 'FAILED',
    message: 'Lightning withdrawal failed',
    reason: 'INCORRECT_PAYMENT_DETAILS',
  });
  assert.equal(await sandbox.balance(), before);
  assert.equal(hub.of('refused', COMPLETED).length, 0);
});

for (const [action, subject, kept] of [['settle', COMPLETED, 70_000], ['fail', FAILED, 0]]) {
  test(`a held payment holds amount and reserve until it is released to ${action}`, async () => {
    const clientId = `held, then ${action}`;
    const before = await sandbox.balance();
    const invoice = await sandbox.invoice('hang', 70_000);
    await hub.invoke(clientId, invoice.payment_request);
    await hub.event(clientId, CREATED, 1_000);
    assert.equal(await sandbox.balance(), before - 70_000 - 705);
    await sandbox.release(invoice, action);
    await hub.event(clientId, subject, 3_000);
    assert.equal(await sandbox.balance(), before - kept);
  });
}

test('a slow payment is pending first and completed after its ten seconds', async () => {
  const { payment_request } = await sandbox.invoice('slow', 2_000);
  const asked = Date.now();
  await hub.invoke('slow', payment_request);
  await hub.event('slow', CREATED, 1_000);
  await hub.event('slow', COMPLETED, 20_000);
  assert.ok(Date.now() - asked >= 10_000, 'not before its time');
});

test('with ?data=string the data is text with the same content, on the same key', async () => {
  const text = await Hub.connect(sandbox, { query: '?data=string' });
  try {
    const { payment_request } = await sandbox.invoice('pay', 1_000);
    await text.invoke('as text', payment_request);
    for (const subject of [CREATED, COMPLETED]) {
      const asText = await text.event('as text', subject);
      const asObject = await hub.event('as text', subject);
      assertEnvelope(asText, subject, 'as text');
      assert.equal(typeof asText.data, 'string');
      assert.deepEqual(JSON.parse(asText.data), asObject.data);
    }
  } finally {
    await text.stop();
  }
});

test('method names are matched without regard to case', async () => {
  const { payment_request } = await sandbox.invoice('pay', 1_000);
  await hub.connection.invoke('withdrawLIGHTNING', 'any case', payment_request);
  await hub.event('any case', COMPLETED);
});

test('a wrong key is refused by start() with 401', async () => {
  const rejected = { message: /Unauthorized: Status code '401'/ };
  for (const key of ['', 'no key at all', `${sandbox.api_key}0`]) {
    await assert.rejects(build(sandbox.hub_url, key).start(), rejected);
  }
});

test('every withdrawal gave exactly one created and one final event', () => {
  const seen = new Map();
  for (const { clientId, subject } of hub.events.all) {
    seen.set(clientId, [...(seen.get(clientId) ?? []), subject]);
  }
  assert.ok(seen.size >= 7);
  for (const [clientId, subjects] of seen) {
    assert.equal(subjects[0], CREATED, clientId);
    assert.ok([COMPLETED, FAILED].includes(subjects[1]), clientId);
    assert.equal(subjects.length, 2, clientId);
  }
});
