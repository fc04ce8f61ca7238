/**
 * What a message carries, as far as the rules of a server ask: which to copy, keep, hold back or wake
 * somebody for. The one place that knows the namespaces of instant messaging.
 */
import { BoundedMap } from '../kit/limits.ts';
import { childOf, type Element, isNamed, nsOf } from '../xml/element.ts';
import type { Message } from './stanza.ts';

const TRAITS = [
  'body',
  'subject',
  'thread',
  'encrypted',
  'key-exchange',
  'chat-state',
  'receipt',
  'receipt-request',
  'marker',
  'markable',
  'correction',
  'retraction',
  'reactions',
  'reply',
  'file',
  'call',
  'invitation',
  'room',
  'event',
  'carbon',
  'result',
  'private',
  'no-copy',
  'no-store',
  'no-permanent-store',
  'store',
  'error',
  'other',
] as const;

/**
 * One thing that a message carries.
 *
 * - `body`, `subject`, `thread`: RFC 6121 §5.2; a body may be empty, or a fallback for something else.
 * - `encrypted`: something for which only the recipient has the key (XEP-0380, XEP-0384, XEP-0373,
 *   XEP-0027). A body beside it is for who cannot read it.
 * - `key-exchange`: an OMEMO message that is empty, which serves its session only (XEP-0384 §5.5).
 * - `chat-state`: XEP-0085. `receipt`: the ack message of XEP-0184, `receipt-request`: the wish for it.
 * - `marker`: XEP-0333, `markable`: the wish for one.
 * - `correction`, `retraction`, `reactions`, `reply`: XEP-0308, XEP-0424, XEP-0444, XEP-0461.
 * - `file`: where a file is (XEP-0066, XEP-0447).
 * - `call`: that somebody calls, and what becomes of it (XEP-0353, XEP-0482).
 * - `invitation`: to a room, direct (XEP-0249) or mediated (XEP-0045 §7.8.2). `room`: something else
 *   in the name of a room, such as the mark of a private message in it (XEP-0045 §7.5).
 * - `event`: a notification of XEP-0060. `carbon`: what has the look of a carbon copy (XEP-0280),
 *   whoever sent it. `result`: one of a query to an archive (XEP-0313).
 * - `private`: not to be copied (XEP-0280 §9). `no-copy`, `no-store`, `no-permanent-store`, `store`:
 *   the hints of XEP-0334, which those in an error are not (§5).
 * - `error`: the `<error/>` of a message of that type, which may echo what else it carries.
 * - `other`: anything else, but for what only says how a message came (XEP-0226 §4.8: metadata).
 */
export type Trait = (typeof TRAITS)[number];

/** All that a message carries. */
export type Content = ReadonlySet<Trait>;

/** XEP-0085. */
const CHAT_STATES = 'http://jabber.org/protocol/chatstates';
/** XEP-0184. */
const RECEIPTS = 'urn:xmpp:receipts';
/** XEP-0333. */
const MARKERS = 'urn:xmpp:chat-markers:0';
/** XEP-0334. */
const HINTS = 'urn:xmpp:hints';
/** XEP-0280. */
export const CARBONS = 'urn:xmpp:carbons:2';
/** XEP-0424. */
const RETRACTION = 'urn:xmpp:message-retract:1';
/** What a room says of its occupants (XEP-0045). */
export const MUC_USER = 'http://jabber.org/protocol/muc#user';

const CORE = { body: 'body', subject: 'subject', thread: 'thread', error: 'error' } as const;

/** Elements by namespace and name; where a namespace has one trait, whatever the name is. */
const BY_NAMESPACE: ReadonlyMap<string, Trait | Readonly<Record<string, Trait>>> = new Map<
  string,
  Trait | Readonly<Record<string, Trait>>
>([
  ['', CORE],
  ['jabber:client', CORE], // as it is named in a forwarded message
  [CHAT_STATES, 'chat-state'],
  [RECEIPTS, { received: 'receipt', request: 'receipt-request' }],
  // The two that version 1.0 left out are still sent by older clients.
  [
    MARKERS,
    { displayed: 'marker', markable: 'markable', received: 'marker', acknowledged: 'marker' },
  ],
  ['urn:xmpp:message-correct:0', { replace: 'correction' }],
  [RETRACTION, { retract: 'retraction' }],
  ['urn:xmpp:reactions:0', { reactions: 'reactions' }],
  ['urn:xmpp:reply:0', { reply: 'reply' }],
  ['urn:xmpp:sfs:0', 'file'],
  ['jabber:x:oob', { x: 'file' }],
  ['urn:xmpp:jingle-message:0', 'call'],
  ['urn:xmpp:call-invites:0', 'call'],
  ['jabber:x:conference', { x: 'invitation' }],
  ['http://jabber.org/protocol/pubsub#event', { event: 'event' }],
  [CARBONS, { received: 'carbon', sent: 'carbon', private: 'private' }],
  ['urn:xmpp:mam:2', { result: 'result' }],
  [
    HINTS,
    {
      'no-copy': 'no-copy',
      'no-store': 'no-store',
      'no-permanent-store': 'no-permanent-store',
      store: 'store',
    },
  ],
  ['urn:xmpp:openpgp:0', 'encrypted'],
  ['jabber:x:encrypted', { x: 'encrypted' }],
]);

/** The versions of OMEMO (XEP-0380 §3.2). */
const OMEMO: ReadonlySet<string> = new Set([
  'eu.siacs.conversations.axolotl',
  'urn:xmpp:omemo:1',
  'urn:xmpp:omemo:2',
]);

/** What says nothing itself: how a message came, to whom else, and what of it is a fallback. */
const METADATA: ReadonlySet<string> = new Set([
  'http://jabber.org/protocol/address', // XEP-0033
  'http://jabber.org/protocol/amp', // XEP-0079
  'http://jabber.org/protocol/shim', // XEP-0131
  'http://jabber.org/protocol/nick', // XEP-0172
  'urn:xmpp:delay', // XEP-0203
  'jabber:x:delay', // XEP-0091
  'urn:xmpp:sid:0', // XEP-0359
  'urn:xmpp:eme:0', // XEP-0380
  'urn:xmpp:occupant-id:0', // XEP-0421
  'urn:xmpp:fallback:0', // XEP-0428
  HINTS,
]);

/** Tells what a message carries. */
export const contentOf = (message: Message): Content =>
  message.content ?? contentIn(message.element);

/** Tells what the element of a message carries, such as of a forwarded one (XEP-0297). */
export function contentIn(element: Element): Content {
  let bits = 0;
  let isMarkedEncrypted = false;
  for (const child of element.children) {
    if (typeof child === 'string') continue;
    const trait = traitOf(child);
    if (trait !== undefined) bits |= BIT[trait];
    else if (isNamed(child, 'encryption', 'urn:xmpp:eme:0')) isMarkedEncrypted = true;
  }
  if (isMarkedEncrypted && (bits & BIT['key-exchange']) === 0) bits |= BIT.encrypted;
  if (element.attrs.type === 'error') bits &= ~HINT_BITS;
  return setOf(bits);
}

/** A bit for each. */
const BIT = Object.fromEntries(TRAITS.map((trait, index) => [trait, 1 << index])) as Readonly<
  Record<Trait, number>
>;
const HINT_BITS = BIT['no-copy'] | BIT['no-store'] | BIT['no-permanent-store'] | BIT.store;

/**
 * Messages carry the same few combinations again and again, and each is asked for its own by half a dozen
 * modules: one set serves all that carry the same (bench/story.bench.ts).
 */
const COMBINATIONS = new BoundedMap<number, Content>(1000);

function setOf(bits: number): Content {
  const known = COMBINATIONS.get(bits);
  if (known !== undefined) return known;
  const content = new Set(TRAITS.filter((trait) => (bits & BIT[trait]) !== 0));
  COMBINATIONS.set(bits, content);
  return content;
}

/** A content as text, to be kept beside that of its message. */
export function writeContent(content: Content): string {
  const known = TEXTS.get(content);
  if (known !== undefined) return known;
  const text = [...content].join(' ');
  TEXTS.set(content, text);
  return text;
}

/** The content of such a text; undefined if another version has written it, which knows more. */
export function readContent(text: string): Content | undefined {
  const known = CONTENTS.get(text);
  if (known !== undefined) return known;
  let bits = 0;
  for (const name of text === '' ? [] : text.split(' ')) {
    const trait = TRAITS.find((each) => each === name);
    if (trait === undefined) return undefined;
    bits |= BIT[trait];
  }
  const content = setOf(bits);
  CONTENTS.set(text, content);
  return content;
}

const TEXTS = new WeakMap<Content, string>();
const CONTENTS = new BoundedMap<string, Content>(1000);

function traitOf(child: Element): Trait | undefined {
  const ns = nsOf(child);
  const known = BY_NAMESPACE.get(ns);
  if (typeof known === 'string') return known;
  if (known !== undefined && Object.hasOwn(known, child.name)) return known[child.name];
  if (OMEMO.has(ns))
    return childOf(child, 'payload', ns) === undefined ? 'key-exchange' : 'encrypted';
  if (ns === MUC_USER) return roomTrait(child);
  return METADATA.has(ns) ? undefined : 'other';
}

/** §7.8.2: an invitation on its way to the room or from it, or its refusal. */
function roomTrait(x: Element): Trait {
  const isInvitation =
    childOf(x, 'invite', MUC_USER) !== undefined || childOf(x, 'decline', MUC_USER) !== undefined;
  return isInvitation ? 'invitation' : 'room';
}

/** Whether a message carries at least one of some things. */
export function carriesAny(content: Content, traits: Iterable<Trait>): boolean {
  for (const trait of traits) if (content.has(trait)) return true;
  return false;
}

/** Whether a message carries none but some things; one that carries nothing at all does. */
export function carriesOnly(content: Content, traits: ReadonlySet<Trait>): boolean {
  for (const trait of content) if (!traits.has(trait)) return false;
  return true;
}
