/** What pages read of push registrations. */
import { z } from 'zod';
import { count, level, maybeCount, text } from './values.ts';

/** A registration of `push.list`. */
const pushView = z.object({
  jid: text,
  service: text,
  node: text,
  device: text,
  state: z.enum(['connected', 'asleep', 'away', 'ended']),
  tried: maybeCount,
  result: text,
  succeeded: maybeCount,
  failures: count,
});

/** A push registration as pages read it. */
export type PushView = z.output<typeof pushView>;

/** `push.list` */
export const pushesView = z.object({ registrations: z.array(pushView) });

/** `push.test` */
export const pushAnswersView = z.object({
  answers: z.array(z.object({ level, answer: text })),
});
