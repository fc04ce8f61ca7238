/** Which messages are kept for somebody who is away, and in which form. */
import type { BareJid, Domain } from '../../jid/jid.ts';
import { carriesOnly, contentOf, type Trait } from '../../stanza/content.ts';
import { type DelayedBy, delayed, delayText } from '../../stanza/delay.ts';
import type { Message } from '../../stanza/stanza.ts';
import { originIdOf } from '../../stanza/stanza-id.ts';
import { extendedText } from '../../stanza/wire.ts';
import type { Kept } from './spool.ts';

/** What is to be done with a message: `keep` it, `refuse` it, or `forget` it, which nobody will miss. */
export type Worth = 'keep' | 'refuse' | 'forget';

/** What says nothing once the moment has passed (XEP-0085 §5.8, XEP-0160 §3), nor by itself. */
const MOMENTARY: ReadonlySet<Trait> = new Set<Trait>([
  'chat-state',
  'thread',
  'private',
  'no-copy',
  'no-store',
  'no-permanent-store',
]);

/**
 * Decides by type and content (XEP-0160 §3, XEP-0334 §4). Of errors only those are kept that are owed: that a
 * message which was acknowledged has not arrived is worth as much as the message.
 */
export function worthOf(message: Message): Worth {
  if (message.isOwed === true) return 'keep';
  if (message.type !== 'normal' && message.type !== 'chat') return 'refuse';
  const content = contentOf(message);
  if (carriesOnly(content, MOMENTARY)) return 'forget';
  return content.has('no-store') ? 'refuse' : 'keep'; // XEP-0334 §4.2
}

/** A message as it is kept: to the account, and with the time of its arrival in the host's name (XEP-0203). */
export function keptForm(message: Message, account: BareJid, host: Domain, arrived: number): Kept {
  const { id, serial } = message;
  const delay = { from: host, stamp: arrived, reason: 'Offline Storage' };
  const content = contentOf(message);
  // Whoever tells of it asks for its ids, too.
  const origin = message.content === undefined ? originIdOf(message) : id;
  const known = origin === undefined || origin === id ? content : undefined;
  return { stanza: textOf(message, account, delay), serial, content: known };
}

function textOf(message: Message, account: BareJid, delay: Required<DelayedBy>): string {
  // One that only pretends to be from here must not stay.
  if (message.element.children.some((child) => typeof child !== 'string' && child.name === 'delay'))
    return delayed(message, delay).wire.textTo(account);
  return extendedText(message.wire.textTo(account), 'message', delayText(delay));
}
