/** A session as it is written down while the server is down (`handover.ts`). */
import { z } from 'zod';
import type { FullJid } from '../jid/jid.ts';
import { type Presence, readStanza } from '../stanza/stanza.ts';
import { parseElement } from '../xml/parse.ts';

/** A session as it is written down. Times in ms since the epoch. */
export const frozenSession = z.object({
  jid: z.string(),
  resumeId: z.string(),
  resumeMs: z.number(),
  /** Until when its client may come back. */
  until: z.number(),
  since: z.number(),
  lastActive: z.number(),
  remote: z.string(),
  language: z.string().optional(),
  security: z.object({
    protocol: z.string().optional(),
    cipher: z.string().optional(),
    mechanism: z.string(),
  }),
  device: z
    .object({
      id: z.string(),
      kind: z.enum(['agent', 'resource']),
      software: z.string(),
      name: z.string(),
    })
    .optional(),
  isBind2: z.boolean(),
  /** How many of its stanzas were handled, and how many of ours it has acknowledged. */
  received: z.number(),
  acknowledged: z.number(),
  /** What it has not acknowledged. */
  sent: z.array(
    z.object({
      /** As it was written. */
      text: z.string(),
      at: z.number(),
      /** By what its keeper knows it. */
      place: z.unknown().optional(),
      /** The number of a message. */
      serial: z.number().optional(),
    }),
  ),
  /** Its presence, if it is available. */
  presence: z.string().optional(),
  /** What modules remember of it. */
  memory: z.record(z.string(), z.unknown()),
});
/** See {@link frozenSession}. */
export type FrozenSession = z.output<typeof frozenSession>;

/** The presence that a session had; it stands without an address. Undefined if it was not available. */
export function frozenPresence(
  { presence }: Pick<FrozenSession, 'presence'>,
  from: FullJid,
): Presence | undefined {
  const parsed = presence === undefined ? undefined : parseElement(presence);
  if (parsed?.ok !== true) return undefined;
  const read = readStanza(parsed.element, { from, defaultTo: undefined });
  return read.ok && read.stanza.kind === 'presence' ? read.stanza : undefined;
}
