/** How fast clients can log in, each with a new connection and a full handshake. */
import { Client } from '../load/client.ts';
import { cpuPer, latencies, usageFigures } from '../load/figures.ts';
import { Histogram } from '../load/histogram.ts';
import { measureUsage } from '../load/proc.ts';
import {
  type Figure,
  firstAccounts,
  inTurns,
  logInAll,
  logOutAll,
  type Scene,
} from '../load/scene.ts';
import type { Account } from '../servers/people.ts';

/** How `logins` runs. */
export interface LoginsOptions {
  /** How many logins are measured. */
  readonly logins: number;
  /** How many are under way at a time. */
  readonly concurrency: number;
  /** How many accounts they are spread over. */
  readonly loginAccounts: number;
  /** How many come before them, after which a compiler has had its time. */
  readonly loginsBefore: number;
}

/**
 * Logs in and out. A latency is that of the whole login, from `connect` to the roster and our own
 * presence; logging out is part of the rate only. First, each account logs in once unmeasured, and
 * whoever else is to come before.
 */
export async function runLogins(scene: Scene, options: LoginsOptions): Promise<Figure[]> {
  const { logins, concurrency } = options;
  const accounts = firstAccounts(scene, options.loginAccounts);
  await logOutAll(await logInAll(scene, accounts, concurrency));
  await cycleLogins(scene, accounts, options.loginsBefore, concurrency);
  const finish = await measureUsage(scene.pids);
  const latency = await cycleLogins(scene, accounts, logins, concurrency);
  const usage = await finish();
  return [
    { name: 'logins', unit: '/s', value: logins / usage.seconds },
    ...latencies('login', latency.summary()),
    cpuPer('login', usage, logins),
    ...usageFigures(usage),
  ];
}

/** Logs accounts in and out, again and again. */
export async function cycleLogins(
  scene: Scene,
  accounts: readonly Account[],
  logins: number,
  concurrency: number,
): Promise<Histogram> {
  const latency = new Histogram();
  await inTurns(accounts, logins, concurrency, async (account) => {
    const began = performance.now();
    const client = await Client.logIn(scene.endpoint, account, scene.keys);
    latency.add(performance.now() - began);
    await client.close();
  });
  return latency;
}
