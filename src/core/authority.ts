/** Who may do what: the one place that decides. */
import type { BareJid } from '../jid/jid.ts';
import type { Accounts } from './accounts.ts';
import type { MaybePromise } from './hooks.ts';

/** Answers who is an admin. */
export interface Authority {
  /** Whether an account is an admin: named in the config, or marked as one when it was made. */
  isAdmin(account: BareJid): MaybePromise<boolean>;
  /** Whether there is any admin who could log in. */
  hasAdmin(): Promise<boolean>;
}

/**
 * Makes the authority.
 * @param named the admins that the config names now: server-wide and, on their own host, its own
 */
export function createAuthority(accounts: Accounts, named: () => readonly BareJid[]): Authority {
  return {
    isAdmin(account) {
      const known = accounts.get(account);
      if (known instanceof Promise)
        return known.then((late) => late !== undefined && (late.isAdmin || named().includes(account)));
      return known !== undefined && (known.isAdmin || named().includes(account));
    },
    async hasAdmin() {
      if (await accounts.hasAdmin()) return true;
      for (const jid of named()) if ((await accounts.get(jid)) !== undefined) return true;
      return false;
    },
  };
}
