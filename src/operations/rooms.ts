/** Operations on chat rooms. */
import { z } from 'zod';
import { type AnyOperation, failure, operation, success } from '../core/operation.ts';
import { type BareJid, bareOf, type Domain, localOf, parseBare } from '../jid/jid.ts';
import { accountJid, anyJid, confirmed, domain, kind, limit, offset, time } from './fields.ts';
import { unlessFound } from './refusals.ts';
import type { RoomService } from './room-service.ts';
import type { Services } from './services.ts';

type Needs = Pick<Services, 'rooms' | 'hosts' | 'clock'>;

const room = accountJid.describe('The room, such as lobby@conference.falcot.com.');
const reason = z.string().max(1000).default('').describe('Why; those concerned are told.');
/** The id that a room gave a message (XEP-0359). */
const messageId = z.string().min(1).max(1024);
const roomLine = z.object({
  jid: z.string(),
  name: z.string(),
  occupants: z.int(),
  public: z.boolean(),
  persistent: z.boolean(),
  created: time,
});
const member = z.object({
  jid: z.string(),
  affiliation: z.string(),
  nick: z.string(),
  reason: z.string(),
});
const setting = z.object({ key: z.string(), value: z.string(), meaning: z.string() });
const affiliations = ['owner', 'admin', 'member', 'outcast', 'none'] as const;

const lineOf = (line: Awaited<ReturnType<RoomService['list']>>['rooms'][number]) => ({
  jid: line.jid,
  name: line.name,
  occupants: line.occupants,
  public: line.isPublic,
  persistent: line.isPersistent,
  created: line.created,
});

/** A key with its value, but for the password of a room. */
const masked = (each: string) => each.replace(/^password=.+/s, 'password=********');

/** The failure for a domain at which no rooms are found, nor can be. */
function unlessRooms(rooms: Pick<RoomService, 'domains'>, at: Domain | undefined, found: number) {
  const domains = rooms.domains();
  if (at === undefined || found > 0 || domains.includes(at)) return undefined;
  const are = domains.join(', ') || 'no domain';
  return failure('not-found', `There are no rooms at ${at}; they are at ${are}.`);
}

const noSuchRoom = (jid: BareJid) => failure('not-found', `There is no room ${jid}.`);

/** Operations on rooms. */
export function roomOperations(services: Needs): AnyOperation[] {
  return [...looking(services), ...making(services), ...changing(services), ...keeping(services)];
}

function looking({ rooms, hosts }: Needs): AnyOperation[] {
  return [
    operation({
      name: 'rooms.list',
      command: ['room', 'list'],
      summary: 'List the chat rooms.',
      effect: 'read',
      offline: true,
      about: ({ domain: each, host }) => each ?? host,
      input: z.object({
        domain: domain.optional().describe('Only rooms of this service.'),
        host: domain.optional().describe('Only rooms of the services of this domain.'),
        search: z.string().max(200).optional().describe('A part of the address or the name.'),
        offset,
        limit: limit(100),
      }),
      output: z.object({ rooms: z.array(roomLine), total: z.int() }),
      async run({ domain: at, host, search, offset: from, limit: most }) {
        const page = await rooms.list({ domain: at, host, search, offset: from, limit: most });
        const unserved = unlessFound(hosts, host, page.total) ?? unlessRooms(rooms, at, page.total);
        if (unserved !== undefined) return unserved;
        return success({ rooms: page.rooms.map(lineOf), total: page.total });
      },
    }),
    operation({
      name: 'rooms.show',
      command: ['room', 'show'],
      summary: 'Show a room: who is in it, and how it is configured.',
      effect: 'read',
      offline: true,
      about: ({ room: jid }) => jid,
      positional: ['room'],
      input: z.object({ room }),
      output: roomLine.extend({
        subject: z.string(),
        members: z.int().describe('How many accounts are in its lists.'),
        occupantList: z.array(
          z.object({
            nick: z.string(),
            account: z.string(),
            role: z.string(),
            affiliation: z.string(),
            sessions: z.int(),
          }),
        ),
        settings: z.array(setting),
      }),
      async run({ room: jid }) {
        const found = await rooms.show(jid);
        if (found === undefined) return noSuchRoom(jid);
        return success({
          ...lineOf(found),
          subject: found.subject,
          members: found.members.length,
          occupantList: [...found.occupantList],
          settings: [...found.settings],
        });
      },
    }),
    operation({
      name: 'rooms.members',
      command: ['room', 'members'],
      summary: 'List the owners, admins, members and banned accounts of a room.',
      effect: 'read',
      offline: true,
      about: ({ room: jid }) => jid,
      positional: ['room'],
      input: z.object({
        room,
        affiliation: z.enum(affiliations).optional().describe('Only those.'),
      }),
      output: z.object({ members: z.array(member) }),
      async run({ room: jid, affiliation }) {
        const found = await rooms.show(jid);
        if (found === undefined) return noSuchRoom(jid);
        const wanted = found.members.filter(
          (each) => affiliation === undefined || each.affiliation === affiliation,
        );
        return success({ members: wanted.map((each) => ({ ...each })) });
      },
    }),
  ];
}

function making({ rooms }: Needs): AnyOperation[] {
  return [
    operation({
      name: 'rooms.create',
      command: ['room', 'create'],
      summary: 'Make a persistent room, with its owner and members.',
      effect: 'change',
      offline: true,
      about: ({ room: jid }) => jid,
      positional: ['room', 'owner'],
      input: z.object({
        room,
        owner: accountJid.describe('The account that owns the room.'),
        name: z.string().max(200).default('').describe('Its name, as people read it.'),
        members: z
          .array(accountJid)
          .max(1000)
          .default([])
          .describe('Accounts that are its members.'),
        membersOnly: z.boolean().default(false).describe('Whether only members enter.'),
        public: z.boolean().default(false).describe('Whether it is listed.'),
        group: z
          .string()
          .trim()
          .min(1)
          .max(100)
          .optional()
          .describe('A group: those in it are members, and their clients enter the room.'),
      }),
      output: z.object({ room: z.string() }),
      present: ({ room: jid }) => `${jid} is there.`,
      async run({ room: jid, owner, name, members, membersOnly, public: isPublic, group }) {
        const made = await rooms.create({
          jid,
          owner,
          name: name === '' ? localOf(jid) : name,
          members,
          isMembersOnly: membersOnly,
          isPublic,
          group,
        });
        return made.ok ? success({ room: jid }) : made;
      },
    }),
    operation({
      name: 'rooms.destroy',
      command: ['room', 'destroy'],
      summary: 'Destroy a room; a persistent one cannot be made again by users.',
      effect: 'change',
      offline: true,
      about: ({ room: jid }) => jid,
      positional: ['room'],
      input: confirmed(
        z.object({
          room,
          reason,
          venue: anyJid.optional().describe('The room where people meet instead.'),
        }),
        'Destroy {room} with all that was said in it?',
      ),
      output: z.object({ room: z.string() }),
      present: ({ room: jid }) => `${jid} is destroyed.`,
      async run({ room: jid, reason: why, venue }) {
        const done = await rooms.destroy(jid, { reason: why, venue });
        return done.ok ? success({ room: jid }) : done;
      },
    }),
  ];
}

function changing({ rooms }: Needs): AnyOperation[] {
  return [
    operation({
      name: 'rooms.config',
      command: ['room', 'config'],
      summary: 'Show or change the configuration of a room.',
      effect: 'change',
      offline: true,
      told: (input) => ({ ...input, set: input.set.map(masked) }),
      about: ({ room: jid }) => jid,
      positional: ['room'],
      input: z.object({
        room,
        set: z
          .array(
            z
              .string()
              .regex(/^[A-Za-z]+=/, 'is not key=value')
              .meta(kind('text')),
          )
          .max(50)
          .default([])
          .describe('A key with its value, such as isPublic=true; without any, all are shown.'),
      }),
      output: z.object({ settings: z.array(setting) }),
      async run({ room: jid, set }) {
        const changes = Object.fromEntries(
          set.map((each) => {
            const at = each.indexOf('=');
            return [each.slice(0, at), each.slice(at + 1)];
          }),
        );
        const done = await rooms.configure(jid, changes);
        if (!done.ok) return done;
        return success({ settings: [...done.settings] });
      },
    }),
    operation({
      name: 'rooms.affiliation',
      command: ['room', 'affiliation'],
      summary: 'Make accounts owners, admins or members of a room, ban them, or take that back.',
      effect: 'change',
      offline: true,
      about: ({ room: jid }) => jid,
      positional: ['room', 'affiliation', 'accounts'],
      input: z.object({
        room,
        affiliation: z.enum(affiliations).describe('What they are to be.'),
        accounts: z
          .array(z.string().max(3071))
          .min(1)
          .max(1000)
          .describe('The accounts; a domain is all of its accounts.'),
        reason,
      }),
      output: z.object({ room: z.string(), affiliation: z.string(), changed: z.int() }),
      present: ({ room: jid, affiliation, changed }) =>
        `${changed} ${changed === 1 ? 'account is' : 'accounts are'} ${affiliation} in ${jid} now.`,
      async run({ room: jid, affiliation, accounts, reason: why }) {
        const jids: BareJid[] = [];
        for (const raw of accounts) {
          const parsed = parseBare(raw.trim());
          if (!parsed.ok) return failure('invalid-input', `'${raw}' is not an address.`);
          jids.push(bareOf(parsed.value));
        }
        const done = await rooms.affiliate(jid, jids, affiliation, why);
        if (!done.ok) return done;
        return success({ room: jid, affiliation, changed: jids.length });
      },
    }),
    operation({
      name: 'rooms.kick',
      command: ['room', 'kick'],
      summary: 'Remove somebody from a room; he may come back unless he is banned.',
      effect: 'change',
      about: ({ room: jid }) => jid,
      positional: ['room', 'nick'],
      input: z.object({ room, nick: z.string().max(1023).describe('The nick.'), reason }),
      output: z.object({ room: z.string(), nick: z.string() }),
      present: ({ room: jid, nick }) => `${nick} was removed from ${jid}.`,
      async run({ room: jid, nick, reason: why }) {
        const done = await rooms.kick(jid, nick, why);
        return done.ok ? success({ room: jid, nick }) : done;
      },
    }),
  ];
}

function keeping({ rooms, clock }: Needs): AnyOperation[] {
  return [
    operation({
      name: 'rooms.history',
      command: ['room', 'history'],
      summary: 'Show what was said in a room, newest first; the audit log tells of it.',
      effect: 'read',
      offline: true,
      isAudited: true,
      about: ({ room: jid }) => jid,
      positional: ['room'],
      input: z.object({
        room,
        before: messageId
          .optional()
          .describe('Only what is older than a page that told this id as the next one.'),
        search: z
          .string()
          .trim()
          .min(1)
          .max(1000)
          .optional()
          .describe('Words that all occur; "in quotes" in that order.'),
        limit: limit(50),
      }),
      output: z.object({
        messages: z.array(
          z.object({
            id: z.string(),
            at: time,
            nick: z.string(),
            account: z.string(),
            kind: z.enum(['message', 'subject', 'retracted']),
            text: z.string().describe('Of what was taken back, the reason.'),
          }),
        ),
        older: z.string().optional().describe('The id before which the next page ends.'),
        canSearch: z.boolean().describe('Whether what was said can be searched for words.'),
      }),
      async run({ room: jid, before, search, limit: most }) {
        const found = await rooms.history(jid, { before, text: search, most });
        if (!found.ok) return found;
        const { messages, older, canSearch } = found;
        return success({
          messages: messages.map((each) => ({ ...each })),
          ...(older === undefined ? {} : { older }),
          canSearch,
        });
      },
    }),
    operation({
      name: 'rooms.moderate',
      command: ['room', 'moderate'],
      summary: 'Take back a message in the name of a room: all clients there are told.',
      effect: 'change',
      offline: true,
      about: ({ room: jid }) => jid,
      positional: ['room', 'id'],
      input: z.object({
        room,
        id: messageId.describe(
          'The id of the message, as the history of the room shows it; after -- if it begins with -.',
        ),
        reason,
      }),
      output: z.object({ room: z.string(), id: z.string() }),
      present: ({ room: jid, id }) => `Message ${id} is taken back in ${jid}.`,
      async run({ room: jid, id, reason: why }) {
        const done = await rooms.moderate(jid, id, why);
        return done.ok ? success({ room: jid, id }) : done;
      },
    }),
    operation({
      name: 'rooms.purge',
      command: ['room', 'purge'],
      summary: 'Forget what was said in a room.',
      effect: 'change',
      offline: true,
      about: ({ room: jid }) => jid,
      positional: ['room'],
      input: confirmed(
        z.object({
          room,
          days: z
            .int()
            .min(0)
            .max(36_500)
            .default(0)
            .describe('What is younger than so many days stays; 0 is nothing.'),
        }),
        'Forget what was said in {room}?',
      ),
      output: z.object({ room: z.string(), removed: z.int() }),
      present: ({ removed }) => `${removed} ${removed === 1 ? 'message' : 'messages'} removed.`,
      async run({ room: jid, days }) {
        const removed = await rooms.purge(jid, clock.now() + 1 - days * 86_400_000);
        return removed === undefined ? noSuchRoom(jid) : success({ room: jid, removed });
      },
    }),
  ];
}
