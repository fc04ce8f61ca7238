/** Streams by which other servers come to us. */
import type { Socket } from 'node:net';
import type { Timer } from '../kit/clock.ts';
import type { Flusher } from '../kit/outbox.ts';
import type { Way } from '../stream/ports.ts';
import { createAnswerer, type Verify } from './answering.ts';
import { ServerStream } from './connection.ts';
import {
  beginIncoming,
  endIncoming,
  type IncomingContext,
  stepIncoming,
} from './negotiate-incoming.ts';
import type { Parties, Proof } from './pairs.ts';
import type { Pings } from './pings.ts';
import type { Resumptions } from './resumptions.ts';
import type { S2sServices } from './services.ts';

/** What a listener tells of a new connection. */
export interface IncomingOptions {
  readonly socket: Socket;
  readonly way: Way;
  readonly remoteAddress: string;
  readonly services: S2sServices;
  readonly flusher: Flusher;
  readonly verify: Verify;
  readonly pings: Pings;
  readonly resumptions: Resumptions;
  /** A pair was proved; `mayAnswer` if we may send back by the same stream (XEP-0288). */
  accepted(stream: ServerStream, pair: Parties, proof: Proof, mayAnswer: boolean): void;
  drained(stream: ServerStream): void;
  /** Stanzas may be sent, now that it is known whether a stream is resumed. */
  opened(stream: ServerStream): void;
  /** Another connection resumes the stream. */
  replaced(stream: ServerStream): void;
  closed(stream: ServerStream, why: string): void;
}

/** Takes a connection. */
export function acceptStream(options: IncomingOptions): ServerStream {
  const { services, way } = options;
  const { hosts, policy, certificates, clock } = services;
  let state = beginIncoming(way !== 'starttls');
  let authTimer: Timer | undefined;
  const answer = createAnswerer(services, options.verify);
  const context: IncomingContext = {
    isServed: (domain) => hosts.ownerOf(domain) !== undefined,
    terms(local, remote) {
      if (hosts.ownerOf(local) === undefined) return undefined;
      const { requireTls, bidi } = policy.terms(local);
      return {
        isTlsRequired: requireTls,
        isBidiOffered: bidi,
        isProved: remote !== undefined && state.isSecure && stream.proves(remote),
        refusal: remote === undefined ? undefined : policy.refusal(local, remote),
      };
    },
  };

  const stream: ServerStream = new ServerStream({
    socket: options.socket,
    isTlsFirst: way === 'tls',
    direction: 'in',
    remoteAddress: options.remoteAddress,
    services,
    flusher: options.flusher,
    pings: options.pings,
    resumptions: options.resumptions,
    negotiator: {
      step(event) {
        const [next, actions] = stepIncoming(state, event, context);
        // Nothing is written after the end; what the last step says is written before it.
        state = next;
        return actions;
      },
      end(failure) {
        const [next, actions] = endIncoming(state, failure);
        state = next;
        return actions;
      },
      get isEnded() {
        return state.phase === 'ended';
      },
    },
    hooks: {
      secure(channel) {
        const owner = state.local === undefined ? undefined : hosts.ownerOf(state.local);
        const tls = {
          ...certificates.serverOptions(owner?.domain),
          requestCert: true, // XEP-0178 §3, step 6
          rejectUnauthorized: false, // judged by trust.ts, for one domain or another
        };
        if (way === 'tls') channel.acceptTls({ ...tls, ALPNProtocols: ['xmpp-server'] });
        else channel.acceptTls(tls, () => stream.step({ kind: 'secured' }));
      },
      authenticated() {
        const { remote, local } = state;
        if (remote !== undefined && local !== undefined) stream.accept(remote, local, 'external');
      },
      asked: (kind, parties, id, key) => answer(stream, kind, parties, id, key),
      accepted(remote, local, proof) {
        authTimer?.cancel();
        if (state.isBidi) stream.allow(local, remote, proof);
        if (state.isBidi) stream.managed.expect({ local, remote });
        options.accepted(stream, { remote, local }, proof, state.isBidi);
      },
      drained: () => options.drained(stream),
      opened: () => options.opened(stream),
      replaced: () => options.replaced(stream),
      closed(why) {
        authTimer?.cancel();
        options.closed(stream, why);
      },
    },
  });
  authTimer = clock.after(services.settings().authTimeout, () =>
    stream.end({ condition: 'connection-timeout', text: 'Nobody was authenticated in time.' }),
  );
  return stream;
}
