#!/usr/bin/env node
/**
 * Runs the program that stands beside this file in one file (`main.bundle.js` beside `main.js`), with the
 * code that V8 made of it when it was built (`build.js`), so that it need not be compiled at each start.
 * Another version of V8 refuses that code, and compiles anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

// A SIGHUP that comes while the program is being read is for the program, if it takes one (main.ts).
const hangUp = () => {
  if (process.listenerCount('SIGHUP') > 1) return;
  process.off('SIGHUP', hangUp);
  process.kill(process.pid, 'SIGHUP');
};
process.on('SIGHUP', hangUp);

const filename = fileURLToPath(import.meta.url).replace(/\.js$/, '.bundle.js');
const keepIn = process.env.RTCD_KEEP_CODE; // set while it is being built

/** What V8 made of the bundle; nothing where it was built but for that. */
function keptCode() {
  try {
    return readFileSync(`${filename}.code`);
  } catch {
    return undefined;
  }
}

const script = new Script(readFileSync(filename, 'utf8'), { filename, cachedData: keptCode() });
if (keepIn !== undefined)
  process.once('exit', () => writeFileSync(keepIn, script.createCachedData()));
const module = { exports: {} };
const require = createRequire(filename);
script.runInThisContext()(module.exports, require, module, filename, dirname(filename));
