/**
 * What can become of a message, one kind of step each. Kinds may be added, and never change their
 * meaning: the table has what older versions of the program noted.
 */
import { z } from 'zod';
import type { Domain, Jid } from '../jid/jid.ts';
import type { StanzaFailure } from '../stanza/condition.ts';
import type { JsonBytes } from './story-json.ts';

const jid = z.string();

const kinds = [
  /**
   * It came in by a stream: `from` is the session that sent it, or the other domain or component
   * whose stream it was; `stream` is the stream's id in the log.
   */
  z.object({ kind: z.literal('received'), from: jid, stream: z.string(), remote: z.string() }),
  /** An account's archive has it under an id (XEP-0313, XEP-0359). */
  z.object({ kind: z.literal('archived'), account: jid, id: z.string() }),
  /** A copy went to another session of its sender or recipient (XEP-0280). */
  z.object({ kind: z.literal('copied'), to: jid }),
  /** It was handed to a session whose client is connected. */
  z.object({ kind: z.literal('handed'), to: jid }),
  /** It waits in a session whose client is not connected, until that comes back (XEP-0198 §5). */
  z.object({ kind: z.literal('hibernated'), to: jid }),
  /** It is held back until the client is active again (XEP-0352). */
  z.object({ kind: z.literal('held'), to: jid }),
  /** A client has resumed its session and was sent it again (XEP-0198 §5). */
  z.object({ kind: z.literal('resent'), to: jid }),
  /** A session has it for sure. */
  z.object({ kind: z.literal('acknowledged'), by: jid }),
  /** A client was given the archive, where it is, and so has it (XEP-0313). */
  z.object({ kind: z.literal('read'), by: jid }),
  /** A session ended, and nobody knows whether its client had it. */
  z.object({ kind: z.literal('returned'), by: jid }),
  /** It is kept for an account until a client is there (XEP-0160). */
  z.object({ kind: z.literal('kept'), account: jid }),
  /** What was kept was taken out, as older versions noted before they noted to whom it was handed. */
  z.object({ kind: z.literal('fetched'), account: jid }),
  /** A push service was told of it, and said this, or nothing (XEP-0357). */
  z.object({ kind: z.literal('pushed'), service: jid, answer: z.string() }),
  /** It waits for a stream to another domain. */
  z.object({ kind: z.literal('queued'), domain: jid }),
  /** It was written to a stream to another domain, or to a component's. */
  z.object({ kind: z.literal('sent'), domain: jid, stream: z.string(), remote: z.string() }),
  /** The other domain said that it has it (XEP-0198). */
  z.object({ kind: z.literal('accepted'), domain: jid }),
  /** A module took it that serves a domain, such as that of rooms. */
  z.object({ kind: z.literal('taken'), by: jid }),
  /** Its sender was told that it was not delivered; `by` is the module or rule that said so. */
  z.object({
    kind: z.literal('bounced'),
    by: z.string(),
    condition: z.string(),
    text: z.string().optional(),
  }),
  /** Its way ended, and its sender is told nothing; `by` is the module or rule that said so. */
  z.object({ kind: z.literal('dropped'), by: z.string(), why: z.string() }),
] as const;

/** A step of a message's story. */
export const stepSchema = z.discriminatedUnion('kind', kinds);

/** A step of a message's story. */
export type Step = z.output<typeof stepSchema>;

/** What a kind of step has besides its kind, in the order in which it is packed: only to be added to. */
const FIELDS = {
  received: ['from', 'stream', 'remote'],
  archived: ['account', 'id'],
  copied: ['to'],
  handed: ['to'],
  hibernated: ['to'],
  held: ['to'],
  resent: ['to'],
  acknowledged: ['by'],
  read: ['by'],
  returned: ['by'],
  kept: ['account'],
  fetched: ['account'],
  pushed: ['service', 'answer'],
  queued: ['domain'],
  sent: ['domain', 'stream', 'remote'],
  accepted: ['domain'],
  taken: ['by'],
  bounced: ['by', 'condition', 'text'],
  dropped: ['by', 'why'],
} as const satisfies {
  readonly [K in Step['kind']]: readonly Exclude<keyof Extract<Step, { kind: K }>, 'kind'>[];
};

/** A step as it is kept: ms since the first one of its line, its kind, its fields. */
export type PackedStep = readonly (string | number | null)[];

/** Longer texts are cut: they come from strangers. */
const MOST_TEXT = 500;

/** Writes a step as a {@link PackedStep}: half as long as an object. */
export function writeStep(json: JsonBytes, after: number, said: Step): void {
  json.raw('[');
  json.integer(after);
  json.raw(',"');
  json.raw(said.kind);
  json.raw('"');
  // FIELDS has just those that the kind has.
  const values = said as Readonly<Record<string, string | undefined>>;
  for (const field of FIELDS[said.kind]) {
    const value = values[field];
    json.raw(',');
    if (value === undefined) json.raw('null');
    else json.string(CUT.has(field) ? value.slice(0, MOST_TEXT) : value);
  }
  json.raw(']');
}

/** The fields that hold a text. */
const CUT: ReadonlySet<string> = new Set(['text', 'why']);

/** The step of a packed one; undefined if another version of the program has packed it. */
export function unpackStep(packed: PackedStep): Step | undefined {
  const kind = String(packed[1]);
  if (!Object.hasOwn(FIELDS, kind)) return undefined;
  const fields = FIELDS[kind as keyof typeof FIELDS];
  const values = fields.flatMap((field, index) => {
    const value = packed[index + 2] ?? null;
    return value === null ? [] : [[field, value] as const];
  });
  return stepSchema.safeParse({ kind, ...Object.fromEntries(values) }).data;
}

/** Makers of steps, for those that are made in several places. */
export const step = {
  /** It came by a stream with that id, from an address. */
  received: (from: Jid, stream: string, remote: string): Step => ({
    kind: 'received',
    from,
    stream,
    remote,
  }),
  /** It went by a stream with that id, to an address. */
  sent: (domain: Domain, stream: string, remote: string): Step => ({
    kind: 'sent',
    domain,
    stream,
    remote,
  }),
  /** It was turned away by a rule. An error is not answered: it is dropped (RFC 6120 §8.3.1). */
  bounced: (by: string, { condition, text }: StanzaFailure, isAnswered: boolean): Step =>
    isAnswered
      ? { kind: 'bounced', by, condition, text }
      : { kind: 'dropped', by, why: `${condition}, and an error is not answered` },
};
