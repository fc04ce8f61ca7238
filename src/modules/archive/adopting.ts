/** Messages that another server has kept find their places among ours: their numbers are of their times. */
import type { MaybePromise } from '../../core/hooks.ts';
import { bareOf, type Jid, resourceOf } from '../../jid/jid.ts';
import type { StoredRow } from './ledger.ts';
import type { Messages } from './messages.ts';
import type { Owner } from './owners.ts';
import { type Serials, serialAt } from './serials.ts';

/** A message of another server. */
export interface Foreign {
  /** Its UID there. */
  readonly uid: string;
  /** When it came, in ms since the epoch, not later than now. */
  readonly at: number;
  /** The other side. */
  readonly peer: Jid;
  readonly text: string;
  readonly isSearchable: boolean;
}

/** What they are kept with. */
export interface AdoptingParts {
  readonly messages: Messages;
  readonly serials: Serials;
  readUids(owner: Owner, uids: readonly string[]): MaybePromise<ReadonlyMap<string, number>>;
}

/** Keeps those that are not here yet; resolves when they are on the disk. */
export async function adopt(
  parts: AdoptingParts,
  owner: Owner,
  foreign: readonly Foreign[],
): Promise<void> {
  const missing = await missingOf(parts, owner, foreign);
  if (missing.length === 0) return;
  const { messages, serials } = parts;
  const place = await placesFor(messages, missing);
  const rows: StoredRow[] = [];
  for (const { uid, at, peer, text, isSearchable } of missing) {
    const serial = await place(at);
    serials.note({ serial, at });
    rows.push({
      serial,
      owner: owner.token,
      at,
      peer: bareOf(peer),
      resource: resourceOf(peer),
      searchable: isSearchable ? 1 : 0,
      stanza: text,
      uid,
    });
  }
  await messages.adopt(rows, serials.drift, serials.last);
}

async function missingOf(
  { messages, readUids }: AdoptingParts,
  owner: Owner,
  foreign: readonly Foreign[],
): Promise<readonly Foreign[]> {
  const byUid = new Map(foreign.map((each) => [each.uid, each]));
  const known = await readUids(owner, [...byUid.keys()]);
  // A UID of our own may be of a message that was removed.
  const among = [...known.values()];
  const here = await messages.page(owner.token, { among }, 'beginning', among.length);
  const serials = new Set(here.map(({ serial }) => serial));
  return [...byUid.values()].filter(({ uid }) => !serials.has(known.get(uid) ?? 0));
}

/**
 * Gives numbers: behind the last one that was given in a millisecond, or the next one that has room. Few share
 * one, unless a server has noted seconds only.
 */
async function placesFor(messages: Messages, foreign: readonly Foreign[]) {
  const lastIn = async (ms: number) =>
    (await messages.lastWithin(serialAt(ms), serialAt(ms + 1))) ?? serialAt(ms) - 1;
  const moments = [...new Set(foreign.map(({ at }) => at))];
  const last = new Map(
    await Promise.all(moments.map(async (ms) => [ms, await lastIn(ms)] as const)),
  );
  return async (at: number): Promise<number> => {
    for (let ms = at; ; ms += 1) {
      const serial = (last.get(ms) ?? (await lastIn(ms))) + 1;
      last.set(ms, serial < serialAt(ms + 1) ? serial : serial - 1);
      if (serial < serialAt(ms + 1)) return serial;
    }
  };
}
