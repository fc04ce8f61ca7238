/** How fast clients can log in, each with a new connection and a full handshake. */
import { Client } from './client.ts';
import { latencies, usageFigures } from './figures.ts';
import { Histogram } from './histogram.ts';
import { measureUsage } from './proc.ts';
import {
  type Figure,
  firstAccounts,
  inParallel,
  logInAll,
  logOutAll,
  type Scene,
} from './scenario.ts';

/** How `logins` runs. */
export interface LoginsOptions {
  /** How many logins are measured. */
  readonly logins: number;
  /** How many are under way at a time. */
  readonly concurrency: number;
  /** How many accounts they are spread over. */
  readonly loginAccounts: number;
}

/**
 * Logs in and out. A latency is that of the whole login, from `connect` to the roster and our own
 * presence; logging out is part of the rate only. First, each account logs in once unmeasured.
 */
export async function runLogins(scene: Scene, options: LoginsOptions): Promise<Figure[]> {
  const { logins, concurrency } = options;
  const accounts = firstAccounts(scene, options.loginAccounts);
  await logOutAll(await logInAll(scene, accounts, concurrency));

  const latency = new Histogram();
  const turns: number[] = [];
  const finish = await measureUsage(scene.pid);
  await inParallel(logins, concurrency, async (_, worker) => {
    // Workers share no account, so that no login meets the end of another's session.
    const share = Math.floor(accounts.length / concurrency);
    const turn = turns[worker] ?? 0;
    turns[worker] = turn + 1;
    const account = accounts[worker * share + (turn % share)];
    if (account === undefined) return;
    const began = performance.now();
    const client = await Client.logIn(scene.endpoint, account, scene.keys);
    latency.add(performance.now() - began);
    await client.close();
  });
  const usage = await finish();

  return [
    { name: 'logins', unit: '/s', value: logins / usage.seconds },
    ...latencies('login', latency.summary()),
    { name: 'server CPU per login', unit: 'ms', value: usage.serverCpu / logins },
    ...usageFigures(usage),
  ];
}
