/** Messages that wait for an account: the one owner of their table. */
import type { Generated } from 'kysely';
import type { BareJid } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';
import type { Migration, Store } from '../../store/store.ts';

/** How much may wait for one account. */
export interface SpoolLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

/** A message that waits. */
export interface Waiting {
  readonly id: number;
  readonly stanza: string;
}

/** Keeps messages in their order. All that is asynchronous may reject with a StoreError. */
export interface Spool {
  /**
   * Keeps a message; undefined when the account has no room for it. The inner promise resolves when
   * it is on the disk.
   */
  add(
    account: BareJid,
    stanza: string,
    limits: SpoolLimits,
  ): Promise<{ readonly written: Promise<unknown> } | undefined>;
  /** The next messages of an account, oldest first. */
  next(account: BareJid, most: number): Promise<readonly Waiting[]>;
  /** Removes an account's messages up to and including one. */
  removeThrough(account: BareJid, id: number): Promise<void>;
  /** Removes all of an account. */
  removeAll(account: BareJid): Promise<void>;
}

interface Tables {
  offline_messages: {
    id: Generated<number>;
    account: BareJid;
    stanza: string;
    bytes: number;
  };
}

/** The migrations of the spool's table. */
export const spoolMigrations: readonly Migration[] = [
  {
    name: 'offline messages',
    up: [
      `CREATE TABLE offline_messages (
        id INTEGER PRIMARY KEY, account TEXT NOT NULL, stanza TEXT NOT NULL, bytes INTEGER NOT NULL
      )`,
      'CREATE INDEX offline_messages_by_account ON offline_messages (account, id)',
    ],
  },
];

/** Accounts of which is remembered how much waits for them. */
const CACHED_ACCOUNTS = 10_000;

interface Fill {
  messages: number;
  bytes: number;
}

/** Opens the spool. */
export function createSpool(store: Store): Spool {
  const db = store.tables<Tables>();
  const fills = new BoundedMap<BareJid, Fill>(CACHED_ACCOUNTS);

  const readFill = async (account: BareJid): Promise<Fill> => {
    const row = await store.first(
      db
        .selectFrom('offline_messages')
        .select(({ fn }) => [
          fn.countAll<number>().as('messages'),
          fn.sum<number | null>('bytes').as('bytes'),
        ])
        .where('account', '=', account),
    );
    return { messages: Number(row?.messages ?? 0), bytes: Number(row?.bytes ?? 0) };
  };

  return {
    async add(account, stanza, limits) {
      const found = fills.get(account) ?? (await readFill(account));
      // Another message may have found the same meanwhile.
      const fill = fills.get(account) ?? found;
      fills.set(account, fill);
      const bytes = Buffer.byteLength(stanza);
      if (fill.messages >= limits.maxMessages || fill.bytes + bytes > limits.maxBytes)
        return undefined;
      fill.messages += 1;
      fill.bytes += bytes;
      const written = store.write(
        db.insertInto('offline_messages').values({ account, stanza, bytes }),
      );
      written.catch(() => fills.delete(account));
      return { written };
    },
    next: (account, most) =>
      store.read(
        db
          .selectFrom('offline_messages')
          .select(['id', 'stanza'])
          .where('account', '=', account)
          .orderBy('id')
          .limit(most),
      ),
    async removeThrough(account, id) {
      fills.delete(account);
      await store.write(
        db.deleteFrom('offline_messages').where('account', '=', account).where('id', '<=', id),
      );
      fills.delete(account);
    },
    async removeAll(account) {
      await store.write(db.deleteFrom('offline_messages').where('account', '=', account));
      fills.delete(account);
    },
  };
}
