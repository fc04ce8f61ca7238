/** What a room is configured to be, as a value. The form in which owners see it is config-form.ts. */
import { z } from 'zod';

const roleList = z.array(z.enum(['visitor', 'participant', 'moderator']));

/** The longest of each text. */
export const MAX_NAME = 200;
const MAX_DESCRIPTION = 2000;
const MAX_LANGUAGE = 35;
const MAX_PASSWORD = 256;
const MAX_URI = 2000;
/** The most occupants that a room may be configured to have. */
export const MAX_OCCUPANTS = 10_000;
/** The longest time for which a room may keep what is said, in days. */
const MAX_DAYS = 36_500;
/** The most messages that who enters may be sent. */
export const MAX_HISTORY = 500;
/** The longest pause that an occupant may have to make between two messages, in seconds. */
export const MAX_PAUSE = 86_400;

/** The schema of a room's configuration; all has defaults, which are those of a new room. */
export const roomConfig = z.object({
  name: z.string().max(MAX_NAME).default('').describe('The name, as people read it.'),
  description: z.string().max(MAX_DESCRIPTION).default('').describe('What the room is about.'),
  language: z.string().max(MAX_LANGUAGE).default('').describe('The language that is spoken.'),
  isLogged: z.boolean().default(false).describe('Whether occupants are told that it is logged.'),
  isArchived: z
    .boolean()
    .default(true)
    .describe('Whether what is said is archived for those who may enter.'),
  canChangeSubject: z.boolean().default(false).describe('Whether participants set the subject.'),
  canInvite: z
    .boolean()
    .default(false)
    .describe('Whether members invite into a members-only room.'),
  privateMessages: z
    .enum(['anyone', 'participants', 'moderators', 'none'])
    .default('anyone')
    .describe('Who may send private messages.'),
  maxOccupants: z
    .int()
    .min(0)
    .max(MAX_OCCUPANTS)
    .default(0)
    .describe('How many may be in it; 0 is what the service allows.'),
  presenceOf: roleList
    .default(['visitor', 'participant', 'moderator'])
    .describe('The roles whose presence others see.'),
  memberListFor: roleList
    .default(['visitor', 'participant', 'moderator'])
    .describe('The roles that may get the list of members, where JIDs are no secret.'),
  isPublic: z.boolean().default(false).describe('Whether it is listed.'),
  isPersistent: z.boolean().default(false).describe('Whether it stays when nobody is in it.'),
  isModerated: z.boolean().default(false).describe('Whether newcomers must be given voice.'),
  isMembersOnly: z.boolean().default(false).describe('Whether only members enter.'),
  password: z.string().max(MAX_PASSWORD).default('').describe('The password; none if empty.'),
  whois: z
    .enum(['moderators', 'anyone'])
    .default('moderators')
    .describe('Who sees the real JIDs of occupants.'),
  historyMost: z
    .int()
    .min(0)
    .max(MAX_HISTORY)
    .default(50)
    .describe('How many messages who enters is sent.'),
  keepDays: z
    .int()
    .min(0)
    .max(MAX_DAYS)
    .default(0)
    .describe('For how many days what is said is kept; 0 is as the host has it.'),
  pubsub: z.string().max(MAX_URI).default('').describe('The URI of a node that belongs to it.'),
  areNicksLocked: z.boolean().default(false).describe('Whether members use their registered nick.'),
  canRegister: z.boolean().default(false).describe('Whether anyone may register as a member.'),
  pause: z
    .int()
    .min(0)
    .max(MAX_PAUSE)
    .default(0)
    .describe('The seconds that who is no admin waits between two messages; 0 is none.'),
});

/** A room's configuration. */
export type RoomConfig = Readonly<z.output<typeof roomConfig>>;

/** The configuration of a new room. */
export const DEFAULT_CONFIG: RoomConfig = roomConfig.parse({});

/** The configuration of a stored text; what is not right in it is as in a new room. */
export function readRoomConfig(text: string): RoomConfig {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return DEFAULT_CONFIG;
  }
  const whole = roomConfig.safeParse(raw);
  return whole.success ? whole.data : DEFAULT_CONFIG;
}
