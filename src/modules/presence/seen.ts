/** Presence of other domains that was seen by accounts here: a bounded record. */
import { type BareJid, bareOf, type Domain, domainOf, type Jid } from '../../jid/jid.ts';

/** The most that are recorded, over all accounts and for each; who comes later is not. */
const MAX_SEEN = 200_000;
const MAX_OF_ACCOUNT = 5000;

/** Who was seen by which account, and to which address his presence was sent. */
export interface Sight {
  readonly account: BareJid;
  readonly from: Jid;
  readonly to: Jid;
}

/** The record. */
export interface Seen {
  add(account: BareJid, from: Jid, to: Jid): void;
  delete(account: BareJid, from: Jid, to: Jid): void;
  /** Forgets what was sent to one address of an account, or all of it. */
  forget(account: BareJid, to: Jid | undefined): void;
  /** What accounts of a host saw of a domain. */
  of(domain: Domain, host: Domain): Iterable<Sight>;
  /** What was sent to one address of an account. */
  by(account: BareJid, to: Jid): readonly Sight[];
  /** What an account saw of a contact and not again since a mark. */
  before(account: BareJid, contact: BareJid, mark: number): readonly Sight[];
  /** Marks this moment: what is seen from now on is seen after it. */
  mark(): number;
}

/** Makes an empty record. */
export function createSeen(): Seen {
  /** When each was seen last, on the scale of marks, by sender and by address. */
  const accounts = new Map<BareJid, Map<Jid, Map<Jid, number>>>();
  let size = 0;
  let now = 0;

  return {
    add(account, from, to) {
      const byAddress = accounts.get(account) ?? new Map<Jid, Map<Jid, number>>();
      const senders = byAddress.get(to) ?? new Map<Jid, number>();
      if (!senders.has(from)) {
        if (size >= MAX_SEEN || sizeOf(byAddress) >= MAX_OF_ACCOUNT) return;
        size += 1;
      }
      accounts.set(account, byAddress.set(to, senders.set(from, now)));
    },
    delete(account, from, to) {
      const byAddress = accounts.get(account);
      const senders = byAddress?.get(to);
      if (byAddress === undefined || senders?.delete(from) !== true) return;
      size -= 1;
      if (senders.size === 0) byAddress.delete(to);
      if (byAddress.size === 0) accounts.delete(account);
    },
    forget(account, to) {
      const byAddress = accounts.get(account);
      if (byAddress === undefined) return;
      for (const [address, senders] of [...byAddress])
        if (to === undefined || address === to) {
          size -= senders.size;
          byAddress.delete(address);
        }
      if (byAddress.size === 0) accounts.delete(account);
    },
    *of(domain, host) {
      for (const [account, byAddress] of accounts)
        if (domainOf(account) === host)
          for (const [to, senders] of byAddress)
            for (const from of senders.keys())
              if (domainOf(from) === domain) yield { account, from, to };
    },
    by: (account, to) =>
      [...(accounts.get(account)?.get(to)?.keys() ?? [])].map((from) => ({ account, from, to })),
    before(account, contact, mark) {
      const found: Sight[] = [];
      for (const [to, senders] of accounts.get(account) ?? [])
        for (const [from, at] of senders)
          if (at < mark && bareOf(from) === contact) found.push({ account, from, to });
      return found;
    },
    mark() {
      now += 1;
      return now;
    },
  };
}

function sizeOf(byAddress: ReadonlyMap<Jid, ReadonlyMap<Jid, number>>): number {
  let size = 0;
  for (const senders of byAddress.values()) size += senders.size;
  return size;
}
