/**
 * The one HTTP server, on which others mount: any number of TCP interfaces that serve one root app,
 * and unix sockets that serve an app of their own.
 */
import { chmod, lstat, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocketOptions } from 'node:tls';
import { createAdaptorServer } from '@hono/node-server';
import type { Env, Hono } from 'hono';
import type { Clock } from '../kit/clock.ts';
import { deferred } from '../kit/deferred.ts';
import type { Logger } from '../kit/log.ts';
import { noProxies, type ProxyGate, resumeSoon } from '../kit/proxy-gate.ts';
import { networkOf, remoteOf } from '../kit/remote.ts';
import type { HttpEnv } from './client.ts';
import { createHttp2, type Http2 } from './http2.ts';
import { DEFAULT_LIMITS, type HttpLimits } from './limits.ts';
import { ListenError, listenError } from './listen-error.ts';
import { watchReaders } from './readers.ts';
import { secure } from './secure.ts';
import { createShell } from './shell.ts';
import { refuseUpgrade } from './upgrade.ts';

/** What {@link createHttpServer} needs. */
export interface HttpServerOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly limits?: Partial<HttpLimits>;
  /** Whether an address is that of a proxy, behind which many people are, or of this machine. */
  isProxy?(address: string): boolean;
  /** By which connections come that proxies speak for; not by the doors, whose givers have one. */
  readonly gate?: ProxyGate;
}

/** Where to listen. */
export interface ListenOptions {
  /** An address of this machine; undefined is all of them. */
  readonly host?: string | undefined;
  /** 0 takes any free port. */
  readonly port: number;
  /** HTTPS instead of HTTP. */
  readonly https?: HttpsOptions;
}

/** How HTTPS is served. */
export interface HttpsOptions {
  /** The options of the next connection (`SNICallback`, `secureContext` …). */
  tls(): TLSSocketOptions;
  /** For how many ms browsers are to come by HTTPS only (RFC 6797 §6.1); 0 is not said. */
  readonly hstsMs: number;
}

/** What stands before a server that serves HTTPS. */
interface Secured {
  readonly http2: Http2;
  endHandshakes(): void;
}

/** A TCP listener that is open. */
export interface Listening {
  readonly address: string;
  readonly port: number;
  /** Closes this one alone, as {@link HttpServer.close} does all. */
  close(graceMs?: number): Promise<void>;
}

/** The HTTP server. */
export interface HttpServer {
  /** The root app, which all TCP listeners serve. */
  readonly app: Hono<HttpEnv>;
  /** Ends what streams without an end (a watch) when the server closes. */
  readonly closing: AbortSignal;
  /**
   * Mounts an app under a path; only before the first request.
   * @param ownBodies a path below which the app itself bounds bodies
   * @param bounds what of them it bounds
   */
  mount<E extends Env>(path: string, app: Hono<E>, ownBodies?: string, bounds?: Bounds): void;
  /**
   * Hands requests for an upgrade at a path of the TCP listeners to whoever takes them; at all other
   * paths they are refused. What was upgraded is its taker's to end.
   */
  upgrade(path: string, take: TakeUpgrade): void;
  /** Opens a TCP listener; rejects with a {@link ListenError}. */
  listen(options: ListenOptions): Promise<Listening>;
  /**
   * A way in for connections that came by a port of somebody else: `take` gives one to HTTPS before its TLS
   * (`tls`), or with its TLS in place (`secured`).
   */
  door(https: HttpsOptions): { take(socket: Socket, way: 'tls' | 'secured'): void };
  /**
   * Opens a unix socket that only the owner may use (mode 0600) and that serves an app of its own.
   * A socket that was left behind is replaced, but only when nobody answers on it.
   * @param ownBodies a path below which the app itself bounds bodies
   */
  listenSocket<E extends Env>(path: string, app: Hono<E>, ownBodies?: string): Promise<void>;
  /** Takes no new requests, lets running ones finish for `graceMs`, then ends them. */
  close(graceMs?: number): Promise<void>;
}

/** What of bodies an app bounds itself; the rest is bounded for it. */
type Bounds = 'size' | 'size and time';

/** Takes a connection that a client wants to use for something else than HTTP. */
export type TakeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const CLOSE_GRACE_MS = 2000;
const OWNER_ONLY = 0o600;
/** How long a client that was answered before it had sent all may go on, so that it reads the answer. */
const LINGER_MS = 2000;
/** What makes a path another one than it looks. */
const CLIMBING = /\/\.\.?(?:[/?#]|$)|%2e/i;

/** Makes the server; nothing is open until `listen`. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { log, clock, gate = noProxies } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const ownSizes = new Set<string>();
  const ownTimes = new Set<string>();
  const isBelow = (paths: ReadonlySet<string>, path: string) =>
    [...paths].some((below) => path.startsWith(below));
  const hasOwnBodies = (path: string) => isBelow(ownSizes, path);
  /** Whether whoever serves this bounds the time of bodies. */
  const isPatient = (url: string) => isBelow(ownTimes, url) && !CLIMBING.test(url);
  const app = createShell({ log, bodyBytes: limits.bodyBytes, hasOwnBodies });
  const servers = new Set<Server>();
  const secured = new Map<Server, Secured>();
  /** Servers that listen nowhere, and are given connections. */
  const doors = new Set<Server>();
  const closing = new AbortController();
  const upgrades = new Map<string, TakeUpgrade>();
  const readers = watchReaders(clock);

  const onUpgrade: TakeUpgrade = (request, socket, head) => {
    const [path = ''] = (request.url ?? '').split('?');
    const take = upgrades.get(path);
    if (take !== undefined) {
      take(request, socket, head);
      return;
    }
    refuseUpgrade(socket, 404);
  };

  /** Ends what takes too long to come, as Node does where all paths have the same limit. */
  const watchRequest = (
    request: IncomingMessage,
    response: ServerResponse,
    isSlow: (url: string) => boolean,
  ) => {
    const { socket, url = '' } = request;
    const end = () => {
      if (request.complete) return;
      if (!response.headersSent)
        socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
      socket.destroySoon();
    };
    const timer = isSlow(url) ? undefined : clock.after(limits.requestTimeoutMs, end);
    response.once('close', () => {
      timer?.cancel();
      // It is answered, so that nobody waits for the rest of it.
      if (!request.complete) clock.after(LINGER_MS, end);
    });
  };

  const perAddress = new Map<string, number>();
  /** Counts the connections of an address, and lets no more of it come than may. */
  const admit = (socket: Socket) => {
    const address = remoteOf(socket) ?? '';
    if (options.isProxy?.(address) === true) return;
    const key = networkOf(address);
    const held = (perAddress.get(key) ?? 0) + 1;
    perAddress.set(key, held);
    socket.once('close', () => {
      const left = (perAddress.get(key) ?? 1) - 1;
      if (left === 0) perAddress.delete(key);
      else perAddress.set(key, left);
    });
    if (held > limits.connectionsPerAddress) socket.destroy();
  };

  const prepare = (served: Hono<HttpEnv>, isSlow = isPatient): Server => {
    const timing = {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: 0, // see watchRequest
      keepAliveTimeout: limits.keepAliveMs,
      // How often Node looks for slow clients.
      connectionsCheckingInterval: Math.max(50, Math.min(5000, limits.headersTimeoutMs / 2)),
    };
    const server = createAdaptorServer({
      fetch: served.fetch,
      createServer,
      serverOptions: timing,
    });
    // createAdaptorServer makes what the `createServer` it was given makes.
    const made = server as Server;
    made.maxConnections = limits.connections;
    made.prependListener('request', (request, response) => watchRequest(request, response, isSlow));
    made.prependListener('request', (_, response) => readers.watch(response));
    return made;
  };

  const putTls = (server: Server, { tls, hstsMs }: HttpsOptions) => {
    const { headersTimeoutMs: handshakeMs } = limits;
    const hsts = hstsOf(hstsMs);
    const http2 = createHttp2({ app, clock, log, limits, hsts, isPatient });
    const endHandshakes = secure(server, { clock, log, handshakeMs, tls, http2: http2.take });
    secured.set(server, { http2, endHandshakes });
    putHsts(server, hsts);
  };

  /** Has connections pass the gate before anybody sees them. */
  const putGate = (server: Server) => {
    const take = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) =>
      gate(socket, () => {
        for (const listener of take) listener.call(server, socket);
        resumeSoon(socket);
      }),
    );
  };

  const putHsts = (server: Server, policy: string | undefined) => {
    if (policy === undefined) return;
    server.prependListener('request', (_: IncomingMessage, response: ServerResponse) => {
      response.setHeader('Strict-Transport-Security', policy);
    });
  };

  const open = (server: Server, where: string, start: () => void) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(where, error)));
      server.once('listening', () => {
        server.removeAllListeners('error');
        server.on('error', (error) => log.error({ err: error, where }, 'an HTTP listener failed'));
        servers.add(server);
        resolve();
      });
      start();
    });

  const shut = async (closed: readonly Server[], graceMs: number) => {
    for (const server of closed) {
      servers.delete(server);
      begin(server);
    }
    const over = deferred<void>();
    const timer = clock.after(graceMs, over.resolve);
    // Not for good: what was upgraded is its taker's to end, and may go on for days.
    await Promise.race([Promise.all(closed.map(stop)), over.promise]);
    timer.cancel();
    closed.forEach(end);
  };
  /** Begins to end a server's connections: what is not a request yet becomes none. */
  const begin = (server: Server) => {
    secured.get(server)?.endHandshakes();
    secured.get(server)?.http2.close();
    server.closeIdleConnections();
  };
  const end = (server: Server) => {
    secured.get(server)?.http2.destroy();
    server.closeAllConnections();
    secured.delete(server);
  };

  return {
    app,
    closing: closing.signal,
    mount(path, mounted, below, bounds = 'size and time') {
      if (below !== undefined) ownSizes.add(below);
      if (below !== undefined && bounds === 'size and time') ownTimes.add(below);
      app.route(path, mounted);
    },
    upgrade: (path, take) => void upgrades.set(path, take),
    async listen({ host, port, https }) {
      const server = prepare(app);
      if (https !== undefined) putTls(server, https);
      server.prependListener('connection', admit);
      putGate(server);
      server.on('upgrade', onUpgrade);
      const where = host?.includes(':') === true ? `[${host}]:${port}` : `${host ?? '*'}:${port}`;
      await open(
        server,
        where,
        () => void server.listen({ port, ...(host === undefined ? {} : { host }) }),
      );
      const bound = server.address();
      if (bound === null || typeof bound === 'string') throw new ListenError('unavailable', where);
      return {
        address: bound.address,
        port: bound.port,
        close: (graceMs = CLOSE_GRACE_MS) => shut([server], graceMs),
      };
    },
    door(https) {
      const servers = { tls: prepare(app), secured: prepare(app) };
      putTls(servers.tls, https);
      putHsts(servers.secured, hstsOf(https.hstsMs));
      for (const server of Object.values(servers)) {
        server.prependListener('connection', admit);
        server.on('upgrade', onUpgrade);
        doors.add(server);
      }
      let held = 0;
      return {
        take(socket, way) {
          if (held >= limits.connections) {
            socket.destroy();
            return;
          }
          held += 1;
          socket.once('close', () => (held -= 1));
          servers[way].emit('connection', socket);
        },
      };
    },
    async listenSocket(path, served, below) {
      await removeStale(path);
      const isBelow = (url: string) => below !== undefined && url.startsWith(below);
      const shell = createShell({ log, bodyBytes: limits.bodyBytes, hasOwnBodies: isBelow });
      shell.route('/', served);
      const server = prepare(shell, isBelow);
      await open(server, path, () => {
        // bind() happens inside listen(), so at no moment may others open the socket.
        const before = process.umask(0o777 & ~OWNER_ONLY);
        try {
          server.listen(path);
        } finally {
          process.umask(before);
        }
      });
      await chmod(path, OWNER_ONLY);
    },
    async close(graceMs = CLOSE_GRACE_MS) {
      closing.abort();
      for (const server of doors) begin(server);
      const timer = clock.after(graceMs, () => doors.forEach(end));
      await shut([...servers], graceMs);
      timer.cancel();
      doors.forEach(end);
      readers.stop();
    },
  };
}

/** The value of `Strict-Transport-Security` (RFC 6797 §6.1). */
const hstsOf = (ms: number) => (ms === 0 ? undefined : `max-age=${Math.floor(ms / 1000)}`);

const stop = (server: Server) =>
  new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });

/** Removes a socket on which nobody answers; anything else that is in the way stays. */
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new ListenError('in-use', path);
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    // Only a refusal proves that nobody is there.
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
  if (answers) throw new ListenError('in-use', path);
  await unlink(path);
}
