'use strict';
// The real binary: `leyden sandbox` on a free port and a folder of its own, driven over HTTP.

const assert = require('node:assert/strict');
const { execFile, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { promisify } = require('node:util');

const { until } = require('./until');

const LEYDEN = process.env.LEYDEN_BIN ?? path.join(__dirname, '../../../target/debug/leyden');
const READY_MS = 60_000;
const QUIET_MS = 600;
const running = new Set();

// A failed test must not leave a server behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

class Sandbox {
  static async start() {
    const sandbox = new Sandbox();
    sandbox.dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'leyden-clients-'));
    await sandbox.launch('127.0.0.1:0');
    return sandbox;
  }

  // Starts the process on the folder; `this` then has the fields of its line: api_url, api_key, …
  async launch(listen) {
    const flags = ['sandbox', '--json', '--listen', listen, '--data-dir', this.dataDir];
    this.child = spawn(LEYDEN, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.child);
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => resolve(signal ?? code));
      this.child.on('error', resolve);
    });
    this.exited.then(() => running.delete(this.child));
    this.log = '';
    this.child.stderr.on('data', (text) => {
      this.log = (this.log + text).slice(-20_000);
    });
    this.lines = [];
    const reader = readline.createInterface({ input: this.child.stdout });
    reader.on('line', (line) => this.lines.push(line));
    const ended = this.exited.then((how) => {
      throw new Error(`the sandbox ended before it was ready: ${how}\n${this.log}`);
    });
    ended.catch(() => {});
    await Promise.race([until('ready', () => this.lines.length > 0, READY_MS), ended]);
    Object.assign(this, JSON.parse(this.lines[0]));
  }

  // Until neither node has written anything for a while: a payment on its way writes at every step. Killed between two
  // writes of LDK a node may close its channel, which is another story (crates/server/tests/soak).
  async quiet() {
    const files = ['leyden.db-wal', 'counterparty.db-wal'].map((name) => path.join(this.dataDir, name));
    let before = '';
    let since = Date.now();
    await until('the nodes are quiet', () => {
      const now = files.map((file) => fs.statSync(file).mtimeMs).join();
      if (now !== before) [before, since] = [now, Date.now()];
      return Date.now() - since >= QUIET_MS;
    });
  }

  // As an operator stops it.
  async stop() {
    this.child.kill('SIGTERM');
    assert.equal(await this.exited, 0, this.log);
    assert.equal(this.lines.length, 1, 'exactly one line on standard output');
  }

  // As a power cut stops it.
  async kill9() {
    this.child.kill('SIGKILL');
    assert.equal(await this.exited, 'SIGKILL');
  }

  // The books, by the command and with its exit status.
  async audit() {
    const { stdout } = await promisify(execFile)(LEYDEN, ['audit', '--data-dir', this.dataDir]);
    assert.match(stdout, /The books balance/);
  }

  // The end of every test's sandbox: a clean stop and balanced books, or the test fails.
  async end() {
    try {
      await this.audit();
      await this.stop();
      await this.audit();
    } finally {
      this.child.kill('SIGKILL');
      fs.rmSync(this.dataDir, { recursive: true, force: true });
    }
  }

  // The status and body of a call.
  async call(method, where, body, token) {
    const headers = { authorization: `Bearer ${token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await fetch(this.api_url + where, { method, headers, body: text });
    return { status: answer.status, body: await answer.json() };
  }

  // A call that must succeed.
  async must(method, where, body, token) {
    const answer = await this.call(method, where, body, token);
    assert.ok(answer.status < 300, `${method} ${where}: ${JSON.stringify(answer)}`);
    return answer.body;
  }

  operator(method, where, body) {
    return this.must(method, where, body, this.admin_token);
  }

  async customer(method, where, body, key = this.api_key) {
    return (await this.must(method, where, body, key)).data;
  }

  // What the counterparty wants to be paid.
  invoice(behaviour, amount_sats, more = {}) {
    return this.operator('POST', '/sandbox/invoice', { behaviour, amount_sats, ...more });
  }

  // Ends a held payment, as soon as it has arrived at the counterparty.
  release({ payment_hash }, action) {
    return until(`${payment_hash} is held`, async () => {
      const request = { payment_hash, action };
      const answer = await this.call('POST', '/sandbox/release', request, this.admin_token);
      if (answer.status === 409) return false;
      assert.equal(answer.status, 200, JSON.stringify(answer));
      return answer.body;
    });
  }

  async balance(key) {
    return (await this.customer('GET', '/v1/transactions/balance', undefined, key)).balance;
  }

  // Makes an invoice of ours, and lets the counterparty pay it.
  async deposit(amount, more = {}, key = this.api_key) {
    const request = { amount, currency: 'sats', description: 'deposit', ...more };
    const where = '/v1/bitcoin/deposit/lightning-invoice';
    const invoice = await this.customer('POST', where, request, key);
    const { payment_request } = invoice;
    const paid = await this.operator('POST', '/sandbox/pay', { payment_request });
    assert.equal(paid.status, 'settled', JSON.stringify(paid));
    return invoice;
  }
}

module.exports = { Sandbox };
