/** Secrets of the server itself, made once and kept in the database. */
import { randomBytes } from 'node:crypto';
import type { Migration, Store } from '../store/store.ts';

const SECRET_BYTES = 32;

interface Tables {
  server_secrets: { name: string; value: Uint8Array };
}

/** The migrations of the secrets' table. */
export const secretMigrations: readonly Migration[] = [
  {
    name: 'server secrets',
    up: ['CREATE TABLE server_secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL)'],
  },
];

/** The secret of a name: 32 random bytes that stay the same from the first time on. */
export async function loadSecret(store: Store, name: string): Promise<Buffer> {
  const db = store.tables<Tables>();
  const made = { name, value: randomBytes(SECRET_BYTES) };
  await store.write(
    db
      .insertInto('server_secrets')
      .values(made)
      .onConflict((conflict) => conflict.doNothing()),
  );
  const row = await store.first(
    db.selectFrom('server_secrets').select('value').where('name', '=', name),
  );
  return Buffer.from(row?.value ?? made.value);
}
