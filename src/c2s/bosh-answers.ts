/** What a BOSH session has answered, for clients whose connections break (XEP-0124 §14.3). */
import { bodyText } from './bosh-body.ts';
import { isExtra, type Slot } from './bosh-slot.ts';

/** An answer that was given. */
export interface Answer {
  readonly rid: number;
  readonly text: string;
  /** How much of the stream it carries, in characters. */
  readonly size: number;
  /** When it was given, in ms on a scale that never jumps. */
  readonly at: number;
}

/** A client that asks for the same answer more often is up to something (§14.3). */
const REPEATS_MOST = 10;

/** An answer that the client did not have after so long may be lost (§9.2). */
const REPORT_AFTER_MS = 500;

/** Of a client that says which it has, so many are kept that it lacks (§14.3), and so much, in characters. */
const LACKED_MOST = 32;
const LACKED_CHARS = 256 * 1024;

/** The last answers of a session. */
export class BoshAnswers {
  readonly #most: number;
  readonly #usesAcks: boolean;
  #kept: Answer[] = [];
  #keptChars = 0;
  #unproved: Pick<Answer, 'rid' | 'size'>[] = [];
  readonly #lost = new Set<number>();
  /** The last answer to a pause, which is not kept (§14.3) and says nothing. */
  #pauseRid: number | undefined;
  #repeats = 0;
  #last: Answer | undefined;

  /**
   * @param most how many are kept at least: as many as the client may have requests at a time
   * @param usesAcks whether the client says which answers it has (§9)
   */
  constructor(most: number, usesAcks: boolean) {
    this.#most = most;
    this.#usesAcks = usesAcks;
  }

  /** The last answer. */
  get last(): Answer | undefined {
    return this.#last;
  }

  /** Notes an answer. */
  note(answer: Answer, isPause: boolean): void {
    this.#last = answer;
    this.#repeats = 0;
    const { rid, size, text } = answer;
    this.#unproved.push({ rid, size });
    if (isPause) {
      this.#pauseRid = rid;
      return;
    }
    this.#kept.push(answer);
    this.#keptChars += text.length;
    while (this.#isTooMuch()) this.#keptChars -= this.#kept.shift()?.text.length ?? 0;
  }

  /** Whether the client lacks so many that it cannot have all of them once more. */
  get isFarBehind(): boolean {
    return this.#unproved.length > LACKED_MOST;
  }

  /** The text of an answer, once more; `gone` if it is not kept, `greedy` for whoever asks too often. */
  again(rid: number): { readonly text: string } | 'gone' | 'greedy' {
    this.#repeats += 1;
    if (this.#repeats > REPEATS_MOST) return 'greedy';
    const kept = this.#kept.find((each) => each.rid === rid);
    if (kept !== undefined) return kept;
    return rid === this.#pauseRid ? { text: bodyText() } : 'gone';
  }

  /** The connection broke while an answer was sent. */
  lose(rid: number): void {
    if (this.#unproved.some((each) => each.rid === rid)) this.#lost.add(rid);
  }

  /**
   * Which answers the client has by a request of it: what it says (§9.2); where it says nothing, what was given
   * before it sent this, unless a connection broke, and in any case what it must have (§11).
   * @returns how much of the stream they carried that it was not known to have before, and an answer that
   *   it should have by now, and says that it has not
   */
  hear(
    { body, answered }: Slot,
    now: number,
  ): { readonly size: number; readonly missed: Answer | undefined } {
    if (!this.#usesAcks) {
      const surely = body.rid - this.#most - (isExtra(body) ? 1 : 0);
      return { size: this.#prove(surely, answered), missed: undefined };
    }
    const acked = Math.min(body.ack ?? answered, answered);
    this.#kept = this.#kept.filter(({ rid }) => rid > acked);
    this.#keptChars = this.#kept.reduce((sum, { text }) => sum + text.length, 0);
    const next = body.ack === undefined ? undefined : body.ack + 1;
    const missed = this.#kept.find(({ rid, at }) => rid === next && now - at >= REPORT_AFTER_MS);
    return { size: this.#prove(acked, acked), missed };
  }

  #isTooMuch(): boolean {
    const { length } = this.#kept;
    if (length <= this.#most) return false;
    return !this.#usesAcks || length > LACKED_MOST || this.#keptChars > LACKED_CHARS;
  }

  /** Takes those up to a rid, and, but for those whose connections broke, those up to another. */
  #prove(surely: number, probably: number): number {
    let size = 0;
    for (;;) {
      const [next] = this.#unproved;
      if (next === undefined) return size;
      const { rid } = next;
      if (rid > surely && (rid > probably || this.#lost.has(rid))) return size;
      this.#lost.delete(rid);
      this.#unproved.shift();
      size += next.size;
    }
  }
}
