/** The same chat on a server that is fresh, and again after many logins and beside idle sessions. */
import { type Figure, firstAccounts, type Scene, withClients } from '../load/scene.ts';
import { chat } from './chat.ts';
import { cycleLogins } from './logins.ts';
import type { PairsOptions } from './pairs.ts';

/** How `aged` runs. */
export interface AgedOptions extends PairsOptions {
  /** How many sessions are there the second time, and do nothing. */
  readonly held: number;
  /** How many logins come before it. */
  readonly agingLogins: number;
  readonly concurrency: number;
}

/** Compares the two; a share of 1 says that the server has not aged. */
export async function runAged(scene: Scene, options: AgedOptions): Promise<Figure[]> {
  const talking = 2 * options.pairs;
  const all = firstAccounts(scene, talking + options.held);
  const talkers = all.slice(0, talking);
  const converse = () =>
    withClients(scene, talkers, (clients) => chat(scene.pids, clients, options));
  const fresh = await converse();
  await cycleLogins(scene, talkers, options.agingLogins, options.concurrency);
  const aged = await withClients(scene, all.slice(talking), converse);
  const figureOf = (figures: readonly Figure[], name: string) =>
    figures.find((figure) => figure.name === name)?.value ?? 0;
  const share = (over: readonly Figure[], under: readonly Figure[], name: string) =>
    figureOf(over, name) / figureOf(under, name);
  return [
    { name: 'CPU, fresh to aged', unit: '', value: share(fresh, aged, 'server CPU per message') },
    { name: 'rate, aged to fresh', unit: '', value: share(aged, fresh, 'messages') },
    ...fresh.map((figure) => ({ ...figure, name: `fresh: ${figure.name}` })),
    ...aged.map((figure) => ({ ...figure, name: `aged: ${figure.name}` })),
  ];
}
