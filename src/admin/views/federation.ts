/** What pages read of other domains. */
import { z } from 'zod';
import { count, text } from './values.ts';

/** A link with another domain. */
export const linkView = z.object({
  domain: text,
  host: text,
  direction: z.enum(['in', 'out', 'both']),
  state: z.enum(['up', 'connecting', 'waiting', 'idle']),
  secure: text,
  proof: text,
  address: text,
  since: count.nullable(),
  management: z.enum(['none', 'acks', 'resumable']),
  queued: count,
  unacknowledged: count,
  failure: text,
});

/** A link as pages read it. */
export type LinkView = z.output<typeof linkView>;

/** `s2s.list` */
export const linksView = z.object({ links: z.array(linkView), total: count });

/** `s2s.rules` */
export const rulesView = z.object({
  rules: z.array(z.object({ domain: text, verdict: z.enum(['allow', 'block']), host: text })),
});

/** `s2s.show` */
export const partnerView = z.object({
  policy: z.array(z.object({ host: text, allowed: z.boolean(), why: text })),
  links: z.array(linkView),
  history: z.array(
    z.object({ last: count, host: text, direction: text, outcome: text, times: count, text }),
  ),
});

/** What there is with another domain. */
export type PartnerView = z.output<typeof partnerView>;

/** One value of `s2s.test`. */
export const stepView = z.object({
  verdict: z.enum(['ok', 'warning', 'error', 'skipped']),
  step: text,
  subject: text,
  text,
  detail: text.optional(),
});

/** A step of an examination as pages read it. */
export type ExaminedStep = z.output<typeof stepView>;
