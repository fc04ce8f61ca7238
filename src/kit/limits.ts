/** Bounded containers and rates: nothing that a stranger can grow is without a limit. */
import type { Clock } from './clock.ts';

/** A Map that forgets its least recently used entry once it holds more than its bound. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #bound: number;

  /** @param bound the most entries that are kept */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** How many entries are held. */
  get size(): number {
    return this.#entries.size;
  }

  /** The value of a key, which thereby becomes the most recently used. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Sets a key's value and, over the bound, forgets the least recently used one. */
  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#bound) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  /** Forgets a key. */
  delete(key: K): void {
    this.#entries.delete(key);
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
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
