/** Keeps the node of each host true: XEP-0485 §5, no more often than the admin wants (§6). */
import { componentsOf } from '../../config/components.ts';
import type { Home } from '../../core/module.ts';
import type { Domain } from '../../jid/jid.ts';
import { PROGRAM } from '../../kit/program.ts';
import { type Element, serialise } from '../../xml/element.ts';
import type { PubSubApi } from '../pubsub/index.ts';
import { Version, version } from '../version.ts';
import { createConsent } from './consent.ts';
import { type FederatedPair, remotesOf, serverInfoElement } from './document.ts';
import type { ServerInfoSettings } from './settings.ts';

/** §5: the node. */
export const NODE = 'serverinfo';
/** The id of its one item. */
const CURRENT = 'current';
/** §5: anybody reads the node, and it has one item. */
const CONFIG = { title: 'Server information', accessModel: 'open', maxItems: 1 } as const;

/** How often it is looked which hosts are due. */
const TICK_MS = 15_000;

/** Publishes. */
export interface Publisher {
  /** Begins, given what tells all pairs of domains as they are. */
  start(pairs: () => readonly FederatedPair[]): void;
  /** A domain is out of reach of a host: what it allowed is forgotten. */
  gone(domain: Domain, host: Domain): void;
  /** Ends it; what is being written is finished first. */
  stop(): Promise<void>;
}

/** The service of nodes that a host has itself; undefined if it has none. */
export function serviceOf({ hosts }: Pick<Home<unknown>, 'hosts'>, host: Domain) {
  const config = hosts.get(host)?.config;
  const components = config === undefined ? [] : componentsOf(config);
  return components.find(({ config: own }) => own.type === 'pubsub')?.domain;
}

/** Makes the publisher. */
export function createPublisher(home: Home<ServerInfoSettings>, nodes: PubSubApi): Publisher {
  const { clock, hosts, log } = home;
  const consent = createConsent(home);
  /** When hosts are due again, on the monotonic scale. */
  const due = new Map<Domain, number>();
  /** Hosts that are off, and have nothing published. */
  const withdrawn = new Set<Domain>();
  const busy = new Set<Domain>();
  const writing = new Set<Promise<void>>();
  const ending = new AbortController();

  /** Whether the node is the server's own, or is not there: users may make one of that name (§7). */
  const isOurs = async (service: Domain) => {
    const node = await nodes.node(service, NODE);
    return node === undefined || node.creator === service;
  };

  const write = async (host: Domain, service: Domain, payload: Element) => {
    if (!(await isOurs(service))) {
      log.warn({ host, service }, `the node ${NODE} is somebody's: nothing is published`);
      return;
    }
    const before = await nodes.item(service, NODE, CURRENT);
    if (before !== undefined && serialise(before.payload) === serialise(payload)) return;
    const item = { id: CURRENT, payload };
    const refused = await nodes.publish(service, NODE, item, { config: CONFIG });
    if (refused !== undefined)
      log.warn({ host, service, ...refused }, 'server information was not published');
  };

  /** What was published goes where it is not wanted any more. */
  const withdraw = async (service: Domain) => {
    if (await isOurs(service)) await nodes.retract(service, NODE, CURRENT);
  };

  /** Does what may not be cut off by the end of the server. */
  const finish = async (work: () => Promise<void>) => {
    if (ending.signal.aborted) return;
    const done = work();
    writing.add(done);
    await done.finally(() => writing.delete(done));
  };

  const refresh = async (host: Domain, service: Domain, pairs: () => readonly FederatedPair[]) => {
    const remotes = () =>
      remotesOf(pairs().filter((pair) => hosts.ownerOf(pair.host)?.domain === host));
    const domains = remotes().map(({ domain }) => domain);
    const named = await consent.among(host, domains);
    // To ask may have taken a connection, and the time to switch it off.
    if (!home.isEnabled(host)) return;
    const software = home.has(version, host)
      ? [Version.encode({ name: PROGRAM.name, version: PROGRAM.version, os: undefined })]
      : [];
    const payload = serverInfoElement(host, remotes(), named, ...software);
    await finish(() => write(host, service, payload));
  };

  /** What is to be done for a host now; undefined if nothing is. */
  const turnOf = (host: Domain, service: Domain, pairs: () => readonly FederatedPair[]) => {
    if (!home.isEnabled(host)) {
      due.delete(host);
      if (withdrawn.has(host)) return undefined;
      return async () => {
        await finish(() => withdraw(service));
        withdrawn.add(host);
      };
    }
    withdrawn.delete(host);
    if ((due.get(host) ?? 0) > clock.monotonic()) return undefined;
    due.set(host, clock.monotonic() + home.configOf(host).interval);
    return () => refresh(host, service, pairs);
  };

  const tick = (pairs: () => readonly FederatedPair[]) => {
    for (const { domain: host } of hosts.all()) {
      const service = serviceOf(home, host);
      if (service === undefined || busy.has(host)) continue;
      const turn = turnOf(host, service, pairs);
      if (turn === undefined) continue;
      busy.add(host);
      turn()
        .catch((error: unknown) =>
          log.error({ err: error, host }, 'server information was not published'),
        )
        .finally(() => busy.delete(host));
    }
  };

  return {
    start(pairs) {
      const timer = clock.every(TICK_MS, () => tick(pairs));
      ending.signal.addEventListener('abort', () => timer.cancel());
    },
    gone: (domain, host) => consent.forget(host, domain),
    async stop() {
      ending.abort();
      await Promise.allSettled(writing);
    },
  };
}
