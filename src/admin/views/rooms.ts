/** What pages read of rooms. */
import { z } from 'zod';
import { count, text } from './values.ts';

const roomLineView = z.object({
  jid: text,
  name: text,
  occupants: count,
  public: z.boolean(),
  persistent: z.boolean(),
  created: count,
});

/** `rooms.list` */
export const roomsView = z.object({ rooms: z.array(roomLineView), total: count });

/** `rooms.show` */
export const roomView = roomLineView.extend({
  subject: text,
  occupantList: z.array(
    z.object({ nick: text, account: text, role: text, affiliation: text, sessions: count }),
  ),
  settings: z.array(z.object({ key: text, value: text, meaning: text })),
});

/** A room, as its page shows it. */
export type RoomView = z.output<typeof roomView>;

/** `rooms.history` */
export const roomHistoryView = z.object({
  messages: z.array(
    z.object({
      id: text,
      at: count,
      nick: text,
      account: text,
      kind: z.enum(['message', 'subject', 'retracted']),
      text,
    }),
  ),
  older: text.optional(),
  canSearch: z.boolean(),
});

/** What was said in a room, as its page shows it. */
export type RoomHistoryView = z.output<typeof roomHistoryView>;

/** `rooms.members` */
export const roomMembersView = z.object({
  members: z.array(z.object({ jid: text, affiliation: text, nick: text, reason: text })),
});

/** Who belongs to a room, as its page shows it. */
export type RoomMembersView = z.output<typeof roomMembersView>;
