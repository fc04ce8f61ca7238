/** The history that who enters a room is sent: XEP-0045 §7.2.13 to §7.2.15. */
import { Delay, delayed } from '../../stanza/delay.ts';
import type { Message } from '../../stanza/stanza.ts';
import { dateTimeAttr, integerAttr, optional, payload } from '../../xml/codec.ts';
import { type Element, isNamed, nsOf } from '../../xml/element.ts';
import { MUC } from './names.ts';
import type { Room, Said } from './room.ts';

/** `<history/>`: how much who enters wants of it. */
export const HistoryWish = payload('history', MUC, {
  maxchars: optional(integerAttr('maxchars')),
  maxstanzas: optional(integerAttr('maxstanzas')),
  seconds: optional(integerAttr('seconds')),
  since: optional(dateTimeAttr('since')),
});

/** What somebody wishes of the history; all that is left out is without a limit of his. */
export interface HistoryLimits {
  readonly maxchars?: number | undefined;
  readonly maxstanzas?: number | undefined;
  readonly seconds?: number | undefined;
  readonly since?: number | undefined;
}

const CHAT_STATES = 'http://jabber.org/protocol/chatstates';
const HINTS = 'urn:xmpp:hints';

/** Whether a message says anything once the moment has passed. */
export function isLasting({ element }: Message): boolean {
  let isContent = false;
  for (const child of element.children) {
    if (typeof child === 'string') continue;
    const ns = nsOf(child);
    if (ns === HINTS && (child.name === 'no-store' || child.name === 'no-permanent-store'))
      return false; // XEP-0334 §4.2, §4.1
    if (ns !== CHAT_STATES && ns !== HINTS && !isNote(child)) isContent = true;
  }
  return isContent;
}

/** What the room itself adds, and a thread, are no content. */
const isNote = (child: Element) =>
  isNamed(child, 'thread', '') || child.name === 'occupant-id' || child.name === 'stanza-id';

/**
 * A message as history has it: with the time at which it was said. One with a time of its own, by
 * which an owner brings along what was said elsewhere, keeps that (§7.9).
 */
export function remembered(
  message: Message,
  { room, at, isOwner }: { readonly room: Room; readonly at: number; readonly isOwner: boolean },
): Message {
  const hasOwn = message.element.children.some(
    (child) => typeof child !== 'string' && Delay.decode(child) !== undefined,
  );
  return isOwner && hasOwn ? message : delayed(message, { from: room.jid, stamp: at });
}

/** The history with one more message, within what a room keeps. */
export function withSaid(
  history: readonly Said[],
  said: Said,
  limits: { readonly most: number; readonly bytes: number },
): readonly Said[] {
  let bytes = 0;
  let first = history.length + 1;
  const all = [...history, said];
  while (first > 0 && all.length - first < limits.most) {
    bytes += all[first - 1]?.message.wire.text.length ?? 0;
    if (bytes > limits.bytes) break;
    first -= 1;
  }
  return all.slice(first);
}

/** The newest messages that meet all limits, oldest first; each is sent whole or not at all. */
export function chosen(
  room: Room,
  wish: HistoryLimits,
  now: number,
  recipientLength: number,
): readonly Said[] {
  const most = Math.min(wish.maxstanzas ?? room.config.historyMost, room.config.historyMost);
  const from = Math.max(
    wish.since ?? Number.NEGATIVE_INFINITY,
    wish.seconds === undefined ? Number.NEGATIVE_INFINITY : now - wish.seconds * 1000,
  );
  let characters = 0;
  let first = room.history.length;
  while (first > 0 && room.history.length - first < most) {
    const said = room.history[first - 1];
    if (said === undefined || said.at < from) break;
    // The address differs from one who enters to the next; the room's own stands in the text.
    characters += said.message.wire.text.length - room.jid.length + recipientLength;
    if (wish.maxchars !== undefined && characters > wish.maxchars) break;
    first -= 1;
  }
  return room.history.slice(first);
}
