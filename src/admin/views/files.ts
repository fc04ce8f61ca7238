/** What pages read of uploaded files. */
import { z } from 'zod';
import { count, maybeCount, text } from './values.ts';

/** A file of `files.list`. */
export const fileView = z.object({
  id: text,
  jid: text,
  name: text,
  type: text,
  size: count,
  purpose: z.enum(['message', 'profile', 'ephemeral', 'permanent']),
  stored: count,
  ends: maybeCount,
  url: text,
});

/** An uploaded file as pages read it. */
export type FileView = z.output<typeof fileView>;

/** `files.list` */
export const filesView = z.object({ files: z.array(fileView), total: count });

/** `files.quota` */
export const quotaView = z.object({
  usage: z.array(z.object({ of: text, files: maybeCount, used: count, limit: maybeCount })),
});

/** How much room something takes. */
export type UsageView = z.output<typeof quotaView>['usage'][number];
