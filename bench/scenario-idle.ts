/** What a session costs that does nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { residentBytes } from './proc.ts';
import { type Figure, firstAccounts, logInAll, logOutAll, type Scene } from './scenario.ts';

/** How `idle` runs. */
export interface IdleOptions {
  /** How many sessions are opened. */
  readonly sessions: number;
  /** How long the server is left alone before its memory is read, in seconds. */
  readonly settle: number;
}

/** Sessions that come and go before the first reading, so that code and caches are not counted. */
const WARM_UP_SESSIONS = 50;
/** Logins under way at a time: few, so that little garbage is alive at once. */
const LOGINS_AT_A_TIME = 8;

/**
 * Compares the server's memory with and without idle sessions. What its runtime has not yet collected
 * counts, as it does for the machine; with many sessions its share is small.
 */
export async function runIdle(scene: Scene, options: IdleOptions): Promise<Figure[]> {
  const accounts = firstAccounts(scene, options.sessions);
  const first = accounts.slice(0, WARM_UP_SESSIONS);
  await logOutAll(await logInAll(scene, first, LOGINS_AT_A_TIME));
  await sleep(options.settle * 1000);
  const before = await residentBytes(scene.pid);

  const clients = await logInAll(scene, accounts, LOGINS_AT_A_TIME);
  await sleep(options.settle * 1000);
  const after = await residentBytes(scene.pid);
  await logOutAll(clients);

  const mebi = 2 ** 20;
  return [
    { name: 'RSS without sessions', unit: 'MiB', value: before / mebi },
    { name: `RSS with ${options.sessions} sessions`, unit: 'MiB', value: after / mebi },
    {
      name: 'memory per idle session',
      unit: 'KiB',
      value: (after - before) / 1024 / clients.length,
    },
  ];
}
