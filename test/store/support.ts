/** What the tests of the store share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';
import {
  type OwnedMigrations,
  openStore,
  type Store,
  type StoreOptions,
} from '../../src/store/store.ts';

/** The tables of these tests. */
export interface Tables {
  note: { id: number | undefined; title: string; body: string | null };
  tag: { note: number; tag: string };
}

export const notes: OwnedMigrations = {
  owner: 'notes',
  migrations: [
    {
      name: 'notes and their tags',
      up: [
        'create table note (id integer primary key, title text not null unique, body text)',
        `create table tag (
          note integer not null references note (id) on delete cascade deferrable initially deferred,
          tag text not null,
          primary key (note, tag)
        )`,
      ],
    },
  ],
};

/** A folder that goes with the test. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rtcd-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A store that is closed with the test; in memory unless a file is given. */
export async function openTestStore(options: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await openStore({
    file: ':memory:',
    clock: systemClock,
    log: pino({ level: 'silent' }),
    migrations: [notes],
    lockWaitMs: 0,
    ...options,
  });
  onTestFinished(() => store.close());
  return store;
}
