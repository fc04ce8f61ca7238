/** What the side of other servers is given to work with. */
import type { Certificates } from '../certs/types.ts';
import type { Limits, ServerConfig } from '../config/schema.ts';
import type { Hosts } from '../core/hosts.ts';
import type { Router } from '../core/router.ts';
import type { Story } from '../core/story.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import type { ProxyGate } from '../kit/proxy-gate.ts';
import type { Store } from '../store/store.ts';
import type { Dns } from './dns.ts';
import type { Policy } from './policy.ts';
import type { Resolver } from './resolver.ts';
import type { Trust } from './trust.ts';

/** The config's section on other servers. */
export type S2sSettings = ServerConfig['s2s'];

/** Everything that streams between servers use. */
export interface S2sServices {
  readonly hosts: Hosts;
  readonly router: Pick<Router, 'route'>;
  readonly metrics: Metrics;
  readonly story: Story;
  readonly log: Logger;
  readonly clock: Clock;
  /** By which connections come that proxies speak for. */
  readonly gate: ProxyGate;
  readonly store: Store;
  readonly dns: Dns;
  readonly resolver: Resolver;
  readonly trust: Trust;
  readonly certificates: Pick<Certificates, 'serverOptions' | 'lookup'>;
  readonly policy: Policy;
  /** The secret of dialback keys. */
  readonly secret: string;
  /** What the config says now. */
  settings(): S2sSettings;
  /** The limits on XML that clients have, too. */
  limits(): Pick<Limits, 'stanzaBytesBeforeAuth' | 'depth' | 'attributes'>;
}
