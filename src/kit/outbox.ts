/**
 * What waits to be written to one socket. Texts are gathered and written once per turn of the event
 * loop (DESIGN D3): for TLS that is one record, and one system call, for many stanzas.
 */
import type { Socket } from 'node:net';

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

/** The outgoing side of one socket. */
export class Outbox {
  readonly #flusher: Flusher;
  readonly #onOverflow: () => void;
  #socket: Socket;
  #texts: string[] = [];
  #length = 0;
  #limit: number;

  /**
   * @param limit how much may wait, in bytes; beyond it `onOverflow` is called once
   */
  constructor(socket: Socket, flusher: Flusher, limit: number, onOverflow: () => void) {
    this.#socket = socket;
    this.#flusher = flusher;
    this.#limit = limit;
    this.#onOverflow = onOverflow;
  }

  /** Bytes that wait here and in the socket (characters count as one byte until written). */
  get waiting(): number {
    return this.#length + this.#socket.writableLength;
  }

  /** Continues on another socket (the one that TLS put over the first). */
  use(socket: Socket): void {
    this.flush();
    this.#socket = socket;
  }

  /** Sets how much may wait. */
  set limit(bytes: number) {
    this.#limit = bytes;
  }

  /** Queues text. */
  write(text: string): void {
    if (this.#texts.push(text) === 1) this.#flusher.add(this);
    this.#length += text.length;
    if (this.waiting <= this.#limit) return;
    this.#limit = Number.POSITIVE_INFINITY; // say so once; the end of the stream still has to fit
    this.#onOverflow();
  }

  /** Forgets what waits: the reader is too slow, or gone. */
  discard(): void {
    this.#texts = [];
    this.#length = 0;
  }

  /** Hands all to the socket now. */
  flush(): void {
    if (this.#texts.length === 0) return;
    const text = this.#texts.length === 1 ? (this.#texts[0] ?? '') : this.#texts.join('');
    this.discard();
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(text);
  }
}
