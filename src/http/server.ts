/**
 * The one HTTP server, on which others mount: any number of TCP interfaces that serve one root app,
 * and unix sockets that serve an app of their own.
 */
import { chmod, lstat, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { createAdaptorServer } from '@hono/node-server';
import type { Env, Hono } from 'hono';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { HttpEnv } from './client.ts';
import { ListenError, listenError } from './listen-error.ts';
import { createShell } from './shell.ts';

/** Limits against clients that are greedy or slow. */
export interface HttpLimits {
  /** The most bytes of a request's headers. */
  readonly headerBytes: number;
  /** Within so many ms the headers of a request must be there. */
  readonly headersTimeoutMs: number;
  /** Within so many ms a whole request must be there. */
  readonly requestTimeoutMs: number;
  /** An idle connection is kept open for so many ms. */
  readonly keepAliveMs: number;
  /** The most bytes of a request's body. */
  readonly bodyBytes: number;
  /** The most connections of one listener. */
  readonly connections: number;
}

/** The limits that hold where the maker of the server states none. */
export const DEFAULT_LIMITS: HttpLimits = {
  headerBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveMs: 10_000,
  bodyBytes: 1024 * 1024,
  connections: 2000,
};

/** What {@link createHttpServer} needs. */
export interface HttpServerOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly limits?: Partial<HttpLimits>;
}

/** Where to listen. */
export interface ListenOptions {
  /** An address of this machine; undefined is all of them. */
  readonly host?: string | undefined;
  /** 0 takes any free port. */
  readonly port: number;
  /** HTTPS instead of HTTP, with these options (`SNICallback`, `key`, `cert` …). */
  readonly tls?: TlsOptions;
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
  /** Mounts an app under a path; only before the first request. */
  mount<E extends Env>(path: string, app: Hono<E>): void;
  /**
   * Hands requests for an upgrade at a path of the TCP listeners to whoever takes them; at all other
   * paths they are refused. What was upgraded is its taker's to end.
   */
  upgrade(path: string, take: TakeUpgrade): void;
  /** Opens a TCP listener; rejects with a {@link ListenError}. */
  listen(options: ListenOptions): Promise<Listening>;
  /**
   * Opens a unix socket that only the owner may use (mode 0600) and that serves an app of its own.
   * A socket that was left behind is replaced, but only when nobody answers on it.
   */
  listenSocket<E extends Env>(path: string, app: Hono<E>): Promise<void>;
  /** Takes no new requests, lets running ones finish for `graceMs`, then ends them. */
  close(graceMs?: number): Promise<void>;
}

/** Takes a connection that a client wants to use for something else than HTTP. */
export type TakeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const CLOSE_GRACE_MS = 2000;
const OWNER_ONLY = 0o600;

/** Makes the server; nothing is open until `listen`. */
export function createHttpServer({ log, clock, limits: own = {} }: HttpServerOptions): HttpServer {
  const limits = { ...DEFAULT_LIMITS, ...own };
  const app = createShell({ log, bodyBytes: limits.bodyBytes });
  const servers = new Set<Server>();
  const closing = new AbortController();
  const upgrades = new Map<string, TakeUpgrade>();

  const onUpgrade: TakeUpgrade = (request, socket, head) => {
    const [path = ''] = (request.url ?? '').split('?');
    const take = upgrades.get(path);
    if (take !== undefined) {
      take(request, socket, head);
      return;
    }
    socket.on('error', () => {});
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  };

  const prepare = (served: Hono<HttpEnv>, tls?: TlsOptions): Server => {
    const timing = {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      // How often Node looks for slow clients.
      connectionsCheckingInterval: Math.max(50, Math.min(5000, limits.headersTimeoutMs / 2)),
    };
    const server = createAdaptorServer({
      fetch: served.fetch,
      ...(tls === undefined
        ? { createServer, serverOptions: timing }
        : { createServer: createTlsServer, serverOptions: { ...timing, ...tls } }),
    });
    // createAdaptorServer makes what the `createServer` it was given makes.
    const made = server as Server;
    made.maxConnections = limits.connections;
    return made;
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
    for (const server of closed) servers.delete(server);
    const timer = clock.after(graceMs, () => {
      for (const server of closed) server.closeAllConnections();
    });
    await Promise.all(closed.map(stop));
    timer.cancel();
  };

  return {
    app,
    closing: closing.signal,
    mount: (path, mounted) => void app.route(path, mounted),
    upgrade: (path, take) => void upgrades.set(path, take),
    async listen({ host, port, tls }) {
      const server = prepare(app, tls);
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
    async listenSocket(path, served) {
      await removeStale(path);
      const shell = createShell({ log, bodyBytes: limits.bodyBytes });
      shell.route('/', served);
      const server = prepare(shell);
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
      await shut([...servers], graceMs);
    },
  };
}

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
