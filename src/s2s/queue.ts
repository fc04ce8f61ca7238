/** Stanzas that wait for their way to another domain: bounded in number, bytes and time. */
import type { Stanza } from '../stanza/stanza.ts';

/** A stanza that waits. */
export interface Queued {
  readonly stanza: Stanza;
  /** When it came, in ms since the epoch. */
  readonly at: number;
  /** Called once it was sent or sent back. */
  readonly settle: () => void;
}

/** What may wait. */
export interface QueueBounds {
  readonly queueStanzas: number;
  readonly queueBytes: number;
}

/** The queue of one pair of domains, first in, first out. */
export class Queue {
  #entries: Queued[] = [];
  #head = 0;
  #bytes = 0;

  /** How many wait. */
  get length(): number {
    return this.#entries.length - this.#head;
  }

  /** When the first one came; undefined if none waits. */
  get oldest(): number | undefined {
    return this.#entries[this.#head]?.at;
  }

  /** Adds a stanza; false, and nothing is added, when there is no room. */
  add(entry: Queued, { queueStanzas, queueBytes }: QueueBounds): boolean {
    const bytes = sizeOf(entry);
    if (this.length >= queueStanzas || this.#bytes + bytes > queueBytes) return false;
    this.#entries.push(entry);
    this.#bytes += bytes;
    return true;
  }

  /** Takes the first one. */
  shift(): Queued | undefined {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return undefined;
    this.#head += 1;
    this.#bytes -= sizeOf(entry);
    if (this.#head > COMPACT_AT && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    } else if (this.length === 0) {
      this.#entries = [];
      this.#head = 0;
    }
    return entry;
  }

  /** Takes those that came before a time; all without one. */
  take(before = Number.POSITIVE_INFINITY): Queued[] {
    const taken: Queued[] = [];
    while ((this.oldest ?? Number.POSITIVE_INFINITY) < before) {
      const entry = this.shift();
      if (entry === undefined) break;
      taken.push(entry);
    }
    return taken;
  }
}

/** Emptied places that are kept before the list is made anew. */
const COMPACT_AT = 64;

const sizeOf = ({ stanza }: Queued) => stanza.wire.text.length;
