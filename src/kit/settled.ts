/** Waiting for one thing after the other, without end. */

/**
 * Resolves when both are done or failed, with nothing: what Promise.allSettled gives holds the results of
 * both, and in a chain, where each waits for the one before, those of all that ever were.
 */
export const bothSettled = (one: unknown, other: unknown): Promise<void> =>
  Promise.allSettled([one, other]).then(() => undefined);
