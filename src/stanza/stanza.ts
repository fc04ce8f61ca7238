/** Messages, presence and IQs (RFC 6120 §8), and the one door by which they come in. */
import { type Jid, parseJid } from '../jid/jid.ts';
import { nextSerial } from '../kit/ids.ts';
import { childrenOf, Element, isNamed, setAttribute } from '../xml/element.ts';
import type { StanzaCondition } from './condition.ts';
import type { Content } from './content.ts';
import { type Wire, wireOf } from './wire.ts';

/** RFC 6121 §5.2.2. */
export const MESSAGE_TYPES = ['normal', 'chat', 'groupchat', 'headline', 'error'] as const;
/** One of {@link MESSAGE_TYPES}. */
export type MessageType = (typeof MESSAGE_TYPES)[number];

/** RFC 6121 §4.7.1; `available` is the presence without a type. */
export const PRESENCE_TYPES = [
  'available',
  'unavailable',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'probe',
  'error',
] as const;
/** One of {@link PRESENCE_TYPES}. */
export type PresenceType = (typeof PRESENCE_TYPES)[number];

/** RFC 6120 §8.2.3. */
export const IQ_TYPES = ['get', 'set', 'result', 'error'] as const;
/** One of {@link IQ_TYPES}. */
export type IqType = (typeof IQ_TYPES)[number];

interface Common {
  readonly id: string | undefined;
  readonly from: Jid;
  /**
   * The tree, whose `from` and `to` are those of the stanza. It is not changed any more. What was written
   * before may be read only when this is asked for: a copy by `...` has no tree unless it is given one.
   */
  readonly element: Element;
  readonly wire: Wire;
}

/** A message. */
export interface Message extends Common {
  readonly kind: 'message';
  readonly type: MessageType;
  readonly to: Jid;
  /** Its number, which all forms share that it takes on its way to whom it is for. */
  readonly serial: number;
  /**
   * What it carries, where that is known without its tree; then no XEP-0359 origin-id in it is another
   * than its `id`. Others ask `contentOf`. A copy by `...` has none.
   */
  readonly content?: Content | undefined;
  /**
   * Whether it is an error that the server owes to the account that it is for: it had told a client of that
   * account that what this answers is handled. What strangers send never is.
   */
  readonly isOwed?: boolean;
}

/** A presence; without `to` it is for whoever is subscribed. */
export interface Presence extends Common {
  readonly kind: 'presence';
  readonly type: PresenceType;
  readonly to: Jid | undefined;
}

/** A request, or the answer to one. */
export interface Iq extends Common {
  readonly kind: 'iq';
  readonly type: IqType;
  readonly id: string;
  readonly to: Jid;
  /** What is asked (always there for get and set), or the result, which may be empty. */
  readonly payload: Element | undefined;
}

/** Anything that is routed. */
export type Stanza = Message | Presence | Iq;

/** What is known of the sender of an incoming stanza. */
export interface Sender {
  /** Who sent it, as the stream has proved. */
  readonly from: Jid;
  /** Whom a message or IQ without `to` is for (RFC 6120 §10.3); without it `to` is required. */
  readonly defaultTo: Jid | undefined;
}

/** A stanza, or why the element is none, in the terms of a stanza error. */
export type StanzaOutcome =
  | { readonly ok: true; readonly stanza: Stanza }
  | { readonly ok: false; readonly condition: StanzaCondition; readonly text: string };

/** Whether an element is a message, presence or iq in the content namespace. */
export function isStanza(element: Element): boolean {
  const { name } = element;
  return (name === 'message' || name === 'presence' || name === 'iq') && isNamed(element, name, '');
}

/**
 * Makes a stanza of an element that a stream delivered (ask {@link isStanza} first): stamps `from`,
 * prepares `to`, checks the type and what each kind requires. The element belongs to the stanza from
 * then on. On failure it carries the stamped `from` already, and `errorFor` answers it.
 */
export function readStanza(element: Element, sender: Sender): StanzaOutcome {
  const { attrs } = element;
  attrs.from = sender.from;
  let to: Jid | undefined;
  if (attrs.to !== undefined) {
    const parsed = parseJid(attrs.to);
    if (!parsed.ok) return refuse('jid-malformed', `The 'to' address is not valid: ${parsed.why}.`);
    to = parsed.value;
  } else if (element.name !== 'presence') {
    to = sender.defaultTo; // RFC 6120 §10.3.1, §10.3.3
  }
  if (to !== undefined) attrs.to = to;

  const common = { id: attrs.id, from: sender.from, element, wire: wireOf(element) };
  if (element.name === 'presence') return readPresence(common, to);
  if (to === undefined) return refuse('bad-request', "A 'to' address is required.");
  if (element.name === 'message') {
    const type = typeOfMessage(attrs.type);
    return { ok: true, stanza: { kind: 'message', type, to, serial: nextSerial(), ...common } };
  }
  if (element.name === 'iq') return readIq(common, to);
  return refuse('bad-request', 'This is neither a message, a presence nor an iq.');
}

/** The type of a message by its attribute: what is none is `normal` (RFC 6121 §5.2.2). */
export const typeOfMessage = (written: string | undefined): MessageType =>
  memberOf(MESSAGE_TYPES, written) ?? 'normal';

function readPresence(common: Common, to: Jid | undefined): StanzaOutcome {
  const raw = common.element.attrs.type;
  const type = raw === undefined ? 'available' : memberOf(PRESENCE_TYPES, raw);
  // RFC 6121 §4.7.1: the absence of a type is what says `available`.
  if (type === undefined || raw === 'available') {
    return refuse('bad-request', 'There is no such type of presence.');
  }
  return { ok: true, stanza: { kind: 'presence', type, to, ...common } };
}

/** RFC 6120 §8.2.3. */
function readIq(common: Common, to: Jid): StanzaOutcome {
  const { id, element } = common;
  const type = memberOf(IQ_TYPES, element.attrs.type);
  if (type === undefined) return refuse('bad-request', 'An iq is a get, set, result or error.');
  if (id === undefined) return refuse('bad-request', "An iq must have an 'id'.");
  const payloads = childrenOf(element);
  if ((type === 'get' || type === 'set') && payloads.length !== 1) {
    return refuse('bad-request', `An iq ${type} has exactly one child element.`);
  }
  if (type === 'result' && payloads.length > 1) {
    return refuse('bad-request', 'An iq result has at most one child element.');
  }
  const payload = type === 'error' ? undefined : payloads[0];
  return { ok: true, stanza: { kind: 'iq', type, to, payload, ...common, id } };
}

/**
 * The same message or presence with other children, which may go on standing in the old one's tree:
 * nothing below them is copied.
 */
export function withChildren<S extends Message | Presence>(
  stanza: S,
  children: readonly (Element | string)[],
): S {
  const { name, attrs } = stanza.element;
  const element = new Element(name);
  for (const key in attrs) {
    const value = attrs[key];
    if (value !== undefined) setAttribute(element, key, value);
  }
  element.children.push(...children);
  return { ...stanza, element, wire: wireOf(element) };
}

function memberOf<T extends string>(words: readonly T[], raw: string | undefined): T | undefined {
  return words.find((word) => word === raw);
}

function refuse(condition: StanzaCondition, text: string): StanzaOutcome {
  return { ok: false, condition, text };
}
