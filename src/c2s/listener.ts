/** The ports on which clients connect, and the limits that hold before a byte is read. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Timer } from '../kit/clock.ts';
import { randomId } from '../kit/ids.ts';
import { Flusher } from '../kit/outbox.ts';
import { streamErrorText } from '../stream/error.ts';
import { headerText } from '../stream/header.ts';
import { Connection } from './connection.ts';
import type { C2sServices } from './services.ts';

/** How often connections are looked at for silence. */
const SWEEP_MS = 5000;
/** How long a shutdown waits for clients to close. */
const SHUTDOWN_MS = 4000;
/** Connections the kernel keeps for us while we are busy; a restart brings everybody at once. */
const BACKLOG = 1024;

/** Whether TLS comes first, or by STARTTLS. */
export type C2sKind = 'c2s' | 'c2s_tls';

/** Where to listen; `host` undefined is all interfaces, IPv6 and IPv4. */
export interface C2sAddress {
  readonly kind: C2sKind;
  readonly host: string | undefined;
  readonly port: number;
}

/** The client side: listeners that can be opened and closed while others go on. */
export interface C2sSide {
  /**
   * Opens a port.
   * @returns the port (of use when 0 was asked for)
   * @throws the system's error (`EADDRINUSE`, `EACCES` …)
   */
  listen(address: C2sAddress): Promise<number>;
  /** Closes a port; its connections go on. */
  unlisten(address: C2sAddress): Promise<void>;
  /** Closes all ports and ends all streams with system-shutdown; resolves when they are gone. */
  close(): Promise<void>;
}

/** Makes the client side, with no port open yet. */
export function createC2s(services: C2sServices): C2sSide {
  const { metrics, log, clock } = services;
  const flusher = new Flusher();
  const servers = new Map<string, Server>();
  const connections = new Set<Connection>();
  const perAddress = new Map<string, number>();
  const keyOf = ({ kind, host, port }: C2sAddress) => `${kind} ${host ?? '*'} ${port}`;
  const sweep: Timer = clock.every(SWEEP_MS, () => {
    const now = clock.now();
    let waiting = 0;
    for (const connection of connections) {
      connection.checkIdle(now);
      waiting += connection.waiting;
    }
    metrics.sendQueueBytes.set(waiting);
  });

  const accept = (socket: Socket, kind: C2sKind) => {
    const remote = addressOf(socket);
    const held = perAddress.get(remote) ?? 0;
    if (held >= services.limits().connectionsPerAddress) {
      metrics.connectionsTotal.inc({ kind, outcome: 'refused' });
      log.warn({ remote, held }, 'too many connections from one address');
      return refuse(socket, kind);
    }
    perAddress.set(remote, held + 1);
    metrics.connectionsTotal.inc({ kind, outcome: 'accepted' });
    metrics.connections.inc({ kind });
    const connection = new Connection({
      socket,
      isDirectTls: kind === 'c2s_tls',
      services,
      flusher,
      remote,
      onClosed() {
        connections.delete(connection);
        metrics.connections.dec({ kind });
        const left = (perAddress.get(remote) ?? 1) - 1;
        if (left === 0) perAddress.delete(remote);
        else perAddress.set(remote, left);
      },
    });
    connections.add(connection);
  };

  return {
    async listen(address) {
      const server = createServer({ allowHalfOpen: true }, (socket) =>
        accept(socket, address.kind),
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
    async close() {
      sweep.cancel();
      for (const server of servers.values()) server.close();
      servers.clear();
      const gone = [...connections].map((connection) => {
        connection.end({ condition: 'system-shutdown', text: 'The server is going down.' });
        return connection.closed();
      });
      const deadline = new Promise((resolve) => setTimeout(resolve, SHUTDOWN_MS).unref());
      await Promise.race([Promise.all(gone), deadline]);
    },
  };
}

/** The client's address; an IPv4 client on an IPv6 socket is named by its IPv4 address. */
function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
}

/** Tells one connection too many why, where it can be said in clear, and closes. */
function refuse(socket: Socket, kind: C2sKind): void {
  socket.on('error', () => {});
  if (kind === 'c2s_tls') return void socket.destroy();
  const text = 'Too many connections from your address.';
  const header = headerText({ id: randomId(), from: '', to: undefined });
  socket.end(
    `${header}${streamErrorText({ condition: 'policy-violation', text })}</stream:stream>`,
  );
  socket.destroySoon();
}
