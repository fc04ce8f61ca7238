/** Carbon copies: XEP-0280 §7 and §8, by way of XEP-0297. */
import type { BareJid } from '../../jid/jid.ts';
import { message as makeMessage } from '../../stanza/build.ts';
import { CARBONS } from '../../stanza/content.ts';
import { forwarded } from '../../stanza/forward.ts';
import type { Message } from '../../stanza/stanza.ts';
import { el } from '../../xml/element.ts';
import type { Direction } from './eligible.ts';

/**
 * A copy of a message for other resources of an account, from the account itself. Its `to` is the
 * account: it is made once, and each resource is put in as it is sent (`session.send(copy, jid)`).
 */
export function copyOf(message: Message, direction: Direction, account: BareJid): Message {
  const copy = el(direction, { xmlns: CARBONS }, forwarded(message));
  return makeMessage({ from: account, to: account, type: message.type, children: [copy] });
}
