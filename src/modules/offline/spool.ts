/** Messages that wait for an account: the one owner of their table. */
import type { MaybePromise } from '../../core/hooks.ts';
import type { BareJid } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { type Content, readContent, writeContent } from '../../stanza/content.ts';
import { type Migration, manyRows, prepare, type Store } from '../../store/store.ts';

/** How much may wait for one account. */
export interface SpoolLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

/** A message as it is kept. */
export interface Kept {
  readonly stanza: string;
  /** The message's number, by which its story goes on; undefined where an older version kept it. */
  readonly serial: number | undefined;
  /** What it carries; undefined where that is to be read in it (see `Message.content`). */
  readonly content: Content | undefined;
}

/** A message that waits. */
export interface Waiting extends Kept, Row {}

/** A row of the spool. */
export interface Row {
  readonly id: number;
  readonly bytes: number;
}

/** A message that is kept. */
export interface Added {
  readonly row: Row;
  /** Resolves when it is on the disk, with all that are written together with it. */
  readonly written: Promise<unknown>;
}

/** Keeps messages in their order. All that is asynchronous may reject with a StoreError. */
export interface Spool {
  /**
   * Keeps a message; undefined when the account has no room for it. Messages of one account are kept in
   * the order of the calls.
   */
  add(account: BareJid, message: Kept, limits: SpoolLimits): MaybePromise<Added | undefined>;
  /** The next messages of an account after one, oldest first. */
  next(account: BareJid, after: number, most: number): Promise<readonly Waiting[]>;
  /** A message is not needed any more: it does not count, though it may not be removed yet. */
  free(account: BareJid, row: Row): void;
  /** Removes messages that were freed, by their ids. */
  remove(ids: readonly number[]): Promise<void>;
  /** Removes all of an account. */
  removeAll(account: BareJid): Promise<void>;
}

interface Tables {
  offline_messages: {
    id: number;
    account: BareJid;
    stanza: string;
    bytes: number;
    serial: number | null;
    content: string | null;
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
  {
    name: 'numbers of offline messages',
    up: ['ALTER TABLE offline_messages ADD COLUMN serial BIGINT'],
  },
  {
    name: 'content of offline messages',
    up: ['ALTER TABLE offline_messages ADD COLUMN content TEXT'],
  },
];

/** Accounts of which is remembered how much waits for them. */
const CACHED_ACCOUNTS = 10_000;

interface Fill {
  messages: number;
  bytes: number;
}

const COLUMNS = 'id, account, stanza, bytes, serial, content';
const insert = manyRows(6, (rows) => `INSERT INTO offline_messages (${COLUMNS}) VALUES ${rows}`);
const removeMany = manyRows(1, (ids) => `DELETE FROM offline_messages WHERE id IN (VALUES ${ids})`);

/** Rows that follow each other without a gap, from which on they are removed as such. */
const LEAST_RUN = 8;

/** The numbers among some that follow each other without a gap, and the others. */
function runsIn(ids: readonly number[]) {
  const sorted = ids.toSorted((a, b) => a - b);
  const runs: { readonly first: number; readonly last: number }[] = [];
  const others: number[] = [];
  for (let from = 0; from < sorted.length; ) {
    const first = sorted[from] ?? 0;
    let behind = from + 1;
    while (sorted[behind] === first + behind - from) behind += 1;
    if (behind - from < LEAST_RUN) others.push(...sorted.slice(from, behind));
    else runs.push({ first, last: first + behind - from - 1 });
    from = behind;
  }
  return { runs, others };
}

/** Messages that are written together, those of one turn of the event loop. */
interface Batch {
  readonly values: (string | number | null)[];
  readonly accounts: Set<BareJid>;
  readonly written: Promise<unknown>;
}

/** Rows that can be numbered within a millisecond. */
const PER_MS = 1000;

/**
 * Opens the spool.
 *
 * No number is ever given twice: a session that slept over a restart still knows rows by their numbers,
 * which others may have acknowledged meanwhile, and would take a later message for one of those. So they
 * begin with the time of the start, in case the last ones are not in the table any more.
 */
export function createSpool(store: Store, clock: Pick<Clock, 'now'>): Spool {
  const db = store.tables<Tables>();
  const fills = new BoundedMap<BareJid, Fill | Promise<Fill>>(CACHED_ACCOUNTS);
  /** The number of the last row; it is read before the first one is added, or any is looked for. */
  let last: number | undefined;
  let gathered: Batch | undefined;

  /** Begins a batch, which is written after this turn of the event loop. */
  const begin = (): Batch => {
    const values: Batch['values'] = [];
    const accounts: Batch['accounts'] = new Set();
    const written = new Promise((resolve, reject) => {
      setImmediate(() => {
        gathered = undefined;
        store.write(...insert(values)).then(resolve, reject);
      });
    });
    written.catch(() => {
      for (const account of accounts) fills.delete(account);
    });
    return { values, accounts, written };
  };

  const nextOf = prepare((is: { account: BareJid; after: number; most: number }) =>
    db
      .selectFrom('offline_messages')
      .select(['id', 'stanza', 'bytes', 'serial', 'content'])
      .where('account', '=', is.account)
      .where('id', '>', is.after)
      .orderBy('id')
      .limit(is.most),
  );

  const removeRun = prepare((is: { first: number; last: number }) =>
    db.deleteFrom('offline_messages').where('id', '>=', is.first).where('id', '<=', is.last),
  );

  const readLast = async () => {
    const newest = await store.first(
      db.selectFrom('offline_messages').select(({ fn }) => fn.max('id').as('id')),
    );
    last ??= Math.max(Number(newest?.id ?? 0), clock.now() * PER_MS);
  };

  const readFill = async (account: BareJid): Promise<Fill> => {
    if (last === undefined) await readLast();
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

  /** One reading for all who ask meanwhile, so that they go on in their order. */
  const fillOf = (account: BareJid): MaybePromise<Fill> => {
    const known = fills.get(account);
    if (known !== undefined) return known;
    const reading = readFill(account);
    fills.set(account, reading);
    reading.then(
      (fill) => fills.get(account) === reading && fills.set(account, fill),
      () => fills.get(account) === reading && fills.delete(account),
    );
    return reading;
  };

  const put = (
    account: BareJid,
    { stanza, serial, content }: Kept,
    limits: SpoolLimits,
    fill: Fill,
  ): Added | undefined => {
    const bytes = Buffer.byteLength(stanza);
    if (fill.messages >= limits.maxMessages || fill.bytes + bytes > limits.maxBytes)
      return undefined;
    fill.messages += 1;
    fill.bytes += bytes;
    last = (last ?? 0) + 1;
    gathered ??= begin();
    const carried = content === undefined ? null : writeContent(content);
    gathered.values.push(last, account, stanza, bytes, serial ?? null, carried);
    gathered.accounts.add(account);
    return { row: { id: last, bytes }, written: gathered.written };
  };

  return {
    add(account, message, limits) {
      const fill = fillOf(account);
      if (fill instanceof Promise) return fill.then((read) => put(account, message, limits, read));
      return put(account, message, limits, fill);
    },
    async next(account, after, most) {
      const fill = fills.get(account);
      if (fill !== undefined && !(fill instanceof Promise) && fill.messages === 0) return [];
      if (last === undefined) await readLast();
      const rows = await store.read(nextOf({ account, after, most }));
      // Whoever logs in again need not be looked up again; the number of the last row must be known
      // before any is added.
      if (
        rows.length === 0 &&
        after === 0 &&
        last !== undefined &&
        fills.get(account) === undefined
      )
        fills.set(account, { messages: 0, bytes: 0 });
      return rows.map(({ id, stanza, bytes, serial, content }) => ({
        id,
        stanza,
        bytes,
        serial: serial === null ? undefined : Number(serial),
        content: content === null ? undefined : readContent(content),
      }));
    },
    free(account, { bytes }) {
      const fill = fills.get(account);
      if (fill === undefined || fill instanceof Promise) {
        fills.delete(account); // what is being read may not know of it
      } else {
        fill.messages -= 1;
        fill.bytes -= bytes;
      }
    },
    async remove(ids) {
      const { runs, others } = runsIn(ids);
      await store.write(...runs.map(removeRun), ...removeMany(others));
    },
    async removeAll(account) {
      await store.write(db.deleteFrom('offline_messages').where('account', '=', account));
      fills.delete(account);
    },
  };
}
