/**
 * What a client without XEP-0198 was sent and may not have read: it counts as read when the system
 * took it and the client was heard of after that.
 */
import type { Receipt } from '../core/parcel.ts';
import type { Session } from '../core/sessions.ts';

interface Written {
  readonly receipt: Receipt;
  /** Where it ended in what was written; see Channel.position. */
  readonly position: number;
  /** In characters. */
  readonly size: number;
}

/** What is not proved may not be more than this. */
export interface UnprovedLimits {
  readonly unackedStanzas: number;
  readonly unackedBytes: number;
}

/** Which part of what may be unproved is much. */
const ASK_AT = 1 / 2;

/** The receipts of one session, oldest first. */
export class Unproved {
  readonly #session: Session;
  #written: Written[] = [];
  #size = 0;
  /** Whether the client was asked for a sign of life, and has given none. */
  #isAsked = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Notes a stanza that was written. A client that reads much and says nothing is to be asked for a sign of
   * life, once it has half of what it may have; `too-much` is more than that.
   */
  add(written: Written, most: UnprovedLimits): 'ask' | 'too-much' | undefined {
    this.#written.push(written);
    this.#size += written.size;
    const share = this.#shareOf(most);
    if (share > 1) return 'too-much';
    if (share <= ASK_AT || this.#isAsked) return undefined;
    this.#isAsked = true;
    return 'ask';
  }

  /** Whether those who have much for the client should wait for its sign of life. */
  isMuch(most: UnprovedLimits): boolean {
    return this.#shareOf(most) > ASK_AT;
  }

  #shareOf({ unackedStanzas, unackedBytes }: UnprovedLimits): number {
    return Math.max(this.#written.length / unackedStanzas, this.#size / unackedBytes);
  }

  /** The client was heard of; by then the system had taken all up to a position. */
  heard(gone: number): void {
    if (this.#written.length === 0) return;
    this.#isAsked = false;
    const left = this.#written.findIndex(({ position }) => position > gone);
    const proved = left < 0 ? this.#written : this.#written.slice(0, left);
    this.#written = left < 0 ? [] : this.#written.slice(left);
    for (const { size } of proved) this.#size -= size;
    for (const { receipt } of proved) receipt.acknowledged(this.#session);
  }

  /** The stream is over: what is not proved by now goes back. */
  end(): void {
    const written = this.#written;
    this.#written = [];
    for (const { receipt } of written) receipt.returned(this.#session);
  }
}
