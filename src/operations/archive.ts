/** Operations on the archives of accounts. */
import { z } from 'zod';
import {
  type AnyOperation,
  failure,
  type OperationFailure,
  operation,
  success,
} from '../core/operation.ts';
import { type BareJid, domainOf } from '../jid/jid.ts';
import { accountJid, confirmed, limit, time } from './fields.ts';
import { noSuchAccount } from './refusals.ts';
import type { Services } from './services.ts';

type Needs = Pick<Services, 'archives' | 'accounts' | 'hosts' | 'clock'>;

const DAY_MS = 86_400_000;
const MOST_DAYS = 36_500;

const onAccount = z.object({ jid: accountJid });
const days = z.int().min(0).max(MOST_DAYS);
const keptText = (count: number, isOwn: boolean) =>
  `${termText(count)}, ${isOwn ? 'set for this account' : 'as its host has it'}`;

function termText(count: number): string {
  if (count === 0) return 'for good';
  if (count < 1) return `for ${Math.round(count * 24)} hours`;
  return count === 1 ? 'for a day' : `for ${Math.round(count)} days`;
}

/** Operations on archives. */
export function archiveOperations(services: Needs): AnyOperation[] {
  return [show(services), search(services), purge(services), retention(services)];
}

/** Why nothing can be done with the archive of an account; undefined when something can. */
async function refusal(services: Needs, jid: BareJid): Promise<OperationFailure | undefined> {
  if ((await services.accounts.get(jid)) === undefined) return noSuchAccount(services, jid);
  if (services.archives.isOn(jid)) return undefined;
  const text = `Messages are not archived on ${domainOf(jid)}: the module archive is off there.`;
  return failure('unavailable', text);
}

function show(services: Needs): AnyOperation {
  return operation({
    name: 'archive.show',
    command: ['archive', 'show'],
    summary: 'Show how much is in the archive of an account, and for how long it is kept.',
    effect: 'read',
    about: ({ jid }) => jid,
    offline: true,
    positional: ['jid'],
    input: onAccount,
    output: z.object({
      jid: z.string(),
      messages: z.int(),
      oldest: time.optional(),
      newest: time.optional(),
      kept: z.string().describe('For how long messages are kept.'),
      keepDays: z.number().describe('The same as a number of days; 0 is for good.'),
      ownTerm: z.boolean().describe('Whether that is set for this account.'),
      default: z
        .enum(['always', 'roster', 'never'])
        .describe('What is archived of messages with whom no list of the user names.'),
      always: z.int().describe('How many addresses the user has on his list of those to archive.'),
      never: z.int().describe('And on that of those not to archive.'),
      ownPreferences: z.boolean().describe('Whether the user has set that himself.'),
    }),
    async run({ jid }) {
      const refused = await refusal(services, jid);
      if (refused !== undefined) return refused;
      const { oldest, newest, isOwnTerm, hasPreferences, ...figures } =
        await services.archives.figures(jid);
      return success({
        jid,
        ...figures,
        ...(oldest === undefined ? {} : { oldest }),
        ...(newest === undefined ? {} : { newest }),
        kept: keptText(figures.keepDays, isOwnTerm),
        ownTerm: isOwnTerm,
        ownPreferences: hasPreferences,
      });
    },
  });
}

function search(services: Needs): AnyOperation {
  return operation({
    name: 'archive.search',
    command: ['archive', 'search'],
    summary: 'Find messages of an account by their words, newest first; the audit log tells of it.',
    effect: 'read',
    isAudited: true,
    offline: true,
    positional: ['jid', 'text'],
    input: z.object({
      jid: accountJid,
      text: z
        .string()
        .min(1)
        .max(1000)
        .describe('Words that all occur, also as beginnings of others; "in quotes" in that order.'),
      limit: limit(20),
    }),
    output: z.object({
      messages: z.array(z.object({ at: time, from: z.string(), to: z.string(), text: z.string() })),
    }),
    async run({ jid, text, limit: most }) {
      const refused = await refusal(services, jid);
      if (refused !== undefined) return refused;
      const messages = await services.archives.search(jid, text, most);
      if (messages !== undefined)
        return success({ messages: messages.map((each) => ({ ...each })) });
      const off = `Archives of ${domainOf(jid)} cannot be searched: the module fulltext is off there.`;
      return failure('unavailable', off);
    },
  });
}

function purge(services: Needs): AnyOperation {
  return operation({
    name: 'archive.purge',
    command: ['archive', 'purge'],
    summary: 'Remove messages from the archive of an account.',
    effect: 'change',
    about: ({ jid }) => jid,
    offline: true,
    positional: ['jid'],
    input: confirmed(
      z.object({
        jid: accountJid,
        days: days.default(0).describe('Only messages that are older than so many days.'),
      }),
      'Remove messages of {jid} that are older than {days} days, for good?',
    ),
    output: z.object({ jid: z.string(), removed: z.int() }),
    present: ({ jid, removed }) =>
      `${removed === 1 ? 'One message was' : `${removed} messages were`} removed from the archive of ${jid}.`,
    async run({ jid, days: older }) {
      const refused = await refusal(services, jid);
      if (refused !== undefined) return refused;
      const before = older === 0 ? undefined : services.clock.now() - older * DAY_MS;
      return success({ jid, removed: await services.archives.purge(jid, before) });
    },
  });
}

function retention(services: Needs): AnyOperation {
  return operation({
    name: 'archive.retention',
    command: ['archive', 'retention'],
    summary:
      'Set for how long messages of an account are kept; without --days, as its host has it.',
    effect: 'change',
    about: ({ jid }) => jid,
    offline: true,
    positional: ['jid'],
    input: z.object({
      jid: accountJid,
      days: days.optional().describe('For how many days; 0 is for good.'),
    }),
    output: z.object({ jid: z.string(), kept: z.string(), keepDays: z.number() }),
    present: ({ jid, kept }) => `Messages of ${jid} are kept ${kept}.`,
    async run({ jid, days: term }) {
      const refused = await refusal(services, jid);
      if (refused !== undefined) return refused;
      await services.archives.setRetention(jid, term);
      const { keepDays, isOwnTerm } = await services.archives.figures(jid);
      return success({ jid, kept: keptText(keepDays, isOwnTerm), keepDays });
    },
  });
}
