/**
 * Uploads that were granted and have not happened: in memory only, since they last minutes, and a
 * client whose slot is gone asks for another one.
 */
import type { BareJid, Domain } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import { randomId } from '../../kit/ids.ts';
import { ID_BYTES } from './folder.ts';
import type { Purpose, SlotRequest } from './payloads.ts';

/** XEP-0363 §8: around 300 s. */
const SLOT_MS = 300_000;
/** Slots of all users together: bounds the memory. */
const MOST_SLOTS = 20_000;

/** An upload that was granted. */
export interface Slot extends Pick<SlotRequest, 'size' | 'type' | 'purpose' | 'expires'> {
  /** Who knows it may upload; nobody can guess it. */
  readonly token: string;
  /** The file's id, which says nothing of the token. */
  readonly id: string;
  readonly account: BareJid;
  readonly host: Domain;
  /** A safe name. */
  readonly name: string;
  /** Until when the upload has to begin, in ms of the monotonic clock. */
  readonly until: number;
  /** Whether the one upload has begun. */
  isTaken: boolean;
}

/** What a slot is made of. */
export type SlotParts = Omit<Slot, 'token' | 'id' | 'until' | 'isTaken'>;

/** The slots. */
export interface Slots {
  /** Makes a slot; undefined when there are too many. */
  open(parts: SlotParts): Slot | undefined;
  find(token: string): Slot | undefined;
  /** Whether a slot is still there: its account may have been removed meanwhile. */
  has(slot: Slot): boolean;
  close(slot: Slot): void;
  /** Bytes and number of what an account has open, for some purposes. */
  heldBy(
    account: BareJid,
    purposes: readonly Purpose[],
  ): { readonly count: number; readonly bytes: number };
  heldOn(host: Domain): number;
  /** Whether a file with this id is under way. */
  isUnderWay(id: string): boolean;
  /** Ends all slots of an account. */
  drop(account: BareJid): void;
  /** Ends slots whose upload has not begun in time. */
  expire(): void;
}

/** Makes an empty set of slots. */
export function createSlots(clock: Clock): Slots {
  const byToken = new Map<string, Slot>();
  const all = () => [...byToken.values()];
  const isOver = (slot: Slot) => !slot.isTaken && slot.until <= clock.monotonic();
  const expire = () => {
    for (const slot of all()) if (isOver(slot)) byToken.delete(slot.token);
  };
  return {
    open(parts) {
      if (byToken.size >= MOST_SLOTS) expire();
      if (byToken.size >= MOST_SLOTS) return undefined;
      const slot: Slot = {
        ...parts,
        token: randomId(ID_BYTES),
        id: randomId(ID_BYTES),
        until: clock.monotonic() + SLOT_MS,
        isTaken: false,
      };
      byToken.set(slot.token, slot);
      return slot;
    },
    find(token) {
      const slot = byToken.get(token);
      return slot === undefined || isOver(slot) ? undefined : slot;
    },
    has: (slot) => byToken.get(slot.token) === slot,
    close: (slot) => void byToken.delete(slot.token),
    heldBy(account, purposes) {
      const held = all().filter(
        (slot) => slot.account === account && purposes.includes(slot.purpose) && !isOver(slot),
      );
      return { count: held.length, bytes: held.reduce((sum, { size }) => sum + size, 0) };
    },
    heldOn: (host) =>
      all().reduce((sum, slot) => (slot.host === host && !isOver(slot) ? sum + slot.size : sum), 0),
    isUnderWay: (id) => all().some((slot) => slot.id === id),
    drop(account) {
      for (const slot of all()) if (slot.account === account) byToken.delete(slot.token);
    },
    expire,
  };
}
