/** A cache in two generations: bounded, and cheaper to read than an exact order of use. */
export class GenerationCache<V> {
  readonly #bound: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  /** @param bound the most entries of one generation; at most twice as many are held */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** The value of a key; one of the old generation becomes young again. */
  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Sets a value; when the young generation is full, the old one is forgotten. */
  set(key: string, value: V): void {
    if (this.#young.size >= this.#bound) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  /** How many entries are held. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
