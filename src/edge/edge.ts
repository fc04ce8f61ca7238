/**
 * One port for all: clients, other servers and browsers come to the same one, and each connection goes to the
 * side that it is for. TLS itself says by its ALPN (XEP-0368, RFC 7301) what it is for, before it begins, so
 * that each side puts on its own TLS as at its own port; where it does not say so, it is begun here, and the
 * first bytes inside it tell. In clear there are only streams that begin TLS later, and HTTP, which is sent
 * on to HTTPS.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { EdgeService } from '../config/schema.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import { type Found, peek } from '../kit/peek.ts';
import type { ProxyGate } from '../kit/proxy-gate.ts';
import { networkOf, remoteOf, sameRemote } from '../kit/remote.ts';
import type { Way } from '../stream/ports.ts';
import { type Inside, recognise, recogniseInside } from './recognise.ts';

/** What connections are handed to. */
export interface EdgeTargets {
  c2s(socket: Socket, way: Way): void;
  s2s(socket: Socket, way: Way): void;
  https(socket: Socket, way: Exclude<Way, 'starttls'>): void;
}

/** What the edge needs. */
export interface EdgeOptions extends EdgeTargets {
  readonly clock: Clock;
  readonly log: Logger;
  /** By which connections come that proxies speak for. */
  readonly gate: ProxyGate;
  /** The options of TLS that is begun here. */
  tls(): TLSSocketOptions;
  /** Whether it is served at this port now. */
  serves(service: EdgeService): boolean;
  /** Where HTTP in clear is sent on to, by the value of its `Host`; undefined if that is not one of ours. */
  homeOf(host: string): string | undefined;
}

/** The port. */
export interface Edge {
  /**
   * Opens it; `host` undefined is all interfaces.
   * @throws the system's error
   */
  listen(at: { readonly host: string | undefined; readonly port: number }): Promise<{
    readonly port: number;
    close(): Promise<void>;
  }>;
}

/** Within so many ms it must be known what a connection is for. */
const WITHIN_MS = 10_000;
/** A ClientHello with keys against quantum computers has two kilobytes; a stream's header less. */
const MOST_BYTES = 16 * 1024;
/** Connections of which it is not known yet, of all and of one address. */
const UNKNOWN_MOST = 2000;
const UNKNOWN_OF_ADDRESS = 100;
const BACKLOG = 1024;

const SERVICES: Readonly<Record<string, EdgeService>> = {
  'xmpp-client': 'c2s',
  'xmpp-server': 's2s',
  'http/1.1': 'https',
  h2: 'https',
};

/** Makes the edge, with no port open. */
export function createEdge(options: EdgeOptions): Edge {
  const { clock, log } = options;
  const unknown = new Map<string, number>();
  let unknownTotal = 0;

  const look = <T>(socket: Socket, judge: (bytes: Buffer) => Found<T> | 'more' | undefined) =>
    peek(socket, { clock, withinMs: WITHIN_MS, most: MOST_BYTES, judge });

  const take = async (socket: Socket) => {
    const remote = remoteOf(socket) ?? 'unknown';
    const from = networkOf(remote);
    const held = unknown.get(from) ?? 0;
    if (unknownTotal >= UNKNOWN_MOST || held >= UNKNOWN_OF_ADDRESS) {
      log.warn({ remote }, 'too many connections of which nothing is known yet');
      socket.destroy();
      return;
    }
    unknownTotal += 1;
    unknown.set(from, held + 1);
    try {
      await handOn(socket);
    } finally {
      unknownTotal -= 1;
      const left = (unknown.get(from) ?? 1) - 1;
      if (left === 0) unknown.delete(from);
      else unknown.set(from, left);
    }
  };

  const handOn = async (socket: Socket): Promise<void> => {
    const found = await look(socket, recognise);
    if (found === undefined) return;
    if (found.kind === 'http') return redirect(socket);
    if (found.kind !== 'tls') return give(found.kind, socket, 'starttls');
    const named = found.alpn.flatMap((name) => SERVICES[name] ?? [])[0];
    if (named !== undefined) return give(named, socket, 'tls');
    // RFC 7301 §3.2: protocols of which we know none are refused, which the side of HTTPS does.
    if (found.alpn.length > 0) return give('https', socket, 'tls');
    const secured = await secure(socket);
    const inside = secured && (await look<Inside>(secured, recogniseInside));
    if (secured === undefined || inside === undefined) return;
    give(inside === 'http' ? 'https' : inside, secured, 'secured');
  };

  const give = (service: EdgeService, socket: Socket, way: Way) => {
    if (!options.serves(service)) {
      log.debug({ service, remote: remoteOf(socket) }, 'not served at this port');
      socket.destroy();
      return;
    }
    if (service !== 'https') options[service](socket, way);
    else if (way !== 'starttls') options.https(socket, way);
    if (way !== 'tls') process.nextTick(() => socket.resume());
  };

  /** Begins TLS; undefined if it does not come about. */
  const secure = (socket: Socket): Promise<TLSSocket | undefined> =>
    new Promise((resolve) => {
      const over = new TLSSocket(socket, { ...options.tls(), isServer: true });
      sameRemote(over, socket);
      const timer = clock.after(WITHIN_MS, () => socket.destroy());
      over.once('secure', () => {
        timer.cancel();
        resolve(over);
      });
      over.on('error', () => socket.destroy());
      socket.once('close', () => {
        timer.cancel();
        resolve(undefined);
      });
    });

  /** Sends HTTP in clear on to HTTPS (RFC 9110 §15.4.9). */
  const redirect = async (socket: Socket): Promise<void> => {
    const head = await look(socket, (bytes) => {
      const text = bytes.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      return end === -1 ? 'more' : { value: text.slice(0, end) };
    });
    if (head === undefined) return;
    const [, path] = /^[A-Z]+ (\/[\x21-\x7e]*) HTTP\/1\.[01]\r\n/.exec(`${head}\r\n`) ?? [];
    const [, host = ''] = /\r\nhost:[ \t]*([^\r\n]*)/i.exec(head) ?? [];
    const home = options.serves('https') ? options.homeOf(host.trim()) : undefined;
    const status =
      path === undefined || home === undefined
        ? 'HTTP/1.1 400 Bad Request'
        : `HTTP/1.1 308 Permanent Redirect\r\nLocation: ${home}${path}`;
    socket.resume();
    socket.end(`${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.destroySoon();
  };

  return {
    async listen({ host, port }) {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        options.gate(socket, () => {
          take(socket).catch((error: unknown) => {
            log.error({ err: error }, 'a connection could not be handed on');
            socket.destroy();
          });
        });
      });
      await opened(server, { host, port, backlog: BACKLOG });
      server.on('error', (error) => log.error({ err: error, host, port }, 'a listener failed'));
      const bound = server.address();
      return {
        port: typeof bound === 'object' && bound !== null ? bound.port : port,
        // Connections go on with their sides.
        close: async () => void server.close(),
      };
    },
  };
}

function opened(server: Server, at: Parameters<Server['listen']>[0]): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
