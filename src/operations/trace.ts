/** The look at one account's stanzas. */
import { z } from 'zod';
import { type AnyOperation, failure, operation, success } from '../core/operation.ts';
import type { Trace, TraceEntry, TraceOptions } from '../core/trace.ts';
import { accountJid, hidden, time, watchOf } from './fields.ts';
import { noSuchAccount } from './refusals.ts';
import type { Services } from './services.ts';

const entry = z.object({
  at: time,
  direction: z.enum(['in', 'out']).describe('in: from the client; out: to it.'),
  stream: hidden(z.string().describe("The stream's id.")),
  xml: z.string(),
});

/** The operations of the trace. */
export function traceOperations(
  services: Pick<Services, 'trace' | 'accounts' | 'hosts'>,
): AnyOperation[] {
  const { trace, accounts } = services;
  return [
    operation({
      name: 'trace.account',
      command: ['trace'],
      summary: "Watch an account's stanzas, with texts and secrets masked.",
      effect: 'watch',
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
        const entries = endable(trace, options);
        if (entries === undefined)
          return failure('unavailable', 'Too many traces run; end one, or wait for its end.');
        return success(entries);
      },
    }),
  ];
}

/** A trace that ends at once when its reader leaves, also while it waits for an entry. */
function endable(trace: Trace, options: TraceOptions): AsyncIterable<TraceEntry> | undefined {
  const ending = new AbortController();
  const started = trace.start({ ...options, signal: ending.signal });
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
