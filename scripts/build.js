/**
 * Makes a fresh dist/ of src/, or the folder that is named as argument: each program in one file, which
 * starts in a third of the time that its hundreds of modules need; beside it what V8 made of it
 * (entry.js), a source map, and the files that browsers are given. It does not look at types; `npm run lint`
 * does.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src');
const target = resolve(process.argv[2] ?? join(root, 'dist'));

/** Taken from node_modules when they are needed: native code, and what only a terminal needs. */
const APART = ['better-sqlite3', 'pino-pretty'];

/** Lets each module find what lies beside it in src/ at the same place beside its bundle. */
const placesFrom = (folder) => ({
  name: 'places',
  transform: {
    filter: { id: /\.tsx?$/, code: /import\.meta\.url/ },
    handler(code, id) {
      const place = relative(folder, id).replace(/\.tsx?$/, '.js');
      const url = `new URL(${JSON.stringify(place)}, import.meta.url).href`;
      // No line moves, so that the map stays as it is.
      return { code: code.replaceAll('import.meta.url', url), map: null };
    },
  },
});

/** Puts a module and all that it imports into one file: `wrap` makes its text of the code. */
async function bundle(name, format, file, wrap = (code) => code) {
  const input = join(source, `${name}.ts`);
  const made = await rolldown({
    input,
    platform: 'node',
    tsconfig: join(root, 'tsconfig.json'),
    external: APART,
    plugins: [placesFrom(dirname(input))],
  });
  const path = join(target, file);
  // Comments would be kept in memory: they are in src/, to which the source map leads.
  const options = { format, file: path, sourcemap: true, comments: false, codeSplitting: false };
  const { output } = await made.generate(options);
  await made.close();
  const [{ code, map }] = output;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, wrap(code));
  writeFileSync(`${path}.map`, map.toString());
  return path;
}

/** The text of a script that is one function, as Node wraps a CommonJS module. */
const asFunction = (code) =>
  `(function (exports, require, module, __filename, __dirname) {${code}\n})\n`;

/**
 * Makes a program, and keeps the code that V8 has compiled once all of its modules were run.
 * @param flags with which it is started: V8 takes its code back only with the same
 */
async function program(name, flags = []) {
  const file = await bundle(name, 'cjs', `${name}.bundle.js`, asFunction);
  const entry = join(target, `${name}.js`);
  copyFileSync(join(root, 'scripts/entry.js'), entry);
  const { status } = spawnSync(process.execPath, [...flags, entry, '--version'], {
    env: { ...process.env, RTCD_KEEP_CODE: `${file}.code` },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(target, { recursive: true, force: true });
await bundle('store/worker', 'esm', 'store/worker.js');
for (const assets of ['admin/assets', 'modules/web-client/assets'])
  cpSync(join(source, assets), join(target, assets), { recursive: true });
await program('ctl/main');
// The last one: by its age prepare.js knows a whole build from one that was broken off. It is started as
// `npm start` and bin/rtcd.js start it. Messages that are under way outlive V8's first generation by its
// default of 16 MiB, and copying them is the greatest part of collecting garbage (bench, `pairs`). From that V8
// concludes that what belongs to them is best made old at once: it is not, and keeps all that it refers to
// until the old generation is collected (bench, `pairs-held`). What is copied then is little: threads that help
// with it cost more than they spare where cores are few. Nor do four threads mark the old generation sooner than one
// there: they take the time from the thread that routes.
await program('main', [
  '--max-semi-space-size=32',
  '--no-allocation-site-pretenuring',
  '--no-parallel-scavenge',
  '--v8-pool-size=1',
]);
