/** What pages read of archives. */
import { z } from 'zod';
import { count, maybeCount, text } from './values.ts';

/** `archive.show` */
export const archiveView = z.object({
  messages: count,
  oldest: maybeCount,
  newest: maybeCount,
  kept: text,
  default: z.enum(['always', 'roster', 'never']),
  always: count,
  never: count,
  ownPreferences: z.boolean(),
});

/** An archive. */
export type ArchiveView = z.output<typeof archiveView>;

/** `archive.search` */
export const foundView = z.object({
  messages: z.array(z.object({ at: count, from: text, to: text, text })),
});

/** Messages that were found. */
export type FoundView = z.output<typeof foundView>;

/** `archive.purge` */
export const purgedView = z.object({ removed: count });

/** `archive.retention` */
export const keptView = z.object({ kept: text });
