'use strict';
// A merchant's webhook receiver: keeps raw bytes and headers, and answers as it is told.

const http = require('node:http');

const { Arrivals } = require('./arrivals');

class Receiver {
  // `answer(delivery, nth)` gives the status for the nth delivery, from 1.
  static async start(answer = () => 200) {
    const receiver = new Receiver();
    receiver.deliveries = new Arrivals();
    receiver.server = http.createServer((request, response) => {
      const parts = [];
      request.on('data', (part) => parts.push(part));
      request.on('end', () => {
        const raw = Buffer.concat(parts);
        const delivery = { headers: request.headers, raw, body: JSON.parse(raw.toString('utf8')) };
        response.statusCode = answer(delivery, receiver.deliveries.all.length + 1);
        response.end();
        receiver.deliveries.add(delivery);
      });
    });
    await new Promise((listening) => receiver.server.listen(0, '127.0.0.1', listening));
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}/hook`;
    return receiver;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}

module.exports = { Receiver };
