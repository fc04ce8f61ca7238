/** The side of components as a whole: its port, who is connected, and the ways to their domains. */
import { externalOf } from '../config/components.ts';
import { verdict } from '../core/hooks.ts';
import type { RemoteRoute } from '../core/router.ts';
import type { Domain } from '../jid/jid.ts';
import { RateLimit } from '../kit/limits.ts';
import { Flusher } from '../kit/outbox.ts';
import { networkOf } from '../kit/remote.ts';
import { createPorts, type Ports } from '../stream/ports.ts';
import { type ComponentDesk, ComponentStream } from './connection.ts';
import type { ComponentServices } from './services.ts';

/** How long a shutdown waits for components to close. */
const SHUTDOWN_MS = 4000;
/** Wrong handshakes that one address has free for a component, and how fast they come back. */
const FAILURES = { burst: 20, perSecond: 0.2 } as const;

/** The kind of port. */
export type ComponentKind = 'component';

/** A component that the config names. */
export interface ComponentInfo {
  readonly domain: Domain;
  /** The host whose component it is. */
  readonly host: Domain;
  /** Its connection, undefined while there is none. Times in ms since the epoch. */
  readonly connection:
    | { readonly remote: string; readonly since: number; readonly lastActive: number }
    | undefined;
}

/** The side of components. */
export interface ComponentSide extends Pick<Ports<ComponentKind>, 'listen' | 'unlisten'> {
  /**
   * Takes the components of the hosts as they are now: those that are gone, or have another secret,
   * are disconnected; the others do not notice.
   */
  refresh(): void;
  /** All components that the config names. */
  list(): readonly ComponentInfo[];
  /** Closes all ports and ends all streams with system-shutdown; resolves when they are gone. */
  close(): Promise<void>;
}

/** What the config says of a component. */
interface Known {
  readonly secret: string;
  readonly host: Domain;
}

/** Makes the side, with no port open yet, for the components of the hosts. */
export function createComponents(services: ComponentServices): ComponentSide {
  const { hosts, router, metrics, log, clock } = services;
  const flusher = new Flusher();
  const failures = new RateLimit<string>(clock, FAILURES);
  const streams = new Set<ComponentStream>();
  const connected = new Map<Domain, ComponentStream>();
  let known: ReadonlyMap<Domain, Known> = new Map();

  const desk: ComponentDesk = {
    find: (domain) => known.get(domain),
    mayTry: (domain, remote) => failures.has(`${networkOf(remote)} ${domain}`),
    noteFailure: (domain, remote) => void failures.take(`${networkOf(remote)} ${domain}`),
    admit(stream, domain) {
      const before = connected.get(domain);
      if (before !== undefined) {
        // Perhaps the same program after its connection broke: then the next try finds room.
        before.ping();
        return false;
      }
      connected.set(domain, stream);
      metrics.components.set(connected.size);
      return true;
    },
    dismiss(_, domain) {
      connected.delete(domain);
      metrics.components.set(connected.size);
    },
  };

  const ports = createPorts<ComponentKind>({
    contentNs: 'jabber:component:accept',
    log,
    metrics,
    wayOf: () => 'starttls',
    connectionsPerAddress: () => services.limits().connectionsPerAddress,
    gate: services.gate,
    accept(socket, _, remote, closed) {
      const stream = new ComponentStream({
        socket,
        remote,
        services,
        flusher,
        desk,
        onClosed() {
          streams.delete(stream);
          closed();
        },
      });
      streams.add(stream);
    },
  });

  /**
   * The way to a component. While it is not connected, of the conditions of RFC 6120 §8.3.3
   * remote-server-timeout: the service exists (so it is not remote-server-not-found, and not that
   * it does not offer what is asked, service-unavailable), but no stream to it can be had now; of
   * type `wait`, so that software tries again.
   */
  const routeTo = (domain: Domain): RemoteRoute => {
    const text = `${domain} is not connected to its server at the moment.`;
    return (stanza) => {
      const stream = connected.get(domain);
      if (stream === undefined) return verdict.bounce({ condition: 'remote-server-timeout', text });
      const { settled, room } = stream.deliver(stanza);
      const said = verdict.settling(settled);
      return room === undefined ? said : room.then(() => said);
    };
  };

  const refresh = () => {
    const next = new Map<Domain, Known>();
    for (const host of hosts.all())
      for (const { domain, config } of externalOf(host.config))
        next.set(domain, { secret: config.secret, host: host.domain });
    const before = known;
    known = next;
    for (const domain of next.keys())
      if (!before.has(domain)) router.useDomain(domain, routeTo(domain));
    for (const [domain, { secret }] of before) {
      const now = next.get(domain);
      if (now === undefined) {
        router.useDomain(domain, undefined);
        const text = `${domain} is no component here any more.`;
        connected.get(domain)?.end({ condition: 'host-gone', text });
      } else if (now.secret !== secret) {
        const text = 'The secret was changed.';
        connected.get(domain)?.end({ condition: 'not-authorized', text });
      }
    }
  };
  refresh();

  return {
    listen: ports.listen,
    unlisten: ports.unlisten,
    refresh,
    list: () =>
      [...known].map(([domain, { host }]) => {
        const stream = connected.get(domain);
        if (stream === undefined) return { domain, host, connection: undefined };
        const { remote, since, lastActive } = stream;
        return { domain, host, connection: { remote, since, lastActive } };
      }),
    async close() {
      ports.close();
      const gone = [...streams].map((stream) => {
        stream.end({ condition: 'system-shutdown', text: 'The server is going down.' });
        return stream.closed();
      });
      const deadline = new Promise((resolve) => setTimeout(resolve, SHUTDOWN_MS).unref());
      await Promise.race([Promise.all(gone), deadline]);
    },
  };
}
