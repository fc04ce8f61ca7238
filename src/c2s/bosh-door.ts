/** The door of BOSH (XEP-0124 §5): HTTP requests, of which each goes to its session. */

import type { Socket } from 'node:net';
import { type Context, Hono } from 'hono';
import type { Limits } from '../config/schema.ts';
import type { Client, ClientOf, HttpEnv } from '../http/client.ts';
import type { MayCome } from '../http/origins.ts';
import { whenOver } from '../http/sent.ts';
import { type Domain, parseDomain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { fullLimits } from '../stream/xml-limits.ts';
import {
  type BoshBody,
  type BoshCondition,
  type BoshOpening,
  type BoshReply,
  readBody,
  readBodyTag,
  terminal,
} from './bosh-body.ts';
import { BoshSession } from './bosh-session.ts';
import type { Exchange } from './bosh-slot.ts';
import type { BoshStream } from './bosh-stream.ts';

/** What the `<body/>` itself may have beside the largest stanza, in bytes. */
const WRAPPER_BYTES = 4096;
/** Sessions whose stream is over and whose client does not know yet; the oldest go first. */
const ENDED_MOST = 1000;

/** What the door needs. */
export interface BoshDoorOptions {
  readonly clock: Clock;
  readonly clientOf: ClientOf;
  readonly mayCome: MayCome;
  limits(): Limits;
  isServed(domain: Domain): boolean;
  /** Counts a session; undefined when there are too many from the address. */
  admit(address: string): (() => void) | undefined;
  /** Takes a client's stream; `closed` is called when it is over. */
  accept(stream: BoshStream, client: Client, socket: Socket | undefined, closed: () => void): void;
}

/** The door. */
export interface BoshDoor {
  readonly app: Hono<HttpEnv>;
  /** Lets no new session in. */
  close(): void;
}

interface Guest {
  readonly session: BoshSession;
  /** Whether its requests must come by TLS (§19.1). */
  readonly isSecure: boolean;
}

/** Makes the door. */
export function createBoshDoor(options: BoshDoorOptions): BoshDoor {
  const { clock, clientOf, mayCome, limits } = options;
  const guests = new Map<string, Guest>();
  /** Those whose stream is over, the oldest first. */
  const ended = new Set<string>();
  let isClosed = false;

  const open = (
    c: Context<HttpEnv>,
    body: BoshBody,
    opening: BoshOpening,
    client: Client,
  ): BoshSession | BoshCondition => {
    if (isClosed) return 'system-shutdown';
    if (body.to === undefined || body.to === '') return 'improper-addressing';
    const domain = parseDomain(body.to);
    if (!domain.ok || !options.isServed(domain.value)) return 'host-unknown';
    const closed = options.admit(client.address);
    if (closed === undefined) return 'policy-violation';
    const session = new BoshSession({
      ...{ clock, opening, body },
      intakeBytes: limits().sendQueueBytes,
      onOver() {
        guests.delete(session.sid);
        ended.delete(session.sid);
      },
    });
    guests.set(session.sid, { session, isSecure: client.isSecure });
    options.accept(session.stream, client, c.env?.incoming.socket, () => {
      closed();
      if (!guests.has(session.sid)) return;
      ended.add(session.sid);
      const [oldest] = ended;
      if (ended.size > ENDED_MOST && oldest !== undefined) {
        ended.delete(oldest);
        guests.delete(oldest);
      }
    });
    return session;
  };

  const post = async (c: Context<HttpEnv>): Promise<Response> => {
    const client = clientOf(c);
    if (!client.isSecure && !client.isLocal) return c.body(null, 403);
    const { stanzaBytes, depth, attributes } = limits();
    const most = stanzaBytes + WRAPPER_BYTES;
    // §7.2: we name no encodings in `accept`.
    if (c.req.header('content-encoding') !== undefined) return respond(c, terminal('bad-request'));
    const source = await sourceOf(c, most).catch(() => undefined);
    if (source === undefined) return c.body(null, 400); // it broke off
    const xmlLimits = fullLimits({ depth: depth + 1, attributes }, most);
    const read = (source.isWhole ? readBody : readBodyTag)(source.bytes, xmlLimits);
    if (read === undefined) return respond(c, terminal('bad-request'));
    const { body, opening } = read;
    if (opening === undefined) {
      const guest = guests.get(body.sid ?? '');
      if (guest === undefined) return respond(c, terminal('item-not-found'));
      if (guest.isSecure && !client.isSecure) {
        c.env.outgoing.destroy(); // §19.1: the session goes on
        return c.body(null, 403);
      }
      const { session } = guest;
      return answered(c, session.content, (exchange) =>
        source.isWhole ? session.take(body, exchange) : session.refuse(exchange),
      );
    }
    if (!source.isWhole)
      return respond(c, terminal('policy-violation', opening.ver === undefined), opening.content);
    const session = open(c, body, opening, client);
    if (typeof session === 'string')
      return respond(c, terminal(session, opening.ver === undefined), opening.content);
    return answered(c, session.content, (exchange) => session.open(exchange));
  };

  const app = new Hono<HttpEnv>();
  app.use('/', async (c, next) => {
    const origin = c.req.header('origin');
    if (!mayCome(origin, c.req.header('host'))) return c.body(null, 403);
    await next();
    for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
    c.header('Access-Control-Allow-Origin', origin ?? '*');
    c.header('Vary', 'Origin');
    return undefined;
  });
  app.options('/', (c) => c.body(null, 204, PREFLIGHT));
  app.post('/', post);
  app.all('/', (c) => c.body(null, 405, { Allow: 'OPTIONS, POST' }));
  return {
    app,
    close() {
      isClosed = true;
    },
  };
}

/** What came of a request's body. */
interface Source {
  readonly bytes: Buffer;
  /** False where it is larger than it may be: then it is the beginning. */
  readonly isWhole: boolean;
}

/** Reads a body that may have so many bytes; of one that is larger as much as its tag takes. */
async function sourceOf(c: Context<HttpEnv>, most: number): Promise<Source> {
  const announced = c.req.header('content-length');
  if (announced !== undefined && Number(announced) <= most)
    return { bytes: Buffer.from(await c.req.arrayBuffer()), isWhole: true };
  const { body } = c.req.raw;
  const chunks: Uint8Array[] = [];
  if (body === null) return { bytes: Buffer.concat(chunks), isWhole: true };
  const enough = announced === undefined ? most : WRAPPER_BYTES;
  const reader = body.getReader();
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return { bytes: Buffer.concat(chunks), isWhole: true };
    chunks.push(value);
    size += value.length;
    if (size > enough) break;
  }
  void passOver(reader);
  return { bytes: Buffer.concat(chunks).subarray(0, WRAPPER_BYTES), isWhole: false };
}

/** Lets the rest go by, so that the client reads the answer; the server ends what takes too long. */
async function passOver(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch {
    // Its connection ended.
  }
}

/** Waits for a session to answer a request. */
function answered(
  c: Context<HttpEnv>,
  content: string,
  take: (exchange: Exchange) => void,
): Promise<Response> {
  return new Promise((resolve) => {
    take({
      answer: (reply) => resolve(respond(c, reply, content)),
      onGone(task) {
        whenOver(c.env, (isSent) => {
          if (!isSent) task();
          resolve(c.body(null, 408)); // nobody reads it
        });
      },
    });
  });
}

function respond(c: Context<HttpEnv>, reply: BoshReply, content = 'text/xml; charset=utf-8') {
  return c.body(reply.text, reply.status, { 'Content-Type': content });
}

/** A client may want any Content-Type (§7.1): a browser that was led here is to make nothing of it. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'cross-origin',
} as const;

const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'OPTIONS, POST',
  'Access-Control-Allow-Headers': 'Content-Type',
  'Access-Control-Max-Age': '7200',
} as const;
