/** Checks who may sign in to the console, and whether a session may go on. */
import type { Accounts } from '../core/accounts.ts';
import type { Authority } from '../core/authority.ts';
import { type BareJid, domainOf, localOf, parseBare } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { RateLimit } from '../kit/limits.ts';
import type { Logger } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import { networkOf } from '../kit/remote.ts';
import { digest } from './secrets.ts';
import type { WebSession } from './web-sessions.ts';

/** What came of a try to sign in. `refused` says nothing of why. */
export type SignedIn =
  | { readonly kind: 'welcome'; readonly account: BareJid; readonly passwordMark: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'throttled' };

/** Decides who is let in. */
export interface Door {
  /** Tries a JID and password from an address. */
  signIn(jid: string, password: string, address: string): Promise<SignedIn>;
  /** Lets in without a password whoever has just been made the first admin. */
  welcome(account: BareJid): Promise<SignedIn>;
  /**
   * Whether a session may go on: the account is there, is not locked, is still an admin and has the
   * password with which it signed in.
   */
  mayStay(session: WebSession): Promise<boolean>;
}

/** What {@link createDoor} needs. */
export interface DoorOptions {
  readonly accounts: Accounts;
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Tries of one address: ten at once, then one in six seconds. */
const PER_ADDRESS = { burst: 10, perSecond: 1 / 6 };
/** Tries of one account from anywhere: a person who errs is not hindered, guessing is hopeless. */
const PER_ACCOUNT = { burst: 10, perSecond: 1 / 30 };
/** No one types a longer one; hashing stays cheap. */
const MAX_PASSWORD = 1024;

/** Makes the door. */
export function createDoor({ accounts, authority, clock, log, metrics }: DoorOptions): Door {
  const byAddress = new RateLimit<string>(clock, PER_ADDRESS);
  const byAccount = new RateLimit<BareJid>(clock, PER_ACCOUNT);

  // The stored key changes with each new password, even with the same one (its salt is new).
  const markOf = async (account: BareJid) => {
    const keys = await accounts
      .credentialsOf(domainOf(account))
      .credentials(localOf(account), 'SHA-256');
    return keys === undefined ? undefined : digest(keys.storedKey.toString('base64'));
  };
  const isWelcome = async (account: BareJid) => {
    const known = await accounts.get(account);
    return known !== undefined && !known.isLocked && (await authority.isAdmin(account));
  };
  const enter = async (account: BareJid): Promise<SignedIn> => {
    const passwordMark = await markOf(account);
    if (passwordMark === undefined || !(await isWelcome(account))) return { kind: 'refused' };
    return { kind: 'welcome', account, passwordMark };
  };
  const attempt = async (jid: string, password: string, address: string): Promise<SignedIn> => {
    if (!byAddress.take(networkOf(address))) return { kind: 'throttled' };
    const account = parseBare(jid.trim());
    if (!account.ok || password.length > MAX_PASSWORD) return { kind: 'refused' };
    if (!byAccount.take(account.value)) return { kind: 'throttled' };
    // First the password, for everybody: its time is the same for unknown accounts.
    if (!(await accounts.checkPassword(account.value, password))) return { kind: 'refused' };
    const entered = await enter(account.value);
    if (entered.kind === 'welcome') {
      byAccount.clear(account.value);
      byAddress.clear(networkOf(address));
    }
    return entered;
  };

  return {
    async signIn(jid, password, address) {
      const result = await attempt(jid, password, address);
      const said = { remote: address, account: jid.slice(0, 200) };
      if (result.kind === 'welcome') log.info(said, 'an admin signed in to the console');
      else log.warn({ ...said, why: result.kind }, 'a sign-in to the console failed');
      const outcome = result.kind === 'welcome' ? 'success' : 'failure';
      metrics.logins.inc({ mechanism: 'console', outcome });
      return result;
    },
    welcome: enter,
    async mayStay(session) {
      if (!(await isWelcome(session.account))) return false;
      return (await markOf(session.account)) === session.passwordMark;
    },
  };
}
