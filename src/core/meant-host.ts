/** Which host an operation is for, where whoever runs it may leave it out, and what is said of one that is none. */
import { closest } from '../config/closest.ts';
import type { Domain } from '../jid/jid.ts';
import type { Hosts } from './hosts.ts';
import type { Home } from './module.ts';
import { failure, type OperationFailure } from './operation.ts';

/**
 * The host that is named, or else the only one.
 * @param has what it must have, as in "falcot.com has no groups here"
 */
export function meantHost(
  { hosts, isEnabled }: Pick<Home<never>, 'hosts' | 'isEnabled'>,
  named: Domain | undefined,
  has: string,
): Domain | OperationFailure {
  const served = hosts.all().map(({ domain }) => domain);
  const [only] = served;
  const meant = named ?? (served.length === 1 ? only : undefined);
  if (meant === undefined)
    return failure('invalid-input', `host: one of ${served.join(', ')} is to be named`);
  const unserved = unlessServed(hosts, meant);
  if (unserved !== undefined) return unserved;
  return isEnabled(meant) ? meant : failure('not-found', `${meant} has no ${has} here.`);
}

/** The same as what an operation is about; undefined where nothing is meant. */
export function aboutHost(...parts: Parameters<typeof meantHost>): Domain | undefined {
  const meant = meantHost(...parts);
  return typeof meant === 'string' ? meant : undefined;
}

/** The failure for a domain that is not served; undefined when it is. */
export function unlessServed(
  hosts: Pick<Hosts, 'get' | 'all'>,
  domain: Domain,
): OperationFailure | undefined {
  if (hosts.get(domain) !== undefined) return undefined;
  const served = hosts.all().map((host) => host.domain);
  const meant = closest(domain, served);
  const hint =
    meant === undefined
      ? `hosts: ${served.join(', ') || 'none'}; enable it with a link in conf.d`
      : `did you mean ${meant}?`;
  return failure('not-found', `${domain} is not served here; ${hint}`);
}

/**
 * The same for a list of what a domain has, if it found nothing; without a domain there is nothing to say.
 * What one has left that was served before is shown.
 */
export function unlessFound(
  hosts: Pick<Hosts, 'get' | 'all'>,
  domain: Domain | undefined,
  found: number,
): OperationFailure | undefined {
  return domain === undefined || found > 0 ? undefined : unlessServed(hosts, domain);
}
