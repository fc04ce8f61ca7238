/**
 * Guests without an account in rooms: in one that many visitors come to, such as one for support, each
 * may know what is said while he is there, and nothing of those before him.
 */
import type { Home } from '../../core/module.ts';
import { type Domain, isFull, type Jid } from '../../jid/jid.ts';
import type { MucSettings } from './settings.ts';

/**
 * Since when somebody may know what was said, in ms since the epoch; undefined: from the beginning.
 * @param host that of the room
 */
export function hearsSince(
  { sessions, configOf }: Pick<Home<MucSettings>, 'sessions' | 'configOf'>,
  jid: Jid,
  host: Domain,
): number | undefined {
  const session = isFull(jid) ? sessions.at(jid) : undefined;
  if (session?.isAnonymous !== true || configOf(host).guestsReadHistory) return undefined;
  return session.since;
}
