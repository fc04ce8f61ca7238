/** Who may make rooms, and which: XEP-0045 §10.1. */
import type { Home } from '../../core/module.ts';
import { type BareJid, bareOf, domainOf, type Jid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { MucSettings } from './settings.ts';
import type { RoomTables } from './tables.ts';

/** Tells why a room may not be made by somebody; undefined when it may. */
export function createGate(
  home: Home<MucSettings>,
  tables: RoomTables,
  /** How many rooms of his wait to be configured. */
  pending: (account: BareJid) => number,
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
    const owned = await tables.ownedBy(account, domain);
    if (owned + pending(account) >= settings.roomsPerOwner)
      return { condition: 'resource-constraint', text: 'You own too many rooms.' };
    if ((await tables.count({ domain })) >= settings.maxRooms)
      return { condition: 'resource-constraint', text: 'The service has no place for more rooms.' };
    return undefined;
  };
}
