/**
 * HTTP/2 (RFC 9113) for connections whose TLS has agreed on it: the same apps as over HTTP/1.1, with the
 * limits that its own ways to be greedy ask for. WebSockets stay with HTTP/1.1, for which browsers open
 * another connection.
 */
import {
  constants,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Clock } from '../kit/clock.ts';
import { RateLimit } from '../kit/limits.ts';
import type { Logger } from '../kit/log.ts';
import { remoteOf, tellRemote } from '../kit/remote.ts';
import type { HttpEnv } from './client.ts';
import type { HttpLimits } from './limits.ts';
import { READERS_SWEEP_MS, readingDeadline } from './readers.ts';

/** What {@link createHttp2} needs. */
export interface Http2Options {
  readonly app: Hono<HttpEnv>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: HttpLimits;
  /** The value of `Strict-Transport-Security`, if it is said. */
  readonly hsts: string | undefined;
  /** Whether whoever serves this path bounds the time of its bodies. */
  isPatient(path: string): boolean;
}

/** The side of HTTP/2. */
export interface Http2 {
  /** Takes a connection whose TLS is in place. */
  take(socket: TLSSocket): void;
  /** Takes no new requests; connections end when those under way are answered. */
  close(): void;
  /** Ends all connections. */
  destroy(): void;
}

/** Requests of one connection at a time; RFC 9113 §6.5.2 wants no fewer than 100. */
const STREAMS_MOST = 100;
/** What a client may send before we have read it, of a request and of a connection (§6.9). */
const WINDOW_BYTES = 256 * 1024;
/** Requests that a client takes back before they are answered: a browser does when a page is left. */
const RESETS_AT_ONCE = 100;
const RESETS_PER_SECOND = 5;
/** Requests beyond what may be at a time, and frames that are wrong, before a connection ends. */
const REJECTED_MOST = 50;
const INVALID_FRAMES_MOST = 50;
const HEADER_PAIRS_MOST = 100;
/** What each header counts beside its name and value (§6.5.2). */
const HEADER_OVERHEAD_BYTES = 32;

/** Headers that are of a connection, and in no answer (§8.2.2). */
const OF_CONNECTIONS = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
] as const;

/** An answer under way. */
interface Exchange {
  readonly stream: ServerHttp2Stream;
  readonly response: Http2ServerResponse;
  /** When it must have been read; known once it is ready. */
  deadline: number | undefined;
}

/** Makes the side. */
export function createHttp2(options: Http2Options): Http2 {
  const { app, clock, log, limits, hsts } = options;
  const sessions = new Map<Http2Session, TLSSocket>();
  const exchanges = new Set<Exchange>();
  const server = createServer({
    maxHeaderListPairs: HEADER_PAIRS_MOST,
    maxSessionInvalidFrames: INVALID_FRAMES_MOST,
    maxSessionRejectedStreams: REJECTED_MOST,
    settings: {
      enablePush: false,
      initialWindowSize: WINDOW_BYTES,
      maxConcurrentStreams: STREAMS_MOST,
      maxHeaderListSize: limits.headerBytes,
    },
  });

  const begin = (session: ServerHttp2Session, socket: TLSSocket) => {
    sessions.set(session, socket);
    session.setLocalWindowSize(WINDOW_BYTES);
    const resets = new RateLimit<'resets'>(clock, {
      burst: RESETS_AT_ONCE,
      perSecond: RESETS_PER_SECOND,
      keys: 2,
    });
    // §6.5.3: until they are acknowledged, settings do not bind.
    const unsettled = clock.after(limits.headersTimeoutMs, () =>
      calm(session, 'its settings are not acknowledged'),
    );
    session.once('localSettings', () => unsettled.cancel());
    let open = 0;
    const rest = () =>
      clock.after(limits.keepAliveMs, () => {
        session.close();
        // It waits for the client to close, too.
        clock.after(limits.headersTimeoutMs, () => socket.destroy());
      });
    let idle = rest();
    session.on('stream', (stream) => {
      open += 1;
      idle.cancel();
      stream.once('close', () => {
        open -= 1;
        if (open === 0 && !session.destroyed) idle = rest();
        const isTakenBack = stream.rstCode !== constants.NGHTTP2_NO_ERROR;
        if (isTakenBack && !resets.take('resets')) calm(session, 'too many requests taken back');
      });
    });
    session.once('close', () => {
      sessions.delete(session);
      idle.cancel();
      unsettled.cancel();
    });
  };
  server.on('sessionError', (error, session) => {
    log.debug(
      { err: error, remote: remoteOf(sessions.get(session) ?? {}) },
      'an HTTP/2 connection failed',
    );
  });

  /** Ends a connection whose client takes too much. */
  const calm = (session: Http2Session, reason: string) => {
    if (!session.destroyed) session.destroy(new Error(reason), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  };

  const handle = getRequestListener(async (request, env) => {
    const { incoming } = env;
    // §8.3.1: `:authority` stands for `Host`.
    if ('authority' in incoming) request.headers.set('host', incoming.authority);
    const response = await app.fetch(request, env);
    for (const name of OF_CONNECTIONS) response.headers.delete(name);
    return response;
  });
  server.on('request', (request, response) => {
    const { stream } = request;
    const { session } = stream;
    const socket = session && sessions.get(session);
    if (socket === undefined) return; // it is over
    const address = remoteOf(socket);
    if (address !== undefined) tellRemote(request.socket, address);
    endWhatBreaksOff(request);
    const wrong = refusalOf(request, limits.headerBytes);
    if (wrong !== undefined) {
      refuse(stream, wrong);
      return;
    }
    if (hsts !== undefined) response.setHeader('Strict-Transport-Security', hsts);
    const exchange: Exchange = { stream, response, deadline: undefined };
    exchanges.add(exchange);
    const late = options.isPatient(request.url)
      ? undefined
      : clock.after(limits.requestTimeoutMs, () => {
          if (!isWhole(stream)) refuse(stream, 408);
        });
    stream.once('close', () => {
      late?.cancel();
      exchanges.delete(exchange);
    });
    Promise.resolve(handle(request, response)).catch((error: unknown) => {
      log.error({ err: error, path: request.url }, 'an answer could not be sent');
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    });
  });

  // The window of an answer is the client's: one that it never opens would keep the answer for good.
  const sweep = clock.every(READERS_SWEEP_MS, () => {
    const now = clock.monotonic();
    for (const exchange of exchanges) {
      const { stream, response } = exchange;
      if (!response.writableEnded) continue;
      exchange.deadline ??= readingDeadline(now, stream.writableLength);
      if (now > exchange.deadline) stream.close(constants.NGHTTP2_CANCEL);
    }
  });

  return {
    take(socket) {
      // Who has closed his side has left: with no window of his, nothing can be finished (RFC 9113 §6.9).
      socket.allowHalfOpen = false;
      server.once('session', (session) => begin(session, socket));
      server.emit('connection', socket);
    },
    close() {
      for (const session of sessions.keys()) session.close();
    },
    destroy() {
      sweep.cancel();
      for (const socket of sessions.values()) socket.destroy();
    },
  };
}

/** What is wrong with a request before anybody looks at it. */
function refusalOf(request: Http2ServerRequest, headerBytes: number): 400 | 431 | undefined {
  const { rawHeaders, headers, authority } = request;
  const bytes = rawHeaders.reduce((sum, text) => sum + text.length + HEADER_OVERHEAD_BYTES / 2, 0);
  if (bytes > headerBytes) return 431;
  // RFC 9113 §8.3.1: who names two hosts is malformed.
  const isTwo = headers.host !== undefined && headers.host !== headers[':authority'];
  if (headers[':authority'] !== undefined && isTwo) return 400;
  return authority === undefined || authority === '' ? 400 : undefined;
}

function refuse(stream: ServerHttp2Stream, status: 400 | 408 | 431): void {
  if (!stream.headersSent && !stream.destroyed)
    stream.respond({ ':status': status }, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR); // §8.1: what is still to come is not needed
}

/** Whether all of a request has come. */
function isWhole(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.state.remoteClose === 1;
}

/** Has a body that breaks off end with an error, as over HTTP/1.1. */
function endWhatBreaksOff(request: Http2ServerRequest): void {
  request.on('error', () => {}); // it need not have a reader
  request.once('aborted', () =>
    request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })),
  );
  // Node tells the end of the body first, and in the same turn that the stream was reset.
  const push = request.push.bind(request);
  request.push = (chunk, encoding) => {
    if (chunk !== null) return push(chunk, encoding);
    setImmediate(() => {
      if (!request.destroyed) push(null);
    });
    return false;
  };
}
