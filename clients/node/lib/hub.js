'use strict';
// A connection made as the documentation makes it, and the events that reach it.

const assert = require('node:assert/strict');
const signalR = require('@microsoft/signalr');

const { Arrivals } = require('./arrivals');

const CREATED = 'execution.withdrawal.lightspark.created';
const COMPLETED = 'execution.withdrawal.lightspark.completed';
const FAILED = 'execution.withdrawal.lightspark.failed';
const ERROR = 'execution.withdrawal.lightspark.error';
const PRE_CHECKS = 'preChecksError';
const FIELDS = ['channel', 'clientId', 'data', 'subject', 'topic', 'type'];

function build(url, key, reconnectAfterMs) {
  const builder = new signalR.HubConnectionBuilder()
    .withUrl(url, { accessTokenFactory: () => key })
    .configureLogging(signalR.LogLevel.None);
  if (reconnectAfterMs) builder.withAutomaticReconnect(reconnectAfterMs);
  return builder.build();
}

class Hub {
  static async connect(sandbox, { key = sandbox.api_key, query = '', reconnectAfterMs } = {}) {
    const hub = new Hub();
    hub.events = new Arrivals();
    hub.connection = build(sandbox.hub_url + query, key, reconnectAfterMs);
    hub.connection.on('executionEvents', (...given) => {
      assert.equal(given.length, 1);
      hub.events.add(given[0]);
    });
    await hub.connection.start();
    return hub;
  }

  invoke(...given) {
    return this.connection.invoke('WithdrawLightning', ...given);
  }

  // The first event of a command under one of the subjects.
  event(clientId, subject, patienceMs) {
    const matches = (event) => event.clientId === clientId && event.subject === subject;
    return this.events.first(matches, patienceMs);
  }

  of(clientId, subject) {
    const matches = (event) => event.clientId === clientId && event.subject === subject;
    return this.events.all.filter(matches);
  }

  stop() {
    return this.connection.stop();
  }
}

// The envelope of the contract: six fields and no other.
function assertEnvelope(event, subject, clientId) {
  assert.deepEqual(Object.keys(event).sort(), FIELDS);
  assert.equal(event.channel, 'executionEvents');
  assert.equal(event.topic, 'execution');
  assert.equal(event.type, 'message');
  assert.equal(event.subject, subject);
  assert.equal(event.clientId, clientId);
}

module.exports = { Hub, assertEnvelope, build, CREATED, COMPLETED, FAILED, ERROR, PRE_CHECKS };
