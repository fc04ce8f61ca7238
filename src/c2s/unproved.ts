/**
 * What a client without XEP-0198 was sent and may not have read: it counts as read when the system
 * took it and the client was heard of after that, or when its stream has outlived thousands that came later.
 */
import type { Receipt } from '../core/parcel.ts';
import type { Session } from '../core/sessions.ts';
import type { UnacknowledgedLimits } from './managed.ts';

interface Written {
  readonly receipt: Receipt;
  /** Where it ended in what was written; see Channel.position. */
  readonly position: number;
  /** In characters. */
  readonly size: number;
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
   * life, once it has half of what may be unproved. If it gives none, the older half counts as read, as far as
   * the system took it: its stream has outlived that.
   * @param gone up to where the system had taken all by now
   */
  add(written: Written, most: UnacknowledgedLimits, gone: number): 'ask' | undefined {
    this.#written.push(written);
    this.#size += written.size;
    const share = Math.max(
      this.#written.length / most.unackedStanzas,
      this.#size / most.unackedBytes,
    );
    if (share > 1) this.#prove(this.#written[this.#written.length >> 1]?.position ?? 0, gone);
    if (share <= ASK_AT || this.#isAsked) return undefined;
    this.#isAsked = true;
    return 'ask';
  }

  /** The client was heard of; by then the system had taken all up to a position. */
  heard(gone: number): void {
    if (this.#written.length === 0) return;
    this.#isAsked = false;
    this.#prove(gone, gone);
  }

  /** What was written up to a position counts as read, as far as the system took it. */
  #prove(upTo: number, gone: number): void {
    const most = Math.min(upTo, gone);
    const left = this.#written.findIndex(({ position }) => position > most);
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
