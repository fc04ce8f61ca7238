/** A client's stream over BOSH as a socket: requests bring its bytes, and answers take them away. */
import { Duplex } from 'node:stream';
import { GOODBYE, isHeader, withContentNs } from './framing.ts';

/** What waits for an answer to take it; beyond this our side waits, as for a socket of the system. */
const QUEUE_BYTES = 64 * 1024;

/** Who hears of what the stream does. */
export interface BoshStreamHandlers {
  /** Something waits to be taken, or the stream has ended. */
  said(): void;
  /** What was brought has been read. */
  read(): void;
  /** Nobody reads or writes it any more. */
  gone(): void;
}

/** What an answer takes away. */
export interface Taken {
  /** '' if there is nothing. */
  readonly payloads: string;
  /** How much of what was written it is, in characters. */
  readonly size: number;
}

/** The two directions of a stream. */
export class BoshStream extends Duplex {
  /** What our header said, once it has. */
  header: { readonly id: string } | undefined;
  /** Whether the stream has said that it is over, and whether by an error (XEP-0206 §6). */
  outcome: 'closed' | 'failed' | undefined;
  /** How much of what was written the client has for sure, in characters. */
  delivered = 0;

  readonly #handlers: BoshStreamHandlers;
  #payloads: string[] = [];
  #size = 0;
  #isFailed = false;
  #isBackedUp = false;
  #written: (() => void) | undefined;

  constructor(handlers: BoshStreamHandlers) {
    super({ decodeStrings: false });
    this.#handlers = handlers;
    this.once('finish', () => this.destroy());
  }

  /** Whether what was brought waits to be read. */
  get isBackedUp(): boolean {
    return this.#isBackedUp;
  }

  /** Whether something waits to be taken. */
  get hasPayloads(): boolean {
    return this.#payloads.length > 0;
  }

  /** Gives what a client sent to whoever reads the stream. */
  bring(text: string): void {
    if (this.readableEnded || this.destroyed) return;
    if (!this.push(Buffer.from(text))) this.#isBackedUp = true;
  }

  /** Takes all that waits. */
  collect(): Taken {
    const taken = { payloads: this.#payloads.join(''), size: this.#size };
    this.#payloads = [];
    this.#size = 0;
    const written = this.#written;
    this.#written = undefined;
    written?.();
    return taken;
  }

  override _read(): void {
    if (!this.#isBackedUp) return;
    this.#isBackedUp = false;
    this.#handlers.read();
  }

  override _write(text: string, _: BufferEncoding, done: () => void): void {
    this.#size += text.length;
    if (isHeader(text)) this.header = { id: /\bid='([^']*)'/.exec(text)?.[1] ?? '' };
    else if (text === GOODBYE) this.outcome = this.#isFailed ? 'failed' : 'closed';
    else if (text.startsWith('<')) this.#payloads.push(withContentNs(text)); // no keepalives (§3)
    if (text.startsWith('<stream:error')) this.#isFailed = true;
    if (this.#size < QUEUE_BYTES || this.outcome !== undefined) done();
    else this.#written = done;
    this.#handlers.said();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#handlers.gone();
    done(error);
  }
}
