/** Which host an operation of a module is for, where whoever runs it may leave it out. */
import type { Domain } from '../jid/jid.ts';
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
  if (!served.includes(meant) || !isEnabled(meant))
    return failure('not-found', `${meant} has no ${has} here.`);
  return meant;
}

/** The same as what an operation is about; undefined where nothing is meant. */
export function aboutHost(...parts: Parameters<typeof meantHost>): Domain | undefined {
  const meant = meantHost(...parts);
  return typeof meant === 'string' ? meant : undefined;
}
