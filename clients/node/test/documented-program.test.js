'use strict';
// The program of Hercle's documentation, letter by letter, in a process of its own: only the URL
// and the key differ.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');

const { CREATED, COMPLETED, PRE_CHECKS } = require('../lib/hub');
const { Sandbox } = require('../lib/sandbox');
const { until } = require('../lib/until');

const PROGRAM = path.join(__dirname, '../fixtures/documented-program.js');
const URL = 'https://publicapi.sandbox.hercle.financial/ExecutionLiveServer/v1';
const KEY = 'YOUR_API_KEY_HERE';
const INVOICE = 'lnbc1...';

let sandbox;
before(async () => {
  sandbox = await Sandbox.start();
});
after(() => sandbox.end());

// Runs the program with some of its texts replaced, until its output satisfies `enough`.
async function run(replacements, enough) {
  let program = fs.readFileSync(PROGRAM, 'utf8');
  for (const [documented, ours] of replacements) {
    assert.equal(program.split(documented).length, 2, `${documented} stands in the program once`);
    program = program.replace(documented, () => ours);
  }
  const options = { cwd: path.join(__dirname, '..'), stdio: ['ignore', 'pipe', 'pipe'] };
  const child = spawn(process.execPath, ['-e', program], options);
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (text) => {
      said += text;
    });
  }
  try {
    await until('the program has said enough', () => enough(said));
  } catch (error) {
    throw new Error(`${error.message}; it said: ${said}`);
  } finally {
    child.kill('SIGKILL');
  }
  return said;
}

const both = (...texts) => (said) => texts.every((text) => said.includes(text));

test('with only the URL and the key changed it connects and is told what is wrong', async () => {
  const replacements = [[URL, sandbox.hub_url], [KEY, sandbox.api_key]];
  const said = await run(replacements, both(PRE_CHECKS, 'Command sent successfully'));
  assert.match(said, /^Connected to WebSocket$/m);
  assert.match(said, /clientId: 'my-withdrawal-123'/);
  assert.doesNotMatch(said, /failed:/);
});

test('with an invoice as well it pays', async () => {
  const { payment_request } = await sandbox.invoice('pay', 1_000);
  const replacements = [[URL, sandbox.hub_url], [KEY, sandbox.api_key], [INVOICE, payment_request]];
  const said = await run(replacements, both(CREATED, COMPLETED, 'Command sent successfully'));
  assert.match(said, /^Connected to WebSocket$/m);
  assert.match(said, /status: 'PENDING'/);
  assert.match(said, /status: 'SUCCESS'/);
  assert.match(said, /amountBTC: 0\.00001,/);
  assert.ok(said.indexOf(CREATED) < said.indexOf(COMPLETED));
  assert.equal(await sandbox.balance(), 999_000);
});

test('with a wrong key it says that the connection failed with 401', async () => {
  const replacements = [[URL, sandbox.hub_url]];
  const said = await run(replacements, both('Connection failed:'));
  assert.match(said, /Unauthorized: Status code '401'/);
});
