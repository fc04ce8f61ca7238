/**
 * Archives of whatever owner: an account, or a room. What is kept, and for whom, is decided by those
 * who keep it; here it gets its number and UID, is written, and is found again.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import { loadSecret } from '../../core/secret.ts';
import { bareOf, type Jid, resourceOf } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Store } from '../../store/store.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createMessages, type Messages, readState } from './messages.ts';
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

/** The archives that are open. */
export interface Archives {
  readonly owners: Owners;
  readonly messages: Messages;
  readonly uids: Uids;
  /** The last number that was given. */
  readonly last: number;
  /** Takes a place, after all that were taken before. */
  reserve(owner: Owner): Reserved;
  /** Keeps a message in its place; resolves when it is on the disk. */
  keep(place: Reserved, entry: Entry): Promise<unknown>;
  /** Resolves when all that was kept so far can be found. */
  flushed(): Promise<unknown>;
}

/** The archives, which are opened when first asked for. */
export type OpenArchives = () => MaybePromise<Archives>;

/** What archives are made with. */
export interface ArchivesOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Is told of each message that can be searched. */
  kept(owner: Owner): void;
}

/** Makes the function that opens the archives once; when that fails, the next call tries again. */
export function archivesOf(options: ArchivesOptions): OpenArchives {
  let open: Archives | undefined;
  let opening: Promise<Archives> | undefined;
  return () => {
    if (open !== undefined) return open;
    opening ??= openArchives(options).then(
      (opened) => {
        open = opened;
        return opened;
      },
      (error: unknown) => {
        opening = undefined;
        throw error;
      },
    );
    return opening;
  };
}

async function openArchives({ store, clock, kept }: ArchivesOptions): Promise<Archives> {
  const [secret, state] = await Promise.all([loadSecret(store, 'archive UIDs'), readState(store)]);
  const serials = createSerials(() => clock.now(), state);
  const messages = createMessages(store, () => serials.drift);
  const uids = createUids(secret);
  const ledger = openLedger(store, serials, messages, state.drift);
  return {
    owners: createOwners(store),
    messages,
    uids,
    get last() {
      return serials.last;
    },
    reserve: (owner) => new ReservedPlace(owner, serials.next(), uids),
    keep(place, { peer, text, isSearchable }) {
      const { owner, serial, at } = place;
      if (owner.isGone) return Promise.resolve();
      if (isSearchable) kept(owner);
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
  };
}

/** A ledger that also writes how far numbers are ahead of time, when that has grown. */
function openLedger(store: Store, serials: Serials, messages: Messages, known: number): Ledger {
  let noted = known;
  return createLedger(store, () => {
    if (serials.drift === noted) return [];
    noted = serials.drift;
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
