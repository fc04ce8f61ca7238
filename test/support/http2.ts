/** A client of HTTP/2: requests over one connection, and frames as they are. */
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { within } from './client.ts';
import { HOST } from './server.ts';

/** An answer. */
export interface Http2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
}

/** Where to connect. */
export interface Http2Place {
  readonly port: number;
  readonly servername?: string;
  /** The address to come from, and what comes before TLS. */
  readonly from?: string;
  readonly preface?: string | Buffer;
  /** Whether it stays when the server ends it. */
  readonly stays?: boolean;
}

/** Connects by TLS that agrees on HTTP/2. */
export async function securedForHttp2(place: Http2Place): Promise<TLSSocket> {
  const { port, servername = 'localhost', from, preface, stays = false } = place;
  const local = from === undefined ? {} : { localAddress: from };
  const under: Socket = connectTcp({ host: HOST, port, allowHalfOpen: stays, ...local });
  await within(once(under, 'connect'), 'connecting');
  if (preface !== undefined) under.write(preface);
  const tls = {
    servername,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    allowHalfOpen: stays,
  };
  const socket = connectTls({ socket: under, ...tls });
  socket.on('error', () => {}); // a reset is an end, too
  await within(once(socket, 'secureConnect'), 'TLS');
  return socket;
}

/** A connection. */
export class Http2Client {
  readonly session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #authority: string;

  constructor(session: ClientHttp2Session, socket: Socket, authority: string) {
    this.session = session;
    this.#socket = socket;
    this.#authority = authority;
  }

  /** Connects. */
  static async connect(place: Http2Place): Promise<Http2Client> {
    const { port, servername = 'localhost' } = place;
    const socket = await securedForHttp2(place);
    const authority = `${servername}:${port}`;
    const session = connect(`https://${authority}`, { createConnection: () => socket });
    session.on('error', () => {});
    await within(once(session, 'remoteSettings'), 'SETTINGS');
    return new Http2Client(session, socket, authority);
  }

  /** Begins a request whose body may follow. */
  begin(headers: OutgoingHttpHeaders, endStream: boolean): ClientHttp2Stream {
    const named = 'host' in headers ? {} : { ':authority': this.#authority };
    const stream = this.session.request({ ...named, ...headers }, { endStream });
    stream.on('error', () => {});
    return stream;
  }

  /** Asks, and reads the answer. */
  async ask(
    path: string,
    headers: OutgoingHttpHeaders = {},
    body?: string | Buffer,
  ): Promise<Http2Answer> {
    const stream = this.begin({ ':path': path, ...headers }, body === undefined);
    if (body !== undefined) stream.end(body);
    return answerTo(stream);
  }

  /** Closes the connection in the middle of whatever goes on, with no word in HTTP/2. */
  leave(): void {
    this.#socket.destroy();
  }

  destroy(): void {
    this.session.destroy();
  }
}

/** Reads the answer to a request; the status is 0 if there is none. */
export async function answerTo(stream: ClientHttp2Stream): Promise<Http2Answer> {
  let headers: Http2Answer['headers'] = {};
  stream.once('response', (came) => {
    headers = came;
  });
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  await within(new Promise((resolve) => stream.once('close', resolve)), 'an answer');
  const bytes = Buffer.concat(parts);
  return { status: Number(headers[':status'] ?? 0), headers, bytes, text: bytes.toString() };
}

/** What a client of HTTP/2 says first (RFC 9113 §3.4). */
export const CONNECTION_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** The types of frames (RFC 9113 §6). */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

/** A frame (RFC 9113 §4.1). */
export function frame(
  type: number,
  { flags = 0, stream = 0, payload = Buffer.alloc(0) } = {},
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The type and payload of each frame in what a server said. */
export function framesIn(bytes: Buffer): { readonly type: number; readonly payload: Buffer }[] {
  const found = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    const type = bytes.readUInt8(at + 3);
    found.push({ type, payload: bytes.subarray(at + 9, at + 9 + length) });
    at += 9 + length;
  }
  return found;
}
