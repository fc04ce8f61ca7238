/**
 * Streams that may be resumed when their connection breaks (XEP-0198 §5): as the one who was
 * connected to, by the name that we gave out; as the one who connected, by the pair of domains. Only
 * a stream for one pair is kept: on one for several, whoever proves one of them again would speak of
 * what the others have received, and get what is meant for them.
 */
import type { Clock } from '../kit/clock.ts';
import { BoundedMap } from '../kit/limits.ts';
import type { Received } from '../stream/acks.ts';
import type { Flight } from './in-flight.ts';
import { type Parties, pairKey } from './pairs.ts';

/** How long a stream is kept. */
export const RESUME_MS = 300_000;
/** Streams whose connection broke and that are kept. */
const MAX_KEPT = 500;
/** Streams that are over, of which is remembered how much was handled. */
const REMEMBERED = 2000;

/** What is kept of a stream. */
export interface Kept extends Parties {
  readonly id: string;
  readonly flight: Flight;
  readonly received: Received;
}

/** A stream that may be resumed, on a connection that is still open. */
export interface Holder {
  /**
   * Another connection resumes the stream: gives up what is kept of it, and ends. Undefined when it
   * is for several pairs of domains.
   */
  replace(): Kept | undefined;
}

/** A stream that another server wants to resume; or none, and how much of what it sent was handled. */
export type Claimed =
  | { readonly ok: true; readonly kept: Kept }
  | { readonly ok: false; readonly handled: number | undefined };

interface Entry extends Parties {
  kept: Kept | undefined;
  holder: Holder | undefined;
  /** When it is given up, in ms on the monotonic scale; of meaning while it has no holder. */
  until: number;
}

/** The streams that may be resumed. */
export class Resumptions {
  readonly #clock: Clock;
  /** Those whose names we gave out. */
  readonly #given = new Map<string, Entry>();
  /** The names of those that are kept, by pair: a newer one takes the place of an older one. */
  readonly #byPair = new Map<string, string>();
  readonly #over = new BoundedMap<string, Parties & { readonly handled: number }>(REMEMBERED);
  /** Those that we may resume. */
  readonly #ours = new Map<string, { readonly kept: Kept; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes a name that we gave out, and whose it is. */
  give(id: string, parties: Parties, holder: Holder): void {
    const { local, remote } = parties;
    this.#given.set(id, { local, remote, kept: undefined, holder, until: 0 });
  }

  /** The connection of a stream whose name we gave out broke: it may be resumed for a while. */
  keep(kept: Kept, ms: number): void {
    const { id, local, remote } = kept;
    const key = pairKey(remote, local);
    const before = this.#byPair.get(key);
    if (before !== undefined) this.forget(before);
    const oldest = this.#byPair.values().next();
    if (this.#byPair.size >= MAX_KEPT && oldest.done !== true) this.forget(oldest.value);
    this.#byPair.set(key, id);
    const until = this.#clock.monotonic() + ms;
    this.#given.set(id, { local, remote, kept, holder: undefined, until });
  }

  /** Whether a stream of a pair is kept, so that the other server may come back to it. */
  isAwaited({ local, remote }: Parties): boolean {
    return this.#byPair.has(pairKey(remote, local));
  }

  /** The other server has begun anew: what was kept of a pair is of no use. */
  supersede({ local, remote }: Parties): void {
    const id = this.#byPair.get(pairKey(remote, local));
    if (id !== undefined) this.forget(id);
  }

  /**
   * Takes the stream that another server names, so that nobody else does; those of other pairs are as
   * unknown as none (§8).
   */
  claim(id: string, { local, remote }: Parties): Claimed {
    const entry = this.#given.get(id);
    if (entry?.local === local && entry.remote === remote) {
      this.#remove(id, entry);
      const kept = entry.kept ?? entry.holder?.replace();
      if (kept !== undefined) return { ok: true, kept };
    }
    const over = this.#over.get(id);
    const isTheirs = over?.local === local && over.remote === remote;
    return { ok: false, handled: isTheirs ? over.handled : undefined };
  }

  /** Forgets a name that we gave out; how much was handled is remembered if it was kept. */
  forget(id: string): void {
    const entry = this.#given.get(id);
    if (entry === undefined) return;
    this.#remove(id, entry);
    const { local, remote, kept } = entry;
    if (kept !== undefined) this.#over.set(id, { local, remote, handled: kept.received.handled });
  }

  #remove(id: string, { local, remote }: Entry): void {
    this.#given.delete(id);
    const key = pairKey(remote, local);
    if (this.#byPair.get(key) === id) this.#byPair.delete(key);
  }

  /** The connection of a stream broke that we may resume. */
  suspend(kept: Kept, ms: number): void {
    const key = pairKey(kept.local, kept.remote);
    this.#ours.delete(key);
    const oldest = this.#ours.keys().next();
    if (this.#ours.size >= MAX_KEPT && oldest.done !== true) this.#ours.delete(oldest.value);
    this.#ours.set(key, { kept, until: this.#clock.monotonic() + ms });
  }

  /** Takes the stream of a pair that we may resume, if there is one. */
  take({ local, remote }: Parties): Kept | undefined {
    const key = pairKey(local, remote);
    const entry = this.#ours.get(key);
    this.#ours.delete(key);
    return entry?.kept;
  }

  /** Gives up what was kept too long. */
  expire(): void {
    const now = this.#clock.monotonic();
    for (const id of [...this.#byPair.values()])
      if ((this.#given.get(id)?.until ?? 0) <= now) this.forget(id);
    for (const [key, { until }] of [...this.#ours]) if (until <= now) this.#ours.delete(key);
  }
}
