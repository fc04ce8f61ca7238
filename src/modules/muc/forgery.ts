/** What only a room may say in its own name (XEP-0045 §13.2, §13.3), and who sends it is not believed. */
import { type BareJid, parseJid } from '../../jid/jid.ts';
import { Delay } from '../../stanza/delay.ts';
import type { Message, Presence } from '../../stanza/stanza.ts';
import { childOf, type Element, isNamed, nsOf } from '../../xml/element.ts';
import { HATS, MODERATE, MUC, OCCUPANT_ID, RETRACT, STANZA_ID } from './names.ts';

/** Whether a child is for the room alone to say (XEP-0359 §3, XEP-0421 §4, XEP-0425 §5, XEP-0317 §7). */
export function isForged(child: Element, room: BareJid): boolean {
  const ns = nsOf(child);
  if (ns.startsWith(MUC)) return ns === MUC || ns.startsWith(`${MUC}#`);
  if (ns === OCCUPANT_ID || ns === HATS || isModeration(child)) return true;
  if (ns === STANZA_ID) {
    const by = parseJid(child.attrs['by'] ?? '');
    return child.name === 'stanza-id' && by.ok && by.value.split('/')[0] === room;
  }
  return ns === Delay.ns && Delay.decode(child)?.from === room;
}

/** The children of a stanza that may be passed on. */
export function honest(
  { element }: Message | Presence,
  room: BareJid,
): readonly (Element | string)[] {
  return element.children.filter((child) => typeof child === 'string' || !isForged(child, room));
}

/** Whether a child says that a moderator did something, which only a room may say. */
function isModeration(child: Element): boolean {
  return (
    child.attrs.xmlns === MODERATE ||
    (isNamed(child, 'retract', RETRACT) && childOf(child, 'moderated', MODERATE) !== undefined) ||
    isNamed(child, 'retracted', RETRACT)
  );
}
