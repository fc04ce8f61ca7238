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

/** The last answers of a session. */
export class BoshAnswers {
  readonly #most: number;
  readonly #usesAcks: boolean;
  #kept: Answer[] = [];
  #unproved: Answer[] = [];
  readonly #lost = new Set<number>();
  /** The last answer to a pause, which is not kept (§14.3) and says nothing. */
  #pauseRid: number | undefined;
  #repeats = 0;
  #last: Answer | undefined;

  /**
   * @param most how many are kept: as many as the client may have requests at a time
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
    this.#unproved.push(answer);
    if (isPause) {
      this.#pauseRid = answer.rid;
      return;
    }
    this.#kept.push(answer);
    if (this.#kept.length > this.#most) this.#kept.shift();
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
    const surely = body.rid - this.#most - (isExtra(body) ? 1 : 0);
    const acked = this.#usesAcks ? Math.min(body.ack ?? answered, answered) : 0;
    this.#kept = this.#kept.filter(({ rid }) => rid > acked);
    const next = this.#usesAcks && body.ack !== undefined ? body.ack + 1 : undefined;
    const missed = this.#kept.find(({ rid, at }) => rid === next && now - at >= REPORT_AFTER_MS);
    const probably = this.#usesAcks ? acked : answered;
    return { size: this.#prove(Math.max(surely, acked), probably), missed };
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
