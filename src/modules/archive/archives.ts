/**
 * Archives of whatever owner: an account, or a room. What is kept, and for whom, is decided by those
 * who keep it; here it gets its number and UID, is written, and is found again.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import { loadSecret } from '../../core/secret.ts';
import { type BareJid, bareOf, type Jid, resourceOf } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Store } from '../../store/store.ts';
import { adopt, type Foreign } from './adopting.ts';
import { createEndsMemory } from './ends.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createMessages, type Ends, type Mark, type Messages, readState } from './messages.ts';
import { createOwners, type Owner, type Owners } from './owners.ts';
import { createSerials, type Place, type Serials } from './serials.ts';
import { createUids, type Uids } from './uids.ts';

/** A place in an archive, taken by a message before its text is known, for that names the UID. */
export interface Reserved extends Place {
  readonly owner: Owner;
  /** The message's UID in this archive (XEP-0313 §3); made when asked for. */
  readonly uid: string;
}

/** A message to be kept. */
export interface Entry {
  /** By whom the message is found (XEP-0313 §4.1.1): the other side, or who spoke in a room. */
  readonly peer: Jid;
  /** The stanza as it is given out again, with its addresses. */
  readonly text: string;
  /** Whether it has a text that can be searched. */
  readonly isSearchable: boolean;
}

/** By what the UID of a message is known. */
export type Numbered = Pick<Mark, 'serial' | 'uid'>;

/**
 * The archives. They are opened when an owner is first asked for; whoever has an owner can do the rest
 * at once.
 */
export interface Archives {
  readonly owners: Omit<Owners, 'of'>;
  readonly messages: Messages;
  /** The owner of an archive. */
  of(jid: BareJid): MaybePromise<Owner>;
  /** Takes a place, after all that were taken before. */
  reserve(owner: Owner): Reserved;
  /** Keeps a message in its place; resolves when it is on the disk. */
  keep(place: Reserved, entry: Entry): Promise<unknown>;
  /** Resolves when all that was kept so far can be found. */
  flushed(): Promise<unknown>;
  /** The first and the last message of all that was kept so far; undefined when there is none. */
  ends(owner: Owner): Promise<Ends | undefined>;
  /** Resolves when the disk has caught up; undefined while nobody has to wait for that. */
  room(): Promise<unknown> | undefined;
  /** The UID of a message in an archive. */
  uidOf(owner: Owner, message: Numbered): string;
  /** The UIDs of several. */
  uidsOf(owner: Owner, messages: readonly Numbered[]): readonly string[];
  /** The numbers of UIDs, without those that are none of that archive. */
  readUids(owner: Owner, uids: readonly string[]): MaybePromise<ReadonlyMap<string, number>>;
  /**
   * Keeps messages that another server has kept, in their times and their order, with the UIDs that they had;
   * those that are here already stay as they are. One at a time.
   */
  adopt(owner: Owner, messages: readonly Foreign[]): Promise<void>;
  /**
   * Takes out the oldest messages of an owner before a number, or all of them, a step at a time;
   * answers how many, fewer than `most` when nothing is left to do.
   */
  prune(owner: number, before: number | undefined, most: number): Promise<number>;
}

/** What archives are made with. */
export interface ArchivesOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Is told of each message that can be searched. */
  kept(owner: Owner): void;
  /** Is told that messages came between those that were there. */
  adopted(owner: Owner): Promise<void>;
}

/** What must be read before the first message is kept. */
interface Opened {
  readonly serials: Serials;
  readonly uids: Uids;
}

/** Makes the archives. */
export function createArchives({ store, clock, kept, adopted }: ArchivesOptions): Archives {
  let opened: Opened | undefined;
  let opening: Promise<Opened> | undefined;
  /** When it fails, the next call tries again. */
  const open = (): Promise<Opened> => {
    opening ??= readOpened(store, clock).then(
      (read) => {
        opened = read;
        return read;
      },
      (error: unknown) => {
        opening = undefined;
        throw error;
      },
    );
    return opening;
  };
  const known = (): Opened => {
    if (opened === undefined) throw new Error('the archives are not open yet');
    return opened;
  };
  const messages = createMessages(store, () => opened?.serials.drift ?? 0);
  const owners = createOwners(store);
  const ledger = openLedger(store, messages, () => opened?.serials.drift ?? 0);
  const readUids: Archives['readUids'] = ({ token }, uids) => {
    const found = new Map<string, number>();
    const others: string[] = [];
    for (const uid of uids) {
      const serial = known().uids.read(token, uid);
      if (serial !== undefined) found.set(uid, serial);
      else if (uid !== '') others.push(uid);
    }
    if (others.length === 0) return found;
    return messages.serialsOf(token, others).then((more) => new Map([...found, ...more]));
  };
  const ends = createEndsMemory(async (owner) => {
    await ledger.flushed();
    return messages.ends(owner);
  });
  return {
    owners,
    messages,
    of: (jid) => (opened === undefined ? open().then(() => owners.of(jid)) : owners.of(jid)),
    reserve(owner) {
      const { serials, uids } = known();
      return new ReservedPlace(owner, serials.next(), uids);
    },
    keep({ owner, serial, at }, { peer, text, isSearchable }) {
      if (owner.isGone) return GONE;
      if (isSearchable) kept(owner);
      ends.stir(owner.token);
      return ledger.add({
        serial,
        owner: owner.token,
        at,
        peer: bareOf(peer),
        resource: resourceOf(peer),
        searchable: isSearchable ? 1 : 0,
        stanza: text,
      });
    },
    flushed: ledger.flushed,
    ends: ({ token }) => ends.of(token),
    room: ledger.room,
    uidOf: (owner, { serial, uid }) => uid ?? known().uids.of(owner.token, serial),
    uidsOf(owner, rows) {
      const own = known().uids.all(
        owner.token,
        rows.map(({ serial }) => serial),
      );
      return rows.map(({ uid }, index) => uid ?? own[index] ?? '');
    },
    readUids,
    async adopt(owner, foreign) {
      const { serials } = await open();
      await ledger.flushed();
      await adopt({ messages, serials, readUids }, owner, foreign);
      ends.stir(owner.token);
      await adopted(owner);
    },
    async prune(owner, before = Number.MAX_SAFE_INTEGER, most) {
      const { serials } = await open();
      await ledger.flushed();
      try {
        return await messages.prune(owner, before, most, serials.last);
      } finally {
        ends.stir(owner);
      }
    },
  };
}

const GONE = Promise.resolve();

async function readOpened(store: Store, clock: Clock): Promise<Opened> {
  const [secret, state] = await Promise.all([loadSecret(store, 'archive UIDs'), readState(store)]);
  return { serials: createSerials(() => clock.now(), state), uids: createUids(secret) };
}

/** A ledger that also writes how far numbers are ahead of time, when that has grown. */
function openLedger(store: Store, messages: Messages, drift: () => number): Ledger {
  let noted = 0;
  return createLedger(store, () => {
    if (drift() === noted) return [];
    noted = drift();
    return [messages.noteDrift(noted)];
  });
}

class ReservedPlace implements Reserved {
  readonly owner: Owner;
  readonly serial: number;
  readonly at: number;
  readonly #uids: Uids;
  #uid: string | undefined;

  constructor(owner: Owner, { serial, at }: Place, uids: Uids) {
    this.owner = owner;
    this.serial = serial;
    this.at = at;
    this.#uids = uids;
  }

  get uid(): string {
    this.#uid ??= this.#uids.of(this.owner.token, this.serial);
    return this.#uid;
  }
}
