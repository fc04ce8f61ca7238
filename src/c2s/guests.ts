/** How many guests (SASL ANONYMOUS) there may be at a time: XEP-0175 asks to bound what strangers use. */
import type { Session } from '../core/sessions.ts';
import { networkOf } from '../kit/remote.ts';
import type { C2sServices } from './services.ts';

/**
 * Whether one guest more may come in from an address. One who sleeps, which most often is somebody who
 * left the page, makes room for him: of the same address where that has too many.
 */
export function hasRoomForGuest(
  remote: string,
  { sessions, limits }: Pick<C2sServices, 'sessions' | 'limits'>,
): boolean {
  const { perAddress, total } = limits().guests;
  const all = [...sessions.all()].filter(({ isAnonymous }) => isAnonymous);
  const network = networkOf(remote);
  const near = all.filter((session) => networkOf(session.remote) === network);
  if (near.length >= perAddress) return endSleeper(near);
  return all.length < total || endSleeper(all);
}

/** Ends the one that was bound first of those that sleep; false where none does. */
function endSleeper(guests: readonly Session[]): boolean {
  const sleeper = guests.find(({ isAttached }) => !isAttached);
  sleeper?.end('resource-constraint', 'Another guest needs its place.');
  return sleeper !== undefined;
}
