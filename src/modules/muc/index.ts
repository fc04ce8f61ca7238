/**
 * XEP-0045: Multi-User Chat. A component of each host (config/components.ts), at a domain of its own;
 * a room is a value (room.ts), what an event does to it a turn (turn.ts, receive.ts), and its life
 * service.ts.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import { defineModule, type Home } from '../../core/module.ts';
import { loadSecret } from '../../core/secret.ts';
import { type Domain, domainOf, localOf } from '../../jid/jid.ts';
import { type AdminService, createAdminService } from './admin-service.ts';
import { affiliate } from './affiliating.ts';
import { type Conversations, createConversations } from './conversations.ts';
import { createDesk } from './desk.ts';
import { startExpiry } from './expiry.ts';
import { takenOff } from './hats.ts';
import { mucMigrations } from './migrations.ts';
import { createRooms } from './service.ts';
import { type MucSettings, mucSettings } from './settings.ts';
import { createShutOut } from './shut-out.ts';
import { createRoomTables } from './tables.ts';

export type { AdminService } from './admin-service.ts';

/** What other modules have of rooms. */
export interface MucService extends AdminService {
  readonly conversations: Conversations;
  /** Whether guests who come from an address may not enter the rooms of a service now. */
  isShutOut(address: string, service: Domain): boolean;
}

/** How long rooms that are not persistent wait for their occupants after a restart. */
const RETURN_MS = 900_000;

/** The module. */
export const muc = defineModule<MucSettings, MucService>({
  name: 'muc',
  specs: [
    { xep: 45, version: '1.35.5', covers: 'complete' },
    { xep: 249, version: '1.2', covers: 'complete', note: 'passed on like any message' },
    { xep: 307, version: '0.1', covers: 'complete' },
    { xep: 317, version: '0.3.1', covers: 'complete' },
    { xep: 410, version: '1.1.0', covers: 'complete', note: 'with the optimisation of §4' },
    { xep: 313, version: '1.1.3', covers: 'complete', note: 'of rooms' },
    { xep: 421, version: '1.0.1', covers: 'complete' },
    { xep: 424, version: '0.4.2', covers: 'complete', note: 'in rooms, with tombstones' },
    { xep: 425, version: '0.3.0', covers: 'complete', note: 'with tombstones' },
    {
      xep: 433,
      version: '0.1.0',
      covers: 'complete',
      note: 'of the public rooms here; off unless configured',
    },
    { xep: 463, version: '0.2.0', covers: 'complete' },
    { xep: 486, version: '0.1.0', covers: 'complete', note: 'without the presence of §6.2' },
    { xep: 500, version: '0.1.1', covers: 'complete' },
    { xep: 502, version: '0.1.0', covers: 'complete' },
  ],
  needs: ['disco'],
  wants: ['archive'],
  config: mucSettings,
  component: { type: 'muc', label: 'conference' },
  tables: mucMigrations,
  setup(home: Home<MucSettings>) {
    const tables = createRoomTables(home.store);
    let secret: MaybePromise<Buffer> | undefined;
    const shutOut = createShutOut(home);
    const rooms = createRooms({
      home,
      tables,
      shutOut,
      secret: () => {
        secret ??= loadSecret(home.store, 'occupant ids');
        return secret;
      },
    });
    const desk = createDesk(home, tables, rooms.occupancy);
    const sweep = home.clock.after(RETURN_MS, () => {
      removeEmpty().catch((error: unknown) =>
        home.log.error({ err: error }, 'empty rooms could not be removed'),
      );
    });
    const removeEmpty = async () => {
      for (const jid of await tables.temporary())
        await rooms.change(jid, (turn) => {
          if (turn.room.occupants.size === 0) turn.isOver = true;
        });
    };
    const api: MucService = {
      ...createAdminService(home, rooms, tables),
      conversations: createConversations(home, rooms, tables),
      isShutOut: shutOut.isOutAt,
    };
    const stopExpiry = startExpiry({
      clock: home.clock,
      log: home.log,
      list: tables.withTerm,
      purge: api.purge,
    });
    return {
      api,
      receive: (stanza, domain, host) =>
        localOf(stanza.to) === '' ? desk(stanza, domain, host) : rooms.receive(stanza, host),
      hooks: {
        // Of one that is back again nobody is taken away: whoever is gone is found by his errors.
        domainChanged: (domain, now, service) =>
          now === 'gone'
            ? rooms.dropAll(service, (jid) => domainOf(jid) === domain)
            : Promise.resolve(),
        async accountRemoved(account) {
          for (const jid of await tables.roomsWith(account))
            await rooms.change(jid, (turn) => {
              const left = { account, to: 'none', reason: '', by: account } as const;
              const afterwards = turn.room.affiliates.has(account) ? affiliate(turn, [left]) : [];
              turn.room = { ...turn.room, hats: takenOff(turn.room.hats, account) };
              for (const follow of afterwards) follow();
            });
        },
      },
      memory: rooms.memory,
      componentLeaves: (domain) => rooms.close(domain),
      leave: () => rooms.shutDown(),
      async stop() {
        sweep.cancel();
        stopExpiry();
        await rooms.stop();
      },
    };
  },
});
