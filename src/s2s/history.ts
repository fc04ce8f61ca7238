/** What became of the attempts to talk with each domain: bounded, and the same thing said once. */
import type { Domain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { BoundedMap } from '../kit/limits.ts';
import type { Attempt } from './connect.ts';

/** The most domains, and the most entries for each, that are remembered. */
const DOMAINS = 2000;
const ENTRIES = 30;

/** Something that happened with a domain, perhaps several times in a row. */
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
  of(domain: Domain): readonly HistoryEntry[];
}

/** Makes an empty history. */
export function createHistory(clock: Clock): History {
  const domains = new BoundedMap<Domain, readonly HistoryEntry[]>(DOMAINS);
  return {
    note(domain, { attempts = [], ...happening }) {
      const entries = domains.get(domain) ?? [];
      const now = clock.now();
      const index = entries.findIndex(
        (entry) =>
          entry.text === happening.text &&
          entry.host === happening.host &&
          entry.direction === happening.direction &&
          entry.outcome === happening.outcome,
      );
      const before = entries[index];
      const { first, count } = before ?? { first: now, count: 0 };
      const entry = { ...happening, attempts, first, last: now, count: count + 1 };
      const others = entries.filter((each) => each !== before);
      domains.set(domain, [entry, ...others].slice(0, ENTRIES));
    },
    of: (domain) => domains.get(domain) ?? [],
  };
}
