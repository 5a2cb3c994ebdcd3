'use strict';
// A TCP proxy whose connections can be cut, so that a reconnect is provoked for real.

const net = require('node:net');

class Proxy {
  static async start(target) {
    const proxy = new Proxy();
    const { hostname, port } = new URL(target);
    proxy.pairs = new Set();
    proxy.accepted = 0;
    proxy.server = net.createServer((near) => {
      proxy.accepted += 1;
      const far = net.connect(Number(port), hostname);
      const pair = [near, far];
      proxy.pairs.add(pair);
      const cut = () => {
        near.destroy();
        far.destroy();
        proxy.pairs.delete(pair);
      };
      for (const end of pair) end.on('error', cut).on('close', cut).setNoDelay(true);
      near.pipe(far);
      far.pipe(near);
    });
    await new Promise((listening) => proxy.server.listen(0, '127.0.0.1', listening));
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  // Resets every connection. What was on its way is lost.
  cut() {
    for (const pair of this.pairs) for (const end of pair) end.resetAndDestroy();
  }

  async end() {
    const end = new Promise((closed) => this.server.close(closed));
    this.cut();
    await end;
  }
}

module.exports = { Proxy };
