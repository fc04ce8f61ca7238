/**
 * Remembers what DNS said for as long as it allows, within bounds, and asks once where many want to
 * know the same.
 */
import type { Clock } from '../kit/clock.ts';
import { BoundedMap } from '../kit/limits.ts';
import type { Dns, DnsOutcome, DnsSettings, QueryOptions } from './dns.ts';
import { createDnsClient } from './dns-client.ts';
import type { QueryType, RecordData } from './dns-message.ts';

/** What a cache works with. */
export interface DnsCacheOptions {
  readonly clock: Clock;
  /** The most answers that are remembered. */
  readonly entries?: number;
}

const ENTRIES = 10_000;
/** Seconds: a TTL of zero must not let one stranger's stanzas become as many questions. */
const SHORTEST = 5;
/** Seconds: who says a year has made a mistake, or means harm. */
const LONGEST = 86_400;
/** Seconds: an admin who adds a record wants to see it work (RFC 2308 §5 allows up to hours). */
const LONGEST_NEGATIVE = 900;

type AnyOutcome = DnsOutcome<RecordData[QueryType]>;

/** DNS with a memory. */
export interface DnsCache extends Dns {
  /** Forgets everything. */
  clear(): void;
}

/** Puts a memory before a client; closing it closes the client. */
export function createDnsCache(dns: Dns, { clock, entries = ENTRIES }: DnsCacheOptions): DnsCache {
  const known = new BoundedMap<string, { outcome: AnyOutcome; until: number }>(entries);
  const asked = new Map<string, Promise<AnyOutcome>>();

  async function ask<T extends QueryType>(name: string, type: T, key: string) {
    const outcome = await dns.query(name, type);
    const seconds = lifetimeOf(outcome);
    if (!isPassing(outcome)) {
      known.set(key, { outcome, until: clock.monotonic() + seconds * 1000 });
    }
    return outcome.kind === 'failed' ? outcome : { ...outcome, ttl: seconds };
  }

  return {
    query<T extends QueryType>(name: string, type: T, options?: QueryOptions) {
      const key = `${type} ${name.toLowerCase()}`;
      const held = options?.isFresh === true ? undefined : known.get(key);
      const left = held === undefined ? 0 : held.until - clock.monotonic();
      if (held !== undefined && left > 0)
        return Promise.resolve(aged(held.outcome, left) as DnsOutcome<RecordData[T]>);
      const running = asked.get(key);
      if (running !== undefined) return running as Promise<DnsOutcome<RecordData[T]>>;
      const asking = ask(name, type, key).finally(() => asked.delete(key));
      asked.set(key, asking);
      return asking as Promise<DnsOutcome<RecordData[T]>>;
    },
    clear: () => known.clear(),
    close() {
      known.clear();
      dns.close();
    },
  };
}

/** A client with a memory, which is emptied when other servers are set: what the server uses. */
export function createDns(options: {
  readonly clock: Clock;
  /** The settings as they stand. */
  settings(): DnsSettings;
}): DnsCache {
  const cache = createDnsCache(createDnsClient(options), options);
  let before = options.settings().servers.join(' ');
  return {
    ...cache,
    query(name, type, how) {
      const servers = options.settings().servers.join(' ');
      if (servers !== before) cache.clear();
      before = servers;
      return cache.query(name, type, how);
    },
  };
}

/** What says nothing about the name is not remembered. */
const isPassing = (outcome: AnyOutcome): boolean =>
  outcome.kind === 'failed' && ['busy', 'closed', 'bad-name'].includes(outcome.problem);

/** For how many seconds an answer is remembered. */
function lifetimeOf(outcome: AnyOutcome): number {
  if (outcome.kind === 'failed') return SHORTEST; // RFC 2308 §7: at most five minutes
  const longest = outcome.kind === 'none' ? LONGEST_NEGATIVE : LONGEST;
  return Math.min(Math.max(outcome.ttl, SHORTEST), longest);
}

const aged = (outcome: AnyOutcome, leftMs: number): AnyOutcome =>
  outcome.kind === 'failed' ? outcome : { ...outcome, ttl: Math.ceil(leftMs / 1000) };
