/**
 * The accounts of this server: the one owner of their table. Passwords are never stored (DESIGN D9).
 * What routing asks of each stanza (does the account exist?) is cached.
 */
import { type BareJid, type Domain, domainOf, localOf, makeBare } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { BoundedMap } from '../kit/limits.ts';
import {
  type CredentialSource,
  deriveKeys,
  SCRAM_HASHES,
  type ScramHash,
  type ScramKeys,
  verifyPassword,
} from '../sasl/index.ts';
import { type Migration, type Query, type Store, StoreError } from '../store/store.ts';
import { createCredentials } from './credentials.ts';
import { withoutAccess, withoutTokens } from './device-tables.ts';
import type { MaybePromise } from './hooks.ts';

/** The roles that an account can be given; see `core/authority.ts` for what they may. */
export const ROLES = ['operator', 'admin', 'member', 'guest'] as const;
/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number];

/** An account as others may see it. */
export interface Account {
  readonly jid: BareJid;
  /** When it was made, in ms since the epoch. */
  readonly created: number;
  /** A locked account keeps its data and receives, but nobody can log in to it. */
  readonly isLocked: boolean;
  /** The role that it was given here; who is named in the config may have another one. */
  readonly role: Role;
  /** Whether it was made an operator here. */
  readonly isAdmin: boolean;
}

/** A page of accounts. */
export interface AccountPage {
  readonly accounts: readonly Account[];
  /** How many match in all. */
  readonly total: number;
}

/** Which accounts to list; sorted by JID. */
export interface AccountFilter {
  readonly host?: Domain;
  /** A part of the JID. */
  readonly search?: string;
  /** Only those that are locked. */
  readonly isLocked?: boolean;
  /** Only those that were given this role here. */
  readonly role?: Role;
  readonly offset?: number;
  readonly limit?: number;
}

/** Reads and changes accounts. */
export interface Accounts {
  /** Whether the account exists, a temporary one included, and one that is being removed excluded. */
  exists(jid: BareJid): MaybePromise<boolean>;
  /** An account is being removed, and is not there for others any more; or that has failed. */
  setLeaving(jid: BareJid, isLeaving: boolean): void;
  /** The stored account. */
  get(jid: BareJid): MaybePromise<Account | undefined>;
  /** The SCRAM keys of a host's accounts, as a SASL exchange looks them up. */
  credentialsOf(host: Domain): CredentialSource;
  /** The hashes by which an account may be offered to log in; see `Credentials.offeredTo`. */
  hashesOffered(host: Domain, jid: BareJid | undefined): MaybePromise<readonly ScramHash[]>;
  /** The hashes for which an account has keys. */
  hashesOf(jid: BareJid): Promise<readonly ScramHash[]>;
  /** Gives an account keys for a hash that it had none of (XEP-0480); false when it has some. */
  addKeys(jid: BareJid, keys: ScramKeys): Promise<boolean>;
  /** Whether the password is right; an unknown account takes as long and is false. */
  checkPassword(jid: BareJid, password: string): Promise<boolean>;
  /** Makes an account. The JID must have a localpart. */
  create(
    jid: BareJid,
    password: string,
    options?: { readonly isAdmin?: boolean; readonly role?: Role; readonly isLocked?: boolean },
  ): Promise<'created' | 'conflict' | 'bad-password'>;
  /**
   * Makes an account that comes from elsewhere, locked and without keys until it is {@link admit}ted; false when
   * there is one.
   * @param also is written with it
   */
  announce(jid: BareJid, also: readonly Query[]): Promise<boolean>;
  /** Gives it its keys and unlocks it; `also` is written with that. */
  admit(jid: BareJid, keys: readonly ScramKeys[], also: readonly Query[]): Promise<void>;
  /** All keys of an account. */
  keysOf(jid: BareJid): Promise<readonly ScramKeys[]>;
  /**
   * Replaces all keys and voids all tokens. A `bad-password` has characters that no client could type
   * the same way.
   */
  setPassword(jid: BareJid, password: string): Promise<'changed' | 'not-found' | 'bad-password'>;
  /** Locks, which voids all tokens, or unlocks; false when there is no such account. */
  setLocked(jid: BareJid, isLocked: boolean): Promise<boolean>;
  /** Makes it an operator, or a member. */
  setAdmin(jid: BareJid, isAdmin: boolean): Promise<boolean>;
  /** Gives it a role; false when there is no such account. */
  setRole(jid: BareJid, role: Role): Promise<boolean>;
  /** Removes an account and its keys; false when there is none. Its other data is the modules'. */
  remove(jid: BareJid): Promise<boolean>;
  list(filter: AccountFilter): Promise<AccountPage>;
  /** Adds one who is told when an account is made, removed, or has another role or lock. */
  onChange(listener: (jid: BareJid) => void): void;
  /** Whether any account is marked as an operator. */
  hasAdmin(): Promise<boolean>;
  /** Whether an account has no row, and goes with its session. */
  isTemporary(jid: BareJid): boolean;
  /** An account without a row, as long as its one session lives (SASL ANONYMOUS). */
  addTemporary(jid: BareJid): void;
  removeTemporary(jid: BareJid): void;
  /** The present moment, for {@link Accounts.isWithdrawn}. */
  readonly moment: number;
  /**
   * Says that what an account, or one of its devices, may have logged in with until now is void: who
   * is logging in at this moment has to begin anew.
   */
  withdraw(jid: BareJid, device?: string): void;
  /** Whether what a login rests on that began at a moment has been withdrawn since. */
  isWithdrawn(jid: BareJid, since: number, device?: string): boolean;
}

interface Tables {
  accounts: {
    jid: BareJid;
    domain: Domain;
    localpart: string;
    created: number;
    locked: number;
    role: Role;
  };
}

/** The migrations of the accounts' tables. */
export const accountMigrations: readonly Migration[] = [
  {
    name: 'accounts and SCRAM keys',
    up: [
      `CREATE TABLE accounts (
        jid TEXT PRIMARY KEY, domain TEXT NOT NULL, localpart TEXT NOT NULL,
        created BIGINT NOT NULL, locked INTEGER NOT NULL DEFAULT 0, admin INTEGER NOT NULL DEFAULT 0
      )`,
      'CREATE INDEX accounts_by_domain ON accounts (domain, localpart)',
      `CREATE TABLE scram_keys (
        account TEXT NOT NULL REFERENCES accounts (jid) ON DELETE CASCADE, hash TEXT NOT NULL,
        iterations INTEGER NOT NULL, salt BLOB NOT NULL, stored_key BLOB NOT NULL,
        server_key BLOB NOT NULL, PRIMARY KEY (account, hash)
      )`,
    ],
  },
  {
    name: 'roles',
    up: [
      "ALTER TABLE accounts ADD COLUMN role TEXT NOT NULL DEFAULT 'member'",
      "UPDATE accounts SET role = 'operator' WHERE admin = 1",
    ],
  },
];

/** Accounts whose existence is remembered, present and absent ones alike. */
const CACHED_ACCOUNTS = 20_000;
/** Accounts of which is remembered when their log-ins were withdrawn: as long as a login takes. */
const CACHED_WITHDRAWALS = 10_000;
const DEFAULT_PAGE = 50;

/**
 * Opens the accounts.
 * @param fakeSeed a secret that lasts, by which unknown users look like known ones (RFC 5802 §5.1)
 */
export function createAccounts(store: Store, clock: Clock, fakeSeed: Buffer): Accounts {
  const db = store.tables<Tables>();
  const cache = new BoundedMap<BareJid, Account | null>(CACHED_ACCOUNTS);
  const credentials = createCredentials(store, clock, fakeSeed);
  const temporary = new Set<BareJid>();
  const leaving = new Set<BareJid>();
  /** When, by account, and by account and device. */
  const withdrawals = new BoundedMap<string, number>(CACHED_WITHDRAWALS);
  let moment = 0;
  const withdraw = (jid: BareJid, device?: string) => {
    moment += 1;
    withdrawals.set(device === undefined ? jid : `${jid} ${device}`, moment);
  };

  // A look-up that began before a change must not write what it saw over it.
  let changes = 0;
  const listeners: ((jid: BareJid) => void)[] = [];
  const forget = (jid: BareJid) => {
    changes += 1;
    cache.delete(jid);
    for (const tell of listeners) tell(jid);
  };
  const load = async (jid: BareJid): Promise<Account | undefined> => {
    const begun = changes;
    const row = await store.first(db.selectFrom('accounts').selectAll().where('jid', '=', jid));
    const account = row === undefined ? undefined : accountOf(row);
    if (begun === changes) cache.set(jid, account ?? null);
    return account;
  };
  const get = (jid: BareJid): MaybePromise<Account | undefined> => {
    const known = cache.get(jid);
    return known === undefined ? load(jid) : (known ?? undefined);
  };
  const credentialsOf = (host: Domain): CredentialSource => ({
    fakeSeed,
    async credentials(username, hash) {
      const jid = makeBare(username, host);
      return jid.ok ? credentials.find(jid.value, hash) : undefined;
    },
  });
  const mark = async (
    jid: BareJid,
    values: { locked?: number; role?: Role },
    more: readonly Query[] = [],
  ) => {
    const update = db.updateTable('accounts').set(values).where('jid', '=', jid);
    const [result] = await store.write(update, ...more);
    forget(jid);
    return (result?.changes ?? 0) > 0;
  };

  /** False when there is one. */
  const make = async (jid: BareJid, role: Role, isLocked: boolean, more: readonly Query[]) => {
    const [domain, localpart] = [domainOf(jid), localOf(jid)];
    const row = { jid, domain, localpart, created: clock.now(), locked: isLocked ? 1 : 0, role };
    try {
      await store.write(db.insertInto('accounts').values(row), ...more);
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'constraint') return false;
      throw error;
    }
    forget(jid);
    return true;
  };

  return {
    exists(jid) {
      if (temporary.has(jid)) return true;
      if (leaving.has(jid)) return false;
      const known = get(jid);
      if (known instanceof Promise) return known.then((account) => account !== undefined);
      return known !== undefined;
    },
    setLeaving(jid, isLeaving) {
      if (isLeaving) leaving.add(jid);
      else leaving.delete(jid);
    },
    get,
    credentialsOf,
    hashesOffered: credentials.offeredTo,
    hashesOf: credentials.hashesOf,
    addKeys: credentials.add,
    checkPassword: (jid, password) =>
      verifyPassword(credentialsOf(domainOf(jid)), localOf(jid), password),
    async create(jid, password, { isAdmin, role = 'member', isLocked = false } = {}) {
      const keys = await deriveAll(password);
      if (keys === undefined) return 'bad-password';
      const given = isAdmin === true ? 'operator' : role;
      const isMade = await make(jid, given, isLocked, credentials.replacing(jid, keys));
      return isMade ? 'created' : 'conflict';
    },
    announce: (jid, also) => make(jid, 'member', true, also),
    async admit(jid, keys, also) {
      await mark(jid, { locked: 0 }, [...credentials.replacing(jid, keys), ...also]);
      credentials.forget(domainOf(jid));
    },
    keysOf: credentials.all,
    async setPassword(jid, password) {
      if ((await get(jid)) === undefined) return 'not-found';
      const keys = await deriveAll(password);
      if (keys === undefined) return 'bad-password';
      await store.write(...credentials.replacing(jid, keys), ...withoutAccess(store, jid));
      withdraw(jid);
      return 'changed';
    },
    async setLocked(jid, isLocked) {
      if (!isLocked) return mark(jid, { locked: 0 });
      const isKnown = await mark(jid, { locked: 1 }, withoutTokens(store, jid));
      withdraw(jid);
      return isKnown;
    },
    setAdmin: (jid, isAdmin) => mark(jid, { role: isAdmin ? 'operator' : 'member' }),
    setRole: (jid, role) => mark(jid, { role }),
    async remove(jid) {
      const [result] = await store.write(db.deleteFrom('accounts').where('jid', '=', jid));
      forget(jid);
      withdraw(jid);
      return (result?.changes ?? 0) > 0;
    },
    async list({ host, search, isLocked, role, offset = 0, limit = DEFAULT_PAGE }) {
      let query = db.selectFrom('accounts');
      if (host !== undefined) query = query.where('domain', '=', host);
      if (isLocked === true) query = query.where('locked', '=', 1);
      if (role !== undefined) query = query.where('role', '=', role);
      if (search !== undefined && search !== '')
        query = query.where((of) =>
          of(of.fn<number>('instr', ['jid', of.val(search.toLowerCase())]), '>', 0),
        );
      const [rows, count] = await Promise.all([
        store.read(
          query.selectAll().orderBy('domain').orderBy('localpart').limit(limit).offset(offset),
        ),
        store.first(query.select((of) => of.fn.countAll<number>().as('total'))),
      ]);
      return { accounts: rows.map(accountOf), total: count?.total ?? 0 };
    },
    onChange: (listener) => void listeners.push(listener),
    async hasAdmin() {
      const row = await store.first(
        db.selectFrom('accounts').select('jid').where('role', '=', 'operator').limit(1),
      );
      return row !== undefined;
    },
    isTemporary: (jid) => temporary.has(jid),
    addTemporary: (jid) => void temporary.add(jid),
    removeTemporary: (jid) => void temporary.delete(jid),
    get moment() {
      return moment;
    },
    withdraw,
    isWithdrawn(jid, since, device) {
      const isSince = (key: string) => (withdrawals.get(key) ?? 0) > since;
      return isSince(jid) || (device !== undefined && isSince(`${jid} ${device}`));
    },
  };
}

const accountOf = (row: Tables['accounts']): Account => ({
  jid: row.jid,
  created: Number(row.created),
  isLocked: row.locked === 1,
  role: row.role,
  isAdmin: row.role === 'operator',
});

/** The keys for all hashes; undefined for a password that cannot be prepared (RFC 8265 §4.2). */
async function deriveAll(password: string): Promise<ScramKeys[] | undefined> {
  const keys = await Promise.all(SCRAM_HASHES.map((hash) => deriveKeys(password, hash)));
  const made = keys.filter((key) => key !== undefined);
  return made.length === keys.length ? made : undefined;
}
