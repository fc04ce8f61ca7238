/**
 * What waits to be written to one socket. Texts are gathered and written once per turn of the event
 * loop (DESIGN D3): for TLS that is one record, and one system call, for many stanzas.
 */
import type { Duplex } from 'node:stream';

/** How many texts are written in two to spare a socket's room. */
const MOST_HALVINGS = 16;

/** Flushes all outboxes that were written to, once per turn. */
export class Flusher {
  readonly #dirty: Outbox[] = [];

  /** Has an outbox flushed before the next turn. */
  add(outbox: Outbox): void {
    if (this.#dirty.push(outbox) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    for (const outbox of this.#dirty.splice(0)) outbox.flush();
  }
}

/** Who hears of what becomes of what waits. */
export interface OutboxHandlers {
  /** More waits than may. Called once. */
  overflow(): void;
  /**
   * The system took at once more than the socket holds back. It is no `drain` of the socket, since
   * nothing was left to drain; whoever saw too much waiting may go on all the same.
   */
  taken(): void;
  /** The system has taken all up to a position. */
  gone?(position: number): void;
  /** What is to follow all that is written now; asked once for each write. */
  trailer?(): string;
}

/** The outgoing side of one socket. */
export class Outbox {
  readonly #flusher: Flusher;
  readonly #handlers: OutboxHandlers;
  readonly #isFramed: boolean;
  #socket: Duplex;
  #texts: string[] = [];
  #length = 0;
  #limit: number;
  #position = 0;
  #gone = 0;
  /** What the socket takes without making room for it, while that is worth sparing; else 0. */
  #room = 0;
  #halvings = 0;

  /**
   * @param limit how much may wait, in bytes
   * @param isFramed whether each text is written by itself, because it is a message of its own
   */
  constructor(
    socket: Duplex,
    flusher: Flusher,
    limit: number,
    handlers: OutboxHandlers,
    isFramed = false,
  ) {
    this.#isFramed = isFramed;
    this.#socket = socket;
    this.#flusher = flusher;
    this.#limit = limit;
    this.#handlers = handlers;
  }

  /** Bytes that wait here and in the socket (characters count as one byte until written). */
  get waiting(): number {
    return this.#length + this.#socket.writableLength;
  }

  /** How many characters were ever queued. */
  get position(): number {
    return this.#position;
  }

  /** Up to which position the system has taken what was queued. */
  get gone(): number {
    return this.#gone;
  }

  /** Continues on another socket (the one that TLS put over the first). */
  use(socket: Duplex): void {
    this.flush();
    this.#socket = socket;
  }

  /**
   * Has texts that are up to twice as long as the room that the socket has already written in two, so
   * that it makes no more. It ends with the first that is longer, or when there were too many: who is
   * sent much has a use for the room, and a write of his own costs more than a longer one.
   *
   * @param room in bytes
   */
  spare(room: number): void {
    this.#room = room;
    this.#halvings = MOST_HALVINGS;
  }

  /** Lets so much more wait, in bytes, from now on. */
  allow(bytes: number): void {
    this.#limit += bytes;
  }

  /** Queues text. */
  write(text: string): void {
    if (this.#texts.push(text) === 1) this.#flusher.add(this);
    this.#length += text.length;
    this.#position += text.length;
    if (this.waiting <= this.#limit) return;
    this.#limit = Number.POSITIVE_INFINITY; // say so once; the end of the stream still has to fit
    this.#handlers.overflow();
  }

  /** Forgets what waits: the reader is too slow, or gone. */
  discard(): void {
    this.#texts = [];
    this.#length = 0;
  }

  /** Hands all to the socket now. */
  flush(): void {
    if (this.#texts.length === 0) return;
    const trailer = this.#handlers.trailer?.() ?? '';
    if (trailer !== '') this.#texts.push(trailer);
    const texts = this.#texts;
    const position = this.#position;
    this.discard();
    if (this.#socket.destroyed || !this.#socket.writable) return;
    if (this.#isFramed)
      for (const each of texts.splice(0, texts.length - 1)) this.#socket.write(each);
    const text = texts.length === 1 ? (texts[0] ?? '') : texts.join('');
    const cut = text.length > this.#room && this.#room > 0 ? this.#cutOf(text) : 0;
    if (cut > 0) this.#socket.write(text.slice(0, cut));
    const isLarge = text.length >= this.#socket.writableHighWaterMark;
    const isTaken = this.#socket.write(cut > 0 ? text.slice(cut) : text, (error) => {
      if (error !== undefined && error !== null) return;
      this.#gone = position;
      this.#handlers.gone?.(position);
    });
    if (isTaken && isLarge) this.#handlers.taken();
  }

  /** Where a text is cut in two that fit into the socket's room; 0 for not at all, from now on. */
  #cutOf(text: string): number {
    this.#halvings -= 1;
    if (text.length > 2 * this.#room || this.#halvings < 0) this.#room = 0;
    // a pair of surrogates is one character
    return this.#room > 0 && isLowSurrogate(text.charCodeAt(this.#room))
      ? this.#room - 1
      : this.#room;
  }
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
