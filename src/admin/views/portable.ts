/** What pages read of imports. */
import { z } from 'zod';

/** An import that was done, or only looked at. */
export const importView = z.object({
  accounts: z.object({
    made: z.number(),
    completed: z.number(),
    addedTo: z.number(),
    passedOver: z.number(),
  }),
  kinds: z.array(z.object({ kind: z.string(), taken: z.number(), passed: z.number() })),
  passed: z.array(
    z.object({ of: z.string(), what: z.string(), why: z.string(), times: z.number() }),
  ),
  untold: z.number(),
  people: z.array(
    z.object({
      jid: z.string(),
      fate: z.enum(['made', 'completed', 'addedTo']),
      kinds: z.array(z.object({ kind: z.string(), taken: z.number() })),
    }),
  ),
});
/** One of {@link importView}. */
export type ImportView = z.output<typeof importView>;
