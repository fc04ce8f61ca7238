/** The key that is beside the database. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadKey } from '../../src/server/key-file.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rtcd-key-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('is made once, for its owner only, and stays the same', async () => {
  const file = join(folder, 'tokens.key');
  const key = await loadKey(file);
  expect(key).toHaveLength(32);
  expect(await loadKey(file)).toEqual(key);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await readFile(file, 'utf8')).trim()).toBe(key.toString('base64'));
});

test.each(['', 'not a key', 'AAAA'])(
  'a file that holds %j is told of, and left alone',
  async (text) => {
    const file = join(folder, 'tokens.key');
    await writeFile(file, text);
    await expect(loadKey(file)).rejects.toThrow(/tokens\.key cannot be used: it holds no key/);
    expect(await readFile(file, 'utf8')).toBe(text);
  },
);

test('one that cannot be made is told of', async () => {
  await expect(loadKey(join(folder, 'no', 'such', 'folder'))).rejects.toThrow(/cannot be used/);
});
