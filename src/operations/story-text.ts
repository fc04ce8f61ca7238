/** The story of a message as sentences: what each step was, and what became of it in the end. */
import type { Tale, TaleStep } from '../core/story-search.ts';
import type { Step } from '../core/story-steps.ts';

/** A message, and the error with which it came back, if one did. */
export interface Story {
  readonly tale: Tale;
  readonly answer: Tale | undefined;
}

/**
 * What became of a message: it was `delivered` to a client, or to another domain, that has it; `sent`
 * to one that has not said so; it is `waiting`, `bounced` with an error, or was `dropped` without one;
 * `unknown` if nothing tells.
 */
export const OUTCOMES = ['delivered', 'sent', 'waiting', 'bounced', 'dropped', 'unknown'] as const;
/** One of {@link OUTCOMES}. */
export type Outcome = (typeof OUTCOMES)[number];

/** What became of a message, in a sentence without a full stop. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly text: string;
  /** Since when it waits, in ms since the epoch. */
  readonly since?: number;
}

/** A duration by its one or two largest parts: `41 ms`, `2.5 s`, `3 h 12 min`. */
export function lasting(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const units = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [Math.floor(seconds) % 60, 's'],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  return units
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

const resourceIn = (jid: string) => jid.slice(jid.indexOf('/') + 1);
/** An address of a story without its resource. */
export const bareIn = (jid: string) => jid.replace(/\/.*$/su, '');
const domainIn = (jid: string) => bareIn(jid).replace(/^.*@/su, '');
const listed = (words: readonly string[]) =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
const failureText = (condition: string, text: string | undefined) =>
  text === undefined || text === '' ? condition : `${condition}: ${text}`;

/** What a step was. */
export function stepText(step: Step, { from }: Pick<Tale, 'from'>): string {
  switch (step.kind) {
    case 'received': {
      const sender = step.from === from ? '' : ` of ${step.from}`;
      return `received on stream ${step.stream}${sender} from ${step.remote}`;
    }
    case 'archived':
      return `archived for ${step.account} as ${step.id}`;
    case 'copied':
      return `copied to ${step.to}`;
    case 'handed':
      return `handed to ${step.to}`;
    case 'hibernated':
      return `waits for ${step.to} to come back`;
    case 'held':
      return `held back until ${step.to} is active`;
    case 'resent':
      return `handed to ${step.to} again, which came back`;
    case 'acknowledged':
      return `acknowledged by ${step.by}`;
    case 'read':
      return `read from the archive by ${step.by}`;
    case 'returned':
      return `${step.by} is gone and had not acknowledged it`;
    case 'kept':
      return `kept until ${step.account} is there`;
    case 'fetched':
      return `fetched for ${step.account}, who is there`;
    case 'pushed':
      return `told ${step.service} to wake a device: ${step.answer}`;
    case 'queued':
      return `waits for a stream to ${step.domain}`;
    case 'sent':
      return `sent to ${step.domain} on stream ${step.stream}, ${step.remote}`;
    case 'accepted':
      return `accepted by ${step.domain}`;
    case 'taken':
      return `taken by ${step.by}`;
    case 'bounced':
      return `bounced: ${failureText(step.condition, step.text)} (${step.by})`;
    case 'dropped':
      return `dropped: ${step.why} (${step.by})`;
  }
}

/** The steps of a story with those of the error that answered it, in the order of time. */
export function stepsOf({
  tale,
  answer,
}: Story): readonly (TaleStep & { readonly text: string })[] {
  const own = tale.steps.map(({ at, step }) => ({ at, step, text: stepText(step, tale) }));
  if (answer === undefined) return own;
  const isOurs = tale.steps.some(({ step }) => step.kind === 'bounced');
  const { condition = '', text } = answer.error ?? {};
  const said = isOurs
    ? 'the error'
    : `the error of ${answer.from} (${failureText(condition, text)})`;
  const back = answer.steps.map(({ at, step }, index) => ({
    at,
    step,
    text: `${index === 0 ? said : 'the error'}: ${stepText(step, answer)}`,
  }));
  return [...own, ...back].toSorted((a, b) => a.at - b.at);
}

/** What became of a message, by its steps. */
export function verdictOf(story: Story): Verdict {
  const { tale, answer } = story;
  const begun = tale.steps[0]?.at ?? 0;
  const after = (at: number) => `after ${lasting(at - begun)}`;
  const latest = <K extends Step['kind']>(kind: K) =>
    tale.steps.findLast((each): each is TaleStep & { step: Step & { kind: K } } => {
      return each.step.kind === kind;
    });

  const bounced = latest('bounced');
  if (bounced !== undefined) {
    const { condition, text, by } = bounced.step;
    const why = text === undefined ? `${condition} (${by})` : failureText(condition, text);
    return { outcome: 'bounced', text: `bounced: ${tale.to}: ${why}` };
  }
  if (answer?.error !== undefined) {
    const { condition, text } = answer.error;
    const when = after(answer.steps[0]?.at ?? begun);
    return {
      outcome: 'bounced',
      text: `bounced by ${domainIn(answer.from)} ${when}: ${failureText(condition, text)}`,
    };
  }
  const sessions = sessionsOf(tale);
  const named = (state: SessionState) =>
    listed([...sessions].flatMap(([jid, at]) => (at.state === state ? [resourceIn(jid)] : [])));
  const acknowledged = tale.steps.find(({ step }) => step.kind === 'acknowledged');
  if (acknowledged !== undefined) {
    const others = named('handed');
    const more = others === '' ? '' : `; handed to ${others}`;
    const when = after(acknowledged.at);
    return {
      outcome: 'delivered',
      text: `delivered to ${named('acknowledged')} and acknowledged ${when}${more}`,
    };
  }
  const read = latest('read');
  if (read !== undefined)
    return {
      outcome: 'delivered',
      text: `read from the archive by ${resourceIn(read.step.by)} ${after(read.at)}`,
    };
  const dropped = latest('dropped');
  if (dropped !== undefined)
    return { outcome: 'dropped', text: `dropped: ${dropped.step.why} (${dropped.step.by})` };
  const accepted = latest('accepted');
  if (accepted !== undefined)
    return {
      outcome: 'delivered',
      text: `accepted by ${accepted.step.domain} ${after(accepted.at)}`,
    };
  const taken = latest('taken');
  if (taken !== undefined)
    return { outcome: 'delivered', text: `taken by ${taken.step.by} ${after(taken.at)}` };
  const sent = latest('sent');
  const queued = latest('queued');
  const placeOf = (each: TaleStep) => tale.steps.indexOf(each);
  if (queued !== undefined && (sent === undefined || placeOf(queued) > placeOf(sent)))
    return waiting(`waiting for a stream to ${queued.step.domain}`, queued.at, tale);
  if (sent !== undefined)
    return { outcome: 'sent', text: `sent to ${sent.step.domain} ${after(sent.at)}` };
  return verdictOnSessions(tale, sessions, named) ?? verdictOnRest(tale);
}

type SessionState = 'handed' | 'acknowledged' | 'held' | 'hibernated' | 'returned';

/** Where the message is in each session that was given it, and since when. */
function sessionsOf({ steps }: Tale) {
  const sessions = new Map<string, { state: SessionState; since: number }>();
  for (const { at, step } of steps) {
    switch (step.kind) {
      case 'handed':
      case 'held':
      case 'hibernated':
        sessions.set(step.to, { state: step.kind, since: at });
        break;
      case 'resent':
        sessions.set(step.to, { state: 'handed', since: at });
        break;
      case 'acknowledged':
      case 'returned':
        sessions.set(step.by, { state: step.kind, since: at });
    }
  }
  return sessions;
}

const waiting = (text: string, since: number, tale: Tale): Verdict => ({
  outcome: 'waiting',
  text: `${text}${pushText(tale)}`,
  since,
});

/** What push services said, for a message that waits. */
function pushText({ steps }: Tale): string {
  const pushes = steps.flatMap(({ step }) => (step.kind === 'pushed' ? [step] : []));
  if (pushes.length === 0) return '';
  return `; ${listed(pushes.map(({ service, answer }) => `${service} was told (${answer})`))}`;
}

/** No session has it for sure: whether one has it perhaps, or will have it. */
function verdictOnSessions(
  tale: Tale,
  sessions: ReturnType<typeof sessionsOf>,
  named: (state: SessionState) => string,
): Verdict | undefined {
  const since = (state: SessionState) =>
    Math.min(...[...sessions.values()].flatMap((at) => (at.state === state ? [at.since] : [])));
  if (named('handed') !== '')
    return { outcome: 'sent', text: `handed to ${named('handed')}, not acknowledged yet` };
  if (named('held') !== '')
    return waiting(`held back until ${named('held')} is active`, since('held'), tale);
  if (named('hibernated') !== '')
    return waiting(`waiting for ${named('hibernated')} to come back`, since('hibernated'), tale);
  return undefined;
}

/** No session is concerned: whether it is kept somewhere. */
function verdictOnRest(tale: Tale): Verdict {
  const { steps, to } = tale;
  const kept = steps.findLast(({ step }) => step.kind === 'kept' || step.kind === 'returned');
  if (kept !== undefined && steps.some(({ step }) => step.kind === 'kept'))
    return waiting(`waiting for the next login of ${bareIn(to)}`, kept.at, tale);
  if (kept !== undefined)
    return { outcome: 'unknown', text: 'perhaps lost: the client was gone, and nobody kept it' };
  const archived = steps.find(
    ({ step }) => step.kind === 'archived' && step.account === bareIn(to),
  );
  if (archived !== undefined)
    return waiting(`in the archive of ${bareIn(to)}, no device was there`, archived.at, tale);
  return { outcome: 'unknown', text: 'nothing more is known' };
}
