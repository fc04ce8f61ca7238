/** What a session costs that does nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { measureUsage, residentBytes } from '../load/proc.ts';
import {
  type Figure,
  firstAccounts,
  logInAll,
  logOutAll,
  type Scene,
  withClients,
} from '../load/scene.ts';

/** How `idle` runs. */
export interface IdleOptions {
  /** How many sessions are opened. */
  readonly sessions: number;
  /** How long the server is left alone before its memory is read, in seconds. */
  readonly rest: number;
}

/** Sessions that come and go before the first reading, so that code and caches are not counted. */
const WARM_UP_SESSIONS = 50;
/** Logins under way at a time: few, so that little garbage is alive at once. */
const LOGINS_AT_A_TIME = 8;
/** How long CPU is measured, in seconds, before the second reading. */
const MOST_IDLE = 5;
const MEBI = 2 ** 20;

/**
 * Compares the server's memory with and without idle sessions. What its runtime has not yet collected
 * counts, as it does for the machine; with many sessions its share is small.
 */
export async function runIdle(scene: Scene, options: IdleOptions): Promise<Figure[]> {
  const { sessions, rest } = options;
  const accounts = firstAccounts(scene, sessions);
  const first = accounts.slice(0, WARM_UP_SESSIONS);
  await logOutAll(await logInAll(scene, first, LOGINS_AT_A_TIME));
  await sleep(rest * 1000);
  const before = await residentBytes(scene.pids);
  return withClients(scene, accounts, async () => {
    await sleep(rest * 1000);
    const finish = await measureUsage(scene.pids);
    await sleep(Math.min(rest, MOST_IDLE) * 1000);
    const usage = await finish();
    const after = await residentBytes(scene.pids);
    return [
      { name: 'memory without sessions', unit: 'MiB', value: before / MEBI },
      { name: 'memory with sessions', unit: 'MiB', value: after / MEBI },
      { name: 'memory per idle session', unit: 'KiB', value: (after - before) / 1024 / sessions },
      { name: 'server CPU while idle', unit: '% of a core', value: usage.serverPercent },
      { name: 'peak memory', unit: 'MiB', value: usage.peakBytes / MEBI },
    ];
  });
}
