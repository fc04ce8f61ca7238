/**
 * Guests whom a moderator kicked or banned: they are others at each login (SASL ANONYMOUS), so what keeps
 * them away is the address that they come from, and for a time only, since others may come from there, too.
 */
import type { Home } from '../../core/module.ts';
import { type Domain, type FullJid, isFull, type Jid } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { networkOf } from '../../kit/remote.ts';
import type { MucSettings } from './settings.ts';

/** Who is kept out of the rooms of a service. */
export interface ShutOut {
  /** A session was removed from a room; nothing follows from it unless it is a guest's. */
  removed(session: FullJid, service: Domain): void;
  /** Whether somebody is a guest who may not enter now. */
  isOut(jid: Jid, service: Domain): boolean;
  /** Whether a session is that of a guest, whose account ends with it. */
  isGuest(jid: Jid): boolean;
  /** Whether guests who come from an address may not enter now. */
  isOutAt(address: string, service: Domain): boolean;
}

/** How many addresses are remembered. */
const REMEMBERED = 10_000;

/** Makes the list, with nobody in it; it is forgotten when the server ends. */
export function createShutOut({
  clock,
  sessions,
  hosts,
  configOf,
}: Pick<Home<MucSettings>, 'clock' | 'sessions' | 'hosts' | 'configOf'>): ShutOut {
  /** Until when, in ms since the epoch. */
  const until = new BoundedMap<string, number>(REMEMBERED);
  const keyOf = (address: string, service: Domain) => `${service} ${networkOf(address)}`;
  const guestAt = (jid: Jid) => {
    const session = isFull(jid) ? sessions.at(jid) : undefined;
    return session?.isAnonymous === true ? session : undefined;
  };
  const isOutAt: ShutOut['isOutAt'] = (address, service) =>
    (until.get(keyOf(address, service)) ?? 0) > clock.now();
  return {
    isOutAt,
    isGuest: (jid) => guestAt(jid) !== undefined,
    removed(jid, service) {
      const guest = guestAt(jid);
      const host = hosts.ownerOf(service);
      if (guest === undefined || host === undefined) return;
      const { guestsStayAway } = configOf(host.domain);
      until.set(keyOf(guest.remote, service), clock.now() + guestsStayAway);
    },
    isOut(jid, service) {
      const guest = guestAt(jid);
      return guest !== undefined && isOutAt(guest.remote, service);
    },
  };
}
