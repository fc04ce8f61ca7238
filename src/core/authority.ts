/** Who may do what: the one place that decides. */
import { type BareJid, parseBare } from '../jid/jid.ts';
import type { Account, Accounts } from './accounts.ts';
import type { MaybePromise } from './hooks.ts';
import type { Actor } from './operation.ts';

/** Answers who is an admin. */
export interface Authority {
  /** Whether an account is an admin: named in the config, or marked as one when it was made. */
  isAdmin(account: BareJid): MaybePromise<boolean>;
  /** Whether someone may run an operation. */
  mayRun(actor: Actor): MaybePromise<boolean>;
  /** Whether there is any admin who could log in. */
  hasAdmin(): Promise<boolean>;
}

/**
 * Makes the authority.
 * @param named the admins that the config names now: server-wide and, on their own host, its own
 */
export function createAuthority(accounts: Accounts, named: () => readonly BareJid[]): Authority {
  const isAdmin = (account: BareJid): MaybePromise<boolean> => {
    const known = accounts.get(account);
    const decide = (found: Account | undefined) =>
      found !== undefined && !found.isLocked && (found.isAdmin || named().includes(account));
    return known instanceof Promise ? known.then(decide) : decide(known);
  };
  return {
    isAdmin,
    mayRun({ name, via }) {
      // Whoever may open the admin socket, the data folder or the log is the machine's administrator.
      if (via === 'socket' || via === 'offline' || via === 'setup') return true;
      const account = parseBare(name);
      return account.ok && isAdmin(account.value);
    },
    async hasAdmin() {
      if (await accounts.hasAdmin()) return true;
      for (const jid of named()) if ((await accounts.get(jid)) !== undefined) return true;
      return false;
    },
  };
}
