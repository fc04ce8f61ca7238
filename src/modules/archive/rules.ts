/**
 * What is worth keeping for good (XEP-0313 §5.1.1, XEP-0334 §4): messages that say something, and what
 * tells of them later, but not what is true for a moment only.
 */
import type { Message } from '../../stanza/stanza.ts';
import { childrenOf, type Element, nsOf } from '../../xml/element.ts';

/** Whether a message is kept, and whether it has a text that can be searched. */
export type Worth = 'searchable' | 'kept' | 'none';

const HINTS = 'urn:xmpp:hints';
const MUC_USER = 'http://jabber.org/protocol/muc#user';

/** Something that only the recipients can read. A body beside it says just that. */
const ENCRYPTED: ReadonlySet<string> = new Set([
  'urn:xmpp:eme:0', // XEP-0380, whatever the encryption is
  'eu.siacs.conversations.axolotl', // XEP-0384 as of 0.3
  'urn:xmpp:omemo:1',
  'urn:xmpp:omemo:2', // XEP-0384
  'urn:xmpp:openpgp:0', // XEP-0373
  'jabber:x:encrypted', // XEP-0027
]);

/** What is kept though it may stand without a body: names by namespace, or all of it. */
const LASTING = new Map<string, ReadonlySet<string> | 'all'>([
  ['urn:xmpp:receipts', new Set(['received'])], // XEP-0184; a request alone asks for nothing
  ['urn:xmpp:chat-markers:0', new Set(['received', 'displayed', 'acknowledged'])], // XEP-0333
  ['urn:xmpp:message-correct:0', new Set(['replace'])], // XEP-0308
  ['urn:xmpp:message-retract:1', new Set(['retract'])], // XEP-0424 §6: MUST
  ['urn:xmpp:reactions:0', new Set(['reactions'])], // XEP-0444
  ['urn:xmpp:reply:0', new Set(['reply'])], // XEP-0461
  ['urn:xmpp:sfs:0', 'all'], // XEP-0447: files
  ['jabber:x:oob', 'all'], // XEP-0066
  ['jabber:x:conference', 'all'], // XEP-0249: invitations
  ['urn:xmpp:jingle-message:0', 'all'], // XEP-0353: calls, for the list of those that were missed
  ['urn:xmpp:call-invites:0', 'all'], // XEP-0482
]);

/** Decides by type and content. */
export function worthOf({ type, element }: Message): Worth {
  // Groupchat is the room's to keep, whatever it hints; a bounce echoes what it could not deliver, with
  // its hints (XEP-0334 §5), and is no message of its own.
  if (type === 'groupchat' || type === 'error') return 'none';
  let isAskedFor = false;
  let isLasting = false;
  let isReadable = false;
  let isSealed = false;
  for (const child of element.children) {
    if (typeof child === 'string') continue;
    const ns = nsOf(child);
    if (ns === '') {
      if (child.name === 'body') isReadable = true;
      else if (child.name === 'subject') isLasting = true;
    } else if (ns === HINTS) {
      // XEP-0334 §4.1, §4.2: of two wishes that contradict each other, the more careful one
      if (child.name === 'no-store' || child.name === 'no-permanent-store') return 'none';
      if (child.name === 'store') isAskedFor = true; // §4.4
    } else if (ENCRYPTED.has(ns)) isSealed = true;
    else if (!isLasting) isLasting = isLastingChild(child, ns);
  }
  if (type === 'headline' && !isAskedFor) return 'none';
  if (isReadable && !isSealed) return 'searchable';
  return isSealed || isLasting || isAskedFor ? 'kept' : 'none';
}

function isLastingChild(child: Element, ns: string): boolean {
  const names = LASTING.get(ns);
  if (names !== undefined) return names === 'all' || names.has(child.name);
  return ns === MUC_USER && child.name === 'x' && childrenOf(child).some(isInvitation);
}

/** XEP-0045 §7.8.2. */
const isInvitation = ({ name }: Element): boolean => name === 'invite' || name === 'decline';
