/**
 * One XMPP connection as bytes: socket, TLS, parser, send queue and the manners of closing. What the
 * bytes mean is decided by whoever owns it (the client side, the server side).
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { Clock, Timer } from '../kit/clock.ts';
import { type Flusher, Outbox } from '../kit/outbox.ts';
import { type XmlHandlers, type XmlLimits, XmlParser } from '../xml/parser.ts';

/** How long we wait, after we closed, for the other side to close too. */
const GOODBYE_MS = 3000;

/** What Node makes room for at least, when TLS first has something to send; then 16 KiB more, for good. */
const LEAST_TLS_ROOM = 1024;
/** The longest that OpenSSL hands over at once during a handshake. */
const MOST_TLS_ROOM = 4096;
/** More than what TLS adds to a text, of any version and cipher. */
const TLS_RECORD = 64;

/** Who hears of what happens on a channel, beside what its stream says. */
export interface ChannelHandlers extends XmlHandlers {
  /** The other side is gone without closing its stream; the socket is destroyed afterwards. */
  gone(text: string): void;
  /** More waits to be sent than may; nothing of it will be. */
  overflow(): void;
  /** All that was written is with the system, after much had waited. */
  drained?(): void;
  /** The system has taken all that was written up to a position. */
  taken?(position: number): void;
  /** What was held is done, and what came meanwhile is handled. */
  released(): void;
  /** Work that was held for failed: a bug of ours. */
  mistake(error: unknown): void;
  /** Something came, up to wherever the system, or the other side, had taken what was written by then. */
  heard?(gone: number): void;
  /** What is to follow all that is written in this turn of the loop. */
  trailer?(): string;
  /** The socket is closed. Called once, last. */
  closed(): void;
}

/** What a channel is made of. */
export interface ChannelOptions {
  readonly socket: Duplex;
  /** Whether each text that is written is a message of its own (RFC 7395 §3.3). */
  readonly isFramed?: boolean;
  /**
   * How much of what was written the other side has for sure, in characters, where that is known better
   * than by what the system has taken (XEP-0124 §9.2).
   */
  readonly delivered?: (() => number) | undefined;
  /** Nothing is read before TLS was begun (XEP-0368). */
  readonly isTlsFirst: boolean;
  readonly clock: Clock;
  readonly flusher: Flusher;
  readonly limits: XmlLimits;
  /** How much may wait to be sent, in bytes. */
  readonly sendQueueBytes: number;
  readonly handlers: ChannelHandlers;
}

/** A connection under a stream. */
export class Channel {
  /** When something last came, on the monotonic scale, in ms. */
  heardAt: number;

  readonly #clock: Clock;
  readonly #handlers: ChannelHandlers;
  readonly #parser: XmlParser;
  readonly #outbox: Outbox;
  readonly #delivered: (() => number) | undefined;
  #socket: Duplex;
  #goodbyeTimer: Timer | undefined;
  #holds = 0;
  /** Whether TLS is to be begun by the other side: until then nothing can be said. */
  #isTlsDue = false;
  #isGoodbyeSaid = false;
  #isClosed = false;

  constructor(options: ChannelOptions) {
    const { socket, clock, handlers } = options;
    this.#clock = clock;
    this.#handlers = handlers;
    this.heardAt = clock.monotonic();
    this.#parser = new XmlParser(handlers, options.limits);
    const outboxHandlers = {
      overflow: () => this.#onOverflow(),
      taken: () => handlers.drained?.(),
      gone: (position: number) => handlers.taken?.(position),
      trailer: () => (this.#isGoodbyeSaid ? '' : (handlers.trailer?.() ?? '')),
    };
    const { flusher, sendQueueBytes, isFramed } = options;
    this.#outbox = new Outbox(socket, flusher, sendQueueBytes, outboxHandlers, isFramed);
    this.#delivered = options.delivered;
    this.#socket = socket;
    if (socket instanceof Socket) socket.setNoDelay(true);
    if (!options.isTlsFirst) this.#listen(socket);
  }

  /** When something last came, in ms since the epoch, as the clock is set by now. */
  get lastActive(): number {
    return Math.round(this.#clock.now() - this.#clock.monotonic() + this.heardAt);
  }

  /** Whether the socket is closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether something is being handled that what comes next has to wait for. */
  get isHeld(): boolean {
    return this.#holds > 0;
  }

  /** Bytes that wait to be read by the other side. */
  get waiting(): number {
    return this.#outbox.waiting;
  }

  /** How many characters were written; see {@link ChannelHandlers.heard}. */
  get position(): number {
    return this.#outbox.position;
  }

  /** How many of them the other side has for sure, or else the system has taken. */
  get gone(): number {
    return this.#delivered?.() ?? this.#outbox.gone;
  }

  /**
   * The same of one who closed its stream: it has read up to our closing tag, unless it is known better what it
   * has.
   */
  get goneByGoodbye(): number {
    return this.#delivered?.() ?? Number.POSITIVE_INFINITY;
  }

  /** The TLS socket, once TLS was begun. */
  get tls(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined;
  }

  /** What the stream may send from now on. */
  set limits(limits: XmlLimits) {
    this.#parser.limits = limits;
  }

  /** Queues text; nothing follows the closing tag. */
  write(text: string): void {
    if (this.#isClosed || this.#isGoodbyeSaid || this.#isTlsDue) return;
    this.#outbox.write(text);
  }

  /** Lets so much more wait to be sent, in bytes: it waited elsewhere before, within a bound of its own. */
  allow(bytes: number): void {
    this.#outbox.allow(bytes);
  }

  /** Hands what is queued to the socket now. */
  flush(): void {
    this.#outbox.flush();
  }

  /** Expects a new stream (RFC 6120 §4.3.3). */
  restart(): void {
    this.#parser.restart();
  }

  /**
   * Puts TLS over the socket, as the one who was connected to; what was sent in clear and is not
   * read yet is void (RFC 6120 §5.4.3.3). It is put there once the other side has begun: a TLS socket
   * of Node's that is handed its first bytes keeps a buffer of their length for what comes, at least a
   * kilobyte; one that reads them itself keeps 64, for as long as it lives. For what goes, it first has
   * room for our part of the handshake, which is spared as well (`idle` in bench/).
   */
  acceptTls(options: TLSSocketOptions, secured?: () => void): void {
    const socket = this.#leaveSocket();
    this.#isTlsDue = true;
    this.#listenForEnd(socket);
    socket.on('readable', () => {
      if (socket.readableLength === 0) return void socket.read(); // the end, which is told then
      socket.removeAllListeners();
      this.#isTlsDue = false;
      const over = new TLSSocket(socket, { ...options, isServer: true });
      const before = socket.bytesWritten;
      over.once('secure', () => {
        const room = Math.max(LEAST_TLS_ROOM, socket.bytesWritten - before);
        if (room < MOST_TLS_ROOM) this.#outbox.spare(room - TLS_RECORD);
        secured?.();
      });
      this.#use(over, socket);
    });
  }

  /** Puts TLS over the socket, as the one who connected. */
  beginTls(options: ConnectionOptions, secured: () => void): void {
    const socket = this.#leaveSocket();
    const over = connect({ ...options, socket });
    over.once('secureConnect', secured);
    this.#use(over, socket);
  }

  /** Reads nothing more until the work is done: order, and back-pressure on the sender. */
  hold(work: Promise<void>): void {
    this.#holds += 1;
    this.#parser.pause();
    this.#socket.pause();
    work.then(
      () => this.#release(),
      (error: unknown) => {
        this.#handlers.mistake(error);
        this.#release();
      },
    );
  }

  /** Writes the closing tag and goes on reading, for what the other side had sent (§4.4). */
  sayGoodbye(): void {
    if (this.#isGoodbyeSaid) return;
    this.#isGoodbyeSaid = true;
    if (this.#isTlsDue) return void this.#socket.destroy();
    this.#outbox.write('</stream:stream>');
    this.#outbox.flush();
    this.#goodbyeTimer ??= this.#clock.after(GOODBYE_MS, () => this.#socket.destroy());
  }

  /** Writes the closing tag and closes the socket, at the latest after a while. */
  finish(): void {
    this.sayGoodbye();
    this.#parser.stop();
    this.#socket.end();
    this.#socket.resume(); // what still comes is read and dropped, so that the close is seen
  }

  /** Closes the socket at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Resolves when the socket is closed. */
  closed(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  #listen(socket: Duplex): void {
    socket.on('data', (chunk) => {
      this.heardAt = this.#clock.monotonic();
      this.#handlers.heard?.(this.gone);
      this.#parser.write(chunk);
    });
    socket.on('drain', () => this.#handlers.drained?.());
    this.#listenForEnd(socket);
  }

  #listenForEnd(socket: Duplex): void {
    socket.on('end', () => this.#onGone('the connection was closed by the other side'));
    socket.on('error', (error) => this.#onGone(error.message));
    socket.on('close', () => this.#onClosed());
  }

  #leaveSocket(): Socket {
    const socket = this.#socket;
    if (!(socket instanceof Socket)) throw new Error('this connection is no place for TLS');
    this.#outbox.flush();
    this.#parser.restart();
    socket.removeAllListeners();
    return socket;
  }

  #use(over: TLSSocket, under: Socket): void {
    under.on('error', (error) => this.#onGone(error.message));
    this.#socket = over;
    this.#outbox.use(over);
    this.#listen(over);
  }

  #release(): void {
    this.#holds -= 1;
    if (this.#holds > 0) return;
    this.#parser.resume();
    if (this.#holds > 0) return; // what came meanwhile is being handled
    this.#handlers.released();
    if (!this.#isClosed) this.#socket.resume();
  }

  #onOverflow(): void {
    this.#outbox.discard();
    this.#handlers.overflow();
    this.#outbox.flush();
    this.#socket.destroy();
  }

  #onGone(text: string): void {
    if (this.#isClosed) return;
    this.#handlers.gone(text);
    this.#socket.destroy();
  }

  #onClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#goodbyeTimer?.cancel();
    this.#handlers.closed();
  }
}
