/** The look at one account's stanzas. */
import { z } from 'zod';
import { type AnyOperation, failure, operation, success } from '../core/operation.ts';
import type { Watch, WatchEntry, WatchOptions } from '../core/watch.ts';
import { accountJid, hidden, time, watchOf } from './fields.ts';
import { noSuchAccount } from './refusals.ts';
import type { Services } from './services.ts';

const entry = z.object({
  at: time,
  direction: z.enum(['in', 'out']).describe('in: from the client; out: to it.'),
  stream: hidden(z.string().describe("The stream's id.")),
  xml: z.string(),
});

/** The operation by which it is taken. */
export function watchOperations(
  services: Pick<Services, 'watch' | 'accounts' | 'hosts'>,
): AnyOperation[] {
  const { watch, accounts } = services;
  return [
    operation({
      name: 'watch.account',
      command: ['watch'],
      summary: "Watch an account's stanzas, with texts and secrets masked.",
      effect: 'watch',
      isAudited: true,
      positional: ['jid'],
      input: z.object({
        jid: accountJid,
        seconds: z.int().min(1).max(600).default(60).describe('For how long.'),
        bodies: z.boolean().default(false).describe('Show the texts of messages too.'),
      }),
      output: watchOf(entry),
      async run({ jid, seconds, bodies }) {
        if (!(await accounts.exists(jid))) return noSuchAccount(services, jid);
        const options = { account: jid, forMs: seconds * 1000, withBodies: bodies };
        const entries = endable(watch, options);
        if (entries === undefined)
          return failure(
            'unavailable',
            'Too many accounts are watched; end one, or wait for its end.',
          );
        return success(entries);
      },
    }),
  ];
}

/** A look that ends at once when its reader leaves, also while it waits for an entry. */
function endable(watch: Watch, options: WatchOptions): AsyncIterable<WatchEntry> | undefined {
  const ending = new AbortController();
  const started = watch.start({ ...options, signal: ending.signal });
  if (started === undefined) return undefined;
  return {
    [Symbol.asyncIterator]() {
      const inner = started[Symbol.asyncIterator]();
      return {
        next: () => inner.next(),
        async return() {
          ending.abort();
          return (await inner.return?.()) ?? { done: true, value: undefined };
        },
      };
    },
  };
}
