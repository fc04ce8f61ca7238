/** Dialback on one stream, as far as we ask (XEP-0220 §2.1), and what comes of it. */
import type { Domain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { StreamFailure } from '../stream/error.ts';
import type { Element } from '../xml/element.ts';
import {
  type Addresses,
  type DialbackAnswer,
  dialbackKey,
  readDialback,
  resultQuestion,
  verifyQuestion,
} from './dialback.ts';
import { pairKey } from './pairs.ts';
import { Questions } from './questions.ts';
import type { StreamHooks } from './stream-options.ts';

/** The stream under it. */
export interface InquiryPort {
  readonly clock: Clock;
  /** The secret of our keys. */
  readonly secret: string;
  readonly hooks: Pick<StreamHooks, 'asked' | 'granted'>;
  /** The identifier in the header of the one who was connected to: keys are made for it. */
  streamId(): string;
  send(text: string): void;
  end(failure: StreamFailure): void;
  note(facts: object, text: string): void;
}

/** What is asked on one stream. */
export class Inquiry {
  readonly #port: InquiryPort;
  readonly #questions: Questions;

  constructor(port: InquiryPort) {
    this.#port = port;
    this.#questions = new Questions(port.clock);
  }

  /** Whether questions wait for their answer. */
  get isOpen(): boolean {
    return this.#questions.size > 0;
  }

  /** Asks to be allowed to send for a pair (§2.1.1). */
  ask(local: Domain, remote: Domain): Promise<DialbackAnswer> {
    const { secret, streamId, send } = this.#port;
    const parts = { receiving: remote, originating: local, streamId: streamId() };
    const key = dialbackKey(secret, parts);
    return this.#questions.ask(`result ${pairKey(local, remote)}`, () =>
      send(resultQuestion({ from: local, to: remote }, key)),
    );
  }

  /** Asks whether the other side, as the authority for a domain, gave out a key (§2.1.2). */
  verify(parties: Addresses, id: string, key: string): Promise<DialbackAnswer> {
    return this.#questions.ask(`verify ${pairKey(parties.from, parties.to)} ${id}`, () =>
      this.#port.send(verifyQuestion(parties, id, key)),
    );
  }

  /** Takes an element of dialback. */
  receive(element: Element): void {
    const { hooks, end, note } = this.#port;
    const packet = readDialback(element);
    if (packet === undefined) {
      const text = 'An element of dialback is from a domain and to a domain.';
      return void end({ condition: 'improper-addressing', text });
    }
    const { kind, from, to, id, key, answer } = packet;
    if (answer === undefined) return void hooks.asked(kind, { from, to }, id, key);
    const question =
      kind === 'result' ? `result ${pairKey(to, from)}` : `verify ${pairKey(to, from)} ${id}`;
    if (kind === 'result' && answer.type === 'valid' && this.#questions.has(question))
      hooks.granted?.(to, from);
    if (this.#questions.answer(question, answer)) return;
    // §3.1: whoever sends it hopes to be believed.
    note({ from, to, kind, type: answer.type }, 'an answer that nobody asked for');
  }

  /**
   * The stream is over: what is open has failed.
   * @param condition that of the stream error by which the other side ended it, if there was one
   */
  end(why: string, condition?: string): void {
    this.#questions.end(`the stream ended: ${why}`, condition);
  }
}
