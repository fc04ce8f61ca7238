/** What accounts have of a room by the group that it belongs to: membership, and a bookmark. */
import type { BareJid } from '../../jid/jid.ts';
import type { Logger } from '../../kit/log.ts';
import type { BookmarksApi } from '../bookmarks/index.ts';
import type { AdminService } from '../muc/index.ts';

/** Gives it to accounts, and takes it from them. */
export interface Belonging {
  /** Makes members of a room of those who are nothing there yet, and has their clients enter. */
  welcome(room: BareJid, accounts: readonly BareJid[]): Promise<void>;
  /** Takes from members what they had by the group; owners and admins of the room stay that. */
  part(room: BareJid, accounts: readonly BareJid[]): Promise<void>;
  /** Takes the bookmarks of a room that is gone. */
  forget(room: BareJid, accounts: readonly BareJid[]): Promise<void>;
}

/** Makes it. */
export function createBelonging(
  rooms: Pick<AdminService, 'show' | 'affiliate'>,
  book: BookmarksApi,
  log: Logger,
): Belonging {
  const forget: Belonging['forget'] = async (room, accounts) => {
    for (const account of accounts) await book.remove(account, room);
  };
  return {
    async welcome(room, accounts) {
      const found = await rooms.show(room);
      if (found === undefined || accounts.length === 0) return;
      const strangers = new Set(accounts);
      for (const { jid } of found.members) strangers.delete(jid);
      const done =
        strangers.size === 0
          ? { ok: true }
          : await rooms.affiliate(room, [...strangers], 'member', '');
      if (!done.ok) log.warn({ room }, 'not all of a group could be made members of its room');
      const banned = found.members.filter(({ affiliation }) => affiliation === 'outcast');
      const isBanned = new Set(banned.map(({ jid }) => jid));
      for (const account of accounts)
        if (!isBanned.has(account)) await book.add(account, { room, name: found.name });
    },
    async part(room, accounts) {
      const found = await rooms.show(room);
      const gone = new Set(accounts);
      const members = (found?.members ?? [])
        .filter(({ jid, affiliation }) => affiliation === 'member' && gone.has(jid))
        .map(({ jid }) => jid);
      if (members.length > 0) await rooms.affiliate(room, members, 'none', '');
      await forget(room, accounts);
    },
    forget,
  };
}
