/** Pairs that chat, both sides at once, each with the other's bare JID. */
import { type Figure, firstAccounts, type Scene, withClients } from '../load/scene.ts';
import { type ChatOptions, chat } from './chat.ts';

/** How `pairs` runs. */
export interface PairsOptions extends ChatOptions {
  readonly pairs: number;
  /** How many other sessions are there meanwhile, and do nothing. */
  readonly held?: number;
}

/** Lets pairs chat; rejects if a client loses its connection. */
export function runPairs(scene: Scene, options: PairsOptions): Promise<Figure[]> {
  const talking = 2 * options.pairs;
  const all = firstAccounts(scene, talking + (options.held ?? 0));
  return withClients(scene, all.slice(talking), () =>
    withClients(scene, all.slice(0, talking), (clients) => chat(scene.pids, clients, options)),
  );
}
