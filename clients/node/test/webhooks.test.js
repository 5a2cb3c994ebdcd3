'use strict';
// Webhooks as a merchant's receiver gets them: which, how often, and signed for both schemes.

const assert = require('node:assert/strict');
const { createHmac } = require('node:crypto');
const { after, before, test } = require('node:test');
const { Webhook } = require('standardwebhooks');
const { Webhook: SvixWebhook } = require('svix');

const { Receiver } = require('../lib/receiver');
const { Sandbox } = require('../lib/sandbox');

const COMPLETED = 'deposit.lightning.completed';

// What JavaScript moves, escapes or could write otherwise.
const METADATA = {
  zeta: 'last in the alphabet, first in the request',
  '10': 'ten',
  '2': 'two',
  '01': 'no index',
  quotes: '"\\/ and <b>&amp;</b>',
  control: '\u0000\u0001\b\t\n\f\r\u001f\u007f',
  unicode: 'é ß 漢字 😀 \u2028\u2029 \ufeff',
  empty: '',
};

let sandbox;
before(async () => {
  sandbox = await Sandbox.start();
});
after(() => sandbox.end());

const hex = (secret, text) => createHmac('sha256', secret).update(text).digest('hex');
const named = (name) => (delivery) => delivery.body.event === name;

// A receiver with its endpoint: `hook` has the secrets.
async function listen(events, answer) {
  const receiver = await Receiver.start(answer);
  const request = { url: receiver.url, events };
  receiver.hook = await sandbox.operator('POST', '/admin/v1/webhooks', request);
  return receiver;
}

async function close(receiver) {
  await sandbox.operator('DELETE', `/admin/v1/webhooks/${receiver.hook.id}`);
  await receiver.stop();
}

function withdraw(destination, amount, metadata) {
  const request = { amount, currency: 'sats', destination, metadata };
  return sandbox.customer('POST', '/v1/bitcoin/withdraw/confirm', request);
}

// Another tenant's secret, of the same form.
const FOREIGN = 'f0'.repeat(32);
const FOREIGN_STANDARD = `whsec_${Buffer.from(FOREIGN).toString('base64')}`;

function assertSigned({ headers, raw, body }, { secret, standard_secret }) {
  assert.equal(headers['content-type'], 'application/json');
  assert.match(headers['bitvora-signature'], /^[0-9a-f]{64}$/);
  assert.equal(headers['bitvora-signature'], hex(secret, raw));
  assert.equal(JSON.stringify(body), raw.toString('utf8'));
  assert.equal(headers['bitvora-signature'], hex(secret, JSON.stringify(JSON.parse(raw))));

  assert.notEqual(headers['bitvora-signature'], hex(FOREIGN, raw));
  for (const at of [0, raw.length >> 1, raw.length - 1]) {
    const changed = Buffer.from(raw);
    changed[at] ^= 1;
    assert.notEqual(headers['bitvora-signature'], hex(secret, changed));
  }

  for (const Verifier of [Webhook, SvixWebhook]) {
    const standard = new Verifier(standard_secret);
    assert.deepEqual(standard.verify(raw, headers), body);
    const refused = { message: 'No matching signature found' };
    for (const at of [0, raw.length >> 1, raw.length - 1]) {
      const changed = Buffer.from(raw);
      changed[at] ^= 1;
      assert.throws(() => standard.verify(changed, headers), refused);
    }
    assert.throws(() => new Verifier(FOREIGN_STANDARD).verify(raw, headers), refused);
    const id = headers['webhook-id'];
    assert.throws(() => standard.verify(raw, { ...headers, 'webhook-id': `${id}0` }), refused);
    // What was recorded six minutes ago, with the signature of then, is a replay.
    const then = new Date(Date.now() - 6 * 60_000);
    const stale = {
      ...headers,
      'webhook-timestamp': String(Math.floor(then / 1000)),
      'webhook-signature': standard.sign(id, then, raw.toString('utf8')),
    };
    assert.throws(() => standard.verify(raw, stale), { message: 'Message timestamp too old' });
  }
}

test('all five lightning events arrive once each, with their status and signatures', async () => {
  const receiver = await listen(['*']);
  const { deliveries, hook } = receiver;
  const request = { amount: 7, currency: 'sats', description: 'expires', expiry_seconds: 1 };
  const expired = await sandbox.customer('POST', '/v1/bitcoin/deposit/lightning-invoice', request);
  const deposited = await sandbox.deposit(2_500, { metadata: METADATA });
  const pay = await sandbox.invoice('pay', 1_100);
  const paid = await withdraw(pay.payment_request, 1_100, METADATA);
  const fail = await sandbox.invoice('fail', 1_200);
  const failed = await withdraw(fail.payment_request, 1_200);

  await deliveries.atLeast(6);
  const seen = deliveries.all.map(({ body: { event, data } }) => {
    return [event, data.status, data.amount_sats, data.lightning_invoice_id ?? data.id].join(' ');
  });
  assert.deepEqual(seen.sort(), [
    `deposit.lightning.completed settled 2500 ${deposited.id}`,
    `deposit.lightning.failed failed 7 ${expired.id}`,
    `withdrawal.lightning.completed settled 1100 ${paid.id}`,
    `withdrawal.lightning.failed failed 1200 ${failed.id}`,
    `withdrawal.lightning.pending pending 1100 ${paid.id}`,
    `withdrawal.lightning.pending pending 1200 ${failed.id}`,
  ]);
  assert.equal(new Set(deliveries.all.map(({ headers }) => headers['webhook-id'])).size, 6);
  for (const delivery of deliveries.all) {
    assert.deepEqual(Object.keys(delivery.body), ['event', 'data']);
    assert.equal(delivery.body.data.rail_type, 'lightning');
    assert.equal(delivery.body.data.network_type, 'regtest');
    assertSigned(delivery, hook);
  }
  const [completed] = deliveries.all.filter(named(COMPLETED));
  assert.equal(completed.body.data.recipient, deposited.payment_request);

  // Whatever came twice would have come before the event of a later deposit.
  const last = await sandbox.deposit(1);
  await deliveries.first(({ body }) => body.data.lightning_invoice_id === last.id);
  assert.equal(deliveries.all.length, 7);
  await close(receiver);
});

test('metadata survives byte for byte, in the order of JavaScript', async () => {
  const receiver = await listen([COMPLETED, 'withdrawal.lightning.completed']);
  await sandbox.deposit(1_000, { metadata: METADATA });
  const { payment_request } = await sandbox.invoice('pay', 1_000);
  await withdraw(payment_request, 1_000, METADATA);
  for (const delivery of await receiver.deliveries.atLeast(2)) {
    assert.deepEqual(delivery.body.data.metadata, METADATA);
    assert.deepEqual(Object.keys(delivery.body.data.metadata).slice(0, 3), ['2', '10', 'zeta']);
    assert.ok(delivery.raw.includes(JSON.stringify(METADATA)));
    assertSigned(delivery, receiver.hook);
  }
  await close(receiver);
});

test('an endpoint gets the events that it chose, and no other', async () => {
  const chosen = await listen(['withdrawal.lightning.completed']);
  const all = await listen(['*']);
  await sandbox.deposit(1_000);
  const { payment_request } = await sandbox.invoice('pay', 1_000);
  await withdraw(payment_request, 1_000);
  await all.deliveries.atLeast(3);
  const [got] = await chosen.deliveries.atLeast(1);
  assert.equal(got.body.event, 'withdrawal.lightning.completed');
  const [same] = all.deliveries.all.filter(named('withdrawal.lightning.completed'));
  assert.deepEqual(got.raw, same.raw);
  assert.equal(got.headers['webhook-id'], same.headers['webhook-id'], 'one id for an event');
  assert.notEqual(got.headers['bitvora-signature'], same.headers['bitvora-signature']);
  await close(all);
  await close(chosen);
  assert.equal(chosen.deliveries.all.length, 1);
});

test('a delivery answered with 500 comes again with the same id and bytes', async () => {
  const receiver = await listen([COMPLETED], (_, nth) => (nth === 1 ? 500 : 200));
  await sandbox.deposit(1_000, { metadata: METADATA });
  const [first, second] = await receiver.deliveries.atLeast(2, undefined, 15_000);
  assert.equal(second.headers['webhook-id'], first.headers['webhook-id']);
  assert.deepEqual(second.raw, first.raw);
  const stamp = ({ headers }) => Number(headers['webhook-timestamp']);
  assert.ok(stamp(second) >= stamp(first) + 4, 'the time is that of the attempt');
  assertSigned(first, receiver.hook);
  assertSigned(second, receiver.hook);
  await close(receiver);
  assert.equal(receiver.deliveries.all.length, 2);
});

test('a receiver that was away during a restart gets what it missed, once', async () => {
  const receiver = await listen([COMPLETED], (_, nth) => (nth === 1 ? 503 : 200));
  const deposited = await sandbox.deposit(1_000);
  await receiver.deliveries.atLeast(1);
  await sandbox.stop();
  await sandbox.launch('127.0.0.1:0');
  const [first, second] = await receiver.deliveries.atLeast(2, undefined, 15_000);
  assert.equal(second.body.data.lightning_invoice_id, deposited.id);
  assert.equal(second.headers['webhook-id'], first.headers['webhook-id']);
  assert.deepEqual(second.raw, first.raw);
  assertSigned(second, receiver.hook);
  await close(receiver);
});

test('a new secret and the old one both verify until the old one is gone', async () => {
  const receiver = await listen([COMPLETED]);
  const old = receiver.hook;
  const path = `/admin/v1/webhooks/${old.id}`;
  const next = await sandbox.operator('POST', `${path}/rotate`, { keep_old_seconds: 3600 });
  assert.notEqual(next.secret, old.secret);
  await sandbox.deposit(1_000);
  const [first] = await receiver.deliveries.atLeast(1);
  for (const hook of [old, next]) {
    assert.deepEqual(new Webhook(hook.standard_secret).verify(first.raw, first.headers), first.body);
  }
  assert.equal(first.headers['bitvora-signature'], hex(old.secret, first.raw));
  await sandbox.operator('POST', `${path}/promote`);
  await sandbox.deposit(1_000);
  const [, second] = await receiver.deliveries.atLeast(2);
  assert.equal(second.headers['bitvora-signature'], hex(next.secret, second.raw));
  const log = await sandbox.operator('GET', `${path}/deliveries`);
  assert.equal(log.data[0].id, second.headers['webhook-id']);
  await close(receiver);
});
