/** The removal of an account: one way for the user (XEP-0077 §3.2) and for admins. */
import type { BareJid } from '../jid/jid.ts';
import type { Accounts } from './accounts.ts';
import type { Hooks } from './hooks.ts';
import type { Session, Sessions } from './sessions.ts';

/**
 * Removes an account with all that modules keep of it, and ends its sessions with `not-authorized`;
 * false, and nothing happens, when there is no such account. When it rejects, what is left of the
 * account is locked, and the removal can be repeated.
 *
 * @param text why, for those who are signed in
 * @param asker a session of the account that is still to be told: it is in the table of sessions no
 *   more, and whoever asked ends its stream
 */
export type RemoveAccount = (account: BareJid, text: string, asker?: Session) => Promise<boolean>;

/** What a removal works with. */
export interface RemovalOptions {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  /** The `accountRemoved` hooks of all modules. */
  hooks(): readonly NonNullable<Hooks['accountRemoved']>[];
}

/** Makes the function that removes accounts. */
export function createRemoval({ accounts, sessions, hooks }: RemovalOptions): RemoveAccount {
  const endSessions = async (account: BareJid, text: string, asker: Session | undefined) => {
    for (const session of sessions.of(account)) {
      // Out of the table first: contacts are told while the modules still know who they are.
      await sessions.remove(session, { kind: 'ended', text });
      if (session !== asker) session.end('not-authorized', text);
    }
  };
  return async (account, text, asker) => {
    // Nobody signs in meanwhile, and nobody ever to half an account.
    if (!(await accounts.setLocked(account, true))) return false;
    try {
      await endSessions(account, text, asker);
      // What came from now on would be kept for whoever has that name next.
      accounts.setLeaving(account, true);
      for (const hook of hooks()) await hook(account);
      await accounts.remove(account);
      await endSessions(account, text, undefined); // who was signing in when it was locked
    } catch (error) {
      asker?.end('reset', 'The account could not be removed.');
      throw error;
    } finally {
      accounts.setLeaving(account, false);
    }
    return true;
  };
}
