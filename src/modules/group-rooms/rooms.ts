/** The rooms that belong to groups, which follow what becomes of these. */
import type { Home } from '../../core/module.ts';
import { type BareJid, domainOf } from '../../jid/jid.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import { createPending } from '../../kit/pending.ts';
import { bookmarks } from '../bookmarks/index.ts';
import { type GroupChange, type GroupKey, groups } from '../groups/index.ts';
import { type AdminService, muc } from '../muc/index.ts';
import { createBelonging } from './belonging.ts';
import { createGroupRoomTable, type GroupRoom } from './table.ts';

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

/** Makes them; `stop` resolves when nothing of them runs any more. */
export function createGroupRooms(home: Home<undefined>): {
  readonly api: GroupRooms;
  stop(): Promise<void>;
} {
  const table = createGroupRoomTable(home.store);
  const rooms = home.use(muc);
  const known = home.use(groups);
  const belonging = createBelonging(rooms, home.use(bookmarks), home.log);
  const exclusive = createExclusive<BareJid>();
  const pending = createPending();

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
      await belonging.part(room, gone);
      await belonging.welcome(room, members);
      await (next === undefined
        ? table.remove(room)
        : table.note(room, { added: members, removed: gone }));
      return { ok: true };
    });

  // One room that cannot follow holds up no other.
  const follow = async (change: GroupChange) => {
    for (const room of await table.of(change))
      await exclusive(room, async () => {
        await belonging.part(room, change.removed);
        if (change.isGone) return table.remove(room);
        await belonging.welcome(room, change.added);
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
      await belonging.part(room, change.removed);
      if (now === undefined || !isThere) return void (await table.remove(room));
      await belonging.welcome(room, change.added);
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
    pending.add(catchUpAll().catch(failed));
  });
  known.onChange((change) => {
    pending.add(follow(change).catch(failed));
  });
  rooms.onEnd((room) => {
    const forget = async () => {
      await belonging.forget(room, await table.membersOf(room));
      await table.remove(room);
    };
    pending.add(exclusive(room, forget).catch(failed));
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
    async stop() {
      isOver = true;
      start.cancel();
      await pending.settled();
    },
  };
}
