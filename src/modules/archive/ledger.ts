/**
 * Messages on their way into the table. Those that come while a write is under way are written together,
 * with as few statements and values as can be: what a message costs the thread that routes is mostly this.
 */
import { bothSettled } from '../../kit/settled.ts';
import { manyRows, type Query, type Store, StoreError } from '../../store/store.ts';

/** A message as the table has it. */
export interface MessageRow {
  /** Its number, by which all is ordered ({@link Serials}). */
  readonly serial: number;
  /** The owner's number. */
  readonly owner: number;
  /** When it came, in ms since the epoch. */
  readonly at: number;
  /** The bare JID of the other side. */
  readonly peer: string;
  /** The resource of the other side, '' if it was not named. */
  readonly resource: string;
  /** 1 when it has a text that can be searched. */
  readonly searchable: number;
  /** The stanza as it was passed on. */
  readonly stanza: string;
}

/** Such a row as it is read. */
export interface StoredRow extends MessageRow {
  /** The UID by which another server had it, from which it came; null for those that were kept here. */
  readonly uid: string | null;
}

/** Writes messages. */
export interface Ledger {
  /** Writes a message; resolves when it is on the disk, rejects with a StoreError. */
  add(row: MessageRow): Promise<unknown>;
  /** Resolves when all that was added so far is on the disk, or failed. */
  flushed(): Promise<unknown>;
  /**
   * Resolves when the disk has caught up with what was added; undefined while it does anyway. Whoever
   * waits for it sends no faster than the disk takes.
   */
  room(): Promise<unknown> | undefined;
}

/** Messages in one write, so that none waits long for the others. */
const TOGETHER = 512;
/** Messages that wait when those who send have to wait too: some 50 ms of the database's work. */
const WAITING_MANY = 4000;
/** Messages that may wait; the store itself counts only the writes that they are gathered in. */
const WAITING_MOST = 20_000;

/** Messages of one write. */
interface Batch {
  /** The values of rows with their texts, one after the other. */
  readonly whole: (string | number)[];
  /** The values of rows whose text is that of another row of this batch, and its number. */
  readonly copies: (string | number)[];
  /** The row that was added last with its text. */
  source: { readonly serial: number; readonly stanza: string };
  rows: number;
  readonly written: Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Opens the ledger.
 * @param alsoWrite further queries for a write, asked for when it is made
 */
export function createLedger(store: Store, alsoWrite: () => readonly Query[]): Ledger {
  /** What waits for the write that is under way; the last batch takes more. */
  const gathered: Batch[] = [];
  let isWriting = false;
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  const begin = (): Batch => {
    const batch = newBatch();
    gathered.push(batch);
    const done = batch.written.finally(() => {
      waiting -= batch.rows;
    });
    last = bothSettled(last, done);
    if (!isWriting) {
      isWriting = true;
      queueMicrotask(writeGathered);
    }
    return batch;
  };
  const writeGathered = () => {
    const batches = gathered.splice(0);
    const writes = batches.map((batch) => {
      const queries = [...insert(batch.whole), ...insertCopies(batch.copies)];
      return store.write(...queries, ...alsoWrite()).then(batch.resolve, batch.reject);
    });
    void Promise.all(writes).then(() => {
      if (gathered.length > 0) writeGathered();
      else isWriting = false;
    });
  };

  return {
    add(row) {
      if (waiting >= WAITING_MOST)
        return Promise.reject(
          new StoreError('overloaded', `${waiting} messages wait for the archive`),
        );
      waiting += 1;
      const open = gathered.at(-1);
      const batch = open === undefined || open.rows >= TOGETHER ? begin() : open;
      put(batch, row);
      return batch.written;
    },
    flushed: () => last,
    room: () => (waiting < WAITING_MANY ? undefined : last),
  };
}

/** Adds a row. What one account sends to another is one text for both, which goes the way but once. */
function put(batch: Batch, row: MessageRow): void {
  const { serial, owner, at, peer, resource, searchable, stanza } = row;
  batch.rows += 1;
  if (stanza === batch.source.stanza) {
    batch.copies.push(serial, owner, at, peer, resource, searchable, batch.source.serial);
  } else {
    batch.whole.push(serial, owner, at, peer, resource, searchable, stanza);
    batch.source = { serial, stanza };
  }
}

/** An empty batch. */
function newBatch(): Batch {
  let resolve: Batch['resolve'] = () => {};
  let reject: Batch['reject'] = () => {};
  const written = new Promise<unknown>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  const source = { serial: 0, stanza: '' };
  return { whole: [], copies: [], source, rows: 0, written, resolve, reject };
}

/** The values of a row. */
const WIDTH = 7;
const COLUMNS = 'serial, owner, at, peer, resource, searchable, stanza';

const insert = manyRows(
  WIDTH,
  (rows) => `INSERT INTO archive_messages (${COLUMNS}) VALUES ${rows}`,
);
const insertCopies = manyRows(
  WIDTH,
  (rows) => `INSERT INTO archive_messages (${COLUMNS})
    SELECT column1, column2, column3, column4, column5, column6,
      (SELECT stanza FROM archive_messages WHERE serial = column7)
    FROM (VALUES ${rows}) AS copies`,
);
