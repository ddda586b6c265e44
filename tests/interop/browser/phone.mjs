// Drives JsSIP in headless Chromium: each line of standard input is an expression for the page, each thing that happens
// there is a line of standard output. DevTools is spoken over pipes, so no port is opened and no library is needed.
//
// node phone.mjs <chromium> <new empty profile directory>

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

const here = import.meta.dirname;
const require = createRequire(import.meta.url);

/** Where a module that a page loads lies: `browser` beats `main`, and a package of Node's name is still the package. */
function resolve(name, from) {
  if (name.startsWith('.')) return createRequire(from).resolve(name);
  const manifest = path.join(here, 'node_modules', name, 'package.json');
  const { browser, main } = require(manifest);
  return createRequire(manifest).resolve(path.join(path.dirname(manifest), browser ?? main ?? 'index.js'));
}

/** One script that has the module and everything that it requires. */
function bundle(entry) {
  const modules = new Map();
  const add = (file) => {
    if (modules.has(file)) return;
    const text = readFileSync(file, 'utf8');
    const needs = {};
    modules.set(file, { text: file.endsWith('.json') ? `module.exports = ${text};` : text, needs });
    if (file.endsWith('.json')) return;
    for (const [, name] of text.matchAll(/\brequire\(['"]([^'"]+)['"]\)/g)) {
      needs[name] = resolve(name, file);
      add(needs[name]);
    }
  };
  add(entry);
  const sources = [...modules].map(
    ([file, { text, needs }]) =>
      `${JSON.stringify(file)}: { needs: ${JSON.stringify(needs)}, run(module, exports, require) {\n${text}\n} }`,
  );
  return `(() => {
    const modules = {${sources.join(',\n')}};
    const load = (file) => {
      const found = modules[file];
      if (!found.module) {
        found.module = { exports: {} };
        found.run.call(found.module.exports, found.module, found.module.exports, (name) => load(found.needs[name]));
      }
      return found.module.exports;
    };
    globalThis.JsSIP = load(${JSON.stringify(entry)});
  })();`;
}

const [chromium, profile] = process.argv.slice(2);
const browser = spawn(
  chromium,
  [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-dev-shm-usage',
    `--user-data-dir=${profile}`,
    '--ignore-certificate-errors',
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    '--autoplay-policy=no-user-gesture-required',
    '--allow-loopback-in-peer-connection',
    '--remote-debugging-pipe',
    // A page from a file may use a microphone.
    `file://${path.join(here, 'page.html')}`,
  ],
  { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
);
browser.on('exit', (code) => process.exit(code ?? 1));
for (const signal of ['exit', 'SIGTERM', 'SIGINT']) process.on(signal, () => browser.kill('SIGKILL'));

let next = 0;
const waiting = new Map();

function ask(method, params = {}, sessionId = undefined) {
  next += 1;
  const id = next;
  browser.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  return new Promise((done, failed) => waiting.set(id, { done, failed }));
}

function tell(event) {
  process.stdout.write(`${event}\n`);
}

function hear({ id, result, error, method, params }) {
  if (method === 'Runtime.bindingCalled') tell(params.payload);
  if (method === 'Runtime.exceptionThrown') tell(`exception ${JSON.stringify(params.exceptionDetails)}`);
  const asked = waiting.get(id);
  waiting.delete(id);
  if (error) asked?.failed(new Error(error.message));
  else asked?.done(result);
}

let rest = '';
browser.stdio[4].setEncoding('utf8').on('data', (text) => {
  const messages = (rest + text).split('\0');
  rest = messages.pop();
  for (const message of messages) hear(JSON.parse(message));
});

const { targetInfos } = await ask('Target.getTargets');
const { targetId } = targetInfos.find(({ type }) => type === 'page');
const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true });
await ask('Runtime.enable', {}, sessionId);
await ask('Runtime.addBinding', { name: 'tell' }, sessionId);

async function run(expression) {
  const { exceptionDetails } = await ask('Runtime.evaluate', { expression, awaitPromise: true }, sessionId);
  if (exceptionDetails) tell(`exception ${JSON.stringify(exceptionDetails)}`);
}

/** The page is not there at once, and what runs before is forgotten. */
async function load() {
  const expression = `location.protocol === 'file:' && document.readyState === 'complete'`;
  const { result } = await ask('Runtime.evaluate', { expression }, sessionId);
  if (result.value) return;
  await new Promise((go) => {
    setTimeout(go, 20);
  });
  await load();
}

await load();
await run(bundle(resolve('jssip', here)));
await run(readFileSync(path.join(here, 'ears.js'), 'utf8'));
await run(readFileSync(path.join(here, 'page.js'), 'utf8'));
tell('ready');
for await (const line of readline.createInterface({ input: process.stdin })) await run(line);
process.exit(0);
