'use strict';
// Leyden's hub over every transport and with both protocols: the same events, field by field.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Arrivals } = require('../lib/arrivals');
const { CREATED, COMPLETED, assertEnvelope } = require('../lib/hub');
const { Sandbox } = require('../lib/sandbox');
const { PAIRS, builder } = require('../lib/testhub');

let sandbox;
before(async () => {
  sandbox = await Sandbox.start();
});
after(() => sandbox.end());

for (const pair of PAIRS) {
  test(`a withdrawal has both of its events, ${pair.name}`, async () => {
    const accessTokenFactory = () => sandbox.api_key;
    const connection = builder(sandbox.hub_url, pair, { accessTokenFactory }).build();
    const events = new Arrivals();
    connection.on('executionEvents', (event) => events.add(event));
    await connection.start();
    const invoice = await sandbox.invoice('pay', 1_000);
    await connection.invoke('WithdrawLightning', pair.name, invoice.payment_request);
    for (const subject of [CREATED, COMPLETED]) {
      const event = await events.first((event) => event.subject === subject);
      assertEnvelope(event, subject, pair.name);
      assert.equal(typeof event.data, 'object');
    }
    assert.equal(events.all.length, 2);
    await connection.stop();
  });
}
