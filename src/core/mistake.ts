/** What a sender is told whose stanza could not be handled, for a reason that is not his. */
import type { StanzaFailure } from '../stanza/condition.ts';
import { StoreError, type StoreErrorKind } from '../store/errors.ts';

/** What passes: the disk is full, another process holds the database, too much waits for it. */
const PASSING: ReadonlySet<StoreErrorKind> = new Set(['full', 'locked', 'overloaded']);

/**
 * That he may try again later where the store has no room or no time now (resource-constraint, RFC 6120
 * §8.3.3.18); else that we made a mistake (internal-server-error, §8.3.3.6).
 */
export const mistakeOf = (error: unknown): StanzaFailure => ({
  condition:
    error instanceof StoreError && PASSING.has(error.kind)
      ? 'resource-constraint'
      : 'internal-server-error',
});
