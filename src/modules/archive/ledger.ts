/**
 * Messages on their way into the table. Those of one turn of the event loop are written together: it
 * halves what each costs the thread that routes.
 */
import { prepare, type Query, type Store, StoreError } from '../../store/store.ts';

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

/** Writes messages. */
export interface Ledger {
  /** Writes a message; resolves when it is on the disk, rejects with a StoreError. */
  add(row: MessageRow): Promise<unknown>;
  /** Resolves when all that was added so far is on the disk, or failed. */
  flushed(): Promise<unknown>;
}

/** Messages in one write, so that none waits long for the others. */
const TOGETHER = 500;
/** Messages that may wait; the store itself counts only the writes that they are gathered in. */
const WAITING_MOST = 20_000;

interface Tables {
  archive_messages: MessageRow;
}

/**
 * Opens the ledger.
 * @param alsoWrite further queries for a write, asked for when it is made
 */
export function createLedger(store: Store, alsoWrite: () => readonly Query[]): Ledger {
  const db = store.tables<Tables>();
  const insert = prepare((row: MessageRow) =>
    db.insertInto('archive_messages').values({
      serial: row.serial,
      owner: row.owner,
      at: row.at,
      peer: row.peer,
      resource: row.resource,
      searchable: row.searchable,
      stanza: row.stanza,
    }),
  );
  let gathered: Gathered | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  const gather = (): Gathered => {
    const fresh = gatheredRows();
    const done = fresh.written.finally(() => {
      waiting -= fresh.rows.length;
    });
    last = Promise.allSettled([last, done]);
    setImmediate(() => send(fresh));
    return fresh;
  };
  const send = (sent: Gathered) => {
    if (sent.isSent) return;
    sent.isSent = true;
    if (gathered === sent) gathered = undefined;
    const written = store.write(...sent.rows.map(insert), ...alsoWrite());
    written.then(sent.resolve, sent.reject);
  };

  return {
    add(row) {
      if (waiting >= WAITING_MOST)
        return Promise.reject(
          new StoreError('overloaded', `${waiting} messages wait for the archive`),
        );
      waiting += 1;
      gathered ??= gather();
      gathered.rows.push(row);
      const { written } = gathered;
      if (gathered.rows.length >= TOGETHER) send(gathered);
      return written;
    },
    flushed: () => last,
  };
}

/** Messages that will be written together. */
interface Gathered {
  readonly rows: MessageRow[];
  readonly written: Promise<unknown>;
  isSent: boolean;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

function gatheredRows(): Gathered {
  let resolve: Gathered['resolve'] = () => {};
  let reject: Gathered['reject'] = () => {};
  const written = new Promise<unknown>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { rows: [], written, isSent: false, resolve, reject };
}
