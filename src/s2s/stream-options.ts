/** What a stream between servers is made of, and who hears of what happens on it. */
import type { Socket } from 'node:net';
import type { Domain } from '../jid/jid.ts';
import type { Flusher } from '../kit/outbox.ts';
import type { Channel } from '../stream/channel.ts';
import type { StreamFailure } from '../stream/error.ts';
import type { Addresses } from './dialback.ts';
import type { Judged } from './judgement.ts';
import type { GiveUp, StreamAction, StreamEvent } from './negotiation.ts';
import type { Proof } from './pairs.ts';
import type { Pings } from './pings.ts';
import type { Resumptions } from './resumptions.ts';
import type { S2sServices } from './services.ts';

/** How a stream is negotiated. */
export interface Negotiator {
  /** Takes an event into account; answers what is to be done. */
  step(event: StreamEvent): readonly StreamAction[];
  /** Ends the negotiation, whatever its phase. */
  end(failure: StreamFailure): readonly StreamAction[];
  readonly isEnded: boolean;
}

/**
 * How a stream came to its end: by closing tags, by a stream error of ours or theirs, or because the
 * connection broke, so that nobody knows what has arrived.
 */
export type StreamEnd = 'closed' | 'ended' | 'broken';

/** What a stream's owner hears. */
export interface StreamHooks {
  /** Puts TLS over the channel. */
  secure(channel: Channel): void;
  /** The other side proved itself by SASL EXTERNAL. */
  authenticated?(): void;
  /** A stream that we opened can be used. */
  ready?(): void;
  /** A stream that we opened leads nowhere; it is being closed. */
  gaveUp?(why: GiveUp, text: string): void;
  /** A question of dialback came: may I send for these, did you give out this key? */
  asked(kind: 'result' | 'verify', parties: Addresses, id: string, key: string): void;
  /** The other side takes stanzas for a pair that we asked for; the next element may rest on it. */
  granted?(local: Domain, remote: Domain): void;
  /** A pair may be sent for from now on, `from` the other side. */
  accepted?(remote: Domain, local: Domain, proof: Proof): void;
  /** There is room for more to be sent. */
  drained?(): void;
  /** Stanzas may be sent, after it was found out whether a stream is resumed (XEP-0198 §5). */
  opened?(): void;
  /** Another connection resumes the stream: nothing can be sent on this one any more. */
  replaced?(): void;
  /** The stream is over. Called once. */
  closed(why: string): void;
}

/** What a stream is made of. */
export interface ServerStreamOptions {
  readonly socket: Socket;
  readonly isTlsFirst: boolean;
  readonly direction: 'in' | 'out';
  /** The other side's address and port. */
  readonly remoteAddress: string;
  readonly services: S2sServices;
  readonly flusher: Flusher;
  readonly negotiator: Negotiator;
  readonly hooks: StreamHooks;
  /** What all streams share. */
  readonly pings: Pings;
  readonly resumptions: Resumptions;
  /** What DNS says of the other side's certificate, where that was validated, and for which domain. */
  readonly dane?: Judged['dane'];
}
