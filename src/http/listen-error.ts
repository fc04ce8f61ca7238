/** Why an address could not be listened on. */

/**
 * A listener that could not be opened. `in-use`: another program has the address; `denied`: the
 * system does not let us have it (a port below 1024); `unavailable`: this machine has no such
 * address, or the path cannot be used.
 */
export class ListenError extends Error {
  readonly kind: 'in-use' | 'denied' | 'unavailable';
  /** `host:port`, or the path of a unix socket. */
  readonly where: string;

  constructor(kind: ListenError['kind'], where: string, cause?: unknown) {
    super(`cannot listen on ${where}: ${MEANINGS[kind]}`, { cause });
    this.name = 'ListenError';
    this.kind = kind;
    this.where = where;
  }
}

const MEANINGS = {
  'in-use': 'another program has it',
  denied: 'the system does not permit it',
  unavailable: 'it is not available on this machine',
} as const;

/** The typed error for what Node reports. */
export function listenError(where: string, cause: unknown): ListenError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'EADDRINUSE') return new ListenError('in-use', where, cause);
  if (code === 'EACCES' || code === 'EPERM') return new ListenError('denied', where, cause);
  return new ListenError('unavailable', where, cause);
}
