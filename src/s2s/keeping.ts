/** Which stanzas for other domains are worth a place on the disk. */
import type { Message, Stanza } from '../stanza/stanza.ts';
import { childOf, childrenOf, isNamed, nsOf } from '../xml/element.ts';

const CHAT_STATES = 'http://jabber.org/protocol/chatstates';
const HINTS = 'urn:xmpp:hints';

/**
 * Whether somebody would miss a stanza that a crash takes: messages with content, between people or
 * in a room, and what manages subscriptions. The rest is of the moment.
 */
export function isWorthKeeping(stanza: Stanza): boolean {
  switch (stanza.kind) {
    case 'message':
      return ['chat', 'normal', 'groupchat'].includes(stanza.type) && isForTheDisk(stanza);
    case 'presence':
      return ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'].includes(stanza.type);
    case 'iq':
      return false;
  }
}

/** Whether it says anything once the moment has passed, and does not ask not to be stored (XEP-0334 §4.2). */
function isForTheDisk({ element }: Message): boolean {
  if (childOf(element, 'no-store', HINTS) !== undefined) return false;
  return childrenOf(element).some((child) => {
    const ns = nsOf(child);
    return ns !== CHAT_STATES && ns !== HINTS && !isNamed(child, 'thread', '');
  });
}
