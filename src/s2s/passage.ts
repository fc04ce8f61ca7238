/** One stanza on its way to another domain, from the router's hand until the other side has it. */
import { domainOf, type Jid } from '../jid/jid.ts';
import { deferred } from '../kit/deferred.ts';
import { delayed } from '../stanza/delay.ts';
import type { Stanza } from '../stanza/stanza.ts';
import { isWorthKeeping } from './keeping.ts';

/** After how long a wait a stanza tells when it was sent. */
const LATE_MS = 5000;

/** A stanza that has an address. */
export type Addressed = Stanza & { readonly to: Jid };

/** What a passage is made of. */
export interface PassageOptions {
  readonly stanza: Addressed;
  /** When the stanza came, in ms since the epoch. */
  readonly at: number;
  /** From when on it waits here, in ms of the monotonic clock: after a restart, from that on. */
  readonly since: number;
  /** Its row in the spool, if it came from there. */
  readonly spoolId?: number;
  /** The other side has it. Called once at most. */
  arrived(passage: Passage): void;
}

/**
 * A stanza on its way. It is over when the other side has it or it was sent back; what was promised
 * of it is settled then, or earlier, once it is on the disk (DESIGN D1).
 */
export class Passage {
  readonly stanza: Addressed;
  readonly at: number;
  readonly since: number;
  /** Its size, in characters. */
  readonly size: number;
  /** Whether it is worth being kept over a restart. */
  readonly isKept: boolean;
  spoolId: number | undefined;
  isOver = false;
  /** How often the other side ended a stream by an error on which it was the first in flight. */
  rejections = 0;
  readonly #arrived: (passage: Passage) => void;
  readonly #settled = deferred<void>();

  constructor({ stanza, at, since, spoolId, arrived }: PassageOptions) {
    this.stanza = stanza;
    this.at = at;
    this.since = since;
    this.size = stanza.wire.text.length;
    this.isKept = isWorthKeeping(stanza);
    this.spoolId = spoolId;
    this.#arrived = arrived;
  }

  /** Resolves when the sender may be told that it is handled. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** The text to send: with the time at which the stanza came, if that is a while ago (XEP-0203). */
  text(now: number): string {
    const { stanza, at } = this;
    if (stanza.kind === 'iq' || now - at < LATE_MS) return stanza.wire.text;
    return delayed(stanza, { from: domainOf(stanza.from), stamp: at }).wire.text;
  }

  /** Says that what was promised of it is true. */
  settle(): void {
    this.#settled.resolve();
  }

  /** Says that the other side has it; whoever owns it ends it. */
  arrived(): void {
    if (!this.isOver) this.#arrived(this);
  }
}
