/** Who may make rooms, and which: XEP-0045 §10.1. */
import type { Home } from '../../core/module.ts';
import { type BareJid, bareOf, domainOf, type Jid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Room } from './room.ts';
import type { MucSettings } from './settings.ts';
import type { RoomTables } from './tables.ts';

/** Tells why a room may not be made by somebody; undefined when it may. */
export function createGate(
  home: Home<MucSettings>,
  tables: RoomTables,
  /** The rooms that wait to be configured, which are nowhere written. */
  waiting: () => Iterable<Room>,
) {
  const mayCreate = async (account: BareJid, { creation }: MucSettings): Promise<boolean> => {
    if (creation === 'anyone') return true;
    const host = home.hosts.get(domainOf(account));
    if (host === undefined) return false;
    if (creation === 'local') return !(await home.authority.isGuest(account));
    if (home.server().admins.includes(account) || host.config.admins.includes(account)) return true;
    return (await home.accounts.get(account))?.isAdmin === true;
  };

  return async (
    jid: BareJid,
    from: Jid,
    settings: MucSettings,
  ): Promise<StanzaFailure | undefined> => {
    const account = bareOf(from);
    const buried = await tables.tombstone(jid);
    if (buried !== undefined)
      return {
        condition: 'gone',
        text: buried.reason === '' ? 'The room was destroyed.' : buried.reason,
        uri: buried.venue === undefined ? undefined : `xmpp:${buried.venue}?join`,
      };
    if (!(await mayCreate(account, settings)))
      return { condition: 'not-allowed', text: 'You may not create rooms here.' };
    const domain = domainOf(jid);
    const [made, all] = [await tables.madeBy(account, domain), await tables.count({ domain })];
    const others = [...waiting()].filter((room) => domainOf(room.jid) === domain);
    const own = others.filter(({ creator }) => creator === account);
    if (made + own.length >= settings.roomsPerOwner)
      return { condition: 'resource-constraint', text: 'You own too many rooms.' };
    if (all + others.length >= settings.maxRooms)
      return { condition: 'resource-constraint', text: 'The service has no place for more rooms.' };
    return undefined;
  };
}
