/**
 * The clients that show their presence to accounts and are not ours: whom a notification may be for
 * (XEP-0163 §4.3). A bounded record, which dies with the process; presence comes again.
 */
import { type BareJid, bareOf, type Domain, domainOf, type FullJid } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';
import type { CapsMark } from '../caps/index.ts';

/** The most that are recorded for all accounts together. */
const MAX_WATCHED = 500_000;
/** Strangers among those of one account: whoever sent presence without being a contact. */
const MAX_STRANGERS = 100;
/** Marks that many clients share. */
const SHARED_MARKS = 5000;

/** A client of a contact, or of a stranger. */
export interface Watched {
  readonly jid: FullJid;
  readonly mark: CapsMark;
  /** Whether it was no contact who may see the account's presence. */
  readonly isStranger: boolean;
}

/** The record. */
export interface WatchedClients {
  /**
   * Records a client; what was recorded of it before, or undefined.
   * @param most how many one account may have
   */
  note(account: BareJid, client: Watched, most: number): Watched | undefined;
  /** A client is gone, or all of a contact. */
  forget(account: BareJid, jid: FullJid | BareJid): void;
  /** Forgets all that an account saw. */
  forgetAll(account: BareJid): void;
  /** A domain is out of reach for the accounts of a host. */
  forgetDomain(domain: Domain, host: Domain): void;
  of(account: BareJid): Iterable<Watched>;
}

/** Makes an empty record. */
export function createWatched(): WatchedClients {
  const accounts = new Map<BareJid, Map<FullJid, Watched>>();
  const shared = new BoundedMap<string, CapsMark>(SHARED_MARKS);
  let size = 0;

  const share = (mark: CapsMark): CapsMark => {
    const known = shared.get(mark.key);
    if (known !== undefined) return known;
    shared.set(mark.key, mark);
    return mark;
  };
  const strangersIn = (clients: ReadonlyMap<FullJid, Watched>) => {
    let count = 0;
    for (const { isStranger } of clients.values()) if (isStranger) count += 1;
    return count;
  };
  const remove = (account: BareJid, clients: Map<FullJid, Watched>, jid: FullJid) => {
    if (clients.delete(jid)) size -= 1;
    if (clients.size === 0) accounts.delete(account);
  };

  return {
    note(account, { jid, mark, isStranger }, most) {
      const clients = accounts.get(account) ?? new Map<FullJid, Watched>();
      const before = clients.get(jid);
      if (before === undefined) {
        if (size >= MAX_WATCHED || clients.size >= most) return undefined;
        if (isStranger && strangersIn(clients) >= MAX_STRANGERS) return undefined;
        size += 1;
      }
      accounts.set(account, clients.set(jid, { jid, mark: share(mark), isStranger }));
      return before;
    },
    forget(account, jid) {
      const clients = accounts.get(account);
      if (clients === undefined) return;
      for (const client of [...clients.keys()])
        if (client === jid || bareOf(client) === jid) remove(account, clients, client);
    },
    forgetAll(account) {
      size -= accounts.get(account)?.size ?? 0;
      accounts.delete(account);
    },
    forgetDomain(domain, host) {
      for (const [account, clients] of [...accounts]) {
        if (domainOf(account) !== host) continue;
        for (const client of [...clients.keys()])
          if (domainOf(client) === domain) remove(account, clients, client);
      }
    },
    of: (account) => accounts.get(account)?.values() ?? [],
  };
}
