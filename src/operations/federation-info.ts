/** Links, their history and examinations as operations tell of them. */
import { z } from 'zod';
import type { ExaminationStep, FederationEvent, FederationLink } from './federation-service.ts';
import { hidden, time, verdict, wholeText } from './fields.ts';

/** The schema of a link. */
export const linkSchema = z.object({
  id: hidden(z.string().describe("The stream's name in the log; empty without a stream.")),
  domain: z.string(),
  host: z.string().describe('Our domain.'),
  direction: z.enum(['in', 'out', 'both']),
  state: z.enum(['up', 'connecting', 'waiting', 'idle']),
  secure: z.string().describe('The version of TLS; empty without.'),
  cipher: hidden(z.string()),
  proof: z.string().describe('external, certificate, dialback, or empty.'),
  address: z.string(),
  since: time.nullable(),
  lastActive: hidden(time.nullable()),
  management: z
    .enum(['none', 'acks', 'resumable'])
    .describe('Stream management (XEP-0198): none, acknowledgements, or resumed when it breaks.'),
  queued: z.int().describe('Stanzas that wait or are not known to have arrived.'),
  unacknowledged: z.int().describe('Those that were sent on the stream and are not acknowledged.'),
  failure: hidden(z.string().describe('Why there is no stream.')),
  retryAt: hidden(time.nullable()),
});

/** A moment in whole milliseconds, as times are told; back-offs have a part of chance. */
const whole = (at: number | undefined) => (at === undefined ? null : Math.round(at));

/** Tells of a link. */
export const linkOf = (link: FederationLink): z.output<typeof linkSchema> => ({
  id: link.id ?? '',
  domain: link.domain,
  host: link.host,
  direction: link.direction,
  state: link.state,
  secure: link.protocol ?? '',
  cipher: link.cipher ?? '',
  proof: link.authenticatedBy ?? '',
  address: link.remoteAddress ?? '',
  since: whole(link.since),
  lastActive: whole(link.lastActive),
  management: link.management,
  queued: link.queued,
  unacknowledged: link.unacknowledged,
  failure: link.failure ?? '',
  retryAt: whole(link.retryAt),
});

/** The schema of something that happened. */
export const eventSchema = z.object({
  last: time,
  host: z.string(),
  direction: z.enum(['in', 'out']),
  outcome: z.enum(['opened', 'failed', 'closed']),
  times: z.int().describe('How often.'),
  text: z.string(),
  first: hidden(time),
});

/** Tells of something that happened. */
export const eventOf = ({ count, ...event }: FederationEvent): z.output<typeof eventSchema> => ({
  last: event.last,
  host: event.host,
  direction: event.direction,
  outcome: event.outcome,
  times: count,
  text: event.text,
  first: event.first,
});

/** The schema of a step of an examination. */
export const stepSchema = z.object({
  verdict: verdict,
  step: z.string(),
  subject: z.string(),
  text: z.string(),
  detail: wholeText.optional(),
  cause: hidden(z.string().optional()),
  healthy: hidden(z.boolean().optional().describe('In the summary: whether they can talk.')),
});

/** Tells of a step. */
export const stepOf = ({ step, subject, text, detail, cause, ...how }: ExaminationStep) => ({
  verdict: how.verdict,
  step,
  subject,
  text,
  ...(detail === undefined ? {} : { detail }),
  ...(cause === undefined ? {} : { cause }),
  ...(step === 'summary' ? { healthy: how.verdict !== 'error' } : {}),
});
