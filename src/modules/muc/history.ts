/** The history that who enters a room is sent: XEP-0045 §7.2.13 to §7.2.15. */

import { type Content, carriesAny, carriesOnly, type Trait } from '../../stanza/content.ts';
import { Delay, delayed } from '../../stanza/delay.ts';
import type { Message } from '../../stanza/stanza.ts';
import { dateTimeAttr, integerAttr, optional, payload } from '../../xml/codec.ts';
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

/** XEP-0334 §4.1, §4.2. */
const FORBIDDING: readonly Trait[] = ['no-store', 'no-permanent-store'];
/** What is true for a moment only, or asks for something that is. */
const MOMENTARY: ReadonlySet<Trait> = new Set<Trait>([
  'chat-state',
  'receipt-request',
  'markable',
  'thread',
  'no-copy',
]);
/** What beyond that tells those who were there of what they have read. */
const NOTES: ReadonlySet<Trait> = new Set<Trait>([...MOMENTARY, 'receipt', 'marker', 'store']);

/** Whether a message says anything to who was not there (§7.2.13). */
export const isLasting = (content: Content): boolean =>
  !carriesAny(content, FORBIDDING) && !carriesOnly(content, NOTES);

/** Whether a message belongs in the archive of the room: the same, and who has read what. */
export const isArchivable = (content: Content): boolean =>
  !carriesAny(content, FORBIDDING) && !carriesOnly(content, MOMENTARY);

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

/** How much history a room keeps. */
export interface HistoryBounds {
  readonly most: number;
  readonly bytes: number;
}

/** The history with one more message, within what a room keeps. */
export const withSaid = (
  history: readonly Said[],
  said: Said,
  bounds: HistoryBounds,
): readonly Said[] => within([...history, said], bounds);

/** The newest messages, as many as a room keeps. */
export function within(all: readonly Said[], limits: HistoryBounds): readonly Said[] {
  let bytes = 0;
  let first = all.length;
  while (first > 0 && all.length - first < limits.most) {
    bytes += all[first - 1]?.message.wire.text.length ?? 0;
    if (bytes > limits.bytes) break;
    first -= 1;
  }
  return all.slice(first);
}

const DAY_MS = 86_400_000;

/** What was said before that moment is not kept any more; undefined where the room has no term. */
export const keptSince = ({ config }: Pick<Room, 'config'>, now: number): number | undefined =>
  config.keepDays === 0 ? undefined : now - config.keepDays * DAY_MS;

/** The newest messages that meet all limits, oldest first; each is sent whole or not at all. */
export function chosen(
  room: Room,
  wish: HistoryLimits,
  now: number,
  recipientLength: number,
): readonly Said[] {
  const most = Math.min(wish.maxstanzas ?? room.config.historyMost, room.config.historyMost);
  const from = Math.max(
    keptSince(room, now) ?? Number.NEGATIVE_INFINITY,
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
