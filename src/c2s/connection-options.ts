/** What a client's connection is made of. */
import type { Duplex } from 'node:stream';
import type { Security } from '../core/sessions.ts';
import type { Flusher } from '../kit/outbox.ts';
import type { Way } from '../stream/ports.ts';
import type { C2sServices } from './services.ts';

/** TLS that somebody else has put below a connection. */
export type TlsBelow = Pick<Security, 'protocol' | 'cipher'>;

/** What a listener tells a new connection. */
export interface ConnectionOptions {
  readonly socket: Duplex;
  /**
   * How it is secured: by STARTTLS, by TLS that comes first (XEP-0368), or, over WebSocket and BOSH,
   * by whatever is below (RFC 7395 §3.9, XEP-0206 §2).
   */
  readonly transport: Way | 'websocket' | 'bosh';
  /** The TLS below WebSocket and BOSH. */
  readonly below?: TlsBelow | undefined;
  /** How much of what was written the client has for sure, in characters, where that is known. */
  readonly delivered?: (() => number) | undefined;
  readonly services: C2sServices;
  readonly flusher: Flusher;
  /** The client's address. */
  readonly remote: string;
  /** Called when the client has logged in: it may send more at a time. */
  readonly loggedIn?: () => void;
  /** Called once when the connection is over. */
  onClosed(): void;
}
