/** What the side of components is given to work with. */
import type { Limits } from '../config/schema.ts';
import type { Hosts } from '../core/hosts.ts';
import type { Router } from '../core/router.ts';
import type { Story } from '../core/story.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import type { ProxyGate } from '../kit/proxy-gate.ts';

/** The limits of one component. */
export type ComponentLimits = Pick<
  Limits,
  | 'stanzaBytesBeforeAuth'
  | 'stanzaBytes'
  | 'depth'
  | 'attributes'
  | 'authTimeout'
  | 'idleTimeout'
  | 'connectionsPerAddress'
>;

/** Everything that the streams of components use. */
export interface ComponentServices {
  readonly hosts: Hosts;
  readonly router: Pick<Router, 'route' | 'useDomain'>;
  readonly metrics: Metrics;
  readonly story: Story;
  readonly log: Logger;
  readonly clock: Clock;
  /** By which connections come that proxies speak for. */
  readonly gate: ProxyGate;
  /** The limits as the config states them now. */
  limits(): ComponentLimits;
}
