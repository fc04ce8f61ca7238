/** A server without rooms, for tests of operations and pages. */
import type { RoomService } from '../../src/operations/room-service.ts';

const nowhere = { ok: false, why: 'not-found', text: 'There is no such room.' } as const;

/** No room is there. */
export const noRooms: RoomService = {
  domains: () => [],
  list: async () => ({ rooms: [], total: 0 }),
  show: async () => undefined,
  create: async () => nowhere,
  destroy: async () => nowhere,
  configure: async () => nowhere,
  affiliate: async () => nowhere,
  kick: async () => nowhere,
  history: async () => nowhere,
  moderate: async () => nowhere,
  purge: async () => undefined,
};
