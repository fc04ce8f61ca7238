/** What the federation doctor works with. */
import type { Certificates } from '../../certs/types.ts';
import type { Domain } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Dns } from '../dns.ts';
import type { Policy } from '../policy.ts';
import type { Resolver } from '../resolver.ts';
import type { Trust } from '../trust.ts';

/** How a ping over the link that stanzas take ended. */
export type Pinged =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly text: string };

/** What the doctor works with. */
export interface DoctorServices {
  readonly clock: Clock;
  readonly dns: Dns;
  readonly resolver: Resolver;
  readonly trust: Trust;
  readonly certificates: Pick<Certificates, 'contextFor'>;
  readonly policy: Pick<Policy, 'terms' | 'refusal'>;
  /** The secret of dialback keys: those that are shown are confirmed by the running server. */
  readonly secret: string;
  /** Whether a certificate for servers only proves the one who connects to us. */
  acceptsServerUsage(): boolean;
  isServed(domain: Domain): boolean;
  /** Asks the other domain for a sign of life, by the link that stanzas take; never rejects. */
  ping?(local: Domain, remote: Domain): Promise<Pinged>;
}

/** Who is examined. */
export interface Examination {
  /** Our domain. */
  readonly local: Domain;
  readonly remote: Domain;
  readonly services: DoctorServices;
  /** Aborted when nobody listens any more, or the time is over. */
  readonly signal: AbortSignal;
}
