/**
 * Server Dialback (XEP-0220) as values: its keys (XEP-0185), and its elements read and written.
 * Elements are written with the prefix `db`, which each of our stream headers declares.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Domain, parseDomain } from '../jid/jid.ts';
import { isStanzaCondition, STANZA_CONDITIONS } from '../stanza/condition.ts';
import { STANZA_ERRORS } from '../stanza/error.ts';
import {
  childrenOf,
  type Element,
  escapeAttribute,
  escapeText,
  nsOf,
  textOf,
} from '../xml/element.ts';

/** The namespace of the feature by which dialback errors are announced (§2.4.2). */
export const DIALBACK_FEATURE_NS = 'urn:xmpp:features:dialback';

/** What a key is made for. */
export interface KeyParts {
  /** The domain that is to receive stanzas: the target. */
  readonly receiving: Domain;
  /** The domain that wants to send: the sender. */
  readonly originating: Domain;
  /** The identifier of the stream, given by the receiving server. */
  readonly streamId: string;
}

/** The key that proves that a stream is ours (XEP-0185 §2). */
export function dialbackKey(
  secret: string,
  { receiving, originating, streamId }: KeyParts,
): string {
  const hashed = createHash('sha256').update(secret).digest('hex');
  return createHmac('sha256', hashed)
    .update(`${receiving} ${originating} ${streamId}`)
    .digest('hex');
}

/** Whether a key is the one that {@link dialbackKey} makes; takes the same time for any wrong key. */
export function isDialbackKey(secret: string, parts: KeyParts, key: string): boolean {
  const expected = Buffer.from(dialbackKey(secret, parts));
  const given = Buffer.from(key);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The conditions of dialback errors (§2.5), and others that software in the wild uses. */
export type DialbackCondition = string;

/** How a question ended. */
export type DialbackAnswer =
  | { readonly type: 'valid' }
  | { readonly type: 'invalid' }
  | { readonly type: 'error'; readonly condition: DialbackCondition; readonly text: string };

/** A `<db:result/>` or `<db:verify/>`, as it came. */
export interface DialbackPacket {
  /** `result`: may I send for this pair? `verify`: did you give out this key? */
  readonly kind: 'result' | 'verify';
  readonly from: Domain;
  readonly to: Domain;
  /** The stream that a `verify` is about; '' in a `result`. */
  readonly id: string;
  /** The key in a question, '' in an answer. */
  readonly key: string;
  /** Undefined in a question. */
  readonly answer: DialbackAnswer | undefined;
}

/** Reads an element of the dialback namespace; undefined when it is none, or its addresses are wrong. */
export function readDialback(element: Element): DialbackPacket | undefined {
  const { name: kind, attrs } = element;
  if (kind !== 'result' && kind !== 'verify') return undefined;
  const from = parseDomain(attrs.from ?? '');
  const to = parseDomain(attrs.to ?? '');
  if (!from.ok || !to.ok || (kind === 'verify' && attrs.id === undefined)) return undefined;
  const answer = attrs.type === undefined ? undefined : readAnswer(element, attrs.type);
  return {
    kind,
    from: from.value,
    to: to.value,
    id: attrs.id ?? '',
    key: answer === undefined ? textOf(element).trim() : '',
    answer,
  };
}

function readAnswer(element: Element, type: string): DialbackAnswer {
  if (type === 'valid' || type === 'invalid') return { type };
  // Any other type cannot be a yes.
  const error = childrenOf(element).find(({ name }) => name === 'error');
  const parts = error === undefined ? [] : childrenOf(error);
  const condition = parts.find((part) => nsOf(part) === STANZA_ERRORS && part.name !== 'text');
  const text = parts.find(({ name }) => name === 'text');
  return {
    type: 'error',
    condition: condition?.name ?? 'undefined-condition',
    text: text === undefined ? '' : textOf(text).slice(0, MAX_TEXT),
  };
}

/** How much of a stranger's sentence is kept. */
const MAX_TEXT = 500;

/** Whom an element goes from and to. */
export interface Addresses {
  readonly from: Domain;
  readonly to: Domain;
}

/** Asks to be allowed to send for a pair (§2.1.1). */
export function resultQuestion({ from, to }: Addresses, key: string): string {
  return `<db:result${addresses({ from, to })}>${escapeText(key)}</db:result>`;
}

/** Answers {@link resultQuestion} (§2.2.1). */
export function resultAnswer(parties: Addresses, answer: DialbackAnswer): string {
  return answerText('result', addresses(parties), answer);
}

/** Asks whether a key was given out for a stream (§2.1.2). */
export function verifyQuestion(parties: Addresses, id: string, key: string): string {
  const attributes = `${addresses(parties)} id='${escapeAttribute(id)}'`;
  return `<db:verify${attributes}>${escapeText(key)}</db:verify>`;
}

/** Answers {@link verifyQuestion} (§2.2.2). */
export function verifyAnswer(parties: Addresses, id: string, answer: DialbackAnswer): string {
  return answerText('verify', `${addresses(parties)} id='${escapeAttribute(id)}'`, answer);
}

const addresses = ({ from, to }: Addresses) =>
  ` from='${escapeAttribute(from)}' to='${escapeAttribute(to)}'`;

function answerText(name: string, attributes: string, answer: DialbackAnswer): string {
  const head = `<db:${name}${attributes} type='${answer.type}'`;
  if (answer.type !== 'error') return `${head}/>`;
  const { condition, text } = answer;
  const type = isStanzaCondition(condition) ? STANZA_CONDITIONS[condition][0] : 'cancel';
  return (
    `${head}><error type='${type}'><${condition} xmlns='${STANZA_ERRORS}'/>` +
    `<text xmlns='${STANZA_ERRORS}' xml:lang='en'>${escapeText(text)}</text></error></db:${name}>`
  );
}
