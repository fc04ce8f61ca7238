/**
 * Makes a checkout ready to run: installs what package-lock.json names when node_modules is older
 * or missing, and compiles src/ into dist/ when a source is newer. Used by `npm start` and `npm test`,
 * so it needs nothing but Node itself.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
const time = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** Runs a command in the checkout and ends this process with its status if it fails. */
function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** The newest modification time below a folder, in milliseconds. */
function newest(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce(
    (latest, entry) => Math.max(latest, time(join(entry.parentPath, entry.name))),
    time(folder),
  );
}

if (time(at('node_modules/.package-lock.json')) < time(at('package-lock.json'))) {
  console.log('rtcd: installing dependencies (better-sqlite3 may compile for a minute) …');
  // Not `npm ci`: it refuses a lock file that lacks another platform's optional package, which a
  // mirror of the registry may not have. With --no-save the lock file decides, and is not rewritten.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
}
const built = time(at('dist/main.js'));
if (built < Math.max(newest(at('src')), newest(at('scripts')), time(at('tsconfig.json')))) {
  console.log('rtcd: compiling …');
  run(process.execPath, [at('scripts/build.js')]);
}
