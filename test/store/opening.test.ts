import {
  chmodSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failureOf, StoreError } from '../../src/store/errors.ts';
import { openTestStore, type Tables, tempFolder } from './support.ts';

const refusal = (promise: Promise<unknown>): Promise<StoreError> =>
  promise.then(
    () => Promise.reject(new Error('was not refused')),
    (error: StoreError) => error,
  );

describe('opening', () => {
  test('a damaged database is refused', async () => {
    const file = join(tempFolder(), 'test.db');
    const store = await openTestStore({ file });
    const tables = store.tables<Tables>();
    const rows = Array.from({ length: 200 }, (_, index) => ({
      title: `${index}`,
      body: 'x'.repeat(200),
    }));
    await store.write(tables.insertInto('note').values(rows));
    await store.close();
    // The header and the schema stay whole; a page of the table does not.
    const handle = openSync(file, 'r+');
    writeSync(handle, Buffer.alloc(4096, 0xff), 0, 4096, statSync(file).size - 4096);
    const error = await refusal(openTestStore({ file }));
    expect(error.kind).toBe('corrupt');
    expect(error.message).toContain(`the database ${file} is damaged`);
  });

  test('a file that is something else is refused and stays as it was', async () => {
    const file = join(tempFolder(), 'letter.txt');
    const letter = 'Dear Sir or Madam, '.repeat(100);
    writeFileSync(file, letter);
    const error = await refusal(openTestStore({ file }));
    expect(error).toMatchObject({ kind: 'not-a-database', message: `${file} is not a database` });
    expect(readFileSync(file, 'utf8')).toBe(letter);
  });

  test('a folder in the place of the file is refused', async () => {
    const file = tempFolder();
    expect(await refusal(openTestStore({ file }))).toMatchObject({ kind: 'io', code: 'EISDIR' });
  });

  test.skipIf(process.getuid?.() === 0)('a read-only folder is refused', async () => {
    const folder = join(tempFolder(), 'closed');
    mkdirSync(folder);
    chmodSync(folder, 0o500);
    const error = await refusal(openTestStore({ file: join(folder, 'test.db') }));
    expect(error).toMatchObject({ kind: 'readonly', code: 'EACCES' });
  });

  test('a database that is open elsewhere is refused, and free when closed there', async () => {
    const file = join(tempFolder(), 'test.db');
    const first = await openTestStore({ file });
    const error = await refusal(openTestStore({ file }));
    expect(error.kind).toBe('locked');
    expect(error.message).toBe(`the database ${file} is in use by another process`);
    await first.close();
    await openTestStore({ file });
  });

  test('what failed to open holds nothing', async () => {
    const file = join(tempFolder(), 'test.db');
    const broken = [{ owner: 'a', migrations: [{ name: 'b', up: ['nonsense'] }] }];
    expect((await refusal(openTestStore({ file, migrations: broken }))).kind).toBe('migration');
    await openTestStore({ file });
  });
});

describe('failureOf', () => {
  const coded = (code: string) => Object.assign(new Error('why'), { code });
  test.each([
    ['SQLITE_CONSTRAINT_UNIQUE', 'constraint'],
    ['SQLITE_FULL', 'full'],
    ['ENOSPC', 'full'],
    ['SQLITE_IOERR_FSYNC', 'io'],
    ['SQLITE_CORRUPT_INDEX', 'corrupt'],
    ['SQLITE_NOTADB', 'not-a-database'],
    ['SQLITE_BUSY_SNAPSHOT', 'locked'],
    ['SQLITE_READONLY_DIRECTORY', 'readonly'],
    ['EACCES', 'readonly'],
    ['EROFS', 'readonly'],
    ['SQLITE_ERROR', 'query'],
    ['ENOTDIR', 'io'],
    ['ERR_INVALID_ARG_TYPE', 'query'],
  ])('%s is %s', (code, kind) => {
    expect(failureOf(coded(code))).toEqual({ kind, message: 'why', code });
  });

  test('anything can be thrown', () => {
    expect(failureOf('oh')).toEqual({ kind: 'query', message: 'oh', code: undefined });
    expect(failureOf(new RangeError('Too few'))).toMatchObject({ kind: 'query' });
    expect(failureOf(new StoreError('closed', 'shut'))).toMatchObject({ kind: 'closed' });
  });
});
