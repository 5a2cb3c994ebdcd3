'use strict';
// Payments over the sandbox's router: fees that somebody else asks, greedy hops, payments in parts.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Hub, CREATED, COMPLETED, FAILED } = require('../lib/hub');
const { Receiver } = require('../lib/receiver');
const { Sandbox } = require('../lib/sandbox');
const { until } = require('../lib/until');

// How often the attacker of C2 goes round; the whole length is 1,000.
const CYCLES = Number(process.env.LEYDEN_C2_CYCLES ?? 8);

let sandbox;
let hub;
let receiver;
before(async () => {
  sandbox = await Sandbox.start();
  hub = await Hub.connect(sandbox);
  receiver = await Receiver.start();
  await sandbox.operator('POST', '/admin/v1/webhooks', { url: receiver.url, events: ['*'] });
});
after(async () => {
  await hub.stop();
  await receiver.stop();
  await sandbox.end();
});

const overview = () => sandbox.operator('GET', '/sandbox');
const route = async (via) => (await overview()).router.routes.find((route) => route.via === via);
const sats = (btc) => Math.round(btc * 1e11) / 1e3;
const toRouter = ({ channels, router }) => {
  return channels.filter(({ peer_node_id }) => peer_node_id === router.node_id);
};

// What our channels hold.
async function outbound() {
  const { channels } = await overview();
  return channels.reduce((sum, { outbound_msat }) => sum + outbound_msat, 0) / 1_000;
}

// What is the platform's own: what its channels hold, without what it owes to the customer.
const ownMoney = async () => (await outbound()) - (await sandbox.balance());

// Deposits, and waits until it is credited: the payer knows a little sooner than our books.
async function deposit(amount) {
  const before = await sandbox.balance();
  await sandbox.deposit(amount);
  await until('the deposit is credited', async () => (await sandbox.balance()) === before + amount);
}

// Withdraws over the hub; the final event.
async function withdraw(clientId, invoice) {
  await hub.invoke(clientId, invoice.payment_request);
  const isFinal = ({ subject }) => [COMPLETED, FAILED].includes(subject);
  return hub.events.first((event) => event.clientId === clientId && isFinal(event), 20_000);
}

async function webhook(event, invoice) {
  const wanted = ({ body }) => body.event === event && body.data.recipient === invoice.payment_request;
  return (await receiver.deliveries.first(wanted)).body.data;
}

test('a routed payment costs exactly what the router asks, on hub, webhook and balance', async () => {
  const { base_fee_msat, fee_millionths, payee_node_id } = await route('router');
  assert.equal(fee_millionths, 0);
  for (const amount of [1, 21_000, 123_456]) {
    const clientId = `routed ${amount}`;
    const [before, own] = [await sandbox.balance(), await ownMoney()];
    const invoice = await sandbox.invoice('pay', amount, { via: 'router' });
    const { subject, data } = await withdraw(clientId, invoice);
    assert.equal(subject, COMPLETED);
    assert.equal(data.destinationPublicKey, payee_node_id);
    const fee = sats(data.feeBTC);
    assert.equal(fee, base_fee_msat / 1_000);
    assert.ok(fee > 0 && fee <= 5 + amount / 100, 'within the reserve');
    assert.equal((await webhook('withdrawal.lightning.completed', invoice)).fee_sats, fee);
    assert.equal(await sandbox.balance(), before - amount - fee);
    await until('what was paid has left the channel', async () => (await ownMoney()) === own);
  }
});

test('c1_a_route_for_999000_ppm_fails_at_the_cap_and_nobody_pays', async () => {
  assert.equal((await route('router-greedy')).fee_millionths, 999_000);
  const [before, own] = [await sandbox.balance(), await ownMoney()];
  const invoice = await sandbox.invoice('pay', 100_000, { via: 'router-greedy' });
  const { subject, data } = await withdraw('greedy', invoice);
  assert.equal(subject, FAILED);
  assert.equal(data.reason, 'NO_ROUTE');
  assert.equal((await webhook('withdrawal.lightning.failed', invoice)).fee_sats, 0);
  assert.equal(await sandbox.balance(), before, 'the whole hold came back');
  assert.equal(await ownMoney(), own);
  await sandbox.audit();
});

test('c2_an_attacker_who_owns_payer_payee_and_router_gains_nothing_by_cycling', async () => {
  const start = await ownMoney();
  let own = start;
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    await deposit(2_000);
    const balance = await sandbox.balance();
    // Now and then the attacker asks for more than can be charged.
    if (cycle % 4 === 3) {
      const greedy = await sandbox.invoice('pay', 2_000, { via: 'router-greedy' });
      assert.equal((await withdraw(`greedy ${cycle}`, greedy)).subject, FAILED);
      assert.equal(await sandbox.balance(), balance);
    }
    const invoice = await sandbox.invoice('pay', 2_000, { via: 'router' });
    const { subject, data } = await withdraw(`cycle ${cycle}`, invoice);
    assert.equal(subject, COMPLETED);
    const charged = balance - 2_000 - (await sandbox.balance());
    assert.ok(charged >= sats(data.feeBTC) && charged > 0, 'no less is charged than paid');
    await until('what was paid has left the channel', async () => (await ownMoney()) <= own);
    const now = await ownMoney();
    assert.ok(now >= own, `the platform had ${own}, and has ${now} after cycle ${cycle}`);
    own = now;
  }
  assert.equal(own, start);
  await sandbox.audit();
});

test('b12_a_payment_in_parts_is_booked_once_with_the_fees_of_all_parts', async () => {
  const { base_fee_msat } = await route('router');
  const channels = toRouter(await overview()).map(({ outbound_msat }) => outbound_msat);
  const amount = Math.floor(Math.max(...channels) / 1_000) + 100_000;
  // What may be in flight on the direct channel at once is capped: a second deposit may have to wait for the first.
  await until('there is enough to withdraw', async () => {
    if ((await sandbox.balance()) >= amount * 1.02) return true;
    return deposit(1_500_000).then(() => false, () => false);
  });

  const before = await sandbox.balance();
  const invoice = await sandbox.invoice('hang', amount, { via: 'router' });
  await hub.invoke('in parts', invoice.payment_request);
  await hub.event('in parts', CREATED);
  await until('two parts are on their way', async () => {
    const now = toRouter(await overview()).map(({ outbound_msat }) => outbound_msat);
    return now.filter((outbound) => !channels.includes(outbound)).length >= 2;
  });
  const reserve = Math.floor(amount / 100) + 5;
  assert.ok(Math.abs(before - (await sandbox.balance()) - amount - reserve) < 2, 'held once');
  await sandbox.release(invoice, 'settle');
  const { data } = await hub.event('in parts', COMPLETED);
  const fee = sats(data.feeBTC);
  assert.equal(fee % (base_fee_msat / 1_000), 0);
  assert.ok(fee >= 2, 'every part costs');
  assert.equal(await sandbox.balance(), before - amount - fee);
  assert.equal((await webhook('withdrawal.lightning.completed', invoice)).fee_sats, fee);
  await until('the parts have left', async () => {
    const now = toRouter(await overview()).map(({ outbound_msat }) => outbound_msat);
    const left = channels.reduce((sum, msat) => sum + msat, 0) - now.reduce((sum, msat) => sum + msat, 0);
    return left === (amount + fee) * 1_000;
  });
  await sandbox.audit();
});

test('a refused routed payment comes back whole, and a slow one takes its ten seconds', async () => {
  const before = await sandbox.balance();
  const slow = await sandbox.invoice('slow', 3_000, { via: 'router' });
  const asked = Date.now();
  await hub.invoke('slowly', slow.payment_request);
  const refused = await sandbox.invoice('fail', 4_000, { via: 'router' });
  assert.equal((await withdraw('refused', refused)).subject, FAILED);
  await hub.event('slowly', COMPLETED, 20_000);
  assert.ok(Date.now() - asked >= 10_000, 'not before its time');
  assert.equal(await sandbox.balance(), before - 3_000 - 1);
});

test('routed payments that are held go on after kill -9, and the router pays again', async () => {
  // What the test before has paid leaves the channel a little later than its event comes.
  await sandbox.quiet();
  let latest = await ownMoney();
  await until('nothing moves any more', async () => {
    const [earlier, now] = [latest, await ownMoney()];
    latest = now;
    await sandbox.quiet();
    return now === earlier;
  });
  const before = await sandbox.balance();
  const settled = await sandbox.invoice('hang', 6_000, { via: 'router' });
  const failed = await sandbox.invoice('hang', 7_000, { via: 'router' });
  const [held, own] = [await outbound(), await ownMoney()];
  await hub.invoke('to settle', settled.payment_request);
  await hub.invoke('to fail', failed.payment_request);
  await until('both are on the channel', async () => (await outbound()) === held - 13_002);
  await sandbox.quiet();
  await sandbox.kill9();
  await sandbox.launch('127.0.0.1:0');
  await hub.stop();
  hub = await Hub.connect(sandbox);
  await sandbox.release(settled, 'settle');
  await hub.event('to settle', COMPLETED);
  await sandbox.release(failed, 'fail');
  await hub.event('to fail', FAILED);
  const again = await sandbox.invoice('pay', 8_000, { via: 'router' });
  assert.equal((await withdraw('after the kill', again)).subject, COMPLETED);
  assert.equal(await sandbox.balance(), before - 6_000 - 8_000 - 2);
  await until('what was paid has left the channel', async () => (await ownMoney()) === own);
});
