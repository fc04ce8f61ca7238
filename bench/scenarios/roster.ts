/** All come online at once, each with many contacts who do so too. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../load/client.ts';
import { fault, latencies, usageFigures } from '../load/figures.ts';
import { Histogram } from '../load/histogram.ts';
import { measureUsage, type Usage } from '../load/proc.ts';
import { type Figure, inParallel, logOutAll, type Scene } from '../load/scene.ts';
import { attributeOf } from '../load/splitter.ts';

/** How `roster` runs. */
export interface RosterOptions {
  /** How many each has in the roster. */
  readonly contacts: number;
  /** How many logins are measured at least. */
  readonly logins: number;
  /** How many are under way at a time. */
  readonly concurrency: number;
}

/** How long we wait until all have seen all, in milliseconds. */
const PATIENCE_MS = 30_000;
const TICK_MS = 5;

/** One storm: how long each login took, what the server used, and who was not seen. */
interface Storm {
  readonly usage: Usage;
  readonly unseen: number;
}

/** Lets all accounts of the scene come, again and again; the first time is not measured. */
export async function runRoster(scene: Scene, options: RosterOptions): Promise<Figure[]> {
  const count = scene.accounts.length;
  await storm(scene, options, new Histogram());
  const latency = new Histogram();
  const storms: Storm[] = [];
  while (storms.length * count < options.logins) storms.push(await storm(scene, options, latency));
  const sum = (value: (one: Storm) => number) =>
    storms.reduce((total, one) => total + value(one), 0);
  const logins = storms.length * count;
  const last = storms.at(-1);
  return [
    { name: 'logins', unit: '/s', value: logins / sum(({ usage }) => usage.seconds) },
    ...latencies('login', latency.summary()),
    {
      name: 'server CPU per login',
      unit: 'µs',
      value: (1000 * sum(({ usage }) => usage.serverCpu)) / logins,
    },
    ...(last === undefined ? [] : usageFigures(last.usage)),
    fault(
      'contacts not seen',
      sum(({ unseen }) => unseen),
    ),
  ];
}

async function storm(
  scene: Scene,
  { contacts, concurrency }: RosterOptions,
  latency: Histogram,
): Promise<Storm> {
  const { accounts, endpoint, keys } = scene;
  const seen = accounts.map(() => new Set<string>());
  const clients: Client[] = [];
  const finish = await measureUsage(scene.pids);
  await inParallel(accounts.length, concurrency, async (index) => {
    const account = accounts[index];
    if (account === undefined) return;
    const own = `${account.user}@`;
    const onStanza = (stanza: string) => {
      const from = stanza.startsWith('<presence') ? attributeOf(stanza, 'from') : undefined;
      if (from !== undefined && !from.startsWith(own)) seen[index]?.add(from);
    };
    const began = performance.now();
    clients[index] = await Client.logIn(endpoint, account, keys, { onStanza });
    latency.add(performance.now() - began);
  });
  const unseen = () => seen.reduce((total, { size }) => total + Math.max(0, contacts - size), 0);
  for (let waited = 0; unseen() > 0 && waited < PATIENCE_MS; waited += TICK_MS)
    await sleep(TICK_MS);
  const usage = await finish();
  const missed = unseen();
  await logOutAll(clients);
  return { usage, unseen: missed };
}
