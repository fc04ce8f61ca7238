/** The virtual hosts that are served now, and for each the handlers of its enabled modules. */
import { componentsOf } from '../config/components.ts';
import type { HostConfig } from '../config/schema.ts';
import type { Domain } from '../jid/jid.ts';
import type { Dispatch } from './dispatch.ts';
import type { RemoteRoute } from './router.ts';

/** A virtual host. */
export interface Host {
  readonly domain: Domain;
  readonly config: HostConfig;
  /** What its modules brought, as flat lists built when the config was loaded. */
  readonly dispatch: Dispatch;
  /** The ways to those of its components that modules serve. */
  readonly ways: ReadonlyMap<Domain, RemoteRoute>;
}

/** The hosts; replaced as a whole when a new config is taken. */
export interface Hosts {
  get(domain: Domain): Host | undefined;
  /** The host that a domain of ours belongs to: the host itself, or the one whose component it is. */
  ownerOf(domain: Domain): Host | undefined;
  /** The way to a domain that a module serves. */
  wayTo(domain: Domain): RemoteRoute | undefined;
  all(): readonly Host[];
  /** Takes a new set of hosts at once (start, reload). */
  replace(hosts: readonly Host[]): void;
}

/** Makes an empty set of hosts. */
export function createHosts(): Hosts {
  let byDomain = new Map<Domain, Host>();
  let byComponent = new Map<Domain, Host>();
  return {
    get: (domain) => byDomain.get(domain),
    ownerOf: (domain) => byDomain.get(domain) ?? byComponent.get(domain),
    wayTo: (domain) => byComponent.get(domain)?.ways.get(domain),
    all: () => [...byDomain.values()],
    replace(hosts) {
      byDomain = new Map(hosts.map((host) => [host.domain, host]));
      byComponent = new Map(
        hosts.flatMap((host) => componentsOf(host.config).map(({ domain }) => [domain, host])),
      );
    },
  };
}
