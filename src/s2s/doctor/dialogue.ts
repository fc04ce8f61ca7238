/**
 * The doctor's own stream: it hears what comes one by one, waits for a bounded time, and decides
 * nothing. Nothing of it can be used to send stanzas.
 */
import type { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { Clock } from '../../kit/clock.ts';
import { Flusher } from '../../kit/outbox.ts';
import { Channel } from '../../stream/channel.ts';
import { STREAM_NS } from '../../stream/error.ts';
import { type Element, isNamed } from '../../xml/element.ts';
import type { StreamHeader } from '../../xml/parser.ts';
import { reportedError } from '../negotiation.ts';
import { quoted } from './step.ts';

/** What came. */
export type Heard =
  | { readonly kind: 'header'; readonly header: StreamHeader }
  | { readonly kind: 'element'; readonly element: Element }
  | { readonly kind: 'secured' }
  /** It is over: closed politely, broken off, or what came is no XMPP. */
  | { readonly kind: 'end'; readonly how: 'closed' | 'broken' | 'fault'; readonly text: string }
  | { readonly kind: 'silence' };

/** What a stranger may send here; features and errors are small. */
const LIMITS = { maxBytes: 65_536, maxDepth: 16, maxAttributes: 64, maxElements: 500 };
const SEND_QUEUE_BYTES = 65_536;
/** Who sends more than this without being asked is not listened to. */
const MAX_WAITING = 64;

/** A stream on which one thing is said after the other. */
export class Dialogue {
  readonly #clock: Clock;
  readonly #channel: Channel;
  readonly #heard: Heard[] = [];
  #end: Extract<Heard, { kind: 'end' | 'silence' }> | undefined;
  #wake: (() => void) | undefined;
  #hasOpened = false;
  /** Where it sends us on to, as it says it (RFC 6120 §4.9.3.19). */
  otherHost: string | undefined;

  constructor(
    socket: Socket,
    options: { readonly clock: Clock; readonly isTlsFirst: boolean; readonly signal: AbortSignal },
  ) {
    this.#clock = options.clock;
    this.#channel = new Channel({
      socket,
      isTlsFirst: options.isTlsFirst,
      clock: options.clock,
      flusher: new Flusher(),
      limits: LIMITS,
      sendQueueBytes: SEND_QUEUE_BYTES,
      handlers: {
        open: (header) => this.#hear({ kind: 'header', header }),
        element: (element) => this.#hear({ kind: 'element', element }),
        close: () => this.#over('closed', 'it closed the stream'),
        fault: ({ text }) => this.#over('fault', text),
        gone: (text) => this.#over('broken', text),
        overflow: () => this.#over('broken', 'it does not read'),
        released() {},
        mistake: () => this.#over('broken', 'the examination failed'),
        closed: () => this.#over('broken', 'the connection was closed'),
      },
    });
    options.signal.addEventListener('abort', () => this.#abandon(), { once: true });
    if (options.signal.aborted) this.#abandon();
  }

  /** The TLS socket, once TLS was begun. */
  get tls(): TLSSocket | undefined {
    return this.#channel.tls;
  }

  /** Sends text. */
  send(text: string): void {
    this.#channel.write(text);
  }

  /** Puts TLS over the connection; `secured` is heard when it stands. */
  beginTls(options: ConnectionOptions): void {
    this.#channel.beginTls(options, () => this.#hear({ kind: 'secured' }));
  }

  /** Sends our header; what came before it belongs to another stream (RFC 6120 §4.3.3). */
  open(header: string): void {
    if (this.#hasOpened) this.#channel.restart();
    this.#hasOpened = true;
    this.#channel.write(header);
  }

  /** What came next, or `silence` if nothing does within `ms`. */
  async next(ms: number): Promise<Heard> {
    if (this.#heard.length === 0 && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(ms, resolve);
        this.#wake = () => {
          timer.cancel();
          resolve();
        };
      });
      this.#wake = undefined;
    }
    const heard = this.#heard.shift() ?? this.#end ?? { kind: 'silence' };
    if (heard.kind === 'element' && isNamed(heard.element, 'error', STREAM_NS))
      this.otherHost = reportedError(heard.element).otherHost;
    return heard;
  }

  /** Says goodbye. */
  close(): void {
    if (this.#end === undefined) this.#channel.finish();
    else this.#channel.destroy();
  }

  #hear(heard: Heard): void {
    if (this.#end !== undefined) return;
    if (this.#heard.push(heard) > MAX_WAITING) {
      this.#over('fault', 'it sends more than it was asked for');
      this.#channel.destroy();
    }
    this.#wake?.();
  }

  /** The examination is over: nothing that may still come is waited for. */
  #abandon(): void {
    this.#end ??= { kind: 'silence' };
    this.#channel.destroy();
    this.#wake?.();
  }

  #over(how: 'closed' | 'broken' | 'fault', text: string): void {
    this.#end ??= { kind: 'end', how, text: quoted(text) };
    if (how !== 'closed') this.#channel.destroy();
    this.#wake?.();
  }
}
