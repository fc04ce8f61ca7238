/**
 * Stream management of one session (XEP-0198): what its client sent and we have handled, and what it
 * was sent and has not acknowledged. It outlives the connection when the client may resume.
 */
import type { Receipt } from '../core/parcel.ts';
import type { Domain } from '../jid/jid.ts';
import type { Clock, Timer } from '../kit/clock.ts';
import { randomId } from '../kit/ids.ts';
import { Delay } from '../stanza/delay.ts';
import type { Stanza } from '../stanza/stanza.ts';
import {
  ackText,
  isTrue,
  REQUEST_TEXT,
  Received,
  readCounter,
  Unacknowledged,
} from '../stream/acks.ts';
import { childOf, type Element, serialise } from '../xml/element.ts';

/** A name to resume by is the right to do so: nobody can guess it. */
const RESUME_ID_BYTES = 18;

/** What is written later than this says when it was sent. */
const LATE_MS = 2000;
/** How long an answer waits for what came before to be durable; then it says what is so far. */
const ANSWER_MS = 1000;
/**
 * How long a client that was asked may take to say what it has: what it says stands behind what it sent before,
 * such as its entries into all its rooms.
 */
const SILENT_MS = 10_000;
/** Within that it may be sent so many times as much as it may leave unacknowledged. */
const BURST = 4;
/** How long a client that comes back waits for what it sent before to be handled. */
const QUIET_MS = 5000;

/** A stanza that was sent and is not acknowledged. */
export interface Sent {
  /** Undefined if it was not to be read any more after a restart. */
  readonly stanza: Stanza | undefined;
  /** As it was written, with the address that it was sent to. */
  readonly text: string;
  readonly receipt: Receipt | undefined;
  /** When it was first sent, in ms since the epoch. */
  readonly at: number;
}

/**
 * Whether more may be sent to a client: `much` is only for one who is about to acknowledge what he has, `too much`
 * for nobody.
 */
export type Fill = 'room' | 'much' | 'too much';

/** What is not acknowledged may not be more than this. */
export interface UnacknowledgedLimits {
  readonly unackedStanzas: number;
  readonly unackedBytes: number;
}

/** What a managed stream works with. */
export interface ManagedOptions {
  readonly clock: Clock;
  /** The name by which the client may resume; undefined if it may not. */
  readonly resumeId: string | undefined;
  /** How long it may take to come back, in ms. */
  readonly resumeMs: number;
  /** Writes to the client, if there is one. */
  write(text: string): void;
}

/** The counters and queues of a managed stream. */
export class Managed {
  readonly resumeId: string | undefined;
  readonly resumeMs: number;
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  readonly #sent: Unacknowledged<Sent>;
  #received: Received;
  #bytes = 0;
  /** Since when the client is asked, and has not answered, by the monotonic clock. */
  #askedAt: number | undefined;
  /** Whether an answer waits for what came before its request. */
  #isAnswering = false;
  /** Whether another request came meanwhile. */
  #isAnswerDue = false;
  #late: Timer | undefined;

  /** @param counters where a session that was kept on the disk stood */
  constructor(options: ManagedOptions, counters = { received: 0, acknowledged: 0 }) {
    this.resumeId = options.resumeId;
    this.resumeMs = options.resumeMs;
    this.#clock = options.clock;
    this.#write = options.write;
    this.#received = new Received(counters.received);
    this.#sent = new Unacknowledged(counters.acknowledged);
  }

  /** What the client sent, and how much of it is handled. */
  get received(): Received {
    return this.#received;
  }

  /** How many stanzas the client has not acknowledged. */
  get unacknowledged(): number {
    return this.#sent.length;
  }

  /** How many it has acknowledged. */
  get acknowledgedCount(): number {
    return this.#sent.acknowledged;
  }

  /** How many it was sent. */
  get sentCount(): number {
    return this.#sent.sent;
  }

  /** Whether the client was asked a while ago, and has not answered. */
  get isSilent(): boolean {
    return this.#askedAt !== undefined && this.#clock.monotonic() - this.#askedAt >= SILENT_MS;
  }

  /** Notes a stanza that goes out. */
  add(sent: Sent, { unackedStanzas, unackedBytes }: UnacknowledgedLimits): Fill {
    this.#sent.push(sent);
    this.#bytes += sent.text.length;
    const { length } = this.#sent;
    if (length <= unackedStanzas && this.#bytes <= unackedBytes) return 'room';
    return length <= BURST * unackedStanzas && this.#bytes <= unackedBytes ? 'much' : 'too much';
  }

  /** What follows what is written now: at most one request is under way. */
  trailer(): string {
    if (this.#askedAt !== undefined || this.#sent.length === 0) return '';
    this.#askedAt = this.#clock.monotonic();
    return REQUEST_TEXT;
  }

  /**
   * Takes what the client says that it has handled (§4): those stanzas; undefined if it says more
   * than it was sent.
   */
  acknowledge(handled: number): readonly Sent[] | undefined {
    this.#askedAt = undefined;
    const taken = this.#sent.acknowledge(handled);
    for (const { text } of taken ?? []) this.#bytes -= text.length;
    const request = this.trailer();
    if (request !== '') this.#write(request);
    return taken;
  }

  /** Whether the client says that it has less than it said before. */
  isPast(handled: number): boolean {
    return this.#sent.isPast(handled);
  }

  /** Answers a request (§4) once all that came before it is handled; after a while, with what is so far, too. */
  answer(): void {
    if (this.received.isSettled) {
      this.tell();
      return;
    }
    this.#late ??= this.#clock.after(ANSWER_MS, () => {
      this.#late = undefined;
      this.tell();
    });
    if (this.#isAnswering) {
      this.#isAnswerDue = true;
      return;
    }
    this.#isAnswering = true;
    this.received.whenSettled(() => {
      this.#isAnswering = false;
      this.#late?.cancel();
      this.#late = undefined;
      this.tell();
      if (!this.#isAnswerDue) return;
      this.#isAnswerDue = false;
      this.answer();
    });
  }

  /** Resolves when what the former connection brought is handled, or after a while. */
  quiet(): Promise<void> {
    if (this.received.isSettled) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(QUIET_MS, resolve);
      this.received.whenSettled(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /**
   * The client is about to hear what is handled, and sends the rest again (§5): that counts when it comes, and
   * not also when what came first is handled after all.
   */
  countAnew(): void {
    if (this.#received.isSettled) return;
    this.#received = new Received(this.#received.handled);
    this.#isAnswering = false;
  }

  /** Says what is handled, as an answer or before the stream is closed. */
  tell(): void {
    this.#write(ackText(this.received.handled));
  }

  /** What is not acknowledged, oldest first. */
  list(): readonly Sent[] {
    return this.#sent.list();
  }

  /** What has to be sent again on another connection (§5), oldest first. */
  resend(): readonly Sent[] {
    this.#askedAt = undefined;
    return this.#sent.list();
  }

  /** What nobody will acknowledge any more, oldest first. */
  end(): readonly Sent[] {
    this.#late?.cancel();
    this.#bytes = 0;
    return this.#sent.takeAll();
  }
}

/** What an `<enable/>` asks for (§5): whether, and for how long at most, the client may resume. */
export function resumption(
  { attrs }: Element,
  mostMs: number,
): { readonly resumeId: string | undefined; readonly resumeMs: number } {
  const wanted = readCounter(attrs['max']);
  const resumeMs = wanted === undefined ? mostMs : Math.min(mostMs, wanted * 1000);
  const isWanted = isTrue(attrs['resume']) && resumeMs > 0;
  return { resumeId: isWanted ? randomId(RESUME_ID_BYTES) : undefined, resumeMs };
}

/** A stanza as it is written, late or again: with the time at which it was sent (§4, XEP-0203). */
export function lateText({ stanza, text, at }: Sent, host: Domain, now: number): string {
  if (stanza === undefined || stanza.kind === 'iq' || now - at < LATE_MS) return text;
  if (childOf(stanza.element, 'delay', Delay.ns) !== undefined) return text;
  const delay = serialise(Delay.encode({ from: host, stamp: at, reason: '' }));
  const end = `</${stanza.kind}>`;
  return text.endsWith('/>')
    ? `${text.slice(0, -2)}>${delay}${end}`
    : text.slice(0, -end.length) + delay + end;
}
