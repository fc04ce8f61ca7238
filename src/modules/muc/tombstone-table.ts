/** Rooms that were destroyed on purpose, so that nobody makes them again by entering (XEP-0045 §10.9). */
import { type BareJid, type Jid, parseJid } from '../../jid/jid.ts';
import type { Query, Store } from '../../store/store.ts';
import type { Tables } from './migrations.ts';
import type { Room } from './room.ts';
import type { Tombstone } from './turn.ts';

/** Tombstones of rooms that one account has made; of more the oldest go, and take no names from others. */
const MOST_OF_CREATOR = 50;
/** How many go at a time. */
const MOST_GONE = 1000;

/** Reads and writes tombstones. All may reject with a StoreError. */
export interface TombstoneTable {
  load(room: BareJid): Promise<Tombstone | undefined>;
  /** What keeps the tombstone of a room. */
  burying(room: Room, tombstone: Tombstone): Query[];
  /** Lets a room of that name be made again. */
  unbury(room: BareJid): Promise<void>;
}

/** Opens the table. */
export function createTombstoneTable(store: Store): TombstoneTable {
  const db = store.tables<Tables>();
  return {
    async load(room) {
      const row = await store.first(
        db.selectFrom('muc_tombstones').selectAll().where('room', '=', room),
      );
      if (row === undefined) return undefined;
      return { at: Number(row.at), venue: jidOf(row.venue), reason: row.reason };
    },
    burying({ jid, creator }, { at, venue = null, reason }) {
      const insert = db
        .insertInto('muc_tombstones')
        .values({ room: jid, at, venue, reason, creator: creator ?? null });
      if (creator === undefined) return [insert];
      const old = db
        .selectFrom('muc_tombstones')
        .select('room')
        .where('creator', '=', creator)
        .orderBy('at', 'desc')
        .limit(MOST_GONE)
        .offset(MOST_OF_CREATOR);
      return [insert, db.deleteFrom('muc_tombstones').where('room', 'in', old)];
    },
    async unbury(room) {
      await store.write(db.deleteFrom('muc_tombstones').where('room', '=', room));
    },
  };
}

function jidOf(raw: string | null): Jid | undefined {
  const parsed = raw === null ? undefined : parseJid(raw);
  return parsed?.ok === true ? parsed.value : undefined;
}
