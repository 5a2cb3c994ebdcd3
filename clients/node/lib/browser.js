'use strict';
// Headless Chromium, as the distribution has it, with a page that has the official client's browser bundles. The page
// is of another origin than the hub, as pages usually are.

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { chromium } = require('playwright-core');

const BINARIES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const BUNDLES = {
  '/signalr.js': '@microsoft/signalr/dist/browser/signalr.js',
  '/msgpack.js': '@microsoft/signalr-protocol-msgpack/dist/browser/signalr-protocol-msgpack.js',
  '/page.js': path.join(__dirname, '../fixtures/page.js'),
};
const PAGE =
  '<!doctype html><meta charset="utf-8"><title>a page</title>' +
  Object.keys(BUNDLES)
    .map((name) => `<script src="${name}"></script>`)
    .join('');

function binary() {
  const found = [process.env.CHROMIUM_BIN, ...BINARIES].find((file) => file && fs.existsSync(file));
  if (!found) throw new Error('no Chromium: scripts/setup installs it, or CHROMIUM_BIN names one');
  return found;
}

class Browser {
  static async start() {
    const browser = new Browser();
    browser.server = http.createServer((request, response) => {
      const bundle = BUNDLES[request.url];
      const type = bundle ? 'text/javascript' : 'text/html';
      response.setHeader('content-type', `${type}; charset=utf-8`);
      response.end(bundle ? fs.readFileSync(require.resolve(bundle)) : PAGE);
    });
    await new Promise((listening) => browser.server.listen(0, '127.0.0.1', listening));
    browser.url = `http://localhost:${browser.server.address().port}/`;
    const args = ['--no-sandbox', '--disable-dev-shm-usage'];
    browser.chromium = await chromium.launch({ executablePath: binary(), headless: true, args });
    return browser;
  }

  // A page that has loaded; what it logs as an error is told.
  async page() {
    const page = await this.chromium.newPage();
    await page.goto(this.url);
    return page;
  }

  async end() {
    await this.chromium.close();
    await new Promise((closed) => this.server.close(closed));
  }
}

module.exports = { Browser };
