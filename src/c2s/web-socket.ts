/**
 * RFC 7395: a client's stream over WebSocket. The framing is put on and taken off here, so that the
 * channel above sees a stream like any other: `<open/>` is its header, `<close/>` its closing tag.
 */
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { TakeUpgrade } from '../http/server.ts';
import { refuseUpgrade } from '../http/upgrade.ts';
import { STREAM_NS } from '../stream/error.ts';
import { isNamed } from '../xml/element.ts';
import { parseElement } from '../xml/parse.ts';
import { clientHeaderText, declaring, GOODBYE, isHeader, withContentNs } from './framing.ts';

/** The subprotocol that both sides name in the handshake (§3.1). */
const SUBPROTOCOL = 'xmpp';
const FRAMING_NS = 'urn:ietf:params:xml:ns:xmpp-framing';

/** The way into our stream's texts: what stands there, and what a message of its own needs. */
const HEADER = /^<\?xml version='1\.0'\?><stream:stream xmlns='jabber:client' xmlns:stream='[^']*'/;

/** RFC 6455 §7.4.1 */
const UNSUPPORTED_DATA = 1003;
const TOO_BIG = 1009;

/** The least that a client's frame needs besides its content: its head and its mask (RFC 6455 §5.2). */
const FRAME_BYTES = 6;

/** What a client sent, as a stream has it; undefined if it is no message of RFC 7395. */
function streamTextOf(frame: string): string | undefined {
  // §3.3.3: whole elements, each a message of its own.
  if (!frame.startsWith('<') || !frame.endsWith('>') || frame.startsWith('<?')) return undefined;
  if (!frame.startsWith('<open') && !frame.startsWith('<close')) return frame;
  const parsed = parseElement(frame);
  if (!parsed.ok) return undefined;
  if (isNamed(parsed.element, 'close', FRAMING_NS)) return GOODBYE;
  if (!isNamed(parsed.element, 'open', FRAMING_NS)) return undefined;
  return clientHeaderText(parsed.element.attrs);
}

/** What our stream says, as a message of its own (§3.3.2, §3.3.3); undefined for what is none. */
function frameOf(text: string): string | undefined {
  if (isHeader(text))
    return `<open xmlns='${FRAMING_NS}'${text.replace(HEADER, '').replace(/>$/, '/>')}`;
  if (text === GOODBYE) return `<close xmlns='${FRAMING_NS}'/>`;
  if (text.startsWith('<stream:')) return declaring(text, `xmlns:stream='${STREAM_NS}'`);
  return text.startsWith('<') ? withContentNs(text) : undefined; // whitespace is for TCP (§3.7: pings are ours)
}

/** A WebSocket as the bytes of a stream. */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket;
  #hasEnded = false;
  /** Ends the watch on who has not logged in. */
  #unwatch: (() => void) | undefined;

  /**
   * @param below what the WebSocket runs on
   * @param maxEarlyBytes how much of a message that has not ended is kept until {@link welcome}
   */
  constructor(socket: WebSocket, below: Duplex, maxEarlyBytes: number) {
    super({ decodeStrings: false });
    this.#socket = socket;
    this.#watch(below, maxEarlyBytes);
    socket.on('message', (data, isBinary) => this.#onMessage(String(data), isBinary));
    socket.on('close', () => this.#onClose());
    socket.on('error', (error) => this.destroy(error));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: string, _: BufferEncoding, done: (error?: Error | null) => void): void {
    const frame = frameOf(chunk);
    if (frame !== undefined) {
      this.#socket.send(frame, done);
      return;
    }
    this.#socket.ping();
    done();
  }

  override _final(done: () => void): void {
    this.#socket.close();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }

  /** The client has logged in: its messages may be as long as the door allows. */
  welcome(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  /** The limit of a WebSocket cannot be changed once it is open, so that what comes is counted below it. */
  #watch(below: Duplex, most: number): void {
    let unread = 0;
    const came = (chunk: Buffer) => {
      unread += chunk.length;
    };
    const read = (data: { readonly length?: number }) => {
      unread = Math.max(0, unread - FRAME_BYTES - (data.length ?? 0));
    };
    const check = () => {
      if (unread <= 2 * most) return; // some of it may be frames that are no messages
      this.#socket.close(TOO_BIG, 'Log in first.');
      below.end(() => below.destroy()); // else the rest would still be taken
    };
    below.prependListener('data', came).on('data', check);
    const events = ['message', 'ping', 'pong'] as const;
    for (const event of events) this.#socket.on(event, read);
    this.#unwatch = () => {
      below.off('data', came).off('data', check);
      for (const event of events) this.#socket.off(event, read);
    };
  }

  #onMessage(frame: string, isBinary: boolean): void {
    const text = isBinary ? undefined : streamTextOf(frame);
    if (text === undefined) {
      this.#socket.close(UNSUPPORTED_DATA, 'This is no message of RFC 7395.');
      return;
    }
    if (!this.push(Buffer.from(text))) this.#socket.pause();
  }

  #onClose(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.push(null);
    this.resume(); // so that the end is seen though nobody reads
    this.destroy();
  }
}

/** What the door of WebSockets needs. */
export interface WebSocketDoorOptions {
  /** The most bytes of one message, of who comes now. */
  maxBytes(): number;
  /** The same before it has logged in. */
  maxEarlyBytes(): number;
  /** Why a client may not come in, as a status of HTTP; undefined if it may. */
  refusal(request: IncomingMessage): 403 | 503 | undefined;
  /** Takes a client's stream. */
  accept(stream: WebSocketStream, request: IncomingMessage): void;
}

/** Makes what takes upgrades to WebSocket (§3.1). */
export function createWebSocketDoor(options: WebSocketDoorOptions): TakeUpgrade {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false, // costs memory for each client, and its lengths tell what is secret
    handleProtocols: () => SUBPROTOCOL,
  });
  return (request, socket, head) => {
    const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
    const status = offered.includes(SUBPROTOCOL) ? options.refusal(request) : 400;
    if (status === undefined) {
      server.options.maxPayload = options.maxBytes();
      server.handleUpgrade(request, socket, head, (opened) =>
        options.accept(new WebSocketStream(opened, socket, options.maxEarlyBytes()), request),
      );
      return;
    }
    refuseUpgrade(socket, status);
  };
}
