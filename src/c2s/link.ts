/** What a session has below it: the connection that is there now, of whichever kind. */
import type { StreamFailure } from '../stream/error.ts';

/** The connection under a session, as the session uses it. */
export interface Link {
  readonly id: string;
  readonly remote: string;
  readonly lastActive: number;
  /** Whether the stream is over. */
  readonly isOver: boolean;
  /** How many characters were written. */
  readonly position: number;
  /** How many of them the system has taken. */
  readonly gone: number;
  /** How many of them the client has if it closed its stream itself. */
  readonly goneByGoodbye: number;
  /** Bytes that wait to be read by the client. */
  readonly waiting: number;
  /** Nothing is written once the stream is over. */
  write(text: string): void;
  /** Lets so much more wait to be read, in bytes. */
  allow(bytes: number): void;
  end(failure: StreamFailure): void;
  /** Another connection has taken the session over: this one ends without it. */
  replaced(): void;
  /** Writes a line to the log that names the stream, the address and the account. */
  note(level: 'debug' | 'info' | 'error', facts: object, text: string): void;
}
