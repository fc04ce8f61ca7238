/** Which messages are kept for somebody who is away, and in which form. */
import type { BareJid, Domain } from '../../jid/jid.ts';
import { delayed } from '../../stanza/delay.ts';
import type { Message } from '../../stanza/stanza.ts';
import { childOf, childrenOf, type Element, isNamed, nsOf } from '../../xml/element.ts';

const CHAT_STATES = 'http://jabber.org/protocol/chatstates';
const HINTS = 'urn:xmpp:hints';

/** What is to be done with a message: `keep` it, `refuse` it, or `forget` it, which nobody will miss. */
export type Worth = 'keep' | 'refuse' | 'forget';

/** Decides by type and content (XEP-0160 §3, XEP-0334 §4). */
export function worthOf({ type, element }: Message): Worth {
  if (type !== 'normal' && type !== 'chat') return 'refuse';
  if (!childrenOf(element).some(isContent)) return 'forget';
  return childOf(element, 'no-store', HINTS) === undefined ? 'keep' : 'refuse'; // XEP-0334 §4.2
}

/** Whether a child says anything once the moment has passed (XEP-0160 §3: chat states do not). */
function isContent(child: Element): boolean {
  const ns = nsOf(child);
  return ns !== CHAT_STATES && ns !== HINTS && !isNamed(child, 'thread', '');
}

/** The text to keep: to the account, and with the time of its arrival in the host's name (XEP-0203). */
export function keptText(
  message: Message,
  account: BareJid,
  host: Domain,
  arrived: number,
): string {
  const delay = { from: host, stamp: arrived, reason: 'Offline Storage' };
  return delayed(message, delay).wire.textTo(account);
}
