/**
 * Who may do what: the one place that decides. There are four roles. An operator may run everything. An
 * admin of a host may run what is about that host, but touch no operator. A member is everybody else. A
 * guest, as who is signed in without an account is one, talks to people and rooms of this server only.
 */
import { type BareJid, bareOf, type Domain, domainOf, type Jid, parseBare } from '../jid/jid.ts';
import type { Account, Accounts, Role } from './accounts.ts';
import type { MaybePromise } from './hooks.ts';
import type { Hosts } from './hosts.ts';
import type { Actor } from './operation.ts';

/** What somebody may run: everything, nothing, or what is about one host. */
export type Permission = boolean | HostPermission;

/** The permission of an admin of a host. */
export interface HostPermission {
  readonly host: Domain;
  /** Whether he may do something about an account, a room or a domain. */
  mayTouch(jid: Jid): MaybePromise<boolean>;
}

/** Answers who may what. */
export interface Authority {
  /** The role of an account, whether it exists yet or not: the higher of what the config and we say. */
  roleOf(account: BareJid): MaybePromise<Role>;
  /** The role that the config gives an account, below which we cannot go; undefined where it does not name it. */
  roleByConfig(account: BareJid): Role | undefined;
  /** Whether an account may sign in to administer: it exists, is not locked, and has something to run. */
  isAdmin(account: BareJid): MaybePromise<boolean>;
  /** Whether an account talks to this server only. */
  isGuest(account: BareJid): MaybePromise<boolean>;
  /** Whether a domain is of this server: a host, or served by one of its modules. */
  isInside(domain: Domain): boolean;
  /** What someone may run. */
  mayRun(actor: Actor): MaybePromise<Permission>;
  /** Whether someone may make others operators, or take that from them. */
  isOperator(actor: Actor): MaybePromise<boolean>;
  /** Whether there is any operator whose account exists, locked or not. */
  hasAdmin(): Promise<boolean>;
}

/** What the authority decides by. */
export interface AuthorityOptions {
  readonly accounts: Accounts;
  readonly hosts: Hosts;
  /** The operators that the config names now. */
  operators(): readonly BareJid[];
}

/** Makes the authority. */
export function createAuthority({ accounts, hosts, operators }: AuthorityOptions): Authority {
  const roleByConfig = (account: BareJid): Role | undefined => {
    if (operators().includes(account)) return 'operator';
    const isNamed = hosts.get(domainOf(account))?.config.admins.includes(account) === true;
    return isNamed ? 'admin' : undefined;
  };
  const decide = (account: BareJid, found: Account | undefined): Role => {
    const byConfig = roleByConfig(account);
    if (byConfig === 'operator' || found?.role === 'operator') return 'operator';
    if (byConfig === 'admin' || found?.role === 'admin') return 'admin';
    return found?.role ?? (accounts.isTemporary(account) ? 'guest' : 'member');
  };
  const roleOf = (account: BareJid): MaybePromise<Role> => {
    const found = accounts.get(account);
    if (found instanceof Promise) return found.then((late) => decide(account, late));
    return decide(account, found);
  };
  const permissionOf = async (account: BareJid): Promise<Permission> => {
    const found = await accounts.get(account);
    if (found === undefined || found.isLocked) return false;
    const role = decide(account, found);
    if (role !== 'admin') return role === 'operator';
    const host = domainOf(account);
    return {
      host,
      async mayTouch(jid) {
        if (hosts.ownerOf(domainOf(jid))?.domain !== host) return false;
        return (await roleOf(bareOf(jid))) !== 'operator';
      },
    };
  };
  const mayRun = ({ name, via }: Actor): MaybePromise<Permission> => {
    // Whoever may open the admin socket, the data folder or the log is the machine's administrator.
    if (via === 'socket' || via === 'offline' || via === 'setup') return true;
    const account = parseBare(name);
    return account.ok && permissionOf(account.value);
  };
  return {
    roleOf,
    roleByConfig,
    isAdmin: async (account) => (await permissionOf(account)) !== false,
    isGuest(account) {
      const role = roleOf(account);
      return role instanceof Promise ? role.then((late) => late === 'guest') : role === 'guest';
    },
    isInside: (domain) => hosts.get(domain) !== undefined || hosts.wayTo(domain) !== undefined,
    mayRun,
    isOperator: async (actor) => (await mayRun(actor)) === true,
    async hasAdmin() {
      if (await accounts.hasAdmin()) return true;
      for (const jid of operators()) if ((await accounts.get(jid)) !== undefined) return true;
      return false;
    },
  };
}
