/**
 * A session of BOSH (XEP-0124): a client's requests, put in the order of their rids, carry its stream; some
 * are held until there is something to answer.
 */
import type { Clock, Timer } from '../kit/clock.ts';
import { randomId } from '../kit/ids.ts';
import { BoshAnswers } from './bosh-answers.ts';
import {
  type BoshBody,
  type BoshCondition,
  type BoshOpening,
  type BoshReply,
  bodyText,
  RECOVERABLE,
  terminal,
} from './bosh-body.ts';
import { nextKey } from './bosh-keys.ts';
import { asksTooOften, type Exchange, isExtra, isLive, type Slot, slotFor } from './bosh-slot.ts';
import { BoshStream, type Taken } from './bosh-stream.ts';
import { type BoshTerms, openingAttributes, PAUSE_MOST_S, termsOf } from './bosh-terms.ts';
import { clientHeaderText, GOODBYE } from './framing.ts';

/** What a session needs. */
export interface BoshSessionOptions {
  readonly clock: Clock;
  readonly opening: BoshOpening;
  readonly body: BoshBody;
  /** How much may wait to be read of what the client sent, in bytes. */
  readonly intakeBytes: number;
  /** Called once, when no request can belong to it any more. */
  onOver(): void;
}

const REPEATS_MOST = 10;
const NOTHING: Taken = { payloads: '', size: 0 };

/** The session. */
export class BoshSession {
  readonly sid = randomId(24);
  readonly stream: BoshStream;
  /** The Content-Type of its answers. */
  readonly content: string;
  /** Whether its client is told by statuses of HTTP what is wrong (§17.1). */
  readonly isLegacy: boolean;

  readonly #options: BoshSessionOptions;
  readonly #clock: Clock;
  readonly #terms: BoshTerms;
  readonly #answers: BoshAnswers;
  #inactivityMs: number;
  /** The last rid that came in order. */
  #rid: number;
  #key: string | undefined;
  /** Came before their turn. */
  readonly #early = new Map<number, Slot>();
  /** Had their turn, and wait for an answer. */
  #held: Slot[] = [];
  #previous: Slot | undefined;
  #opened = false;
  #isEmptyAnswer = false;
  #isTerminating = false;
  #report: { readonly rid: number; readonly at: number } | undefined;
  #silence: Timer | undefined;
  #isPumping = false;
  #isOver = false;
  /** What the next request is told, once the stream is over. */
  #last: BoshReply | undefined;

  constructor(options: BoshSessionOptions) {
    const { clock, opening, body } = options;
    this.#options = options;
    this.#clock = clock;
    this.content = opening.content;
    this.isLegacy = opening.ver === undefined;
    this.#terms = termsOf(opening);
    this.#answers = new BoshAnswers(this.#terms.requests, body.ack === 1);
    this.#inactivityMs = this.#terms.inactivity * 1000;
    this.#rid = body.rid - 1;
    this.stream = new BoshStream({
      said: () => this.#pumpSoon(),
      read: () => this.#pumpSoon(),
      gone: () => this.#onStreamGone(),
    });
  }

  /** Begins the stream, which somebody reads by now; the answer is owed to the request for the session. */
  open(exchange: Exchange): void {
    const { opening, body } = this.#options;
    const { to, from, lang } = body;
    this.stream.bring(clientHeaderText({ to, from, version: opening.version, 'xml:lang': lang }));
    this.#rid = body.rid;
    this.#key = body.newkey;
    const slot = this.#slotOf(body, exchange);
    this.#held.push(slot);
    this.#previous = slot;
    if (body.payloads !== '') this.stream.bring(body.payloads);
  }

  /** Takes a request of the session. */
  take(body: BoshBody, exchange: Exchange): void {
    if (this.#isTold(exchange, body.rid)) return;
    this.#forgetSilence();
    if (body.rid <= this.#rid) {
      this.#repeat(body.rid, exchange);
      return;
    }
    const early = this.#early.get(body.rid);
    if (early !== undefined) {
      this.#retake(early, exchange);
      return;
    }
    const most = this.#terms.requests + (isExtra(body) ? 1 : 0);
    if (body.rid > this.#rid + most) {
      // §14.2
      this.#fail('item-not-found', exchange);
      return;
    }
    const slot = this.#slotOf(body, exchange);
    if (this.#held.length + this.#early.size >= most) {
      this.#fail('policy-violation', exchange);
      return;
    }
    this.#early.set(body.rid, slot);
    this.#inactivityMs = this.#terms.inactivity * 1000;
    this.#proceed();
    // What waits for one before it that never comes is to be sent again, with all before it (§17.3).
    if (this.#early.has(body.rid))
      slot.timer = this.#clock.after(this.#terms.inactivity * 1000, () => {
        this.#early.delete(body.rid);
        slot.exchange?.answer(RECOVERABLE);
        this.#watchSilence();
      });
    this.#watchSilence();
  }

  /** Takes a request that is larger than it may be: the session is over (§17.2). */
  refuse(exchange: Exchange): void {
    if (!this.#isTold(exchange)) this.#fail('policy-violation', exchange);
  }

  /**
   * Tells a client that does not know yet that the stream is over; whether it is. Who asks for an answer once
   * more has that first: what the last one brings comes after it.
   */
  #isTold(exchange: Exchange, rid?: number): boolean {
    if (this.#last === undefined) return false;
    const again = rid === undefined ? 'gone' : this.#answers.again(rid);
    if (typeof again === 'object') {
      exchange.answer({ status: 200, text: again.text });
      return true;
    }
    exchange.answer(this.#last);
    this.#close();
    return true;
  }

  #slotOf(body: BoshBody, exchange: Exchange): Slot {
    const slot = slotFor(body, this.#clock.monotonic(), this.#answers.last?.rid ?? 0);
    this.#attach(slot, exchange);
    return slot;
  }

  #attach(slot: Slot, exchange: Exchange): void {
    slot.exchange = exchange;
    exchange.onGone(() => {
      if (slot.exchange !== exchange) return;
      slot.exchange = undefined;
      if (slot.isAnswered) this.#answers.lose(slot.body.rid);
      this.#watchSilence();
    });
  }

  /** §14.3: the client has no answer to a request, and sends it again. */
  #repeat(rid: number, exchange: Exchange): void {
    const held = this.#held.find(({ body }) => body.rid === rid);
    if (held !== undefined) {
      this.#retake(held, exchange);
      return;
    }
    const again = this.#answers.again(rid);
    if (again === 'greedy') this.#fail('policy-violation', exchange);
    else if (again === 'gone') this.#fail('item-not-found', exchange);
    else exchange.answer({ status: 200, text: again.text });
    this.#watchSilence();
  }

  #retake(slot: Slot, exchange: Exchange): void {
    slot.repeats += 1;
    if (slot.repeats > REPEATS_MOST) {
      this.#fail('policy-violation', exchange);
      return;
    }
    slot.exchange?.answer(RECOVERABLE);
    this.#attach(slot, exchange);
    this.#pumpSoon();
    this.#watchSilence();
  }

  /** Handles what has its turn. */
  #proceed(): void {
    for (;;) {
      const slot = this.#early.get(this.#rid + 1);
      if (slot === undefined || this.#isOver) break;
      this.#early.delete(slot.body.rid);
      slot.timer?.cancel();
      const key = nextKey(this.#key, slot.body);
      if (key === 'wrong') {
        this.#fail('item-not-found', slot.exchange);
        return;
      }
      this.#key = key;
      const isTooEager = asksTooOften(slot, this.#previous, {
        terms: this.#terms,
        held: this.#held,
        wasToldNothing: this.#isEmptyAnswer,
      });
      this.#held.push(slot);
      this.#rid = slot.body.rid;
      this.#previous = slot;
      if (isTooEager) {
        this.#fail('policy-violation', slot.exchange);
        return;
      }
      this.#hear(slot);
      if (this.#answers.isFarBehind) {
        this.#fail('policy-violation', slot.exchange);
        return;
      }
      this.#forward(slot);
    }
    this.#pumpSoon();
  }

  #hear(slot: Slot): void {
    const { size, missed } = this.#answers.hear(slot, this.#clock.monotonic());
    if (missed !== undefined) this.#report = missed;
    this.stream.delivered += size;
  }

  #forward(slot: Slot): void {
    const { body } = slot;
    if (body.pause !== undefined) {
      if (body.pause > PAUSE_MOST_S) {
        this.#fail('policy-violation', slot.exchange);
        return;
      }
      this.#inactivityMs = body.pause * 1000;
    }
    const { to, from, lang } = body;
    if (body.isRestart)
      this.stream.bring(clientHeaderText({ to, from, version: '1.0', 'xml:lang': lang }));
    else this.stream.bring(body.payloads === '' ? ' ' : body.payloads); // a sign of life at least
    if (this.stream.readableLength > this.#options.intakeBytes) {
      this.#fail('policy-violation', slot.exchange);
      return;
    }
    if (body.isTerminate) {
      this.#isTerminating = true;
      this.stream.bring(GOODBYE);
    } else if (this.#terms.wait > 0)
      slot.timer = this.#clock.after(this.#terms.wait * 1000, () => this.#release(slot));
    if (body.pause !== undefined) this.#release(slot);
  }

  /** Answers a request and all before it, whatever there is to say; a pause without payloads (§10). */
  #release(slot: Slot): void {
    while (this.#held.includes(slot)) {
      const [oldest = slot] = this.#held;
      const isForNews = oldest.body.pause === undefined && isLive(oldest);
      this.#answer(oldest, isForNews ? this.stream.collect() : NOTHING);
    }
    this.#watchSilence();
  }

  /** Gathers what is said in one turn. */
  #pumpSoon(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    queueMicrotask(() => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isOver) return;
    if (this.stream.outcome !== undefined) {
      this.#finish(this.stream.outcome);
      return;
    }
    for (;;) {
      const [oldest] = this.#held;
      if (oldest === undefined) break;
      if (this.stream.hasPayloads || this.#report !== undefined) {
        // What nobody waits for is not spent on one who has gone, but he does not hold up others.
        const isGone = oldest.exchange === undefined;
        if (isGone && !this.#held.some(isLive)) break;
        this.#answer(oldest, isGone ? NOTHING : this.stream.collect());
      } else if (this.#held.length > this.#terms.hold && this.#mayAnswerEmpty) {
        this.#answer(oldest, NOTHING);
      } else break;
    }
    this.#watchSilence();
  }

  /** Not before there is a stream, nor while what the client sent waits, nor when the end is near (§13). */
  get #mayAnswerEmpty(): boolean {
    return this.#opened && !this.stream.isBackedUp && !this.#isTerminating;
  }

  #answer(slot: Slot, { payloads, size }: Taken): void {
    this.#held = this.#held.filter((each) => each !== slot);
    slot.timer?.cancel();
    slot.isAnswered = true;
    const { rid, pause } = slot.body;
    const now = this.#clock.monotonic();
    const report = this.#report;
    this.#report = undefined;
    const text = bodyText(
      {
        ...(this.#opened ? {} : this.#opening()),
        // §9.1: not where it would be the rid of this request; in the first answer always.
        ack: this.#rid === rid && this.#opened ? undefined : this.#rid,
        report: report?.rid,
        time: report === undefined ? undefined : Math.floor(now - report.at),
      },
      payloads,
    );
    this.#opened = true;
    this.#isEmptyAnswer = payloads === '';
    this.#answers.note({ rid, text, size, at: now }, pause !== undefined);
    if (slot.exchange === undefined) this.#answers.lose(rid);
    else slot.exchange.answer({ status: 200, text });
  }

  #opening() {
    const { opening, body } = this.#options;
    const { sid, stream } = this;
    return openingAttributes({ sid, terms: this.#terms, opening, body, authid: stream.header?.id });
  }

  /** The stream is over (§13, XEP-0206 §6): the oldest request is told so, and none is left waiting. */
  #finish(end: 'closed' | 'failed'): void {
    const { payloads } = this.stream.collect();
    const condition = end === 'failed' ? 'remote-stream-error' : undefined;
    this.#conclude({ status: 200, text: bodyText({ type: 'terminate', condition }, payloads) });
  }

  #conclude(last: BoshReply): void {
    this.#isOver = true;
    const open = [...this.#held, ...this.#early.values()];
    const live = open.flatMap(({ exchange }) => exchange ?? []);
    this.#drop();
    const [first, ...others] = live;
    first?.answer(last);
    for (const each of others) each.answer({ status: 200, text: bodyText() });
    if (first !== undefined) {
      this.#close();
      return;
    }
    this.#last = last;
    this.#silence = this.#clock.after(this.#terms.inactivity * 1000, () => this.#close());
  }

  /** A request breaks the rules, which ends the session (§17.2). */
  #fail(condition: BoshCondition, offender: Exchange | undefined): void {
    this.#isOver = true;
    const open = [...this.#held, ...this.#early.values()];
    this.#drop();
    offender?.answer(terminal(condition, this.isLegacy));
    for (const { exchange } of open)
      if (exchange !== offender) exchange?.answer(terminal('other-request'));
    this.#close();
    this.stream.destroy(new Error(`the client's requests were refused: ${condition}`));
  }

  /** The stream broke off without a word. */
  #onStreamGone(): void {
    if (this.#isOver) return;
    if (this.stream.outcome !== undefined) this.#finish(this.stream.outcome);
    else this.#conclude(terminal('remote-connection-failed'));
  }

  /** §10: a client that has no request with us is missed after a while. */
  #watchSilence(): void {
    if (this.#isOver) return;
    if (this.#held.some(isLive) || [...this.#early.values()].some(isLive)) {
      this.#forgetSilence();
      return;
    }
    // What we say meanwhile is no sign of life of his.
    this.#silence ??= this.#clock.after(this.#inactivityMs, () => {
      this.#isOver = true;
      this.#drop();
      this.#close();
      this.stream.destroy(new Error('no request came for too long'));
    });
  }

  #forgetSilence(): void {
    this.#silence?.cancel();
    this.#silence = undefined;
  }

  #drop(): void {
    for (const slot of [...this.#held, ...this.#early.values()]) slot.timer?.cancel();
    this.#held = [];
    this.#early.clear();
    this.#forgetSilence();
  }

  #close(): void {
    this.#forgetSilence();
    this.#last = undefined;
    this.#options.onOver();
  }
}
