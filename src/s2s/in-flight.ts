/**
 * What was sent on one stream and is not known to have arrived. The other side says so by the
 * counters of XEP-0198 or, without it, by its answer to a ping.
 */
import { domainOf } from '../jid/jid.ts';
import type { Clock, Timer } from '../kit/clock.ts';
import { REQUEST_TEXT, Unacknowledged } from '../stream/acks.ts';
import type { Passage } from './passage.ts';
import type { Ping, Pings } from './pings.ts';

/** How often a stream with something in flight is looked at, and pinged at the most. */
const TICK_MS = 1000;

/** Counters are 32 bits wide (§4). */
const COUNTER_END = 2 ** 32;

/** The stream under it. */
export interface FlightPort {
  readonly clock: Clock;
  readonly pings: Pings;
  /** How long an answer may take, in ms. */
  patience(): number;
  write(text: string): void;
  /** Whether the system has taken all that was written. */
  isFlushed(): boolean;
  /** The other side does not answer: the connection is as good as broken. */
  giveUp(why: string): void;
}

/** What outlives the connection when its stream is resumed. */
export interface Flight {
  readonly counted: Unacknowledged<Passage>;
  /** What was sent before it counted. */
  earlier: readonly Passage[];
}

/** How the other side says what it has: not yet known, by acknowledging, or by answering pings. */
type Means = 'pings' | 'asked' | 'acks';

/** What was asked, when, and how much was sent by then; not answered yet. */
interface Question {
  readonly at: number;
  readonly upTo: number;
  readonly ping?: Ping;
}

const newFlight = (): Flight => ({ counted: new Unacknowledged(), earlier: [] });

/** What is in flight on one stream. */
export class InFlight {
  readonly #port: FlightPort;
  #flight = newFlight();
  #means: Means = 'pings';
  #question: Question | undefined;
  #timer: Timer | undefined;
  /** When the next ping may be sent, on the monotonic scale. */
  #nextPing = 0;
  #awaitingEmpty: (() => void)[] = [];

  /** @param mayCount whether the other side may ask in a moment that it be counted */
  constructor(port: FlightPort, mayCount: boolean) {
    this.#port = port;
    if (mayCount) this.#nextPing = port.clock.monotonic() + TICK_MS;
  }

  /** How many stanzas are in flight. */
  get length(): number {
    return this.#flight.counted.length + this.#flight.earlier.length;
  }

  /** How many were sent since it counts. */
  get sent(): number {
    return this.#flight.counted.sent;
  }

  /** Calls back once nothing is in flight; at once if nothing is. */
  whenEmpty(tell: () => void): void {
    if (this.length === 0) tell();
    else this.#awaitingEmpty.push(tell);
  }

  /** Asks at once whether all has arrived. */
  hurry(): void {
    this.#nextPing = 0;
    this.#request();
  }

  /** What a stream that resumes this one takes over; this one is left with nothing. */
  leave(): Flight {
    const flight = this.#flight;
    this.#flight = newFlight();
    this.#rest();
    return flight;
  }

  /** Notes a stanza that is written now. */
  add(passage: Passage): void {
    this.#flight.counted.push(passage);
    this.#watch();
  }

  /** Counts from now on (XEP-0198 §4): `asked` while the other side has not agreed. */
  count(means: 'asked' | 'acks'): void {
    if (this.#means === 'pings')
      this.#flight = { ...newFlight(), earlier: this.#flight.counted.takeAll() };
    this.#means = means;
    this.#ask(means === 'asked' ? { at: this.#port.clock.monotonic(), upTo: 0 } : undefined);
    if (means === 'asked') this.#watch();
    else this.#request();
  }

  /** The other side does not acknowledge after all. */
  refuse(): void {
    this.#means = 'pings';
    this.#ask(undefined);
  }

  /** What is to follow what is written now: a request or a ping, if none is under way. */
  trailer(): string {
    if (this.#question !== undefined || this.length === 0) return '';
    if (this.#means === 'pings') return this.#ping();
    this.#ask({ at: this.#port.clock.monotonic(), upTo: this.sent });
    return REQUEST_TEXT;
  }

  /** Takes what the other side has handled; false when it says more than it was sent. */
  acknowledge(handled: number): boolean {
    const taken = this.#flight.counted.acknowledge(handled);
    if (taken === undefined) return false;
    this.#arriveEarlier(); // it counts, so it has read that we do, and all that came before
    this.#ask(undefined);
    for (const passage of taken) passage.arrived();
    if (this.length === 0) this.#rest();
    else this.#request();
    return true;
  }

  /**
   * Goes on where another stream broke (§5): what the other side has handled of its flight arrived,
   * and the rest is sent again by whoever owns it. False when it says more than it was sent.
   */
  resume(flight: Flight, handled: number): boolean {
    const taken = flight.counted.acknowledge(handled);
    if (taken === undefined) return false;
    const own = this.#flight;
    this.#flight = flight;
    this.#arriveEarlier();
    for (const passage of taken) passage.arrived();
    flight.counted.takeAll();
    flight.earlier = own.counted.takeAll();
    this.#means = 'acks';
    this.#ask(undefined);
    this.#watch();
    return true;
  }

  /**
   * The stream is over: what the system took of what is of the moment counts as arrived where nobody
   * acknowledges; all else is not known to have arrived, and its owner sends it again.
   */
  end(): void {
    if (this.#means === 'pings') this.#releaseMoment();
    this.#ask(undefined);
    this.#rest();
  }

  #tick(): void {
    const { clock, patience, giveUp } = this.#port;
    const question = this.#question;
    const isLate = question !== undefined && clock.monotonic() - question.at > patience();
    if (this.#means !== 'pings') {
      if (isLate) return void giveUp('it does not acknowledge what it was sent');
    } else {
      this.#releaseMoment();
      if (isLate) this.#unanswered(question.upTo);
    }
    this.#request();
    if (this.length === 0 && this.#question === undefined) this.#rest();
  }

  /** A server that never answers pings may not know them: then what the system took has arrived. */
  #unanswered(upTo: number): void {
    const { pings, isFlushed, giveUp } = this.#port;
    const [first] = this.#flight.counted.list();
    if (first === undefined) return void this.#ask(undefined);
    if (pings.isAnswering(domainOf(first.stanza.to)))
      return void giveUp('it does not answer to pings any more');
    if (!isFlushed()) return;
    this.#ask(undefined);
    this.#arriveUpTo(upTo);
  }

  /** A ping, if one is due: for what is of the moment none is. */
  #ping(): string {
    const now = this.#port.clock.monotonic();
    if (now < this.#nextPing) return '';
    const kept = this.#flight.counted.list().findLast(({ isKept, isOver }) => isKept && !isOver);
    if (kept === undefined) return '';
    const upTo = this.sent;
    const [local, remote] = [domainOf(kept.stanza.from), domainOf(kept.stanza.to)];
    const ping = this.#port.pings.make(local, remote, () => {
      if (this.#question?.ping !== ping) return;
      this.#question = undefined;
      this.#arriveUpTo(upTo);
    });
    if (ping === undefined) return '';
    this.#nextPing = now + TICK_MS;
    this.#ask({ at: now, upTo, ping });
    return ping.text;
  }

  #arriveUpTo(count: number): void {
    for (const passage of this.#flight.counted.acknowledge(count) ?? []) passage.arrived();
    this.#arriveEarlier();
    if (this.length === 0) this.#rest();
  }

  #arriveEarlier(): void {
    for (const passage of this.#flight.earlier) passage.arrived();
    this.#flight.earlier = [];
  }

  /** Presence and requests are of the moment: nobody asks whether they arrived. */
  #releaseMoment(): void {
    if (!this.#port.isFlushed()) return;
    const { counted } = this.#flight;
    const waiting = counted.list();
    for (const passage of waiting) if (!passage.isKept) passage.arrived();
    const first = waiting.findIndex(({ isOver }) => !isOver);
    const over = first === -1 ? waiting.length : first;
    counted.acknowledge((counted.acknowledged + over) % COUNTER_END);
  }

  #ask(question: Question | undefined): void {
    this.#question?.ping?.cancel();
    this.#question = question;
  }

  #request(): void {
    const text = this.trailer();
    if (text !== '') this.#port.write(text);
  }

  #watch(): void {
    this.#timer ??= this.#port.clock.every(TICK_MS, () => this.#tick());
  }

  #rest(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const tell of this.#awaitingEmpty.splice(0)) tell();
  }
}
