/** Work that may fail at once or later, and must not harm others if it does. */
import type { MaybePromise } from './hooks.ts';

/** Does something; `failed` is told why it could not be done, and may do something else instead. */
export function attempt(
  work: () => MaybePromise<void>,
  failed: (error: unknown) => MaybePromise<void>,
): MaybePromise<void> {
  try {
    const done = work();
    return done instanceof Promise ? done.catch(failed) : undefined;
  } catch (error) {
    return failed(error);
  }
}
