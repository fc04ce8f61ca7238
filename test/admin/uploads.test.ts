import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createUploads, type Incoming, MOST_BYTES, type Uploads } from '../../src/admin/uploads.ts';
import type { OperationOutcome } from '../../src/core/operation.ts';
import { deferred } from '../../src/kit/deferred.ts';
import { createLog } from '../../src/kit/log.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { bare } from './console-scene.ts';

const LUCIE = bare('lucie@falcot.com');
const HOW = { isDry: false, intoExisting: false, jid: '' };
const part = (name: string, text: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${name === 'file' ? '; filename="a.xml"' : ''}\r\n\r\n${text}\r\n`;
const FORM = `${part('csrf', 'right')}${part('file', '<a/>')}--b--\r\n`;

let folder: string;
let clock: ManualClock;
let uploads: Uploads;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'rtcd-uploads-')), 'files');
  await mkdir(folder);
  await writeFile(join(folder, 'left by a crash'), 'x');
  clock = manualClock();
  uploads = await createUploads({
    folder,
    clock,
    log: createLog({ level: 'silent' }).area('test'),
  });
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

/** A form that comes; one that is not ended says nothing more. */
const form = (text: string, how: { isEnded?: boolean; length?: number } = {}): Incoming => ({
  boundary: 'b',
  length: how.length,
  isOurs: (token) => token === 'right',
  body: new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      if (how.isEnded !== false) controller.close();
    },
  }),
});
const files = () => readdir(folder);

test('what a crash has left is removed; a file stays until it is imported', async () => {
  expect(await files()).toEqual([]);
  expect(await uploads.receive(LUCIE, form(FORM))).toBeUndefined();
  expect(await files()).toHaveLength(1);
  expect(uploads.of(LUCIE)).toMatchObject({ name: 'a.xml', size: 4 });
  await uploads.receive(LUCIE, form(FORM)); // in the place of the first
  expect(await files()).toHaveLength(1);
  let text = '';
  await uploads.begin(LUCIE, HOW, async (source) => {
    for await (const chunk of source) text += chunk.toString();
    return { ok: true, value: {} };
  });
  expect(text).toBe('<a/>');
  expect(await files()).toEqual([]);
});

test.each([
  ['broken', 'breaks off', FORM.slice(0, -20), {}],
  ['broken', 'is none', 'nothing', {}],
  ['stale', 'is not ours', FORM.replace('right', 'wrong'), {}],
  [
    'stale',
    'has its token after the file',
    `${part('file', '<a/>')}${part('csrf', 'right')}--b--`,
    {},
  ],
  ['empty', 'has no file', `${part('csrf', 'right')}--b--`, {}],
  ['large', 'is too large', FORM, { length: MOST_BYTES * 2 }],
])('%s: a form that %s leaves nothing', async (why, _, text, how) => {
  expect(await uploads.receive(LUCIE, form(text, how))).toBe(why);
  expect(uploads.of(LUCIE)).toBeUndefined();
  expect(await files()).toEqual([]);
});

test('a form that says nothing more is given up', async () => {
  const outcome = uploads.receive(LUCIE, form(FORM.slice(0, -20), { isEnded: false }));
  while ((await files()).length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(await uploads.receive(LUCIE, form(FORM))).toBe('busy');
  clock.advance(60_000);
  expect(await outcome).toBe('slow');
  expect(await files()).toEqual([]);
});

test('while something is done with a file it is neither replaced nor discarded', async () => {
  await uploads.receive(LUCIE, form(FORM));
  const end = deferred<OperationOutcome<unknown>>();
  const ended = uploads.begin(LUCIE, { ...HOW, isDry: true }, () => end.promise);
  expect(await uploads.receive(LUCIE, form(FORM))).toBe('busy');
  expect(await uploads.discard(LUCIE)).toBe(false);
  end.resolve({ ok: true, value: {} });
  await ended;
  expect(await uploads.discard(LUCIE)).toBe(true);
  expect(await files()).toEqual([]);
});
