/** What pages read of what became of messages. */
import { z } from 'zod';
import { count, text } from './values.ts';

/** A message of `messages.trace`. */
export const storyView = z.object({
  at: count,
  from: text,
  to: text,
  type: text,
  nature: text,
  ids: z.array(text),
  outcome: z.enum(['delivered', 'sent', 'waiting', 'bounced', 'dropped', 'unknown']),
  verdict: text,
  since: count.optional(),
  steps: z.array(z.object({ at: count, text })),
});

/** A message with its story as pages read it. */
export type StoryView = z.output<typeof storyView>;

/** `messages.trace` */
export const storiesView = z.object({
  messages: z.array(storyView),
  next: text.optional(),
  note: text.optional(),
});
