/** A server that has just been started, from its process on to its first connection. */
import { type Child, isOpen } from './child.ts';
import type { RunningServer } from './setup.ts';

/** Where a server is to be found. */
export type Whereabouts = Omit<RunningServer, 'pid' | 'startSeconds' | 'stop'>;

/**
 * Waits until a server takes connections; one that does not is ended.
 * @param isReady what else has to be so before it is measured
 */
export async function whenRunning(
  child: Child,
  where: Whereabouts,
  isReady: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<RunningServer> {
  try {
    const startSeconds = await child.ready(() => isOpen(where.host, where.port));
    await child.ready(isReady);
    return { ...where, pid: child.pid, startSeconds, stop: () => child.stop() };
  } catch (error) {
    await child.stop();
    throw error;
  }
}
