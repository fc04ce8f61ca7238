/** What an admin sets of rooms. */
import { z } from 'zod';
import { count, duration, size } from '../../config/fields.ts';

/** The keys of `modules.muc`. */
export const mucSettings = z.object({
  creation: z
    .enum(['anyone', 'local', 'admins'])
    .default('local')
    .describe(
      'Who may create rooms: anyone at all, accounts of this server but guests, or its admins.',
    ),
  maxRooms: count(10_000, { min: 1 }).describe('How many rooms one service may have.'),
  roomsPerOwner: count(50, { min: 1 }).describe('How many rooms one account may own by creating.'),
  roomsPerUser: count(500, { min: 1 }).describe('In how many rooms one account may be at a time.'),
  maxOccupants: count(2000, { min: 2, max: 10_000 }).describe(
    'How many may be in one room; its admins and owners find a place beyond that.',
  ),
  sessionsPerNick: count(20, { min: 1, max: 100 }).describe(
    'With how many clients one user may be in a room under one nick.',
  ),
  maxAffiliations: count(5000, { min: 10, max: 50_000 }).describe(
    'How many accounts may have an affiliation with one room.',
  ),
  nickLength: count(100, { min: 8, max: 1023 }).describe('The longest nick, in characters.'),
  subjectSize: size('4KiB', { min: '64' }).describe('The largest subject.'),
  vcardSize: size('64KiB', { min: '1KiB' }).describe(
    'The largest vCard of a room, with its picture.',
  ),
  historySize: size('512KiB', { min: '1KiB' }).describe('How much history one room keeps.'),
  guestsReadHistory: z
    .boolean()
    .default(false)
    .describe('Whether guests without an account may read what was said before they came.'),
  guestsStayAway: duration('1h', { min: '1m', max: '30d' }).describe(
    'For how long a guest who was kicked or banned, and other guests from his address, enter no room of the service.',
  ),
  invitations: count(10, { min: 1, max: 100 }).describe('How many one message may invite.'),
  invitationsPerHour: count(60, { min: 1 }).describe(
    'How many one account may invite in an hour; each that it declines counts, too.',
  ),
  presencesPerMinute: count(60, { min: 5 }).describe(
    'How often one account may enter one room, or change its nick or availability there, in a minute.',
  ),
  configureTime: duration('10m', { min: '10s', max: '1d' }).describe(
    'How long a new room waits for its owner to configure it, before it is gone.',
  ),
  pingTime: duration('15m', { min: '1m' }).describe(
    'After how long a silence an occupant of another server is asked for a sign of life.',
  ),
  search: z
    .boolean()
    .default(false)
    .describe('Whether anybody may search the public rooms of a service by words (XEP-0433).'),
  listedSize: count(100, { min: 1, max: 1000 }).describe(
    'How many rooms one page of the list has.',
  ),
});

/** The value of `modules.muc`. */
export type MucSettings = Readonly<z.output<typeof mucSettings>>;
