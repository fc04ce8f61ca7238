import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';
import { createLog } from '../../src/kit/log.ts';
import { backUp } from '../../src/server/backup.ts';
import { openStore } from '../../src/store/store.ts';

test('a backup is the whole database in a file of its own, for its owner only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-backup-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = await openStore({
    file: join(folder, 'rtcd.sqlite'),
    clock: systemClock,
    log: createLog({ level: 'silent' }).area('store'),
    migrations: [{ owner: 'x', migrations: [{ name: 'x', up: ['create table x (n integer)'] }] }],
  });
  const db = store.tables<{ x: { n: number } }>();
  await store.write(db.insertInto('x').values({ n: 7 }));
  const { file, bytes } = await backUp(store, join(folder, 'backups'), Date.UTC(2026, 4, 1));
  await store.close();
  expect(file).toBe(join(folder, 'backups', 'rtcd-20260501T000000000Z.sqlite'));
  const { mode, size } = await stat(file);
  expect([mode & 0o777, size]).toEqual([0o600, bytes]);
  const copy = new Database(file, { readonly: true });
  expect(copy.prepare('select n from x').all()).toEqual([{ n: 7 }]);
  copy.close();
});
