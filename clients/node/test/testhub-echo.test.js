'use strict';
// A connection without the hub protocol: the official client's transports alone.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const signalR = require('@microsoft/signalr');
const WebSocket = require('ws');
const { HttpConnection } = require('@microsoft/signalr/dist/cjs/HttpConnection');

const { TestHub } = require('../lib/testhub');

const { WebSockets, ServerSentEvents, LongPolling } = signalR.HttpTransportType;
const { Text, Binary } = signalR.TransferFormat;

let server;
before(async () => {
  server = await TestHub.start();
});
after(() => server.end());

for (const [transport, format] of [
  [WebSockets, Text],
  [WebSockets, Binary],
  [ServerSentEvents, Text],
  [LongPolling, Text],
  [LongPolling, Binary],
]) {
  const name = `${signalR.HttpTransportType[transport]}, ${signalR.TransferFormat[format]}`;
  test(`what is sent comes back, and stop is no error: ${name}`, async () => {
    const connection = new HttpConnection(`${server.url}/echo`, { transport, logger: signalR.LogLevel.None });
    const message = format === Text ? 'Hello, World!' : new Uint8Array([0, 1, 255, 30]).buffer;
    const received = new Promise((resolve) => (connection.onreceive = resolve));
    const closed = new Promise((resolve) => (connection.onclose = resolve));
    await connection.start(format);
    await connection.send(message);
    const echoed = await received;
    if (format === Text) assert.equal(echoed, message);
    else assert.deepEqual(new Uint8Array(echoed), new Uint8Array(message));
    await connection.stop();
    assert.equal(await closed, undefined);
  });
}

for (const given of [[], [1000], [4321, 'mine']]) {
  test(`a WebSocket without negotiation is closed cleanly: ${JSON.stringify(given)}`, async () => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/echo`);
    await new Promise((open) => socket.addEventListener('open', open));
    socket.close(...given);
    const { code, wasClean } = await new Promise((close) => socket.addEventListener('close', close));
    assert.deepEqual([code, wasClean], [given[0] ?? 1000, true]);
  });
}
