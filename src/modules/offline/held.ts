/** Messages in the hands of sessions, and how far their writing is. */
import type { Parcel } from '../../core/parcel.ts';
import type { BareJid } from '../../jid/jid.ts';
import type { Row } from './spool.ts';

const NOBODY_WAITS = () => {};

/** A message that sessions hold. */
export class Held {
  readonly parcel: Parcel;
  /** `young` is not written, and need not be if it is acknowledged soon. */
  state: 'young' | 'entering' | 'written' | 'done';
  row: Row | undefined;
  /** What the sender waits for. */
  readonly settle: (work?: Promise<unknown>) => void;

  constructor(parcel: Parcel, row?: Row, settle: Held['settle'] = NOBODY_WAITS) {
    this.parcel = parcel;
    this.row = row;
    this.state = row === undefined ? 'young' : 'written';
    this.settle = settle;
  }

  get account(): BareJid {
    return this.parcel.account;
  }

  /** Whether it needs not be written any more, or is already. */
  get isOver(): boolean {
    return this.state !== 'young';
  }
}
