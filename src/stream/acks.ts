/**
 * The counters of XEP-0198, without any socket: what came and is handled, and what went and is not
 * acknowledged. The same for a client's stream and for one between servers.
 */
import { type Element, el } from '../xml/element.ts';
import type { StreamFailure } from './error.ts';

/** The namespace of stream management. */
export const SM_NS = 'urn:xmpp:sm:3';

/** Counters are 32 bits wide and wrap around (§4). */
const MODULUS = 2 ** 32;
/** Emptied places that are kept before a list is made anew. */
const COMPACT_AT = 256;

/** Reads a counter: a decimal number below 2^32; undefined if it is none. */
export function readCounter(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value < MODULUS ? value : undefined;
}

/** Whether an attribute says yes, in the lexical space of xs:boolean. */
export function isTrue(text: string | undefined): boolean {
  return text === 'true' || text === '1';
}

/** `<a/>` with a counter, as text. */
export const ackText = (handled: number): string => `<a xmlns="${SM_NS}" h="${handled}"/>`;
/** `<r/>`, as text. */
export const REQUEST_TEXT = `<r xmlns="${SM_NS}"/>`;

/** `<enabled/>` (§3, §5): with the name to resume by, for how long (ms), and where best. */
export function enabled(
  id: string | undefined,
  resumeMs: number,
  location: string | undefined,
): Element {
  if (id === undefined) return el('enabled', { xmlns: SM_NS });
  const max = Math.floor(resumeMs / 1000);
  return el('enabled', { xmlns: SM_NS, id, resume: 'true', max, location });
}

/** `<resumed/>` (§5). */
export const resumed = (previd: string, h: number): Element =>
  el('resumed', { xmlns: SM_NS, previd, h });

/** `<failed/>` with its stanza error condition (§3, §5); with `h`, if it is known. */
export function failed(condition: string, h?: number): Element {
  const named = el(condition, { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' });
  return el('failed', { xmlns: SM_NS, h }, named);
}

/** Which session a client would resume, and how many of our stanzas it has handled (§5). */
export interface Resumption {
  readonly id: string;
  readonly handled: number;
}

/** Reads `<resume/>`; undefined if it lacks something. */
export function readResume({ attrs }: Element): Resumption | undefined {
  const handled = readCounter(attrs['h']);
  const id = attrs['previd'];
  return handled === undefined || id === undefined ? undefined : { id, handled };
}

/** Why a stream ends whose other side acknowledged more than it was sent (§6). */
export function tooHighFailure(handled: number, sent: number): StreamFailure {
  return {
    condition: 'undefined-condition',
    text: `You acknowledged ${handled} stanzas, but I only sent you ${sent} so far.`,
    app: el('handled-count-too-high', { xmlns: SM_NS, h: handled, 'send-count': sent }),
  };
}

/**
 * What came, and how much of it is handled. A stanza is handled when what it asked for is durable
 * (DESIGN D1), which may be later than for the ones after it: `handled` counts up to the first one
 * that is not.
 */
export class Received {
  /** Places from `#head` on are open: true is handled, but waits for an earlier one. */
  #places: boolean[] = [];
  #head = 0;
  /** The count of those that are handled without a gap. */
  #base: number;
  readonly #waiting: { readonly place: number; readonly tell: () => void }[] = [];

  /** @param handled how many are handled already (a session that was kept on the disk) */
  constructor(handled = 0) {
    this.#base = handled;
  }

  /** The counter to report. */
  get handled(): number {
    return this.#base % MODULUS;
  }

  /** Whether all that came is handled. */
  get isSettled(): boolean {
    return this.#head === this.#places.length;
  }

  /** Counts a stanza; its place is for {@link settle}. */
  begin(): number {
    return this.#base + this.#places.push(false) - 1 - this.#head;
  }

  /** Counts a stanza that is handled already. */
  pass(): void {
    if (this.isSettled) this.#base += 1;
    else this.#places.push(true);
  }

  /** Says that a stanza is handled. */
  settle(place: number): void {
    const index = place - this.#base;
    if (index < 0) return;
    this.#places[this.#head + index] = true;
    while (this.#places[this.#head] === true) {
      this.#head += 1;
      this.#base += 1;
    }
    if (this.isSettled || this.#head > COMPACT_AT) {
      this.#places = this.#places.slice(this.#head);
      this.#head = 0;
    }
    while (this.#waiting[0] !== undefined && this.#waiting[0].place <= this.#base)
      this.#waiting.shift()?.tell();
  }

  /** Calls back once all that has come by now is handled; at once if it is. */
  whenSettled(tell: () => void): void {
    if (this.isSettled) tell();
    else this.#waiting.push({ place: this.#base + this.#places.length - this.#head, tell });
  }
}

/** What went and is not acknowledged, first in, first out. */
export class Unacknowledged<T> {
  #entries: T[] = [];
  #head = 0;
  /** How many were acknowledged. */
  #base: number;

  /** @param acknowledged how many were acknowledged before (a session that was kept on the disk) */
  constructor(acknowledged = 0) {
    this.#base = acknowledged;
  }

  /** How many wait. */
  get length(): number {
    return this.#entries.length - this.#head;
  }

  /** How many were acknowledged. */
  get acknowledged(): number {
    return this.#base % MODULUS;
  }

  /** How many were sent in all. */
  get sent(): number {
    return (this.#base + this.length) % MODULUS;
  }

  /** Adds one that goes out now. */
  push(entry: T): void {
    this.#entries.push(entry);
  }

  /** Those that wait, oldest first. */
  list(): readonly T[] {
    return this.#entries.slice(this.#head);
  }

  /**
   * Takes out what a counter acknowledges; undefined when it acknowledges more than was sent, or less
   * than before (§4: `undefined-condition` with `handled-count-too-high`).
   */
  acknowledge(handled: number): readonly T[] | undefined {
    const count = (handled - this.acknowledged + MODULUS) % MODULUS;
    if (count > this.length) return undefined;
    const taken = this.#entries.slice(this.#head, this.#head + count);
    this.#head += count;
    this.#base += count;
    if (this.#head === this.#entries.length || this.#head > COMPACT_AT) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }

  /** Whether a counter is one from before what was acknowledged. */
  isPast(handled: number): boolean {
    const behind = (this.acknowledged - handled + MODULUS) % MODULUS;
    return behind > 0 && behind < MODULUS / 2;
  }

  /** Takes all out: the stream is over for good. */
  takeAll(): readonly T[] {
    const taken = this.list();
    this.#entries = [];
    this.#head = 0;
    return taken;
  }
}
