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
  /** Who has by the group what its members have. */
  group_room_members: { room: BareJid; member: BareJid };
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
  {
    name: 'members of the rooms of groups',
    up: [
      `CREATE TABLE group_room_members (
        room TEXT NOT NULL, member TEXT NOT NULL, PRIMARY KEY (room, member)
      ) WITHOUT ROWID`,
    ],
  },
];

/** Reads and writes them. All may reject with a StoreError. */
export interface GroupRoomTable {
  all(): Promise<readonly GroupRoom[]>;
  of(group: GroupKey): Promise<readonly BareJid[]>;
  groupOf(room: BareJid): Promise<GroupKey | undefined>;
  set(row: GroupRoom): Promise<unknown>;
  /** Forgets a room with its members. */
  remove(room: BareJid): Promise<unknown>;
  /** Who was made a member of a room because he is in its group. */
  membersOf(room: BareJid): Promise<readonly BareJid[]>;
  /** Notes who is that now, and who is not any more. */
  note(
    room: BareJid,
    change: { readonly added: readonly BareJid[]; readonly removed: readonly BareJid[] },
  ): Promise<unknown>;
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
    remove: (room) =>
      store.write(
        db.deleteFrom('group_rooms').where('room', '=', room),
        db.deleteFrom('group_room_members').where('room', '=', room),
      ),
    async membersOf(room) {
      const query = db.selectFrom('group_room_members').select('member').where('room', '=', room);
      return (await store.read(query)).map(({ member }) => member);
    },
    async note(room, { added, removed }) {
      const gone = db.deleteFrom('group_room_members').where('room', '=', room);
      const writes = [
        ...removed.map((member) => gone.where('member', '=', member)),
        ...added.map((member) =>
          db
            .insertInto('group_room_members')
            .values({ room, member })
            .onConflict((at) => at.doNothing()),
        ),
      ];
      if (writes.length > 0) await store.write(...writes);
    },
  };
}
