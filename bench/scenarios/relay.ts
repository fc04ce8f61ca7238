/** Pairs that chat across two servers: what both need together for a message. */
import { type Figure, firstAccounts, type Scene, withClients } from '../load/scene.ts';
import { chat } from './chat.ts';
import type { PairsOptions } from './pairs.ts';

/** Lets pairs chat, of whom one is at each server; rejects if a client loses its connection. */
export function runRelay(
  left: Scene,
  right: Scene,
  options: Omit<PairsOptions, 'held'>,
): Promise<Figure[]> {
  const { pairs } = options;
  const pids = [...left.pids, ...right.pids];
  return withClients(left, firstAccounts(left, pairs), (here) =>
    withClients(right, firstAccounts(right, pairs), (there) => {
      const besides = here.flatMap((client, index) => [client, ...there.slice(index, index + 1)]);
      return chat(pids, besides, options);
    }),
  );
}
