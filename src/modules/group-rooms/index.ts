/**
 * Rooms of groups of the company: who is in the group is a member of the room, and has a bookmark by
 * which his clients enter it (XEP-0402); who leaves the group has neither any more.
 */
import { defineModule } from '../../core/module.ts';
import { groupRoomOperations } from './operations.ts';
import { createGroupRooms, type GroupRooms } from './rooms.ts';
import { groupRoomMigrations } from './table.ts';

export type { GroupRooms } from './rooms.ts';

/** The module. */
export const groupRooms = defineModule<undefined, GroupRooms>({
  name: 'group-rooms',
  specs: [],
  needs: ['groups', 'muc', 'bookmarks'],
  tables: groupRoomMigrations,
  setup(home) {
    const { api, stop } = createGroupRooms(home);
    return {
      api,
      operations: groupRoomOperations(api),
      stop,
    };
  },
});
