/**
 * Rooms of groups of the company: who is in the group is a member of the room, and has a bookmark by
 * which his clients enter it (XEP-0402); who leaves the group has neither any more.
 */
import { defineModule } from '../../core/module.ts';
import { type BareJid, domainOf } from '../../jid/jid.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import { bookmarks } from '../bookmarks/index.ts';
import { type GroupChange, type GroupKey, groups } from '../groups/index.ts';
import { type AdminService, muc } from '../muc/index.ts';
import { groupRoomOperations } from './operations.ts';
import { createGroupRoomTable, type GroupRoom, groupRoomMigrations } from './table.ts';

/** Why a room cannot belong to a group. */
export type GroupRoomRefusal = {
  readonly ok: false;
  readonly why: 'not-found' | 'conflict' | 'invalid-input';
  readonly text: string;
};

/** What an admin does with rooms, as {@link AdminService} has it, and with those of groups. */
export interface GroupRooms extends AdminService {
  /** The rooms that belong to groups. */
  grouped(): Promise<readonly GroupRoom[]>;
  /** Gives a room to a group; undefined takes it from the one that has it. */
  assign(
    room: BareJid,
    group: string | undefined,
  ): Promise<{ readonly ok: true } | GroupRoomRefusal>;
}

/** How long after the start the rooms catch up with their groups. */
const START_MS = 2000;

const without = (accounts: readonly BareJid[], others: readonly BareJid[]): readonly BareJid[] => {
  const left = new Set(others);
  return accounts.filter((account) => !left.has(account));
};

/** The module. */
export const groupRooms = defineModule<undefined, GroupRooms>({
  name: 'group-rooms',
  specs: [],
  needs: ['groups', 'muc', 'bookmarks'],
  tables: groupRoomMigrations,
  setup(home) {
    const table = createGroupRoomTable(home.store);
    const rooms = home.use(muc);
    const book = home.use(bookmarks);
    const known = home.use(groups);
    const exclusive = createExclusive<BareJid>();

    /** Makes members of a room of those who are nothing there yet, and has their clients enter. */
    const welcome = async (room: BareJid, accounts: readonly BareJid[]) => {
      const found = await rooms.show(room);
      if (found === undefined || accounts.length === 0) return;
      const strangers = new Set(accounts);
      for (const { jid } of found.members) strangers.delete(jid);
      const done =
        strangers.size === 0
          ? { ok: true }
          : await rooms.affiliate(room, [...strangers], 'member', '');
      if (!done.ok) home.log.warn({ room }, 'not all of a group could be made members of its room');
      const banned = found.members.filter(({ affiliation }) => affiliation === 'outcast');
      const isBanned = new Set(banned.map(({ jid }) => jid));
      for (const account of accounts)
        if (!isBanned.has(account)) await book.add(account, { room, name: found.name });
    };

    /** Takes from members what they had by the group; owners and admins of the room stay that. */
    const part = async (room: BareJid, accounts: readonly BareJid[]) => {
      const found = await rooms.show(room);
      const gone = new Set(accounts);
      const members = (found?.members ?? [])
        .filter(({ jid, affiliation }) => affiliation === 'member' && gone.has(jid))
        .map(({ jid }) => jid);
      if (members.length > 0) await rooms.affiliate(room, members, 'none', '');
      for (const account of accounts) await book.remove(account, room);
    };

    const groupFor = (room: BareJid, name: string): GroupKey => ({
      host: home.hosts.ownerOf(domainOf(room))?.domain ?? domainOf(room),
      name,
    });
    const membersOf = async (group: GroupKey | undefined) =>
      group === undefined ? [] : [...((await known.members(group)) ?? [])];

    const assign: GroupRooms['assign'] = (room, name) =>
      exclusive(room, async () => {
        const next = name === undefined ? undefined : groupFor(room, name);
        if ((await rooms.show(room)) === undefined)
          return { ok: false, why: 'not-found', text: `There is no room ${room}.` };
        if (next !== undefined && (await known.members(next)) === undefined)
          return { ok: false, why: 'not-found', text: `${next.host} has no group ${next.name}.` };
        const members = await membersOf(next);
        const gone = without(await table.membersOf(room), members);
        if (next !== undefined) await table.set({ room, ...next });
        await part(room, gone);
        await welcome(room, members);
        await (next === undefined
          ? table.remove(room)
          : table.note(room, { added: members, removed: gone }));
        return { ok: true };
      });

    // One room that cannot follow holds up no other.
    const follow = async (change: GroupChange) => {
      for (const room of await table.of(change))
        await exclusive(room, async () => {
          await part(room, change.removed);
          if (change.isGone) return table.remove(room);
          await welcome(room, change.added);
          return table.note(room, change);
        }).catch(failed);
    };

    /** What changed in a group, or with a room of one, while nobody was here to follow. */
    const catchUp = (room: BareJid) =>
      exclusive(room, async () => {
        const group = await table.groupOf(room);
        if (group === undefined) return;
        const [noted, now] = [await table.membersOf(room), await known.members(group)];
        const isThere = (await rooms.show(room)) !== undefined;
        const members = isThere ? [...(now ?? [])] : [];
        const change = { added: without(members, noted), removed: without(noted, members) };
        await part(room, change.removed);
        if (now === undefined || !isThere) return void (await table.remove(room));
        await welcome(room, change.added);
        await table.note(room, change);
      });
    const catchUpAll = async () => {
      for (const { room } of await table.all()) if (!isOver) await catchUp(room).catch(failed);
    };
    const failed = (error: unknown) => {
      home.metrics.errors.inc({ area: 'group-rooms' });
      home.log.error({ err: error }, 'the room of a group could not follow it');
    };
    let isOver = false;
    // Later than one operation on a stopped server takes, which builds this, too.
    const start = home.clock.after(START_MS, () => {
      catchUpAll().catch(failed);
    });
    known.onChange((change) => {
      follow(change).catch(failed);
    });
    rooms.onEnd((room) => {
      const forget = async () => {
        const members = await table.membersOf(room);
        for (const account of members) await book.remove(account, room);
        await table.remove(room);
      };
      exclusive(room, forget).catch(failed);
    });

    const api: GroupRooms = {
      ...rooms,
      async create({ group, ...parts }) {
        if (group === undefined) return rooms.create({ ...parts, group });
        const key = groupFor(parts.jid, group);
        if ((await known.members(key)) === undefined)
          return { ok: false, why: 'not-found', text: `${key.host} has no group ${group}.` };
        const made = await rooms.create({ ...parts, group: undefined });
        return made.ok ? assign(parts.jid, group) : made;
      },
      grouped: table.all,
      assign,
    };
    return {
      api,
      operations: groupRoomOperations(api),
      async stop() {
        isOver = true;
        start.cancel();
      },
    };
  },
});
