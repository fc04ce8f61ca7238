/** One question to one name server, over UDP or TCP. */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Clock } from '../kit/clock.ts';
import { decodeBody, decodeHead, type MessageBody, type MessageHead } from './dns-message.ts';
import type { DnsServer } from './dns-server.ts';

export type { DnsServer } from './dns-server.ts';

/** A question as it is sent, and what its answer must repeat. */
export interface Question {
  readonly id: number;
  /** Lower case. */
  readonly name: string;
  readonly type: number;
  readonly packet: Buffer;
}

/** What became of it. */
export type Exchange =
  | { readonly kind: 'message'; readonly head: MessageHead; readonly body: MessageBody }
  /** The answer did not fit: it is to be asked for over TCP. */
  | { readonly kind: 'truncated' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unreachable'; readonly code: string }
  | { readonly kind: 'bad-name' };

/** How long to wait, and what ends the waiting. */
export interface ExchangeOptions {
  readonly clock: Clock;
  readonly ms: number;
  readonly signal: AbortSignal;
}

/** So many answers that are none to the question may be sent to its port; then TCP is surer. */
const MAX_STRAY = 32;

/**
 * Asks over UDP, from a port of its own that the system draws by lot (RFC 5452 §9.2); the socket is
 * connected, so that packets of other senders do not reach it.
 */
export function askUdp(
  server: DnsServer,
  question: Question,
  options: ExchangeOptions,
): Promise<Exchange> {
  if (options.signal.aborted) return Promise.resolve({ kind: 'timeout' });
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
  const { promise, settle } = outcome(options, () => socket.close());
  let strays = 0;
  socket.on('error', (error) => settle({ kind: 'unreachable', code: codeOf(error) }));
  socket.on('message', (packet) => {
    const exchange = read(packet, question);
    if (exchange !== undefined) return settle(exchange);
    strays += 1;
    if (strays >= MAX_STRAY) settle({ kind: 'truncated' });
  });
  // The types do not say so, but a failure is given to the callback.
  socket.connect(server.port, server.address, (failed?: NodeJS.ErrnoException) => {
    if (failed !== undefined) return settle({ kind: 'unreachable', code: codeOf(failed) });
    socket.send(question.packet, (error) => {
      if (error !== null) settle({ kind: 'unreachable', code: codeOf(error) });
    });
  });
  return promise;
}

/** Asks over TCP: two bytes of length stand before each message (RFC 1035 §4.2.2). */
export function askTcp(
  { address, port }: DnsServer,
  question: Question,
  options: ExchangeOptions,
): Promise<Exchange> {
  if (options.signal.aborted) return Promise.resolve({ kind: 'timeout' });
  const socket = connect({ host: address, port });
  const { promise, settle } = outcome(options, () => socket.destroy());
  const length = Buffer.alloc(2);
  length.writeUInt16BE(question.packet.length, 0);
  socket.on('error', (error) => settle({ kind: 'unreachable', code: codeOf(error) }));
  socket.on('close', () => settle({ kind: 'malformed' }));
  socket.write(Buffer.concat([length, question.packet]));
  let held = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    const size = held.length < 2 ? 0xffff : held.readUInt16BE(0);
    if (held.length < size + 2) return;
    settle(read(held.subarray(2, size + 2), question, true) ?? { kind: 'malformed' });
  });
  return promise;
}

/** A promise that is settled once, by what is given first: an outcome, the time, or the signal. */
function outcome({ clock, ms, signal }: ExchangeOptions, close: () => void) {
  let settle: (exchange: Exchange) => void = () => undefined;
  const promise = new Promise<Exchange>((resolve) => {
    const stop = () => settle({ kind: 'timeout' });
    const timer = clock.after(ms, stop);
    signal.addEventListener('abort', stop);
    let isSettled = false;
    settle = (exchange) => {
      if (isSettled) return;
      isSettled = true;
      timer.cancel();
      signal.removeEventListener('abort', stop);
      close();
      resolve(exchange);
    };
  });
  return { promise, settle: (exchange: Exchange) => settle(exchange) };
}

/** A packet as the answer to a question; undefined for a stray one. */
function read(packet: Buffer, question: Question, isTcp = false): Exchange | undefined {
  const head = decodeHead(packet);
  if (head === undefined || !head.isResponse || head.id !== question.id) return undefined;
  // A server that does not understand the question need not repeat it.
  const { question: asked } = head;
  if (asked === undefined ? head.rcode === 0 : !isSame(asked, question)) return undefined;
  if (head.isTruncated) return { kind: isTcp ? 'malformed' : 'truncated' };
  const body = decodeBody(packet, head);
  return body === undefined ? { kind: 'malformed' } : { kind: 'message', head, body };
}

const isSame = (asked: { name: string; type: number }, { name, type }: Question): boolean =>
  asked.name === name && asked.type === type;

const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? 'unknown';
