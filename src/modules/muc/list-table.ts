/** The last changes of rooms' lists in the database (XEP-0463). */
import type { BareJid } from '../../jid/jid.ts';
import { prepare, type Query, type Store } from '../../store/store.ts';
import type { Tables } from './migrations.ts';
import { affiliationNamed } from './privileges.ts';
import { type ListChange, MAX_CHANGES } from './versions.ts';

/** Reads and writes them. */
export interface ListTable {
  /** Oldest first. */
  load(room: BareJid): Promise<readonly ListChange[]>;
  /** What adds those that were not there. */
  writing(room: BareJid, before: readonly ListChange[], now: readonly ListChange[]): Query[];
  removal(room: BareJid): Query;
}

/** Opens the table. */
export function createListTable(store: Store): ListTable {
  const db = store.tables<Tables>();
  const of = (room: BareJid) => db.deleteFrom('muc_list_changes').where('room', '=', room);
  const insert = prepare((is: Tables['muc_list_changes']) =>
    db.insertInto('muc_list_changes').values({
      room: is.room,
      seq: is.seq,
      version: is.version,
      account: is.account,
      before: is.before,
      now: is.now,
    }),
  );

  return {
    async load(room) {
      const rows = await store.read(
        db
          .selectFrom('muc_list_changes')
          .selectAll()
          .where('room', '=', room)
          .orderBy('seq', 'desc')
          .limit(MAX_CHANGES),
      );
      return rows.reverse().map(({ seq, version, account, before, now }) => ({
        seq: Number(seq),
        version,
        account,
        before: affiliationNamed(before) ?? 'none',
        now: affiliationNamed(now) ?? 'none',
      }));
    },
    writing(room, before, now) {
      if (before === now) return [];
      const known = before.at(-1)?.seq ?? 0;
      const added = now.slice(-MAX_CHANGES).filter(({ seq }) => seq > known);
      const last = now.at(-1)?.seq ?? 0;
      return [
        ...added.map((each) => insert({ room, ...each })),
        ...(last > MAX_CHANGES ? [of(room).where('seq', '<=', last - MAX_CHANGES)] : []),
      ];
    },
    removal: of,
  };
}
