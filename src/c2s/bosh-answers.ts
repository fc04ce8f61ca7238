/** What a BOSH session has answered, for clients whose connections break (XEP-0124 §14.3). */
import { bodyText } from './bosh-body.ts';

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

/** The last answers of a session. */
export class BoshAnswers {
  readonly #most: number;
  #kept: Answer[] = [];
  #unproved: Answer[] = [];
  readonly #lost = new Set<number>();
  /** The last answer to a pause, which is not kept (§14.3) and says nothing. */
  #pauseRid: number | undefined;
  #repeats = 0;
  #last: Answer | undefined;

  /** @param most how many are kept: as many as the client may have requests at a time */
  constructor(most: number) {
    this.#most = most;
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
   * The client has all answers up to a rid, and, but for those whose connections broke, those up to another.
   * @returns how much of the stream they carried that it was not known to have before
   */
  prove(surely: number, probably: number): number {
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

  /** The client has said that it has all answers up to a rid (§9.2): they need not be kept. */
  forget(rid: number): void {
    this.#kept = this.#kept.filter((each) => each.rid > rid);
  }

  /** An answer that is kept. */
  find(rid: number): Answer | undefined {
    return this.#kept.find((each) => each.rid === rid);
  }
}
