'use strict';
// The official client in a browser, on a page of another origin: all transports, both protocols, CORS, tokens in the
// query, and reconnects.

const assert = require('node:assert/strict');
const { after, afterEach, before, beforeEach, describe, test } = require('node:test');

const { Browser } = require('../lib/browser');
const { Proxy } = require('../lib/proxy');
const { TestHub } = require('../lib/testhub');
const { until } = require('../lib/until');

const PAIRS = [
  { transport: 'WebSockets', messagepack: false },
  { transport: 'WebSockets', messagepack: true },
  { transport: 'ServerSentEvents', messagepack: false },
  { transport: 'LongPolling', messagepack: false },
  { transport: 'LongPolling', messagepack: true },
];

let server;
let browser;
let page;
before(async () => {
  server = await TestHub.start();
  browser = await Browser.start();
});
after(async () => {
  await browser.end();
  await server.end();
});
beforeEach(async () => {
  page = await browser.page();
});
afterEach(() => page.close());

const ask = (method, ...given) => page.evaluate(([name, list]) => window.hub[name](...list), [method, given]);
const call = async (method, ...given) => {
  const { value, error } = await ask('invoke', method, ...given);
  assert.equal(error, undefined);
  return value;
};
const messages = () => page.evaluate(() => window.hub.messages);

for (const pair of PAIRS) {
  describe(`${pair.messagepack ? 'MessagePack' : 'JSON'} over ${pair.transport} in Chromium`, () => {
    const connect = (path, more) => ask('connect', { url: `${server.url}${path}`, ...pair, ...more });

    test('calls, messages, streams both ways and cancellation', async () => {
      const { value: id, error } = await connect('/testhub');
      assert.equal(error, undefined);
      assert.equal(await call('GetCallerConnectionId'), id);
      assert.equal(await call('GetActiveTransportName'), pair.transport);
      assert.equal(await call('Echo', 'hé 你好 \u001e'), 'hé 你好 \u001e');
      await call('InvokeWithString', 'hello');
      assert.deepEqual(await messages(), ['hello']);
      assert.deepEqual((await ask('stream', 'Stream')).value, ['a', 'b', 'c']);
      assert.deepEqual(await ask('upload', ['Hello ', 'world', '!']), { value: 'Hello world!' });
      await ask('cancelInfiniteStream');
      await until('the stream is cancelled', async () => (await messages()).includes('cancelled'));
      const unexpected = "An unexpected error occurred invoking 'ThrowException' on the server.";
      const text = `${unexpected} InvalidOperationException: why`;
      assert.deepEqual(await ask('invoke', 'ThrowException', 'why'), { error: text });
      assert.equal((await ask('stop')).error, undefined);
    });

    test('the token of a page travels where browsers can put it', async () => {
      const refused = await connect('/authorizedhub');
      assert.match(refused.error, /Status code '401'$/);
      const token = await (await fetch(`${server.url}/generateJwtToken`)).text();
      assert.equal((await connect('/authorizedhub', { token })).error, undefined);
      assert.equal(await call('Echo', 'in'), 'in');
    });

    test('a cut connection is made again', async (t) => {
      const proxy = await Proxy.start(server.url);
      t.after(() => proxy.end());
      const url = `${proxy.url}/testhub`;
      const { value: id } = await ask('connect', { url, ...pair, delays: [0, 100, 200, 500, 1000] });
      assert.equal(await call('GetCallerConnectionId'), id);
      proxy.cut();
      if (pair.transport === 'LongPolling') {
        // The browser repeats a poll by itself when its socket is reset: the connection does not notice.
        assert.equal(await call('GetCallerConnectionId'), id);
        return;
      }
      await until('it is back', () => page.evaluate(() => window.hub.reconnected > 0));
      assert.notEqual(await call('GetCallerConnectionId'), id);
    });
  });
}

for (const messagepack of [false, true]) {
  const name = messagepack ? 'MessagePack' : 'JSON';
  test(`stateful reconnect in Chromium, ${name}: nothing lost, nothing doubled, order kept`, async (t) => {
    const proxy = await Proxy.start(server.url);
    t.after(() => proxy.end());
    const given = { url: `${proxy.url}/testhub`, transport: 'WebSockets', messagepack, stateful: true };
    const { value: id, error } = await ask('connect', given);
    assert.equal(error, undefined);
    for (let round = 0; round < 3; round += 1) {
      const calls = ask('invokeMany', 300);
      await until('some of them have come', async () => (await messages()).length > round * 300 + 10);
      proxy.cut();
      assert.deepEqual(await calls, { value: 300 });
    }
    const once = Array.from({ length: 300 }, (_, index) => `${index}`);
    assert.deepEqual(await messages(), [...once, ...once, ...once]);
    assert.equal(await call('GetCallerConnectionId'), id);
    assert.ok(proxy.accepted >= 5, `${proxy.accepted} sockets`);
  });
}
