/** What an app server's answer means for a registration (XEP-0357 §7.1). */
import { type ErrorType, STANZA_CONDITIONS, type StanzaCondition } from '../../stanza/condition.ts';
import { conditionOf, STANZA_ERRORS } from '../../stanza/error.ts';
import type { Iq } from '../../stanza/stanza.ts';
import { childOf, type Element, textOf } from '../../xml/element.ts';

/**
 * What came of a notification: the app server took it; it `failed`, which may pass, so that it is
 * tried again; or it is `refused` for good. The text is for admins.
 */
export interface PushOutcome {
  readonly kind: 'published' | 'failed' | 'refused';
  readonly text: string;
}

/** The text of a success. */
const PUBLISHED: PushOutcome = { kind: 'published', text: 'published' };

/** Of what a stranger writes, so many characters are kept. */
const MAX_TEXT = 200;

/**
 * Conditions that say nothing of the registration, whatever type they come with: the way to the app
 * server is broken, or the app server is.
 */
const TRANSIENT: ReadonlySet<StanzaCondition> = new Set<StanzaCondition>([
  'internal-server-error',
  'recipient-unavailable',
  'remote-server-not-found',
  'remote-server-timeout',
  'resource-constraint',
]);

/**
 * Tells what an answer means.
 * @param answer undefined when none came
 */
export function outcomeOf(answer: Iq | undefined): PushOutcome {
  if (answer === undefined) return { kind: 'failed', text: 'no answer' };
  if (answer.type !== 'error') return PUBLISHED;
  const condition = conditionOf(answer) ?? 'undefined-condition';
  const error = childOf(answer.element, 'error');
  const isTransient = TRANSIENT.has(condition) || typeOf(error, condition) === 'wait';
  return { kind: isTransient ? 'failed' : 'refused', text: textOfError(error, condition) };
}

const TYPES: readonly ErrorType[] = ['auth', 'cancel', 'continue', 'modify', 'wait'];

function typeOf(error: Element | undefined, condition: StanzaCondition): ErrorType {
  const stated = TYPES.find((type) => type === error?.attrs.type);
  return stated ?? STANZA_CONDITIONS[condition][0];
}

function textOfError(error: Element | undefined, condition: StanzaCondition): string {
  const text = error === undefined ? undefined : childOf(error, 'text', STANZA_ERRORS);
  const said = text === undefined ? '' : textOf(text).replace(/\s+/g, ' ').trim();
  if (said === '') return condition;
  return `${condition}: ${said.length > MAX_TEXT ? `${said.slice(0, MAX_TEXT)}…` : said}`;
}
