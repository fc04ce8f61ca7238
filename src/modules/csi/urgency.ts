/**
 * For what a client is woken at which nobody looks (XEP-0352 §3.2): for all that people say to its
 * user or ask of him, for answers to what it asked, and for all that is not known here.
 */
import type { Turn } from '../../core/restraint.ts';
import type { BareJid } from '../../jid/jid.ts';
import {
  CARBONS,
  type Content,
  carriesOnly,
  contentIn,
  MUC_USER,
  type Trait,
} from '../../stanza/content.ts';
import { messageForwardedIn } from '../../stanza/forward.ts';
import type { Message, Presence, Stanza } from '../../stanza/stanza.ts';
import { childOf, childrenOf, type Element } from '../../xml/element.ts';

/** What can be held back. */
export const HOLDABLE = ['presence', 'chat-states', 'receipts', 'events', 'copies'] as const;
/** One of {@link HOLDABLE}. */
export type Holdable = (typeof HOLDABLE)[number];

/** What says nothing of its own in a message. */
const BESIDES: readonly Trait[] = [
  'thread',
  'private',
  'no-copy',
  'no-store',
  'no-permanent-store',
  'store',
];
const CHAT_STATES = new Set<Trait>(['chat-state', ...BESIDES]);
const RECEIPTS = new Set<Trait>(['receipt', 'marker', ...CHAT_STATES]);
const EVENTS = new Set<Trait>(['event', ...BESIDES]);

const NOW: Turn = { kind: 'now' };
const LATER: Turn = { kind: 'later' };

/**
 * Decides for a stanza to a client of an account, of which `held` is held back. One that comes later
 * has a key if it makes void what came before with the same.
 */
export function turnOf(stanza: Stanza, account: BareJid, held: ReadonlySet<Holdable>): Turn {
  switch (stanza.kind) {
    case 'iq':
      return NOW;
    case 'presence':
      return held.has('presence') ? ofPresence(stanza) : NOW;
    case 'message':
      return stanza.type === 'error' ? NOW : ofMessage(stanza, account, held);
  }
}

/** What contacts and occupants are doing; not what is asked, nor what answers the client. */
function ofPresence({ type, from, element }: Presence): Turn {
  if (type !== 'available' && type !== 'unavailable') return NOW;
  return isSelfPresence(element) ? NOW : { kind: 'later', key: `presence ${from}` };
}

/** XEP-0045 §7.2.2: the client is in a room now, or out of it. */
function isSelfPresence(element: Element): boolean {
  const x = childOf(element, 'x', MUC_USER);
  return (
    x !== undefined &&
    childrenOf(x).some(({ name, attrs }) => name === 'status' && attrs['code'] === '110')
  );
}

function ofMessage(message: Message, account: BareJid, held: ReadonlySet<Holdable>): Turn {
  const { from, element } = message;
  // XEP-0280 §11: copies come from the account itself, or are none.
  if (from === account) {
    const sent = copyIn(element, 'sent');
    if (sent !== undefined) return held.has('copies') ? ofOwn(sent) : NOW;
    const received = copyIn(element, 'received');
    if (received !== undefined) return ofContent(received, received.attrs.from ?? '', held);
  }
  return ofContent(element, from, held);
}

function ofContent(element: Element, from: string, held: ReadonlySet<Holdable>): Turn {
  const content = contentIn(element);
  if (isChatState(content))
    return held.has('chat-states') ? { kind: 'later', key: `state ${from}` } : NOW;
  if (carriesOnly(content, RECEIPTS)) return held.has('receipts') ? LATER : NOW;
  return held.has('events') && carriesOnly(content, EVENTS) ? LATER : NOW;
}

/** What the user does on another client: nothing to wake him for, but for a call that he took there. */
function ofOwn(sent: Element): Turn {
  const content = contentIn(sent);
  if (content.has('call')) return NOW; // XEP-0353 §3.4: stop ringing
  return isChatState(content) ? { kind: 'later', key: `own state ${sent.attrs.to}` } : LATER;
}

const isChatState = (content: Content) =>
  content.has('chat-state') && carriesOnly(content, CHAT_STATES);

/** The message in a carbon copy. */
function copyIn(element: Element, direction: 'sent' | 'received'): Element | undefined {
  const copy = childOf(element, direction, CARBONS);
  return copy && messageForwardedIn(copy);
}
