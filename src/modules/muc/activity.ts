/** XEP-0502: how many messages an hour are said in a room, roughly. */
import { carriesAny, contentOf } from '../../stanza/content.ts';
import type { Message } from '../../stanza/stanza.ts';
import type { Room } from './room.ts';

/** The field of a room's disco#info. */
export const MESSAGE_ACTIVITY = '{urn:xmpp:muc-activity}message-activity';

const HOUR_MS = 3_600_000;
/** The hour that is under way, and those before it that count (§6). */
const HOURS = 25;

/** What was said hour by hour, since somebody first spoke while the room was in memory. */
export interface Activity {
  /** The number of the hour that is under way, since the epoch. */
  readonly hour: number;
  /** The hour from which on is counted. */
  readonly since: number;
  /** Messages of that hour, then of those before it. */
  readonly counts: readonly number[];
}

/** Whether a message counts (§4): it has a body of its own, and corrects none. */
export function isCounted(message: Message): boolean {
  const content = contentOf(message);
  return content.has('body') && !carriesAny(content, ['correction', 'retraction', 'reactions']);
}

/** The counts with one message more. */
export function withMessage(before: Activity | undefined, now: number): Activity {
  const { since, hour, counts } = shifted(before ?? startedAt(now), now);
  return { since, hour, counts: [(counts[0] ?? 0) + 1, ...counts.slice(1)] };
}

/**
 * Messages per hour over the last day, as far as it was counted; undefined where it is not to be told
 * (§3.1, §8: only of rooms that anyone finds and may enter), or no whole hour has been counted yet.
 */
export function messagesPerHour(
  { config, activity }: Pick<Room, 'config' | 'activity'>,
  now: number,
): number | undefined {
  const isOpen = config.isPublic && !config.isMembersOnly && config.password === '';
  if (!isOpen || !config.isPersistent || activity === undefined) return undefined;
  const { since, hour, counts } = shifted(activity, now);
  const whole = Math.min(HOURS - 1, hour - since);
  if (whole === 0) return undefined;
  const sum = counts.slice(1).reduce((all, each) => all + each, 0);
  return sum / whole;
}

function startedAt(now: number): Activity {
  const hour = Math.floor(now / HOUR_MS);
  return { since: hour, hour, counts: [] };
}

/** The counts as they stand in the hour of a moment. */
function shifted(activity: Activity, now: number): Activity {
  const hour = Math.floor(now / HOUR_MS);
  const passed = hour - activity.hour;
  if (passed <= 0) return activity;
  const empty = Array.from({ length: Math.min(passed, HOURS) }, () => 0);
  return { ...activity, hour, counts: [...empty, ...activity.counts].slice(0, HOURS) };
}
