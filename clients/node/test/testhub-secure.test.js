'use strict';
// The conformance hub over https, with the official client: certificates, and only those that are trusted.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { promisify } = require('node:util');

const { TestHub, PAIRS } = require('../lib/testhub');

const PROGRAM = path.join(__dirname, '../fixtures/secure-program.js');
const run = (url, env) => promisify(execFile)(process.execPath, [PROGRAM, url], { env: { ...process.env, ...env } });

let folder;
let server;
before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'testhub-'));
  server = await TestHub.start('--https', '--certificate', path.join(folder, 'certificate.pem'));
});
after(async () => {
  await server.end();
  fs.rmSync(folder, { recursive: true });
});

test('every pair of transport and protocol works over https', async () => {
  assert.match(server.https, /^https:/);
  const trusting = { NODE_EXTRA_CA_CERTS: path.join(folder, 'certificate.pem') };
  const { stdout } = await run(server.https, trusting);
  const names = PAIRS.map((pair) => pair.name);
  assert.deepEqual(stdout.trim().split('\n'), names);
});

test('whoever does not trust the certificate is not served', async () => {
  await assert.rejects(run(server.https, {}), /Failed to complete negotiation with the server: .*fetch failed/);
});
