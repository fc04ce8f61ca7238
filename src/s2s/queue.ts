/**
 * Stanzas on their way from one of our domains to another one, first in, first out: those that were
 * sent and may not have arrived, and behind them those that wait. Bounded in number and bytes over
 * both; its owner bounds the time.
 */
import type { Passage } from './passage.ts';

/** How much may be on its way. */
export interface QueueBounds {
  readonly queueStanzas: number;
  readonly queueBytes: number;
}

/** Emptied places that are kept before the list is made anew. */
const COMPACT_AT = 64;

/** The queue of one pair of domains. */
export class Queue {
  #passages: Passage[] = [];
  /** The first that is not over, and the first that was not sent. */
  #head = 0;
  #next = 0;
  #length = 0;
  #size = 0;

  /** How many are on their way. */
  get length(): number {
    return this.#length;
  }

  /** Whether some were not sent. */
  get isWaiting(): boolean {
    this.#skip();
    return this.#next < this.#passages.length;
  }

  /** When the first one began to wait; undefined if there is none. */
  get oldest(): number | undefined {
    return this.#passages[this.#head]?.since;
  }

  /** The first one, if it was sent. */
  get firstSent(): Passage | undefined {
    return this.#head < this.#next ? this.#passages[this.#head] : undefined;
  }

  /** Whether there is room for one more. */
  hasRoom(passage: Passage, { queueStanzas, queueBytes }: QueueBounds): boolean {
    return this.#length < queueStanzas && this.#size + passage.size <= queueBytes;
  }

  /** Adds one at the end. */
  add(passage: Passage): void {
    this.#passages.push(passage);
    this.#length += 1;
    this.#size += passage.size;
  }

  /** The first that waits; it counts as sent from now on. */
  next(): Passage | undefined {
    this.#skip();
    const passage = this.#passages[this.#next];
    if (passage !== undefined) this.#next += 1;
    return passage;
  }

  /** Has all wait again that are not known to have arrived, in their order. */
  rewind(): void {
    this.#next = this.#head;
  }

  /** Takes out one that is over. */
  remove(passage: Passage): void {
    if (passage.isOver) return;
    passage.isOver = true;
    this.#length -= 1;
    this.#size -= passage.size;
    if (this.#length === 0) return void this.#clear();
    while (this.#passages[this.#head]?.isOver === true) this.#head += 1;
    this.#next = Math.max(this.#next, this.#head);
    if (this.#head < COMPACT_AT || this.#head * 2 < this.#passages.length) return;
    this.#passages = this.#passages.slice(this.#head);
    this.#next -= this.#head;
    this.#head = 0;
  }

  /** Those that wait here since before a time; all without one. They stay until they are removed. */
  list(before = Number.POSITIVE_INFINITY): readonly Passage[] {
    const found: Passage[] = [];
    for (let index = this.#head; index < this.#passages.length; index += 1) {
      const passage = this.#passages[index];
      if (passage === undefined || passage.since >= before) break;
      if (!passage.isOver) found.push(passage);
    }
    return found;
  }

  #clear(): void {
    this.#passages = [];
    this.#head = 0;
    this.#next = 0;
  }

  #skip(): void {
    while (this.#passages[this.#next]?.isOver === true) this.#next += 1;
  }
}
