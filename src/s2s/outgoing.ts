/** Streams by which we go to other servers: find, connect, secure, negotiate; target after target. */
import { isIP } from 'node:net';
import { type Domain, domainToAscii } from '../jid/jid.ts';
import type { Flusher } from '../kit/outbox.ts';
import { createAnswerer, type Verify } from './answering.ts';
import { type Attempt, type Connected, connect } from './connect.ts';
import { ServerStream } from './connection.ts';
import { type DaneTerms, findDane } from './dane.ts';
import { connectFailure, type LinkFailure, resolveFailure, streamFailure } from './failure.ts';
import {
  beginOutgoing,
  type Outgoing,
  type OutgoingContext,
  stepOutgoing,
} from './negotiate-outgoing.ts';
import type { GiveUp, StreamAction } from './negotiation.ts';
import type { Parties, Proof } from './pairs.ts';
import type { Pings } from './pings.ts';
import { createRedirects } from './redirect.ts';
import type { Target } from './resolver.ts';
import type { Resumptions } from './resumptions.ts';
import type { S2sServices } from './services.ts';

/** What a stream is opened with. */
export interface OpenOptions {
  readonly local: Domain;
  readonly remote: Domain;
  readonly services: S2sServices;
  readonly flusher: Flusher;
  readonly verify: Verify;
  readonly pings: Pings;
  readonly resumptions: Resumptions;
  readonly signal: AbortSignal;
  /** Where the last stream of the two was sent on to, as the other side said it. */
  readonly otherHost: string | undefined;
  /** The stream exists, but nothing can be sent yet. */
  began(stream: ServerStream): void;
  /** A pair was proved by which the other side sends back to us (XEP-0288). */
  accepted(stream: ServerStream, pair: Parties, proof: Proof, mayAnswer: boolean): void;
  drained(stream: ServerStream): void;
  /** Stanzas may be sent, now that it is known whether a stream is resumed. */
  opened(stream: ServerStream): void;
  /** The other side ended the stream, which was in use, by an error; perhaps it sends us on. */
  rejected(condition: string, text: string, otherHost: string | undefined): void;
  closed(stream: ServerStream, why: string): void;
}

/** A stream that was opened. */
export interface OpenedStream {
  readonly stream: ServerStream;
  readonly target: Target;
  readonly address: string;
  /** Whether more pairs of domains may be asked for by dialback. */
  readonly knowsDialback: boolean;
  /** Whether that goes for other domains of the other side, too (XEP-0220 §2.6.2). */
  readonly knowsErrors: boolean;
  /** Whether both directions were agreed on. */
  readonly isBidi: boolean;
  /** Why the other side did not take our certificate for a proof, if it said so. */
  readonly refusal: string | undefined;
}

/** A stream, or why there is none; with what was tried. */
export type Opened = (
  | ({ readonly ok: true } & OpenedStream)
  | { readonly ok: false; readonly failure: LinkFailure }
) & { readonly attempts: readonly Attempt[] };

/** Opens a stream from one of our domains to another one. Never rejects. */
export async function openStream(options: OpenOptions): Promise<Opened> {
  const { remote, services, signal } = options;
  const { resolver, clock } = services;
  const attempts: Attempt[] = [];
  const fail = (failure: LinkFailure): Opened => ({ ok: false, failure, attempts });
  const redirects = createRedirects(resolver);
  const resolved = await resolver.resolve(remote);
  const named = await redirects.follow(options.otherHost, false);
  if (!resolved.ok && named.length === 0) return fail(resolveFailure(resolved));
  const deadline = clock.monotonic() + services.settings().connectTimeout;
  let targets = [...named, ...(resolved.ok ? resolved.targets : [])];
  let failure: LinkFailure | undefined;
  for (;;) {
    const deadlineMs = Math.max(1, deadline - clock.monotonic());
    const connected = await connect(targets, {
      resolver,
      clock,
      deadlineMs,
      signal,
      onAttempt: (attempt) => attempts.push(attempt),
    });
    if (!connected.ok) return fail(failure ?? connectFailure(connected));
    redirects.visit(connected.target, connected.address);
    const outcome = await negotiate(options, connected, deadline);
    if ('stream' in outcome) return { ok: true, ...outcome, attempts };
    // RFC 6120 §4.9.3.19: where it sends us on, if it does.
    const others = await redirects.follow(outcome.otherHost, connected.target.isDirectTls);
    // XEP-0368 §4: a target whose TLS or XMPP fails is followed by the next one.
    targets = [...others, ...connected.remaining];
    failure = others.length > 0 ? undefined : (failure ?? outcome.failure);
    if (targets.length === 0 || signal.aborted) return fail(failure ?? outcome.failure);
  }
}

/** A negotiation that failed, and where the other side sends us on instead. */
interface Failed {
  readonly failure: LinkFailure;
  readonly otherHost: string | undefined;
}

type Reached = Extract<Connected, { ok: true }>;

/** Negotiates on a connection until it can be used, or cannot. */
async function negotiate(
  options: OpenOptions,
  reached: Reached,
  deadline: number,
): Promise<OpenedStream | Failed> {
  const { local, remote, services, signal } = options;
  const { target, address } = reached;
  const where = `${target.host} (${address}) port ${target.port}`;
  const dane = await findDane(services.dns, reached);
  if (dane.kind === 'failed') {
    reached.socket.destroy();
    // RFC 7673 §3.4: it must not be used; but DNS may be well again in a moment.
    return { failure: streamFailure(where, 'closed', dane.text), otherHost: undefined };
  }
  // It closed while DNS was asked: a stream on it would hear of that no more.
  if (reached.socket.destroyed)
    return { failure: streamFailure(where, 'closed', 'it hung up'), otherHost: undefined };
  return new Promise((resolve) => {
    let isReady = false;
    const fail = (why: GiveUp, text: string) => {
      const otherHost = typeof why === 'string' ? undefined : why.otherHost;
      resolve({ failure: streamFailure(where, why, text), otherHost });
    };
    const stream = makeStream(options, reached, dane.kind === 'terms' ? dane.terms : undefined, {
      ready({ knowsDialback, knowsErrors, knowsManagement, isBidi, isAuthenticated, refusal }) {
        if (stream.isBarred(local, remote)) return; // `closed` tells of it
        isReady = true;
        timer.cancel();
        signal.removeEventListener('abort', cancel);
        if (isAuthenticated) {
          stream.allow(local, remote, 'external');
          if (knowsManagement) stream.managed.begin({ local, remote });
          if (isBidi) stream.accept(remote, local, stream.proves(remote) ? 'external' : 'dialback');
        }
        resolve({ stream, target, address, knowsDialback, knowsErrors, isBidi, refusal });
      },
      gaveUp(why, text) {
        if (isReady && typeof why !== 'string')
          options.rejected(why.reported, `${where}: ${text}`, why.otherHost);
        else fail(why, text);
      },
      closed(why) {
        timer.cancel();
        signal.removeEventListener('abort', cancel);
        if (!isReady) fail('closed', why);
        options.closed(stream, why);
      },
    });
    const cancel = () => stream.destroy();
    const left = Math.max(1, deadline - services.clock.monotonic());
    const timer = services.clock.after(left, () => {
      fail('closed', 'it took the connection, but the stream was not ready in time');
      stream.close('the negotiation took too long');
    });
    signal.addEventListener('abort', cancel);
    options.began(stream);
    if (signal.aborted) cancel();
  });
}

interface MadeHooks {
  ready(state: Outgoing): void;
  gaveUp(why: GiveUp, text: string): void;
  closed(why: string): void;
}

function makeStream(
  options: OpenOptions,
  { socket, target, address }: Reached,
  dane: DaneTerms | undefined,
  hooks: MadeHooks,
): ServerStream {
  const { local, remote, services } = options;
  const terms = services.policy.terms(local);
  const answer = createAnswerer(services, options.verify);
  const context: OutgoingContext = {
    local,
    remote,
    isTlsRequired: terms.requireTls,
    isBidiWanted: terms.bidi,
    distrust() {
      const judged = stream.judge(remote);
      if (judged?.ok !== false) return undefined;
      // RFC 7673 §4: what DNS says, validated, is demanded by the other domain itself.
      const isDenied = judged.problems.some(({ kind }) => kind === 'dane-mismatch');
      if (!terms.secureAuth && !isDenied) return undefined;
      const problems = judged.problems.map(({ text }) => text).join('; ');
      return `its certificate does not prove ${remote}: ${problems}`;
    },
  };
  let state: Outgoing | undefined;
  const take = ([next, actions]: readonly [Outgoing, readonly StreamAction[]]) => {
    state = next;
    if (next.streamId !== undefined) stream.streamId = next.streamId;
    return actions;
  };
  const begin = (isSecure: boolean) => stream.perform(take(beginOutgoing(isSecure, context)));
  const isIp = isIP(domainToAscii(remote).replace(/^\[|\]$/g, '')) !== 0;

  const stream: ServerStream = new ServerStream({
    socket,
    isTlsFirst: target.isDirectTls,
    direction: 'out',
    remoteAddress: `${address.includes(':') ? `[${address}]` : address}:${target.port}`,
    services,
    flusher: options.flusher,
    pings: options.pings,
    resumptions: options.resumptions,
    dane: dane === undefined ? undefined : { domain: remote, terms: dane },
    negotiator: {
      step: (event) => (state === undefined ? [] : take(stepOutgoing(state, event, context))),
      end({ condition, text }) {
        if (state === undefined) return [];
        state = { ...state, phase: 'ended' };
        return [{ do: 'end', condition, text }];
      },
      get isEnded() {
        return state?.phase === 'ended';
      },
    },
    hooks: {
      secure(channel) {
        const owner = services.hosts.ownerOf(local)?.domain;
        const holder = services.certificates.lookup(domainToAscii(local), owner);
        channel.beginTls(
          {
            ...(holder === undefined ? {} : { secureContext: holder.context }),
            ...(isIp ? {} : { servername: domainToAscii(remote) }), // XEP-0368 §3, rule 6
            ...(target.isDirectTls ? { ALPNProtocols: ['xmpp-server'] } : {}),
            rejectUnauthorized: false, // judged by trust.ts
            checkServerIdentity: () => undefined,
          },
          () => (target.isDirectTls ? begin(true) : stream.step({ kind: 'secured' })),
        );
      },
      ready() {
        if (state !== undefined) hooks.ready(state);
      },
      gaveUp: hooks.gaveUp,
      asked(kind, parties, id, key) {
        // Without XEP-0288 nobody asks anything on a stream that we opened.
        if (state?.isBidi === true) answer(stream, kind, parties, id, key);
        else stream.note('info', { kind, ...parties }, 'a question in the wrong direction');
      },
      granted(from, to) {
        if (stream.isBarred(from, to)) return;
        stream.allow(from, to, 'dialback');
        if (state?.knowsManagement === true) stream.managed.begin({ local: from, remote: to });
        // XEP-0288 §2.2: the inverse of the pair.
        if (state?.isBidi === true)
          stream.accept(to, from, stream.proves(to) ? 'certificate' : 'dialback');
      },
      accepted(from, to, proof) {
        const isBidi = state?.isBidi === true;
        if (isBidi && !stream.maySend(to, from)) stream.allow(to, from, proof);
        options.accepted(stream, { remote: from, local: to }, proof, isBidi);
      },
      drained: () => options.drained(stream),
      opened: () => options.opened(stream),
      closed: hooks.closed,
    },
  });
  if (!target.isDirectTls) begin(false);
  return stream;
}
