/** The compiled store with its threads, in a process of its own that is killed. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CompiledQuery } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { notes, openTestStore, type Tables, tempFolder } from './support.ts';

const root = resolve(import.meta.dirname, '../..');
const built = mkdtempSync(join(tmpdir(), 'rtcd-store-built-'));

const WRITER = `
import { writeSync } from 'node:fs';
import { openStore } from './store/store.js';
import { systemClock } from './kit/clock.js';

const [, , file, first] = process.argv;
const log = { info() {}, error() {} };
const store = await openStore({ file, clock: systemClock, log, migrations: MIGRATIONS });
const tables = store.tables();
let id = Number(first);
const writeOn = async () => {
  for (;;) {
    const note = id++;
    await store.write(
      tables.insertInto('note').values({ id: note, title: 'note ' + note, body: 'x'.repeat(100) }),
      tables.insertInto('tag').values({ note, tag: 'x' }),
    );
    writeSync(1, note + '\\n');
  }
};
for (let writer = 0; writer < 40; writer++) void writeOn();
`;

const OPENER = `
import { openStore } from './store/store.js';
import { systemClock } from './kit/clock.js';

const failures = [];
const log = { info() {}, error() {}, fatal() {} };
const onFailure = (error) => failures.push(error.kind);
const options = { file: process.argv[2], clock: systemClock, log, migrations: [], lockWaitMs: 0, onFailure };
const kind = await openStore(options).then(() => 'opened', (error) => error.kind);
console.log(JSON.stringify([kind, failures]));
`;

beforeAll(() => {
  const options = { noEmit: false, noCheck: true, rootDir: join(root, 'src'), outDir: built };
  const project = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: options,
    files: ['store', 'worker'].map((name) => join(root, `src/store/${name}.ts`)),
    include: [],
  };
  writeFileSync(join(built, 'tsconfig.json'), JSON.stringify(project));
  writeFileSync(join(built, 'package.json'), '{"type":"module"}');
  symlinkSync(join(root, 'node_modules'), join(built, 'node_modules'));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', built], { stdio: 'inherit' });
  writeFileSync(join(built, 'writer.js'), WRITER.replace('MIGRATIONS', JSON.stringify([notes])));
  writeFileSync(join(built, 'opener.js'), OPENER);
}, 60_000);

afterAll(() => rmSync(built, { recursive: true, force: true }));

/** Writes until `enough` are acknowledged, is killed, and gives what was acknowledged. */
async function writeUntilKilled(file: string, first: number, enough: number): Promise<number[]> {
  const child = spawn(process.execPath, [join(built, 'writer.js'), file, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > enough) child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'close');
  expect(signal).toBe('SIGKILL');
  return output.split('\n').slice(0, -1).map(Number);
}

test('after kill -9 every acknowledged write is there, and no batch in part', async () => {
  const file = join(tempFolder(), 'test.db');
  const acknowledged: number[] = [];
  for (const round of [0, 1, 2]) {
    acknowledged.push(...(await writeUntilKilled(file, round * 1_000_000 + 1, 500 + 300 * round)));
    const store = await openTestStore({ file });
    const tables = store.tables<Tables>();
    const ids = new Set(
      (await store.read(tables.selectFrom('note').select('id'))).map((n) => n.id),
    );
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    const torn = CompiledQuery.raw('select id from note where id not in (select note from tag)');
    expect(await store.read(torn)).toEqual([]);
    await store.close();
  }
  expect(acknowledged.length).toBeGreaterThan(2000);
});

test('a database that another process has open is refused', async () => {
  const file = join(tempFolder(), 'test.db');
  const store = await openTestStore({ file });
  expect(runOpener(file)).toEqual(['locked', []]);
  await store.close();
});

test('a database thread that dies rejects what waits and is told', () => {
  rmSync(join(built, 'store/worker.js'));
  expect(runOpener(join(tempFolder(), 'test.db'))).toEqual(['io', ['io']]);
});

function runOpener(file: string): unknown {
  const output = execFileSync(process.execPath, [join(built, 'opener.js'), file]);
  return JSON.parse(output.toString());
}
