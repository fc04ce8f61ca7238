/** Bounded containers and rates: nothing that a stranger can grow is without a limit. */
import type { Clock } from './clock.ts';

/**
 * A Map that forgets what was not used for long. It keeps two generations: reading what is in use
 * costs one look-up, where an exact order of use would cost a removal and an insertion each time.
 */
export class BoundedMap<K, V> {
  readonly #half: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** @param bound the most entries that are kept; at least the half used last is always there */
  constructor(bound: number) {
    this.#half = Math.max(1, Math.floor(bound / 2));
  }

  /** How many entries are held. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The value of a key, which thereby counts as used. */
  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Sets a key's value and, when the young generation is full, forgets the old one. */
  set(key: K, value: V): void {
    this.#old.delete(key);
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  /** Forgets a key. */
  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  /** Forgets everything. */
  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}

/**
 * Tries per key in a sliding allowance (a token bucket for each key, such as an address or account),
 * with a bounded number of keys.
 */
export class RateLimit<K> {
  readonly #buckets: BoundedMap<K, { tokens: number; at: number }>;
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #perMs: number;

  /**
   * @param options.burst how many tries are free at once
   * @param options.perSecond how many come back each second
   * @param options.keys the most keys that are remembered
   */
  constructor(clock: Clock, options: { burst: number; perSecond: number; keys?: number }) {
    this.#clock = clock;
    this.#burst = options.burst;
    this.#perMs = options.perSecond / 1000;
    this.#buckets = new BoundedMap(options.keys ?? 100_000);
  }

  /** Takes `cost` tokens of a key; false, and nothing is taken, when it has not that many. */
  take(key: K, cost = 1): boolean {
    const now = this.#clock.monotonic();
    const tokens = this.#left(key, now);
    const isAllowed = tokens >= cost;
    this.#buckets.set(key, { tokens: isAllowed ? tokens - cost : tokens, at: now });
    return isAllowed;
  }

  /** Whether a key could take `cost` tokens now. */
  has(key: K, cost = 1): boolean {
    return this.#left(key, this.#clock.monotonic()) >= cost;
  }

  /** Forgets what a key has used. */
  clear(key: K): void {
    this.#buckets.delete(key);
  }

  #left(key: K, now: number): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return this.#burst;
    return Math.min(this.#burst, bucket.tokens + (now - bucket.at) * this.#perMs);
  }
}
