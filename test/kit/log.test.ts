import { type FileHandle, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLog } from '../../src/kit/log.ts';
import { openLogOutput } from '../../src/kit/log-output.ts';

/** A log that keeps its lines. */
function lines() {
  const written: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void written.push(JSON.parse(line)) };
  return { written, destination };
}

describe('the log', () => {
  test('each area has a level, which can be changed while it runs', () => {
    const { written, destination } = lines();
    const log = createLog({ level: 'warn', areas: { c2s: 'debug' }, format: 'json', destination });
    const store = log.area('store');
    log.area('c2s').debug('one');
    store.info('hidden');
    log.setLevel('info');
    store.info('two');
    log.setLevel('error', 'store');
    store.warn('hidden');
    expect(written.map(({ msg }) => msg)).toEqual(['one', 'two']);
    expect(log.levels()).toEqual({ '*': 'info', c2s: 'debug', store: 'error' });
    log.reset({ level: 'warn' });
    expect(log.levels()).toEqual({ '*': 'warn', c2s: 'warn', store: 'warn' });
  });

  test('a child carries its bindings and follows its area', () => {
    const { written, destination } = lines();
    const log = createLog({ level: 'info', format: 'json', destination });
    log.area('c2s').child({ stream: 's1' }).info({ account: 'a@b' }, 'hello');
    expect(written[0]).toMatchObject({ area: 'c2s', stream: 's1', account: 'a@b', msg: 'hello' });
  });
});

describe('an output that fails', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rtcd-log-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('a full disk: lines wait, up to a bound, and neither writing nor flushing ends anything', async () => {
    const full = await open('/dev/full', 'w');
    const output = openLogOutput(full.fd, false);
    for (let line = 0; line < 10_000; line += 1) output.write(`${line} ${'x'.repeat(100)}\n`);
    output.flushSync();
    await full.close();
  });

  test('when it takes lines again, those that waited come first, whole and in order', async () => {
    const file = join(folder, 'log');
    await writeFile(file, '');
    const reading = await open(file, 'r'); // takes nothing
    const output = openLogOutput(reading.fd, false);
    output.write('one\n');
    output.write('two\n');
    output.flushSync();
    const { fd } = reading;
    await reading.close();
    const others: FileHandle[] = [];
    let writing = await open(file, 'a');
    for (; writing.fd !== fd; writing = await open(file, 'a')) others.push(writing);
    output.write('three\n');
    await expect.poll(() => readFile(file, 'utf8')).toBe('one\ntwo\nthree\n');
    for (const each of [writing, ...others]) await each.close();
  });
});

test('an output has all lines in order, few at a time or many at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-log-'));
  const file = await open(join(folder, 'log'), 'a');
  try {
    const output = openLogOutput(file.fd, false);
    let all = '';
    const line = (text: string) => {
      all += `${text}\n`;
      output.write(`${text}\n`);
    };
    const isOut = () => expect.poll(() => readFile(join(folder, 'log'), 'utf8')).toBe(all);
    line('one');
    await isOut();
    line('two');
    line('three');
    await isOut();
    for (const n of Array(1000).keys()) line(`${n} ${'é'.repeat(50)}`);
    await isOut();
    line('the last');
    await isOut();
  } finally {
    await file.close();
    await rm(folder, { recursive: true });
  }
});
