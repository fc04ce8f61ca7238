/** The side of the clients: its ports and all its connections. */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Hono } from 'hono';
import type { Client, ClientOf, HttpEnv } from '../http/client.ts';
import type { MayCome } from '../http/origins.ts';
import type { TakeUpgrade } from '../http/server.ts';
import type { Timer } from '../kit/clock.ts';
import { Flusher } from '../kit/outbox.ts';
import { createPorts, type Ports, type Way } from '../stream/ports.ts';
import { type BoshDoor, createBoshDoor } from './bosh-door.ts';
import { Connection } from './connection.ts';
import type { ConnectionOptions, TlsBelow } from './connection-options.ts';
import { freezeAll, thawAll } from './handover.ts';
import type { C2sOptions, C2sServices } from './services.ts';
import { createSleepers } from './sleepers.ts';
import { createWebSocketDoor } from './web-socket.ts';

/** How often connections are looked at for silence. */
const SWEEP_MS = 5000;
/** How long a shutdown waits for clients to close. */
const SHUTDOWN_MS = 4000;
/** Whether TLS comes by STARTTLS, first, or is there already, as metrics name it. */
export type C2sKind = 'c2s' | 'c2s_tls' | 'c2s_secured';

/** The client side: listeners that can be opened and closed while others go on. */
export interface C2sSide extends Pick<Ports<C2sKind>, 'listen' | 'unlisten'> {
  /** Takes a client's connection that came by a port of somebody else. */
  take(socket: Socket, way: Way): void;
  /**
   * The way in by WebSocket, to be mounted on an HTTP server; `clientOf` tells who comes. In clear
   * only those of this machine may come.
   */
  webSockets(clientOf: (request: IncomingMessage) => Client, mayCome: MayCome): TakeUpgrade;
  /** The way in by BOSH (XEP-0124), to be mounted at its path; for the same clients. */
  bosh(clientOf: ClientOf, mayCome: MayCome): Hono<HttpEnv>;
  /** Takes up the sessions that the server put down when it ended; before any port is opened. */
  restore(): Promise<number>;
  /**
   * Closes all ports and ends all streams with system-shutdown; sessions that may be resumed sleep. Resolves
   * when all that is done.
   */
  close(): Promise<void>;
  /**
   * Writes down the sessions that sleep, once all has come to them that will, and what they sent to other
   * domains is handled: what comes later is lost, and what is handled later is sent twice.
   */
  freeze(): Promise<void>;
}

const WAYS = { c2s: 'starttls', c2s_tls: 'tls', c2s_secured: 'secured' } as const;
const KINDS = { starttls: 'c2s', tls: 'c2s_tls', secured: 'c2s_secured' } as const;

/** Makes the client side, with no port open yet. */
export function createC2s(options: C2sOptions): C2sSide {
  const { metrics, log, clock } = options;
  const sleepers = createSleepers(clock);
  const services: C2sServices = { ...options, sleepers };
  const flusher = new Flusher();
  const connections = new Set<Connection>();
  const doors: BoshDoor[] = [];
  /** HTTP goes on for a while: nobody may take up a session by it that is being written down. */
  let isClosing = false;
  const sweep: Timer = clock.every(SWEEP_MS, () => {
    const now = clock.monotonic();
    let waiting = 0;
    for (const connection of connections) {
      connection.checkIdle(now);
      waiting += connection.waiting;
    }
    metrics.sendQueueBytes.set(waiting);
    sleepers.expire();
  });

  const ports = createPorts<C2sKind>({
    contentNs: 'jabber:client',
    log,
    metrics,
    wayOf: (kind) => WAYS[kind],
    connectionsPerAddress: () => services.limits().connectionsPerAddress,
    gate: services.gate,
    accept: (socket, kind, remote, closed) => accept(socket, WAYS[kind], remote, closed),
  });

  const accept = (
    socket: Duplex,
    transport: ConnectionOptions['transport'],
    remote: string,
    closed: () => void,
    more: Pick<ConnectionOptions, 'below' | 'delivered' | 'loggedIn'> = {},
  ) => {
    const connection = new Connection({
      ...more,
      socket,
      transport,
      services,
      flusher,
      remote,
      onClosed() {
        connections.delete(connection);
        closed();
      },
    });
    connections.add(connection);
  };

  return {
    listen: ports.listen,
    unlisten: ports.unlisten,
    take: (socket, way) => ports.take(socket, KINDS[way]),
    webSockets: (clientOf, mayCome) =>
      createWebSocketDoor({
        maxBytes: () => services.limits().stanzaBytes,
        maxEarlyBytes: () => services.limits().stanzaBytesBeforeAuth,
        refusal(request) {
          if (isClosing) return 503;
          const { isSecure, isLocal } = clientOf(request);
          if (!mayCome(request.headers.origin, request.headers.host)) return 403;
          return isSecure || isLocal ? undefined : 403; // RFC 7395 §3.9: over TLS
        },
        accept(socket, request) {
          const { address, isSecure } = clientOf(request);
          const closed = ports.admit(address, 'c2s_websocket');
          if (closed === undefined) socket.destroy();
          else
            accept(socket, 'websocket', address, closed, {
              below: isSecure ? tlsBelow(request.socket) : undefined,
              loggedIn: () => socket.welcome(),
            });
        },
      }),
    bosh(clientOf, mayCome) {
      const door = createBoshDoor({
        clock,
        clientOf,
        mayCome,
        limits: services.limits,
        isServed: (domain) => services.hosts.get(domain) !== undefined,
        admit: (address) => ports.admit(address, 'c2s_bosh'),
        accept(stream, { address, isSecure }, socket, closed) {
          accept(stream, 'bosh', address, closed, {
            below: isSecure ? tlsBelow(socket) : undefined,
            delivered: () => stream.delivered,
          });
        },
      });
      doors.push(door);
      return door.app;
    },
    restore: () => thawAll(services.store, services),
    async close() {
      isClosing = true;
      sweep.cancel();
      ports.close();
      for (const door of doors) door.close();
      const gone = [...connections].map((connection) => connection.shutdown());
      const deadline = new Promise((resolve) => setTimeout(resolve, SHUTDOWN_MS).unref());
      await Promise.race([Promise.all(gone), deadline]);
    },
    freeze: () => freezeAll(services.store, services),
  };
}

/** The TLS that a request came by: to us, or to a proxy, of which no more is known. */
function tlsBelow(socket: Socket | undefined): TlsBelow {
  if (!(socket instanceof TLSSocket)) return { protocol: 'TLS', cipher: undefined };
  return { protocol: socket.getProtocol() ?? 'TLS', cipher: socket.getCipher().name };
}
