/** What happens often and for one reason, said now and then: a full disk is not to be filled by its log. */
import type { Clock } from './clock.ts';

/** Says that something happened; `more` is how often it did since it was last said, and nothing was. */
export type Say<Facts> = (facts: Facts, more: number) => void;

/**
 * Says a thing when it happens, and then not again for `ms`.
 * @returns what is called each time
 */
export function seldom<Facts>(clock: Clock, ms: number, say: Say<Facts>): (facts: Facts) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  let more = 0;
  return (facts) => {
    const now = clock.monotonic();
    if (now - saidAt < ms) {
      more += 1;
      return;
    }
    saidAt = now;
    say(facts, more);
    more = 0;
  };
}
