/** Why an operation cannot be done on an address, in sentences that help. */
import { closest } from '../config/closest.ts';
import type { Accounts } from '../core/accounts.ts';
import type { Hosts } from '../core/hosts.ts';
import { unlessServed } from '../core/meant-host.ts';
import { failure, type OperationFailure } from '../core/operation.ts';
import { type BareJid, domainOf, localOf } from '../jid/jid.ts';

export { unlessFound, unlessServed } from '../core/meant-host.ts';

/** Accounts of a host among which a mistyped one is looked for. */
const COMPARED_ACCOUNTS = 5000;

/** The failure for an account that does not exist, with the one that may be meant. */
export async function noSuchAccount(
  { accounts, hosts }: { readonly accounts: Accounts; readonly hosts: Hosts },
  jid: BareJid,
): Promise<OperationFailure> {
  const host = domainOf(jid);
  const page = await accounts.list({ host, limit: COMPARED_ACCOUNTS });
  const unserved = page.total === 0 ? unlessServed(hosts, host) : undefined;
  if (unserved !== undefined) return unserved;
  const names = new Map(page.accounts.map((account) => [localOf(account.jid), account.jid]));
  const meant = names.get(closest(localOf(jid), [...names.keys()]) ?? '');
  const hint = meant === undefined ? '.' : `; did you mean ${meant}?`;
  return failure('not-found', `There is no ${jid}${hint}`);
}
