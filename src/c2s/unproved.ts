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
}

/** The receipts of one session, oldest first. */
export class Unproved {
  readonly #session: Session;
  #written: Written[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  /** Notes a stanza that was written up to a position. */
  add(receipt: Receipt, position: number): void {
    this.#written.push({ receipt, position });
  }

  /** The client was heard of; by then the system had taken all up to a position. */
  heard(gone: number): void {
    if (this.#written.length === 0) return;
    const left = this.#written.findIndex(({ position }) => position > gone);
    const proved = left < 0 ? this.#written : this.#written.slice(0, left);
    this.#written = left < 0 ? [] : this.#written.slice(left);
    for (const { receipt } of proved) receipt.acknowledged(this.#session);
  }

  /** The stream is over: what is not proved by now goes back. */
  end(): void {
    const written = this.#written;
    this.#written = [];
    for (const { receipt } of written) receipt.returned(this.#session);
  }
}
