/** The keys of the config on what one client may use, and on the devices of users. */
import { z } from 'zod';
import { count, duration, size } from './fields.ts';

/** What one client may use. */
export const limits = z
  .object({
    // RFC 6120 §13.12: a limit below 10 000 bytes is not allowed; strangers get no more than that.
    stanzaBytesBeforeAuth: size('10000', { min: '10000', max: '1MiB' }).describe(
      'The largest stanza of a client that has not logged in.',
    ),
    // Holds an avatar (XEP-0084) or a vCard with a photo, the largest things that clients send.
    stanzaBytes: size('256KiB', { min: '10000', max: '16MiB' }).describe(
      'The largest stanza of a client that has logged in.',
    ),
    // XHTML and data forms reach some ten levels; a bound keeps recursion harmless.
    depth: count(64, { min: 8, max: 1000 }).describe('How deep elements may be nested.'),
    attributes: count(64, { min: 8, max: 1000 }).describe(
      'How many attributes one element may have.',
    ),
    // A whole office may come from one address; beyond it, someone is opening sockets for sport.
    connectionsPerAddress: count(500, { min: 1 }).describe(
      'How many connections one IP address (of IPv6: one /64 network) may have at a time.',
    ),
    // Long enough for a slow radio link and the hashing of a password, too short to be worth holding.
    authTimeout: duration('30s', { min: '1s', max: '10m' }).describe(
      'How long a client may take from connecting to being logged in.',
    ),
    // RFC 6120 §6.4.5: no fewer than two, no more than five tries are advised.
    loginTries: count(5, { min: 1, max: 20 }).describe('How many tries to log in a stream has.'),
    guests: z
      .object({
        // A household or a small office behind one address; each visitor has one session.
        perAddress: count(20, { min: 1 }).describe(
          'How many one IP address (of IPv6: one /64 network) may have at a time.',
        ),
        total: count(1000, { min: 1 }).describe('How many there may be in all.'),
        // Twice what the fastest typist sends, with the notes that he is typing.
        messagesPerMinute: count(60, { min: 5 }).describe(
          'How many messages one guest may send in a minute.',
        ),
      })
      .prefault({})
      .describe('What guests may use, who are logged in without an account (SASL ANONYMOUS).'),
    // RFC 6120 §7.5: phones, desks and web pages of one person, with room for forgotten ones.
    resourcesPerAccount: count(20, { min: 1 }).describe(
      'How many sessions one account may have at a time.',
    ),
    // Shorter than the idle timeouts of most NATs on wired networks, rare enough for a phone.
    idlePing: duration('5m', { min: '10s' }).describe(
      'After how long a silence a client is asked for a sign of life.',
    ),
    idleTimeout: duration('60s', { min: '1s' }).describe(
      'How long a client may take to give that sign before its session ends.',
    ),
    // RFC 6120 §4.6.1: whitespace keeps a link open; it wakes radios, so idlePing is preferred.
    whitespacePing: duration('0').describe(
      'How often a space is sent to an idle client to keep the link open; 0 is never.',
    ),
    // A phone that changes networks is back in seconds, one in a tunnel or a pocket in minutes.
    resumeTimeout: duration('10m', { max: '7d' }).describe(
      'How long a session whose connection broke waits to be resumed (XEP-0198); 0 is not at all.',
    ),
    resumeLocation: z
      .string()
      .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s[\]]+)(:\d{1,5})?$/, 'is not host:port')
      .optional()
      .describe('Where clients come back best to resume, as host:port (XEP-0198 §3).')
      .meta({ allowed: 'a host or an address, with a port if need be', defaultText: 'not said' }),
    // What a busy room says in those minutes; beyond it, the client has to ask the archive.
    unackedStanzas: count(5000, { min: 50 }).describe(
      'How many stanzas a client may leave unacknowledged before its session ends; within ten seconds, four times as many.',
    ),
    unackedBytes: size('8MiB', { min: '64KiB' }).describe('The same in bytes.'),
    // A reader that is this far behind is gone or hostile; memory is not for it.
    sendQueueBytes: size('4MiB', { min: '64KiB' }).describe(
      'How much may wait to be sent to one client before its stream ends.',
    ),
  })
  .prefault({})
  .describe('What one client may use. Clients are told the ones that concern them (XEP-0478).');

/** The devices of users. */
export const devices = z
  .object({
    // A person's phones, desks and browsers of some years.
    perAccount: count(50, { min: 1, max: 1000 }).describe(
      'How many devices of one account are remembered; those not seen for long give way.',
    ),
    forgetAfter: duration('180d', { min: '1d' }).describe(
      'After how long an absence a device is forgotten, with its tokens.',
    ),
    addresses: z
      .boolean()
      .default(true)
      .describe('Whether the address that a device came from last is kept.'),
    tokens: z
      .boolean()
      .default(true)
      .describe('Whether devices get tokens to log in without their password (XEP-0484).'),
    // A phone that was in a drawer over the holidays still gets in.
    tokenLifetime: duration('30d', { min: '1h', max: '365d' }).describe(
      'How long a token can be used after it was given out.',
    ),
    tokenRotation: duration('1d').describe(
      'From which age on a token that is used is replaced by a new one.',
    ),
  })
  .prefault({})
  .describe('The devices of users, and the tokens by which they log in.');
