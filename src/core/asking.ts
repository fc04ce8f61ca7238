/** Requests of the server itself, and the answers that they wait for (RFC 6120 §8.2.3). */
import type { Clock } from '../kit/clock.ts';
import type { Iq } from '../stanza/stanza.ts';
import type { MaybePromise } from './hooks.ts';

/** Open requests at a time. */
const MAX_OPEN = 1000;

/** Requests that wait. */
export interface Asking {
  /**
   * Sends a request and waits for its answer, a result or an error; undefined when none comes in
   * time, or too many wait already.
   */
  ask(request: Iq, timeoutMs: number, send: () => MaybePromise<void>): Promise<Iq | undefined>;
  /** Takes what may be an answer: from whom was asked, with the id of the request. */
  take(answer: Iq): void;
}

/** Makes a table without requests. */
export function createAsking(clock: Clock): Asking {
  const open = new Map<string, (answer: Iq | undefined) => void>();
  const keyOf = (asked: string | undefined, asker: string | undefined, id: string) =>
    JSON.stringify([asked, asker, id]);
  return {
    ask(request, timeoutMs, send) {
      if (open.size >= MAX_OPEN) return Promise.resolve(undefined);
      const key = keyOf(request.to, request.from, request.id);
      return new Promise((resolve, reject) => {
        const settle = (answer: Iq | undefined) => {
          timer.cancel();
          open.delete(key);
          resolve(answer);
        };
        const timer = clock.after(timeoutMs, () => settle(undefined));
        open.set(key, settle);
        Promise.resolve(send()).catch(reject);
      });
    },
    take: (answer) => open.get(keyOf(answer.from, answer.to, answer.id))?.(answer),
  };
}
