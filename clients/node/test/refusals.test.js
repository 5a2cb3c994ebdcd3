'use strict';
// What cannot be done is an event that says why. The connection stays usable, nothing stays held.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Hub, assertEnvelope, CREATED, COMPLETED, ERROR, PRE_CHECKS } = require('../lib/hub');
const { Sandbox } = require('../lib/sandbox');
const { until } = require('../lib/until');

// "Please send $30 for a cup of coffee" of BOLT 11, on mainnet.
const MAINNET =
  'lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh';

let sandbox;
let hub;
let untouched;
before(async () => {
  sandbox = await Sandbox.start();
  untouched = await sandbox.balance();
  hub = await Hub.connect(sandbox);
});
after(async () => {
  await hub.stop();
  await sandbox.end();
});

// The command completes without result or error, and its only answer is this event.
async function refused(given, { clientId, subject, status, says }) {
  const seen = hub.events.all.length;
  assert.equal(await hub.invoke(...given), undefined);
  await hub.events.atLeast(seen + 1);
  assert.equal(hub.events.all.length, seen + 1);
  const event = hub.events.all[seen];
  assertEnvelope(event, subject, clientId);
  assert.equal(event.data.httpStatusCode, status);
  assert.match(event.data.message, says);
  if (subject === ERROR) assert.equal(event.data.statusError, event.data.message);
  assert.equal(await sandbox.balance(), untouched, 'nothing is held');
}

const long = 'x'.repeat(37);
const checks = [
  ['a ClientId of 37 characters', [long, 'lnbcrt1'], long.slice(1), /ClientId must be at most 36/],
  ['an empty ClientId', ['', 'lnbcrt1'], '', /ClientId must not be empty/],
  ['no argument at all', [], '', /Missing required parameter: ClientId/],
  ['an empty array', [[]], '', /Missing required parameter: ClientId/],
  ['no invoice', ['none'], 'none', /Missing required parameter: PaymentRequestHash/],
  ['null for the invoice', ['null', null], 'null', /Missing .*: PaymentRequestHash/],
  ['a number for the invoice', ['number', 42], 'number', /PaymentRequestHash: it must be a string/],
  ['a number for the ClientId', [7, 'lnbcrt1'], '', /ClientId: it must be a string/],
  ['an object for the ClientId', [{}, 'lnbcrt1'], '', /ClientId: it must be a string/],
  ['too many arguments', ['three', 'lnbcrt1', 1], 'three', /takes 2 arguments and got 3/],
  ['garbage', ['garbage', 'no invoice'], 'garbage', /not a valid BOLT11 invoice/],
  ['a damaged invoice', ['damaged', `${MAINNET.slice(0, -1)}q`], 'damaged', /not a valid BOLT11/],
  ['an invoice of mainnet', ['mainnet', MAINNET], 'mainnet', /for mainnet, and .* on regtest/],
];
for (const [what, given, clientId, says] of checks) {
  test(`${what} is a preChecksError`, async () => {
    await refused(given, { clientId, subject: PRE_CHECKS, status: 400, says });
  });
}

test('an invoice without an amount is a preChecksError', async () => {
  const { payment_request } = await sandbox.invoice('pay', undefined);
  const says = /has no amount/;
  const clientId = 'amountless';
  await refused([clientId, payment_request], { clientId, subject: PRE_CHECKS, status: 400, says });
});

test('an expired invoice is an error', async () => {
  const invoice = await sandbox.invoice('pay', 1_000, { expiry_seconds: 1 });
  await until('it has expired', () => Date.now() > Date.parse(invoice.expires_at));
  const clientId = 'expired';
  const says = /has expired/;
  const given = [clientId, invoice.payment_request];
  await refused(given, { clientId, subject: ERROR, status: 400, says });
});

test('more than the balance is an error', async () => {
  const { payment_request } = await sandbox.invoice('pay', untouched + 1);
  const clientId = 'too much';
  const says = /^Insufficient funds: /;
  await refused([clientId, payment_request], { clientId, subject: ERROR, status: 400, says });
});

test('the whole balance is an error, because the fee reserve does not fit', async () => {
  const { payment_request } = await sandbox.invoice('pay', untouched);
  const clientId = 'whole balance';
  const says = /^Insufficient funds: 1010005 sats are needed .* 1000000 sats are available/;
  await refused([clientId, payment_request], { clientId, subject: ERROR, status: 400, says });
});

test('after all of that the same connection pays, and the paid invoice is told of again', async () => {
  const { payment_request } = await sandbox.invoice('pay', 1_000);
  await hub.invoke('first', payment_request);
  await hub.event('first', CREATED, 1_000);
  const first = await hub.event('first', COMPLETED);
  untouched -= 1_000;
  await hub.invoke('second', payment_request);
  const second = await hub.event('second', COMPLETED);
  assert.deepEqual(second.data, first.data);
  assert.equal(await sandbox.balance(), untouched);
});

test('an invoice whose payment is under way is told of again, and paid once', async () => {
  const invoice = await sandbox.invoice('hang', 1_000);
  await hub.invoke('holds', invoice.payment_request);
  const created = await hub.event('holds', CREATED, 1_000);
  await hub.invoke('same invoice', invoice.payment_request);
  const again = await hub.event('same invoice', CREATED, 1_000);
  assert.deepEqual(again.data, created.data);
  await sandbox.release(invoice, 'settle');
  await hub.event('holds', COMPLETED);
  untouched -= 1_000;
  assert.equal(await sandbox.balance(), untouched);
});

test('a ClientId that was used for another invoice is refused', async () => {
  const { payment_request } = await sandbox.invoice('pay', 1_000);
  const says = /used before with another request/;
  const expected = { clientId: 'first', subject: PRE_CHECKS, status: 409, says };
  await refused(['first', payment_request], expected);
});

test('an unknown method fails the invocation and leaves the connection as it was', async () => {
  const unknown = hub.connection.invoke('NoSuchMethod', 'x');
  await assert.rejects(unknown, /Unknown hub method 'NoSuchMethod'/);
  const { payment_request } = await sandbox.invoice('pay', 1_000);
  await hub.invoke('still there', payment_request);
  await hub.event('still there', COMPLETED);
});
