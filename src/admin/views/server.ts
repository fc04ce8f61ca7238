/** What pages read of the server itself. */
import { z } from 'zod';
import { count, level, text } from './values.ts';

/** `server.status` */
export const statusView = z.object({
  version: text,
  node: text,
  pid: count,
  since: count,
  uptimeSeconds: count,
  accounts: count,
  sessions: count,
  listeners: z.array(z.object({ name: text, address: text, port: count })),
  memoryBytes: count,
  store: z.object({ bytes: count, queued: count, writes: count, lastCommitMs: count }),
  configFile: text,
  dataFolder: text,
});

/** `server.about` */
export const aboutView = z.object({
  specs: z.array(
    z.object({
      name: text,
      spec: text,
      version: text,
      covers: text,
      note: text,
    }),
  ),
});

/** `server.check` */
export const findingsView = z.object({
  findings: z.array(z.object({ level, area: text, subject: text, text })),
});

/** A finding of `server.check`. */
export type Finding = z.output<typeof findingsView>['findings'][number];

/** `log.levels`: `*` is all areas without a level of their own. */
export const levelsView = z
  .object({ levels: z.array(z.object({ area: text, level: text })) })
  .transform(({ levels }) => levels);

/** `audit.list` */
export const auditView = z.object({
  entries: z.array(
    z.object({
      id: count,
      at: count,
      actor: text,
      via: text,
      remote: text,
      operation: text,
      input: text,
      outcome: text,
    }),
  ),
});
