/** Announcements as admins make them: XEP-0133 §4.23 to §4.28. */
import { z } from 'zod';
import { domain } from '../../config/fields.ts';
import { aboutHost, meantHost, unlessFound } from '../../core/meant-host.ts';
import type { Home } from '../../core/module.ts';
import { type AnyOperation, failure, operation, success } from '../../core/operation.ts';
import { confirmed, kind, time, wholeText } from '../../core/operation-fields.ts';
import type { Domain } from '../../jid/jid.ts';
import type { Announcer } from './announcer.ts';
import type { StandingKind } from './table.ts';

/** The longest text of an announcement, in characters. */
const MAX_TEXT = 5000;
const MAX_SUBJECT = 200;

const text = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(MAX_TEXT)
  .meta({ ...kind('text'), description: 'What is said.' });
const host = domain()
  .optional()
  .meta({
    ...kind('domain'),
    description: 'The domain; it can be left out where there is only one.',
  });

const NAMES = { motd: 'message of the day', welcome: 'welcome' } as const;

type Needs = Pick<Home<undefined>, 'hosts' | 'isEnabled'>;

const users = (count: number) => (count === 1 ? 'one user' : `${count} users`);

/** The operations. */
export function announcementOperations(home: Needs, announcer: Announcer): AnyOperation[] {
  return [
    announce(home, announcer),
    ...(['motd', 'welcome'] as const).flatMap((kind) => standing(home, announcer, kind)),
  ];
}

function announce(home: Needs, announcer: Announcer): AnyOperation {
  return operation({
    name: 'announcements.send',
    command: ['announce'],
    summary: 'Send an announcement to all users who are online.',
    effect: 'change',
    positional: ['text'],
    about: (input) => input.host,
    input: confirmed(
      z.object({
        text,
        subject: z.string().trim().max(MAX_SUBJECT).default('').describe('What it is about.'),
        host: domain()
          .optional()
          .meta({
            ...kind('domain'),
            description: 'Only to those of this domain; else of all.',
          }),
      }),
      'Send this to all users who are online?',
    ),
    output: z.object({ sent: z.int().describe('To how many users.') }),
    present: ({ sent }) => `Sent to ${users(sent)}.`,
    async run({ text: said, subject, host: named }) {
      const enabled = home.hosts.all().flatMap((each) => {
        return home.isEnabled(each.domain) ? [each.domain] : [];
      });
      const meant = named === undefined ? enabled : enabled.filter((each) => each === named);
      const unserved = unlessFound(home.hosts, named, meant.length);
      if (unserved !== undefined) return unserved;
      if (meant.length === 0)
        return failure('not-found', `${named ?? 'The server'} has no announcements.`);
      return success({ sent: await announcer.announce(meant, said, subject) });
    },
  });
}

function standing(home: Needs, announcer: Announcer, kind: StandingKind): AnyOperation[] {
  const name = NAMES[kind];
  const about = (input: { readonly host?: Domain | undefined }) =>
    aboutHost(home, input.host, 'announcements');
  const hostOf = (named: Domain | undefined) => meantHost(home, named, 'announcements');
  const none = (at: Domain) => failure('not-found', `${at} has no ${name}.`);
  const told = z.object({ host: z.string() });
  return [
    operation({
      name: `${kind}.show`,
      command: [kind, 'show'],
      summary:
        kind === 'motd'
          ? 'Show the message of the day, which each user is sent once.'
          : 'Show what new users are welcomed with when they first log in.',
      effect: 'read',
      offline: true,
      about,
      positional: ['host'],
      input: z.object({ host }),
      output: z.object({
        host: z.string(),
        since: time.nullable().describe('When it was set; nothing where there is none.'),
        text: wholeText,
      }),
      async run({ host: named }) {
        const at = hostOf(named);
        if (typeof at !== 'string') return at;
        const found = await announcer.standing(at, kind);
        return success({ host: at, since: found?.since ?? null, text: found?.text ?? '' });
      },
    }),
    operation({
      name: `${kind}.set`,
      command: [kind, 'set'],
      summary:
        kind === 'motd'
          ? 'Set the message of the day: who is online is sent it at once, others when they come.'
          : 'Set what those are welcomed with who get an account from now on.',
      effect: 'change',
      offline: true,
      about,
      positional: ['text'],
      input: z.object({ text, host }),
      output: told.extend({ sent: z.int().describe('To how many users, at once.') }),
      present: (done) =>
        `${done.host} has another ${name}${kind === 'motd' ? `; sent to ${users(done.sent)}` : ''}.`,
      async run({ text: said, host: named }) {
        const at = hostOf(named);
        if (typeof at !== 'string') return at;
        return success({ host: at, sent: await announcer.set(at, kind, said) });
      },
    }),
    operation({
      name: `${kind}.edit`,
      command: [kind, 'edit'],
      summary: `Correct the ${name}; who had it is not sent it again.`,
      effect: 'change',
      offline: true,
      about,
      positional: ['text'],
      input: z.object({ text, host }),
      output: told,
      present: (done) => `The ${name} of ${done.host} is corrected.`,
      async run({ text: said, host: named }) {
        const at = hostOf(named);
        if (typeof at !== 'string') return at;
        return (await announcer.correct(at, kind, said)) ? success({ host: at }) : none(at);
      },
    }),
    operation({
      name: `${kind}.delete`,
      command: [kind, 'delete'],
      summary: `Delete the ${name}.`,
      effect: 'change',
      offline: true,
      about,
      positional: ['host'],
      input: z.object({ host }),
      output: told,
      present: (done) => `${done.host} has no ${name} any more.`,
      async run({ host: named }) {
        const at = hostOf(named);
        if (typeof at !== 'string') return at;
        return (await announcer.remove(at, kind)) ? success({ host: at }) : none(at);
      },
    }),
  ];
}
