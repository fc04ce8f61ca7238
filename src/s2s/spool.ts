/**
 * Stanzas for other domains that a crash must not take: the one owner of their table. What is
 * acknowledged within moments never comes here (passages.ts).
 */
import type { Logger } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import { readStored } from '../stanza/stored.ts';
import type { Migration, Store } from '../store/store.ts';
import type { Addressed, Passage } from './passage.ts';

const MAX_ROWS = 100_000;
/** Rows that are written, or read, at a time. */
const CHUNK = 500;

/** A stanza that was on its way when the server ended. */
export interface Spooled {
  readonly id: number;
  readonly stanza: Addressed;
  /** When it came, in ms since the epoch. */
  readonly at: number;
}

/** Keeps stanzas over a restart, in their order. */
export interface Spool {
  /** Has passages written soon that are neither over nor written; each is settled when it is on the disk. */
  keep(passages: readonly Passage[]): void;
  /** Has the row of a passage removed that is over, and that nobody would miss now. */
  drop(passage: Pick<Passage, 'spoolId'>): void;
  /** What was on its way when the server ended; to be read before anything is kept. */
  load(): Promise<readonly Spooled[]>;
  /** Resolves when all that was asked for is written. */
  flushed(): Promise<void>;
}

interface Tables {
  s2s_spool: { id: number; at: number; stanza: string; serial: number | null };
}

/** The migrations of the spool's table. */
export const spoolMigrations: readonly Migration[] = [
  {
    name: 'stanzas for other servers',
    up: [
      'CREATE TABLE s2s_spool (id BIGINT PRIMARY KEY, at BIGINT NOT NULL, stanza TEXT NOT NULL)',
    ],
  },
];

/** What came later. */
export const laterSpoolMigrations: readonly Migration[] = [
  {
    name: 'numbers of stanzas for other servers',
    up: ['ALTER TABLE s2s_spool ADD COLUMN serial BIGINT'],
  },
];

/** What the spool works with. */
export interface SpoolOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'errors'>;
  /** The most rows: what comes while so many are there lives in memory only. */
  readonly maxRows?: number;
}

/** Opens the spool. */
export function createSpool(options: SpoolOptions): Spool {
  const { store, log, metrics, maxRows = MAX_ROWS } = options;
  const db = store.tables<Tables>();
  let nextId = 1;
  let rows = 0;
  const incoming: Passage[] = [];
  let outgoing: number[] = [];
  let working: Promise<void> | undefined;

  /** One write at a time: the longer it takes, the more the next one carries. */
  const work = async (): Promise<void> => {
    while (incoming.length > 0 || outgoing.length > 0) {
      const kept = incoming.splice(0, CHUNK).filter(({ isOver }) => !isOver);
      const dropped = outgoing.splice(0, CHUNK);
      try {
        await write(kept, dropped);
        for (const passage of kept) passage.settle();
      } catch (error) {
        // They stay in memory, and are not settled before they are over.
        for (const passage of kept) passage.spoolId = undefined;
        outgoing = [...dropped, ...outgoing];
        metrics.errors.inc({ area: 'store' });
        log.error({ err: error }, 'what is for other servers could not be kept');
        break;
      }
    }
    working = undefined; // at once, for those who go on now may bring more
  };

  const write = async (kept: readonly Passage[], dropped: readonly number[]): Promise<void> => {
    const values = kept.flatMap(({ spoolId, at, stanza }) =>
      spoolId === undefined
        ? []
        : [{ id: spoolId, at, stanza: stanza.wire.text, serial: serialOf(stanza) }],
    );
    const queries = [
      ...(values.length > 0 ? [db.insertInto('s2s_spool').values(values)] : []),
      ...(dropped.length > 0 ? [db.deleteFrom('s2s_spool').where('id', 'in', dropped)] : []),
    ];
    const changes = (await store.write(...queries)).map((each) => each.changes);
    // Not all that is dropped was ever written.
    rows += values.length - (dropped.length > 0 ? (changes.at(-1) ?? 0) : 0);
  };

  const begin = () => {
    working ??= work();
  };

  return {
    keep(passages) {
      for (const passage of passages) {
        if (passage.isOver || passage.spoolId !== undefined) continue;
        if (rows + incoming.length >= maxRows) break;
        passage.spoolId = nextId;
        nextId += 1;
        incoming.push(passage);
      }
      if (incoming.length > 0) begin();
    },
    drop({ spoolId }) {
      if (spoolId === undefined) return;
      outgoing.push(spoolId);
      begin();
    },
    async load() {
      const found: Spooled[] = [];
      for (;;) {
        const page = await store.read(
          db
            .selectFrom('s2s_spool')
            .selectAll()
            .where('id', '>=', nextId)
            .orderBy('id')
            .limit(CHUNK),
        );
        for (const { id, at, stanza: text, serial } of page) {
          nextId = Number(id) + 1;
          rows += 1;
          const stanza = readStored(text, serial === null ? undefined : Number(serial));
          if (stanza?.to !== undefined)
            found.push({ id: Number(id), at: Number(at), stanza: { ...stanza, to: stanza.to } });
          else outgoing.push(Number(id));
        }
        if (page.length < CHUNK) break;
      }
      if (outgoing.length > 0) {
        log.error({ count: outgoing.length }, 'kept stanzas are unreadable');
        begin();
      }
      return found;
    },
    async flushed() {
      if (outgoing.length > 0) begin(); // the disk may have failed the last time
      while (working !== undefined) await working;
    },
  };
}

/** The number of a message, by which its story goes on. */
const serialOf = (stanza: Addressed) => (stanza.kind === 'message' ? stanza.serial : null);
