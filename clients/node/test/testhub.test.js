'use strict';
// The official client against the conformance hub: every method, every transport, both protocols.

const assert = require('node:assert/strict');
const http = require('node:http');
const { after, before, describe, test } = require('node:test');
const signalR = require('@microsoft/signalr');

const { TestHub, PAIRS, builder, called, closed, collect, connect } = require('../lib/testhub');

let server;
before(async () => {
  server = await TestHub.start();
});
after(() => server.end());

const rejects = (promise, message) => assert.rejects(promise, { message });
const thrown = (method, rest) => `An unexpected error occurred invoking '${method}' on the server. ${rest}`;
const isBinary = ({ protocol }) => protocol().name === 'messagepack';

const COMPLEX = (pair) => ({
  ByteArray: isBinary(pair) ? new Uint8Array([1, 2, 3]) : 'AQID',
  DateTime: isBinary(pair) ? new Date(Date.UTC(2000, 0, 1)) : '2000-01-01T00:00:00Z',
  Guid: '00010203-0405-0607-0706-050403020100',
  IntArray: [1, 2, 3],
  String: 'hello world',
});

for (const pair of PAIRS) {
  describe(pair.name, () => {
    const open = (t, path = '/testhub') => connect(t, server.url + path, pair);

    test('an invocation returns its result, whatever characters it has', async (t) => {
      const connection = await open(t);
      const message = '你好，世界！ \u0000 \u001e \n "';
      assert.equal(await connection.invoke('Echo', message), message);
    });

    test('method names match in any letter case', async (t) => {
      const connection = await open(t);
      assert.equal(await connection.invoke('eCHO', 'x'), 'x');
    });

    test('send is done when the message has left, and is not answered', async (t) => {
      const connection = await open(t);
      await connection.send('Echo', 'x');
      await connection.send('ThrowException', 'x');
      assert.equal(await connection.invoke('Echo', 'y'), 'y');
    });

    test('the caller sees its public id and the server its transport', async (t) => {
      const connection = await open(t);
      assert.equal(await connection.invoke('GetCallerConnectionId'), connection.connectionId);
      const name = await connection.invoke('GetActiveTransportName');
      assert.equal(signalR.HttpTransportType[name], pair.transport);
    });

    test('what a method throws is the error', async (t) => {
      const connection = await open(t);
      const text = thrown('ThrowException', 'InvalidOperationException: An error occurred.');
      await rejects(connection.invoke('ThrowException', 'An error occurred.'), text);
    });

    test('unknown methods and arguments that do not fit have their texts', async (t) => {
      const connection = await open(t);
      await rejects(connection.invoke('Nope'), "Unknown hub method 'Nope'");
      const unbound = /^Failed to invoke 'Echo' due to an error on the server\. InvalidDataException: /;
      await rejects(connection.invoke('Echo'), unbound);
      await rejects(connection.invoke('Echo', 1, 2), unbound);
      await rejects(collect(connection.stream('Nope')), "Unknown hub method 'Nope'");
    });

    test('the server calls the client, with text and with objects', async (t) => {
      const connection = await open(t);
      const message = called(connection, 'Message');
      assert.equal(await connection.invoke('InvokeWithString', 'hello'), null);
      assert.deepEqual(await message, ['hello']);
      const object = called(connection, 'CustomObject');
      await connection.invoke('SendCustomObject', { Name: 'test', Value: 42 });
      assert.deepEqual(await object, [{ Name: 'test', Value: 42 }]);
    });

    test('client methods match in any letter case and go to every handler', async (t) => {
      const connection = await open(t);
      const both = Promise.all([called(connection, 'mESSAGE'), called(connection, 'Message')]);
      await connection.invoke('InvokeWithString', 'x');
      assert.deepEqual(await both, [['x'], ['x']]);
    });

    test('a stream gives its items and completes', async (t) => {
      const connection = await open(t);
      assert.deepEqual(await collect(connection.stream('Stream')), ['a', 'b', 'c']);
      assert.deepEqual(await collect(connection.stream('EmptyStream')), []);
    });

    test('a stream that is cancelled stops although its producer is idle', async (t) => {
      const connection = await open(t);
      const cancelled = called(connection, 'StreamCanceled');
      const unexpected = (what) => assert.fail(`a cancelled stream gave ${what}`);
      const subscription = connection
        .stream('InfiniteStream')
        .subscribe({ next: unexpected, error: unexpected, complete: () => {} });
      subscription.dispose();
      await cancelled;
      assert.equal(await connection.invoke('Echo', 'still here'), 'still here');
    });

    test('a stream that throws before its first item has the text of the method', async (t) => {
      const connection = await open(t);
      const text = thrown('StreamThrowException', 'InvalidOperationException: An error occurred.');
      await rejects(collect(connection.stream('StreamThrowException', 'An error occurred.')), text);
    });

    test('the wrong kind of call has its text', async (t) => {
      const connection = await open(t);
      const start = 'The client attempted to invoke the';
      const plain = `${start} streaming 'EmptyStream' method with a non-streaming invocation.`;
      await rejects(connection.invoke('EmptyStream'), plain);
      const streamed = `${start} non-streaming 'Echo' method with a streaming invocation.`;
      await rejects(collect(connection.stream('Echo', '42')), streamed);
    });

    test('a stream of the client reaches the method, item by item', async (t) => {
      const connection = await open(t);
      const subject = new signalR.Subject();
      const whole = connection.invoke('StreamingConcat', subject);
      for (const item of ['Hello ', 'world', '!']) subject.next(item);
      subject.complete();
      assert.equal(await whole, 'Hello world!');
    });

    test('an upload longer than its buffer arrives whole, and other calls run beside it', async (t) => {
      const connection = await open(t);
      const subject = new signalR.Subject();
      const whole = connection.invoke('StreamingConcat', subject);
      for (let item = 0; item < 200; item += 1) subject.next(`${item},`);
      assert.equal(await connection.invoke('Echo', 'beside'), 'beside');
      subject.complete();
      assert.equal(await whole, Array.from({ length: 200 }, (_, item) => `${item},`).join(''));
    });

    test('the error of an upload is what the method sees', async (t) => {
      const connection = await open(t);
      const subject = new signalR.Subject();
      const whole = connection.invoke('StreamingConcat', subject);
      subject.next('Hello');
      subject.error('Something bad');
      await rejects(whole, thrown('StreamingConcat', 'HubException: Something bad'));
    });

    test('a method without its upload says how many it expects', async (t) => {
      const connection = await open(t);
      const text = 'HubException: Client sent 0 stream(s), Hub method expects 1.';
      await rejects(connection.invoke('StreamingConcat'), thrown('StreamingConcat', text));
    });

    test('bytes, dates and the rest keep their types in both directions', async (t) => {
      const connection = await open(t);
      const sent = { ...COMPLEX(pair), IntArray: [0x01, 0x0203, -5], String: 'Hello, World!' };
      const echoed = await connection.invoke('EchoComplexObject', sent);
      assert.deepEqual(plain(echoed), plain(sent));
      assert.deepEqual(plain(await connection.invoke('SendComplexObject')), plain(COMPLEX(pair)));
    });

    test('client results: a value, an error, none and several', async (t) => {
      const connection = await open(t);
      const asked = async () => (await fetch(`${server.url}/clientresult/${connection.connectionId}`)).text();
      assert.equal(await asked(), "Client didn't provide a result.");
      connection.on('Result', () => 10);
      assert.equal(await asked(), '10');
      connection.off('Result');
      connection.on('Result', () => {
        throw new Error('from callback');
      });
      assert.equal(await asked(), 'Error: from callback');
      connection.off('Result');
      connection.on('Result', () => 1);
      connection.on('Result', () => 2);
      assert.equal(await asked(), 'Client provided multiple results.');
    });

    test('cookies of the negotiation come back, expired ones do not', async (t) => {
      const connection = await open(t);
      assert.equal(await connection.invoke('GetCookie', 'testCookie'), 'testValue');
      assert.equal(await connection.invoke('GetCookie', 'testCookie2'), 'testValue2');
      assert.equal(await connection.invoke('GetCookie', 'expiredCookie'), null);
    });

    test('headers of the connection reach the hub', async (t) => {
      const headers = { 'X-Test': 'yes' };
      const connection = await connect(t, `${server.url}/testhub`, pair, { headers });
      assert.equal(await connection.invoke('GetHeader', 'X-Test'), 'yes');
      assert.equal(await connection.invoke('GetHeader', 'X-Other'), null);
    });

    test('a redirect is followed, and again after a restart', async () => {
      const url = `${server.url}/redirect?numRedirects=0&baseUrl=${server.url}`;
      const connection = builder(url, pair).build();
      await connection.start();
      const first = await connection.invoke('GetNumRedirects');
      await connection.stop();
      await connection.start();
      assert.equal(await connection.invoke('GetNumRedirects'), first + 1);
      assert.equal(connection.baseUrl, url);
      await connection.stop();
    });

    test('without a token nobody is let in, with one everybody is', async (t) => {
      const url = `${server.url}/authorizedhub`;
      const text =
        'Failed to complete negotiation with the server: Error: Unauthorized: ' + "Status code '401'";
      await rejects(builder(url, pair).build().start(), text);
      const token = async () => (await fetch(`${server.url}/generateJwtToken`)).text();
      const connection = await connect(t, url, pair, { accessTokenFactory: token });
      assert.equal(await connection.invoke('Echo', 'in'), 'in');
    });

    test('an oversize message ends the connection with its text', async (t) => {
      const connection = await open(t);
      const end = closed(connection);
      const answer = connection.invoke('Echo', 'x'.repeat(40_000));
      await assert.rejects(answer);
      const { message } = await end;
      const text = 'InvalidDataException: The maximum message size of 32768B was exceeded.';
      assert.ok(message.includes(`Connection closed with an error. ${text}`), message);
    });

    test('a thousand pipelined calls are answered in order', async (t) => {
      const connection = await open(t);
      const order = [];
      const calls = Array.from({ length: 1000 }, async (_, index) => {
        assert.equal(await connection.invoke('Echo', `${index}`), `${index}`);
        order.push(index);
      });
      await Promise.all(calls);
      assert.deepEqual(order, [...order].sort((a, b) => a - b));
    });

    test('a connection stops without an error and can start again', async () => {
      const connection = builder(`${server.url}/testhub`, pair).build();
      for (let round = 0; round < 3; round += 1) {
        await connection.start();
        assert.equal(await connection.invoke('Echo', 'x'), 'x');
        const end = closed(connection);
        await connection.stop();
        assert.equal(await end, undefined);
      }
    });
  });
}

// Deep equality across the classes that the protocols give bytes.
function plain(value) {
  return { ...value, ByteArray: Array.from(value.ByteArray) };
}

describe('transports', () => {
  const pair = PAIRS[0];

  test('paths match in any letter case', async (t) => {
    const connection = await connect(t, `${server.url}/TESTHUB`, pair);
    assert.equal(await connection.invoke('Echo', 'x'), 'x');
  });

  test('without WebSockets a client takes the next transport', async (t) => {
    const connection = await connect(t, `${server.url}/testhub-nowebsockets`, {
      ...pair,
      transport: undefined,
    });
    assert.equal(await connection.invoke('GetActiveTransportName'), 'ServerSentEvents');
  });

  test('a client follows redirects of a server up to its limit', async (t) => {
    // The client gives up when the hundredth answer is a redirect still.
    let left;
    const redirecting = http.createServer((request, response) => {
      left -= 1;
      const url = left >= 0 ? `http://127.0.0.1:${redirecting.address().port}` : `${server.url}/testhub`;
      response.end(JSON.stringify({ url }));
    });
    await new Promise((listening) => redirecting.listen(0, '127.0.0.1', listening));
    t.after(() => redirecting.close());
    const url = `http://127.0.0.1:${redirecting.address().port}`;
    left = 98;
    const connection = await connect(t, url, pair);
    assert.equal(await connection.invoke('Echo', 'x'), 'x');
    left = 99;
    await rejects(builder(url, pair).build().start(), 'Negotiate redirection limit exceeded.');
  });

  test('WebSockets need no negotiation', async (t) => {
    const connection = await connect(t, `${server.url}/testhub`, pair, { skipNegotiation: true });
    assert.equal(connection.connectionId, null);
    assert.equal(await connection.invoke('Echo', 'x'), 'x');
  });

  test('MessagePack over server-sent events is refused by the client', async () => {
    const options = { ...PAIRS[1], transport: signalR.HttpTransportType.ServerSentEvents };
    await assert.rejects(builder(`${server.url}/testhub`, options).build().start());
  });
});
