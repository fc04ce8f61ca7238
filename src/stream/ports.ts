/** Ports on which others connect, and the limit that holds before a byte is read. */
import { createServer, type Server, type Socket } from 'node:net';
import { randomId } from '../kit/ids.ts';
import type { Logger } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import { type ProxyGate, resumeSoon } from '../kit/proxy-gate.ts';
import { networkOf, remoteOf } from '../kit/remote.ts';
import { streamErrorText } from './error.ts';
import { type ContentNs, headerText } from './header.ts';

/** Connections the kernel keeps for us while we are busy; a restart brings everybody at once. */
const BACKLOG = 1024;

/** Where to listen; `host` undefined is all interfaces, IPv6 and IPv4. */
export interface PortAddress<K extends string> {
  readonly kind: K;
  readonly host: string | undefined;
  readonly port: number;
}

/** Ports that can be opened and closed while others go on. */
export interface Ports<K extends string> {
  /**
   * Opens a port.
   * @returns the port (of use when 0 was asked for)
   * @throws the system's error (`EADDRINUSE`, `EACCES` …)
   */
  listen(address: PortAddress<K>): Promise<number>;
  /** Closes a port; its connections go on. */
  unlisten(address: PortAddress<K>): Promise<void>;
  /**
   * Counts a connection that came by another way, of a kind that metrics name. Answers what is to be
   * called when it is over; undefined when there are too many from the address, or the ports are closed.
   */
  admit(remote: string, kind: string): (() => void) | undefined;
  /** Takes a connection that came by a port of somebody else. */
  take(socket: Socket, kind: K): void;
  /** Closes all ports, also to what comes by those of others; connections go on. */
  close(): void;
}

/** How a stream's connection comes: TLS begins in the stream, comes first (XEP-0368), or is there already. */
export type Way = 'starttls' | 'tls' | 'secured';

/** What ports are for. */
export interface PortsOptions<K extends string> {
  readonly contentNs: ContentNs;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** How connections come by this kind of port. */
  wayOf(kind: K): Way;
  connectionsPerAddress(): number;
  /** By which connections come that proxies speak for. */
  readonly gate: ProxyGate;
  /** Takes a connection, whose other side is at `remote`; `closed` is called when it is over. */
  accept(socket: Socket, kind: K, remote: string, closed: () => void): void;
}

/** Makes ports, with none open. */
export function createPorts<K extends string>(options: PortsOptions<K>): Ports<K> {
  const { metrics, log } = options;
  const servers = new Map<string, Server>();
  const perAddress = new Map<string, number>();
  let isClosed = false;
  const keyOf = ({ kind, host, port }: PortAddress<K>) => `${kind} ${host ?? '*'} ${port}`;

  const admit = (remote: string, kind: string) => {
    if (isClosed) return undefined;
    const network = networkOf(remote);
    const held = perAddress.get(network) ?? 0;
    if (held >= options.connectionsPerAddress()) {
      metrics.connectionsTotal.inc({ kind, outcome: 'refused' });
      log.warn({ remote, held }, 'too many connections from one address');
      return undefined;
    }
    perAddress.set(network, held + 1);
    metrics.connectionsTotal.inc({ kind, outcome: 'accepted' });
    metrics.connections.inc({ kind });
    return () => {
      metrics.connections.dec({ kind });
      const left = (perAddress.get(network) ?? 1) - 1;
      if (left === 0) perAddress.delete(network);
      else perAddress.set(network, left);
    };
  };
  const take = (socket: Socket, kind: K) => {
    const remote = remoteOf(socket) ?? 'unknown';
    const closed = admit(remote, kind);
    const isTlsFirst = options.wayOf(kind) === 'tls';
    if (closed === undefined) refuse(socket, options.contentNs, isTlsFirst, isClosed ? DOWN : FULL);
    else options.accept(socket, kind, remote, closed);
  };

  return {
    admit,
    take,
    async listen(address) {
      const server = createServer({ allowHalfOpen: true }, (socket) =>
        options.gate(socket, () => {
          take(socket, address.kind);
          resumeSoon(socket);
        }),
      );
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port: address.port, host: address.host, backlog: BACKLOG }, () => {
          server.off('error', reject);
          server.on('error', (error) => log.error({ err: error, ...address }, 'a listener failed'));
          resolve();
        });
      });
      const bound = server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
      servers.set(keyOf(address), server);
      return port;
    },
    async unlisten(address) {
      const key = keyOf(address);
      servers.get(key)?.close();
      servers.delete(key);
    },
    close() {
      isClosed = true;
      for (const server of servers.values()) server.close();
      servers.clear();
    },
  };
}

const FULL = {
  condition: 'policy-violation',
  text: 'Too many connections from your address.',
} as const;
const DOWN = { condition: 'system-shutdown', text: 'The server is going down.' } as const;

/** Tells one connection too many why, where it can be said in clear, and closes. */
function refuse(
  socket: Socket,
  contentNs: ContentNs,
  isTlsFirst: boolean,
  why: typeof FULL | typeof DOWN,
): void {
  socket.on('error', () => {});
  if (isTlsFirst) return void socket.destroy();
  const header = headerText({ id: randomId(), from: '', to: undefined }, contentNs);
  socket.end(`${header}${streamErrorText(why)}</stream:stream>`);
  socket.destroySoon();
}
