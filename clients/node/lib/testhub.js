'use strict';
// The conformance hub in a process of its own, and connections to it.

const { spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');
const signalR = require('@microsoft/signalr');
const { MessagePackHubProtocol } = require('@microsoft/signalr-protocol-msgpack');

const ROOT = path.join(__dirname, '../../..');
const BINARY = process.env.TESTHUB_BIN ?? path.join(ROOT, 'target/debug/examples/testhub');

const { WebSockets, ServerSentEvents, LongPolling } = signalR.HttpTransportType;
const json = () => new signalR.JsonHubProtocol();
const messagepack = () => new MessagePackHubProtocol();

// Every transport with every protocol that it carries.
const PAIRS = [
  { name: 'JSON over WebSockets', transport: WebSockets, protocol: json },
  { name: 'MessagePack over WebSockets', transport: WebSockets, protocol: messagepack },
  { name: 'JSON over server-sent events', transport: ServerSentEvents, protocol: json },
  { name: 'JSON over long polling', transport: LongPolling, protocol: json },
  { name: 'MessagePack over long polling', transport: LongPolling, protocol: messagepack },
];

class TestHub {
  static async start(...options) {
    const hub = new TestHub();
    const args = ['--listen', '127.0.0.1:0', ...options];
    hub.process = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    hub.exited = new Promise((resolve) => hub.process.on('exit', resolve));
    hub.process.on('error', (error) => console.error(`${BINARY}: ${error.message}`));
    for await (const line of readline.createInterface({ input: hub.process.stdout })) {
      const found = /^listening on ((https?):\/\/\S+)$/.exec(line);
      if (found) hub[found[2]] = found[1];
      if (hub.http) return hub;
    }
    throw new Error('the conformance hub did not start');
  }

  get url() {
    return this.http;
  }

  async end() {
    this.process.kill('SIGINT');
    await this.exited;
  }
}

function builder(url, { transport, protocol }, options = {}) {
  const settings = { transport, ...options };
  return new signalR.HubConnectionBuilder()
    .withUrl(url, settings)
    .withHubProtocol(protocol())
    .configureLogging(signalR.LogLevel.None);
}

// A connection that has started, and stops with the test.
async function connect(t, url, pair, options) {
  const connection = builder(url, pair, options).build();
  await connection.start();
  t.after(() => connection.stop());
  return connection;
}

// The first call of a client method.
const called = (connection, method) => {
  return new Promise((resolve) => connection.on(method, (...given) => resolve(given)));
};

// Everything that a stream gives, or its error.
const collect = (stream) => {
  return new Promise((resolve, reject) => {
    const items = [];
    stream.subscribe({ next: (item) => items.push(item), error: reject, complete: () => resolve(items) });
  });
};

const closed = (connection) => new Promise((resolve) => connection.onclose(resolve));

module.exports = { TestHub, PAIRS, builder, called, closed, collect, connect, json, messagepack };
