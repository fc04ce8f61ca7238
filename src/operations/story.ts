/** What became of a message: the story that an admin is asked about. */
import { z } from 'zod';
import { type AnyOperation, operation, success } from '../core/operation.ts';
import { NATURES } from '../core/story.ts';
import type { StoryQuery, Tale } from '../core/story-search.ts';
import { stepSchema } from '../core/story-steps.ts';
import { type BareJid, domainOf, localOf } from '../jid/jid.ts';
import { MESSAGE_TYPES } from '../stanza/stanza.ts';
import { hidden, moment, momentOf, party, time } from './fields.ts';
import { noSuchAccount } from './refusals.ts';
import type { Services } from './services.ts';
import { bareIn, lasting, OUTCOMES, type Story, stepsOf, verdictOf } from './story-text.ts';

const told = z.object({
  at: time.describe('When it was noted first.'),
  from: z.string(),
  to: z.string(),
  type: z.enum(MESSAGE_TYPES),
  nature: z.enum(NATURES).describe('What kind of thing it says; signals are for programs.'),
  ids: z.array(z.string()).describe('Its id, its origin-id, and those that archives gave it.'),
  outcome: z.enum(OUTCOMES),
  verdict: z.string().describe('What became of it, in a sentence.'),
  since: time.optional().describe('Since when it waits.'),
  steps: z.array(z.object({ at: time, text: z.string(), step: stepSchema })),
});

/** The number of a message: too long for a number of `rtcctl`. */
const serial = z.string().regex(/^\d{1,16}$/, 'is no place that a page told');

/** A message with its story, as faces are given it. */
export type ToldStory = z.output<typeof told>;

/** The operation that tells stories. */
export function storyOperations(
  services: Pick<Services, 'stories' | 'accounts' | 'hosts' | 'clock'>,
): AnyOperation[] {
  const { stories, accounts, hosts, clock } = services;

  const isUnknown = async (jid: BareJid) =>
    localOf(jid) !== '' && hosts.get(domainOf(jid)) !== undefined && !(await accounts.exists(jid));

  return [
    operation({
      name: 'messages.trace',
      command: ['trace'],
      summary: 'Tell what became of the messages from and to somebody, the newest last.',
      effect: 'read',
      about: ({ jid }) => jid,
      isAudited: true,
      offline: true,
      positional: ['jid'],
      input: z.object({
        jid: party.describe('Whose messages: an account, or an address elsewhere.'),
        with: party.optional().describe('Only those with this one as the other side.'),
        id: z.string().max(3000).optional().describe('Only the message with this id.'),
        since: moment
          .optional()
          .describe('Only from then on: 15m, 2h or 1d ago, or 2026-05-01T14:00.'),
        failed: z
          .boolean()
          .default(false)
          .describe('Only those that came back, were dropped, or still wait.'),
        signals: z.boolean().default(false).describe('Chat states, receipts and markers, too.'),
        limit: z.int().min(1).max(200).default(20).describe('How many to give at most.'),
        before: serial.optional().describe('Only what is older than a page that told this.'),
      }),
      output: z.object({
        messages: z.array(told),
        next: hidden(z.string().optional()).describe('For `before`: where older ones begin.'),
        note: z.string().optional(),
      }),
      present: presentStories,
      async run({ jid, since, before, failed, limit, ...rest }) {
        const query: StoryQuery = {
          ...rest,
          jid,
          before: before === undefined ? undefined : Number(before),
          limit,
          since: since === undefined ? undefined : momentOf(since, clock.now()),
        };
        const found = await page(query, failed);
        if (found.messages.length === 0 && (await isUnknown(jid)))
          return noSuchAccount(services, jid);
        const note = stories.isOn() ? {} : { note: OFF };
        return success({ ...found, ...note });
      },
    }),
  ];

  /** A page of stories; of those that failed, if only they are wanted. */
  async function page(query: StoryQuery, failed: boolean): Promise<ToldPage> {
    let messages: ToldStory[] = [];
    let { before } = query;
    const limit = failed ? LOOKED_AT : query.limit;
    for (let looked = 0; looked < MOST_LOOKED_AT; looked += limit) {
      const { tales, hasMore } = await stories.find({ ...query, before, limit });
      const told = storiesOf(tales);
      before = hasMore ? Math.min(...tales.map((tale) => tale.serial)) : undefined;
      const fit = failed ? told.filter(isTroubled) : told;
      const more = fit.slice(Math.max(0, fit.length + messages.length - query.limit));
      messages = [...more.map(toldOf), ...messages];
      if (more.length < fit.length) before = more[0]?.tale.serial;
      if (before === undefined || messages.length >= query.limit || !failed) break;
    }
    return { messages, ...(before === undefined ? {} : { next: String(before) }) };
  }
}

interface ToldPage {
  /** The earliest first. */
  readonly messages: ToldStory[];
  readonly next?: string | undefined;
  readonly note?: string | undefined;
}

/** Messages among which those that failed are looked for, at a time and in all. */
const LOOKED_AT = 500;
const MOST_LOOKED_AT = 5000;
const TROUBLED: ReadonlySet<string> = new Set(['waiting', 'bounced', 'dropped', 'unknown']);
const isTroubled = (story: Story) => TROUBLED.has(verdictOf(story).outcome);
const OFF = 'Nothing is noted at present: story.enabled is false in the config.';

/** Messages with the errors that answered them: those have the same id, and the addresses swapped. */
function storiesOf(tales: readonly Tale[]): readonly Story[] {
  const answers = new Map<Tale, Tale>();
  for (const [index, tale] of tales.entries()) {
    if (tale.type !== 'error') continue;
    const asked = tales
      .slice(0, index)
      .findLast((each) => each.type !== 'error' && !answers.has(each) && isAnswer(tale, each));
    if (asked !== undefined) answers.set(asked, tale);
  }
  const joined = new Set(answers.values());
  return tales
    .filter((tale) => !joined.has(tale))
    .map((tale) => ({ tale, answer: answers.get(tale) }));
}

const isAnswer = (error: Tale, asked: Tale) =>
  error.to === asked.from &&
  bareIn(error.from) === bareIn(asked.to) &&
  error.ids.some((id) => asked.ids.includes(id));

function toldOf(story: Story): ToldStory {
  const { from, to, type, nature, ids } = story.tale;
  const { outcome, text, since } = verdictOf(story);
  const steps = stepsOf(story).map(({ at, step, text: said }) => ({ at, text: said, step }));
  return {
    at: steps[0]?.at ?? 0,
    from,
    to,
    type,
    nature,
    ids: [...ids],
    outcome,
    verdict: text,
    ...(since === undefined ? {} : { since }),
    steps,
  };
}

/** Stories as text: each message, what became of it, and how it came to that. */
function presentStories({ messages, next, note }: ToldPage): string {
  const parts = messages.map(presentStory);
  if (messages.length === 0) parts.push('No such message is known.');
  if (next !== undefined) parts.push(`There are older ones: --before ${next}`);
  if (note !== undefined) parts.push(note);
  return parts.join('\n\n');
}

function presentStory(story: ToldStory): string {
  const { at, from, to, type, nature, ids, verdict, since, steps } = story;
  const kinds = [type, nature, ...ids.slice(0, 1).map((id) => `id ${id}`)].join(', ');
  const waits = since === undefined ? '' : `, since ${timeText(since)}`;
  const times = steps.map((step) => `+${lasting(step.at - at)}`);
  const width = Math.max(0, ...times.map(({ length }) => length));
  return [
    `${timeText(at)}  ${from} → ${to}  (${kinds})`,
    `  ${verdict}${waits}`,
    ...steps.map(({ text }, index) => `    ${(times[index] ?? '').padEnd(width)}  ${text}`),
  ].join('\n');
}

/** A moment in local time, to the millisecond: the log has it so. */
function timeText(ms: number): string {
  const at = new Date(ms);
  const two = (part: number, digits = 2) => String(part).padStart(digits, '0');
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => two(part));
  return `${day} ${clock.join(':')}.${two(at.getMilliseconds(), 3)}`;
}
