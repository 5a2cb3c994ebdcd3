'use strict';
// Broken sockets and ended servers, with the official client: nothing lost, nothing doubled.

const assert = require('node:assert/strict');
const { after, afterEach, before, beforeEach, describe, test } = require('node:test');

const { Proxy } = require('../lib/proxy');
const { TestHub, PAIRS, builder, closed } = require('../lib/testhub');
const { until } = require('../lib/until');

let server;
let proxy;
before(async () => {
  server = await TestHub.start();
});
after(() => server.end());
beforeEach(async () => {
  proxy = await Proxy.start(server.url);
});
afterEach(() => proxy.end());

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

for (const pair of PAIRS.slice(0, 2)) {
  describe(`stateful reconnect, ${pair.name}`, () => {
    const build = () => builder(`${proxy.url}/testhub`, pair).withStatefulReconnect().withAutomaticReconnect([]);

    test('calls and messages in flight survive cuts: none lost, none doubled, order kept', async () => {
      const connection = build().build();
      const received = [];
      connection.on('Message', (text) => received.push(Number(text)));
      let end;
      connection.onclose((error) => (end = error ?? 'closed'));
      await connection.start();
      const id = connection.connectionId;
      const expected = Array.from({ length: 400 }, (_, index) => index);
      const calls = [];
      for (const index of expected) {
        calls.push(connection.invoke('InvokeWithString', `${index}`));
        if (index % 100 === 50) {
          await pause(5);
          proxy.cut();
          // The client tries once, at once: the next cut must find it back.
          await calls.at(-1);
        }
      }
      await Promise.all(calls);
      assert.deepEqual(received, expected);
      assert.equal(connection.connectionId, id);
      assert.ok(proxy.accepted >= 5, 'the client came back on sockets of its own');
      assert.equal(await connection.invoke('GetCallerConnectionId'), id);
      assert.equal(end, undefined);
      await connection.stop();
    });

    test('a normal stop ends the connection for good', async () => {
      const connection = build().build();
      await connection.start();
      const end = closed(connection);
      await connection.stop();
      assert.equal(await end, undefined);
    });
  });
}

for (const pair of PAIRS) {
  test(`automatic reconnect gets a new id when the socket is cut, ${pair.name}`, async () => {
    const connection = builder(`${proxy.url}/testhub`, pair).withAutomaticReconnect([0, 100, 200, 500]).build();
    await connection.start();
    const id = connection.connectionId;
    const back = new Promise((resolve) => connection.onreconnected(resolve));
    proxy.cut();
    assert.notEqual(await back, id);
    assert.equal(await connection.invoke('Echo', 'x'), 'x');
    await connection.stop();
  });

  test(`a server that ends lets its clients reconnect to the next, ${pair.name}`, async () => {
    const first = await TestHub.start();
    const { port } = new URL(first.url);
    const delays = Array.from({ length: 100 }, () => 100);
    const connection = builder(`${first.url}/testhub`, pair).withAutomaticReconnect(delays).build();
    await connection.start();
    let told;
    connection.onreconnecting((error) => (told = error ?? null));
    const back = new Promise((resolve) => connection.onreconnected(resolve));
    await first.end();
    await until('the client is told', () => told !== undefined);
    const second = await TestHub.start('--listen', `127.0.0.1:${port}`);
    await back;
    assert.equal(await connection.invoke('Echo', 'x'), 'x');
    await connection.stop();
    await second.end();
  });
}

test('a client without automatic reconnect is told of the end of its server', async () => {
  const ending = await TestHub.start();
  const connection = builder(`${ending.url}/testhub`, PAIRS[0]).build();
  await connection.start();
  const end = closed(connection);
  await ending.end();
  await end;
});
