/** Which messages are copied: XEP-0280 §6.1. */
import { isFull } from '../../jid/jid.ts';
import { carriesAny, contentOf, type Trait } from '../../stanza/content.ts';
import type { Message } from '../../stanza/stanza.ts';

/** Whether the account's user `sent` a message or `received` it. */
export type Direction = 'sent' | 'received';

/** §9, XEP-0334 §4.3; and what has the look of a copy, so that there is never a copy in a copy. */
const NEVER: readonly Trait[] = ['private', 'no-copy', 'carbon'];

/** What is used in instant messaging, whatever the type of the message. */
const MESSAGING: readonly Trait[] = [
  'receipt',
  'receipt-request',
  'chat-state',
  'marker',
  'markable',
];

/**
 * Decides by type and content. An error is never eligible by itself: that depends on what it answers
 * (`answers.ts`), for what it contains is but an echo.
 */
export function isEligible(message: Message, direction: Direction): boolean {
  const { type } = message;
  if (type === 'error' || type === 'groupchat') return false;
  const content = contentOf(message);
  if (carriesAny(content, NEVER)) return false;
  if (content.has('invitation')) return true;
  if (content.has('room')) {
    // A room itself hands a private message to all clients that are in it.
    if (direction === 'received' && isFull(message.from)) return false;
    if (direction === 'sent' && isFull(message.to)) return true;
  }
  if (type === 'chat' || carriesAny(content, MESSAGING)) return true;
  return type === 'normal' && content.has('body');
}

/** Whether a message is a private one to an occupant of a room, which its sender marked as such. */
export function isToOccupant(message: Message): boolean {
  return isFull(message.to) && message.type !== 'groupchat' && contentOf(message).has('room');
}
