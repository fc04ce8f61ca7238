/** What an admin does with the rooms of groups. */
import { z } from 'zod';
import { accountJid } from '../../config/fields.ts';
import { type AnyOperation, operation, success } from '../../core/operation.ts';
import { kind } from '../../core/operation-fields.ts';
import type { GroupRooms } from './rooms.ts';

const room = accountJid()
  .meta(kind('jid'))
  .describe('The room, such as lobby@conference.falcot.com.');

/** The operations. */
export function groupRoomOperations(rooms: GroupRooms): AnyOperation[] {
  return [
    operation({
      name: 'rooms.groups',
      command: ['room', 'groups'],
      summary: 'List the rooms that belong to groups.',
      effect: 'read',
      offline: true,
      input: z.object({}),
      output: z.object({
        rooms: z.array(z.object({ room: z.string(), group: z.string(), host: z.string() })),
      }),
      async run() {
        const found = await rooms.grouped();
        return success({
          rooms: found.map((each) => ({ room: each.room, group: each.name, host: each.host })),
        });
      },
    }),
    operation({
      name: 'rooms.group',
      command: ['room', 'group'],
      summary: 'Give a room to a group: those in it are members, and their clients enter it.',
      effect: 'change',
      offline: true,
      positional: ['room', 'group'],
      input: z.object({
        room,
        group: z.string().trim().min(1).max(100).describe('The name of the group.'),
      }),
      output: z.object({ room: z.string(), group: z.string() }),
      present: ({ room: jid, group }) => `${jid} belongs to ${group}.`,
      async run({ room: jid, group }) {
        const done = await rooms.assign(jid, group);
        return done.ok ? success({ room: jid, group }) : done;
      },
    }),
    operation({
      name: 'rooms.ungroup',
      command: ['room', 'ungroup'],
      summary: 'Take a room from its group: its members by the group are none any more.',
      effect: 'change',
      offline: true,
      positional: ['room'],
      input: z.object({ room }),
      output: z.object({ room: z.string() }),
      present: ({ room: jid }) => `${jid} belongs to no group.`,
      async run({ room: jid }) {
        const done = await rooms.assign(jid, undefined);
        return done.ok ? success({ room: jid }) : done;
      },
    }),
  ];
}
