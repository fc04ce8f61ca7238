/**
 * What became of the attempts to talk with each domain: bounded, and the same thing said once. It is
 * kept in the database, in groups and a while later: it matters to an admin, not to a stanza.
 */
import type { Domain } from '../jid/jid.ts';
import type { Clock, Timer } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { Migration, Store } from '../store/store.ts';
import type { Attempt } from './connect.ts';
import { pairKey } from './pairs.ts';

/** The most domains, and the most entries for each, that are remembered. */
const DOMAINS = 2000;
const ENTRIES = 30;
/** How long what happened waits to be written, and how much of it may. */
const WRITE_MS = 5000;
const MAX_WAITING = 500;
/** Writes after which domains are counted. */
const COUNT_EVERY = 100;
/** How much of a text is kept, and of the connections that were tried. */
const MAX_TEXT = 1000;
const MAX_ATTEMPTS = 20;

/** Something that happened with a domain, perhaps several times. */
export interface HistoryEntry {
  /** Our domain. */
  readonly host: Domain;
  readonly direction: 'in' | 'out';
  readonly outcome: 'opened' | 'failed' | 'closed';
  /** What happened, as a sentence. */
  readonly text: string;
  /** The connections that were tried, the last time. */
  readonly attempts: readonly Attempt[];
  /** When it happened first and last, in ms since the epoch, and how often. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

/** What is to be remembered. */
export type Happening = Omit<HistoryEntry, 'first' | 'last' | 'count' | 'attempts'> & {
  readonly attempts?: readonly Attempt[];
};

/** The history of all domains. */
export interface History {
  note(domain: Domain, happening: Happening): void;
  /** What happened with a domain, the latest first. */
  of(domain: Domain): Promise<readonly HistoryEntry[]>;
  /** Writes what waits. */
  close(): Promise<void>;
}

interface Row extends Omit<HistoryEntry, 'attempts'> {
  readonly domain: Domain;
  /** As JSON. */
  readonly attempts: string;
}

interface Tables {
  s2s_history: Row;
}

/** The migrations of the history's table. */
export const historyMigrations: readonly Migration[] = [
  {
    name: 'history of other servers',
    up: [
      `CREATE TABLE s2s_history (
         domain TEXT NOT NULL, host TEXT NOT NULL, direction TEXT NOT NULL, outcome TEXT NOT NULL,
         text TEXT NOT NULL, attempts TEXT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL,
         count BIGINT NOT NULL, PRIMARY KEY (domain, host, direction, outcome, text)
       )`,
      'CREATE INDEX s2s_history_by_time ON s2s_history (domain, last)',
    ],
  },
];

/** What the history works with. */
export interface HistoryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Opens the history. */
export function createHistory({ store, clock, log }: HistoryOptions): History {
  const db = store.tables<Tables>();
  let waiting = new Map<string, Row>();
  let timer: Timer | undefined;
  let writes = 0;
  let writing: Promise<void> = Promise.resolve();

  const insert = (rows: readonly Row[]) =>
    db
      .insertInto('s2s_history')
      .values(rows)
      .onConflict((at) =>
        at.columns(['domain', 'host', 'direction', 'outcome', 'text']).doUpdateSet((eb) => ({
          attempts: eb.ref('excluded.attempts'),
          last: eb.ref('excluded.last'),
          count: eb('s2s_history.count', '+', eb.ref('excluded.count')),
        })),
      );

  /** Forgets what is older than the latest entries of a domain. */
  const trim = (domain: Domain) =>
    db
      .deleteFrom('s2s_history')
      .where('domain', '=', domain)
      .where('last', '<', (eb) =>
        eb
          .selectFrom('s2s_history')
          .select('last')
          .where('domain', '=', domain)
          .orderBy('last', 'desc')
          .limit(1)
          .offset(ENTRIES - 1),
      );

  /** Forgets the domains of which nothing was heard for longest. */
  const trimDomains = () =>
    db.deleteFrom('s2s_history').where('domain', 'in', (eb) =>
      eb
        .selectFrom('s2s_history')
        .select('domain')
        .groupBy('domain')
        .orderBy((of) => of.fn.max('last'), 'desc')
        .limit(DOMAINS)
        .offset(DOMAINS),
    );

  const write = (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    if (waiting.size === 0) return writing;
    const rows = [...waiting.values()];
    waiting = new Map();
    const counting = writes % COUNT_EVERY === 0 ? [trimDomains()] : [];
    writes += 1;
    const domains = [...new Set(rows.map(({ domain }) => domain))];
    writing = store
      .write(insert(rows), ...domains.map(trim), ...counting)
      .then(() => {})
      .catch((error: unknown) => log.error({ err: error }, 'the history could not be written'));
    return writing;
  };

  return {
    note(domain, { attempts = [], ...happening }) {
      const text = happening.text.slice(0, MAX_TEXT);
      const { host, direction, outcome } = happening;
      const key = JSON.stringify([pairKey(host, domain), direction, outcome, text]);
      const now = clock.now();
      const before = waiting.get(key);
      waiting.set(key, {
        ...happening,
        domain,
        text,
        attempts: JSON.stringify(attempts.slice(0, MAX_ATTEMPTS)),
        first: before?.first ?? now,
        last: now,
        count: (before?.count ?? 0) + 1,
      });
      if (waiting.size >= MAX_WAITING) void write();
      else timer ??= clock.after(WRITE_MS, () => void write());
    },
    async of(domain) {
      await write();
      const rows = await store.read(
        db
          .selectFrom('s2s_history')
          .selectAll()
          .where('domain', '=', domain)
          .orderBy('last', 'desc')
          .limit(ENTRIES),
      );
      return rows.map(({ domain: _, attempts, ...row }) => ({
        ...row,
        attempts: JSON.parse(attempts) as readonly Attempt[], // written above only
        first: Number(row.first),
        last: Number(row.last),
        count: Number(row.count),
      }));
    },
    close: write,
  };
}
