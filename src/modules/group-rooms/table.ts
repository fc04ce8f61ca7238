/** Which rooms belong to groups. */
import type { BareJid, Domain } from '../../jid/jid.ts';
import type { Migration, Store } from '../../store/store.ts';
import type { GroupKey } from '../groups/index.ts';

/** A room and the group that it belongs to. */
export interface GroupRoom extends GroupKey {
  readonly room: BareJid;
}

interface Tables {
  group_rooms: { room: BareJid; host: Domain; name: string };
}

/** The migrations. */
export const groupRoomMigrations: readonly Migration[] = [
  {
    name: 'rooms of groups',
    up: [
      'CREATE TABLE group_rooms (room TEXT PRIMARY KEY, host TEXT NOT NULL, name TEXT NOT NULL)',
      'CREATE INDEX group_rooms_by_group ON group_rooms (host, name)',
    ],
  },
];

/** Reads and writes them. All may reject with a StoreError. */
export interface GroupRoomTable {
  all(): Promise<readonly GroupRoom[]>;
  of(group: GroupKey): Promise<readonly BareJid[]>;
  groupOf(room: BareJid): Promise<GroupKey | undefined>;
  set(row: GroupRoom): Promise<unknown>;
  remove(room: BareJid): Promise<unknown>;
}

/** Opens the table. */
export function createGroupRoomTable(store: Store): GroupRoomTable {
  const db = store.tables<Tables>();
  return {
    all: () => store.read(db.selectFrom('group_rooms').selectAll().orderBy('room')),
    async of({ host, name }) {
      const query = db.selectFrom('group_rooms').select('room').where('host', '=', host);
      return (await store.read(query.where('name', '=', name))).map(({ room }) => room);
    },
    groupOf: (room) =>
      store.first(db.selectFrom('group_rooms').select(['host', 'name']).where('room', '=', room)),
    set: ({ room, host, name }) =>
      store.write(
        db
          .insertInto('group_rooms')
          .values({ room, host, name })
          .onConflict((at) => at.column('room').doUpdateSet({ host, name })),
      ),
    remove: (room) => store.write(db.deleteFrom('group_rooms').where('room', '=', room)),
  };
}
