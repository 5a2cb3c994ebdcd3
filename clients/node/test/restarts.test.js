'use strict';
// A payment under way, and a connected client, while the server goes away and comes back.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Hub, CREATED, COMPLETED, FAILED } = require('../lib/hub');
const { Sandbox } = require('../lib/sandbox');
const { until } = require('../lib/until');

let sandbox;
before(async () => {
  sandbox = await Sandbox.start();
});
after(() => sandbox.end());

async function outboundMsat() {
  const { channels } = await sandbox.operator('GET', '/sandbox');
  return channels.reduce((sum, channel) => sum + channel.outbound_msat, 0);
}

async function statuses() {
  const all = await sandbox.customer('GET', '/v1/transactions');
  return Object.fromEntries(all.map(({ recipient, status }) => [recipient, status]));
}

test('held payments stay pending over kill -9, and end right after they are released', async () => {
  const hub = await Hub.connect(sandbox);
  const [balance, outbound] = [await sandbox.balance(), await outboundMsat()];
  const settled = await sandbox.invoice('hang', 20_000);
  const failed = await sandbox.invoice('hang', 30_000);
  await hub.invoke('to settle', settled.payment_request);
  await hub.invoke('to fail', failed.payment_request);
  await hub.event('to settle', CREATED, 1_000);
  await hub.event('to fail', CREATED, 1_000);
  const held = await sandbox.balance();
  assert.equal(held, balance - (20_000 + 205) - (30_000 + 305));
  await until('both are on the channel', async () => {
    return (await outboundMsat()) <= outbound - 50_000_000;
  });
  await sandbox.quiet();
  const { api_key, admin_token, account_id } = sandbox;

  await sandbox.kill9();
  await sandbox.audit();
  await sandbox.launch('127.0.0.1:0');

  assert.deepEqual([sandbox.api_key, sandbox.admin_token], [api_key, admin_token]);
  assert.equal(sandbox.account_id, account_id);
  assert.equal(await sandbox.balance(), held);
  const now = await statuses();
  assert.equal(now[settled.payment_request], 'pending');
  assert.equal(now[failed.payment_request], 'pending');

  const again = await Hub.connect(sandbox);
  await sandbox.release(settled, 'settle');
  await again.event('to settle', COMPLETED, 3_000);
  await sandbox.release(failed, 'fail');
  await again.event('to fail', FAILED, 3_000);
  assert.equal(await sandbox.balance(), balance - 20_000);
  assert.equal(again.events.all.length, 2, 'nothing is told twice');
  await sandbox.audit();
  await hub.stop();
  await again.stop();
});

test('a repeated ClientId is answered with the first event after a kill -9', async () => {
  const hub = await Hub.connect(sandbox);
  const balance = await sandbox.balance();
  const { payment_request } = await sandbox.invoice('pay', 5_000);
  await hub.invoke('before and after', payment_request);
  const first = await hub.event('before and after', CREATED);
  await hub.event('before and after', COMPLETED);
  await sandbox.quiet();
  await sandbox.kill9();
  await sandbox.launch('127.0.0.1:0');
  const again = await Hub.connect(sandbox);
  await again.invoke('before and after', payment_request);
  assert.deepEqual(await again.event('before and after', CREATED), first);
  assert.equal(await sandbox.balance(), balance - 5_000);
  await hub.stop();
  await again.stop();
});

test('a client with automatic reconnect is back after a restart, with its handlers', async () => {
  const often = Array.from({ length: 100 }, () => 200);
  const hub = await Hub.connect(sandbox, { reconnectAfterMs: often });
  let back = false;
  hub.connection.onreconnected(() => {
    back = true;
  });
  const address = sandbox.api_url.slice('http://'.length);
  await sandbox.stop();
  await sandbox.launch(address);
  await until('the client is back', () => back, 30_000);
  const { payment_request } = await sandbox.invoice('pay', 1_000);
  await hub.invoke('after the restart', payment_request);
  await hub.event('after the restart', CREATED, 1_000);
  await hub.event('after the restart', COMPLETED);
  await hub.stop();
});
