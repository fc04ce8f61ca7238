/** Answers that nobody reads: one that is ready is kept until its client takes it, but not for good. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../kit/clock.ts';

/** How often answers are looked at. */
export const READERS_SWEEP_MS = 5000;
/** How long an answer that is ready may wait for its reader, and the slowest reader that is waited for. */
const READING_MS = 30_000;
const SLOWEST_BYTES_PER_MS = 8;

/** By when an answer of so many bytes that is ready now must have been read, as `clock.monotonic` has it. */
export const readingDeadline = (now: number, bytes: number): number =>
  now + READING_MS + bytes / SLOWEST_BYTES_PER_MS;

/** Ends connections of HTTP/1.1 whose clients do not read what they asked for. */
export interface Readers {
  /** Looks after an answer until it is over. */
  watch(response: ServerResponse): void;
  stop(): void;
}

/** Begins to look. */
export function watchReaders(clock: Clock): Readers {
  /** Answers under way, with their deadlines, which are known once they are ready. */
  const answers = new Map<ServerResponse, number | undefined>();
  const sweep = clock.every(READERS_SWEEP_MS, () => {
    const now = clock.monotonic();
    for (const [response, deadline] of answers) {
      const { socket } = response;
      // It is not ready, or another one of its connection goes before it.
      if (!response.writableEnded || socket === null) continue;
      if (deadline === undefined)
        answers.set(response, readingDeadline(now, response.writableLength));
      else if (now > deadline) socket.destroy();
    }
  });
  return {
    watch(response) {
      answers.set(response, undefined);
      response.once('close', () => answers.delete(response));
    },
    stop: () => sweep.cancel(),
  };
}
