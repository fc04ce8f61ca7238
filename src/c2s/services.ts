/** What the client side is given to work with. */
import type { ServerTls } from '../certs/types.ts';
import type { Limits, ServerConfig } from '../config/schema.ts';
import type { Accounts } from '../core/accounts.ts';
import type { Devices } from '../core/devices.ts';
import type { Hosts } from '../core/hosts.ts';
import type { Registry } from '../core/registry.ts';
import type { Router } from '../core/router.ts';
import type { Sessions } from '../core/sessions.ts';
import type { Story } from '../core/story.ts';
import type { Tokens } from '../core/tokens.ts';
import type { Watch } from '../core/watch.ts';
import type { Domain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import type { ProxyGate } from '../kit/proxy-gate.ts';
import type { Store } from '../store/store.ts';
import type { Sleepers } from './sleepers.ts';

/** The certificate side of TLS, as a listener needs it. */
export interface TlsSource {
  /** TLS of one connection: the default context, the choice by SNI, and what was chosen. */
  serverTls(fallback: Domain | undefined): ServerTls;
}

/** What the client side is made with: all but what it makes itself. */
export type C2sOptions = Omit<C2sServices, 'sleepers'>;

/** Everything that a client's connection uses. */
export interface C2sServices {
  readonly hosts: Hosts;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly tokens: Tokens;
  readonly router: Router;
  /** Sessions that may be resumed. */
  readonly sleepers: Sleepers;
  readonly registry: Pick<Registry, 'enabled' | 'saveMemory' | 'restoreMemory'>;
  readonly store: Store;
  readonly watch: Watch;
  readonly story: Story;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock: Clock;
  readonly tls: TlsSource;
  /** By which connections come that proxies speak for. */
  readonly gate: ProxyGate;
  /** A secret that lasts, by which devices get resources that do not tell what they are. */
  readonly resourceKey: Buffer;
  /** Whether an address may try to log in: not while too many of its tries have failed. */
  mayTryLogin(remote: string): boolean;
  noteFailedLogin(remote: string): void;
  /** The limits as the config states them now. */
  limits(): Limits;
  /** The TLS policy as the config states it now. */
  tlsPolicy(): ServerConfig['tls'];
}
