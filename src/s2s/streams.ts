/** All streams between servers: those that came, those that we open, and which one serves a pair. */
import type { Socket } from 'node:net';
import type { Domain } from '../jid/jid.ts';
import type { Timer } from '../kit/clock.ts';
import { BoundedMap } from '../kit/limits.ts';
import { Flusher } from '../kit/outbox.ts';
import { networkOf } from '../kit/remote.ts';
import type { Way } from '../stream/ports.ts';
import type { Verify } from './answering.ts';
import type { ServerStream } from './connection.ts';
import type { DialbackAnswer } from './dialback.ts';
import { dialbackFailure, isPassing, type LinkFailure, policyFailure } from './failure.ts';
import type { History } from './history.ts';
import { acceptStream } from './incoming.ts';
import { type Opened, type OpenedStream, openStream } from './outgoing.ts';
import { type Parties, type Proof, pairKey } from './pairs.ts';
import { Pings } from './pings.ts';
import { Resumptions } from './resumptions.ts';
import type { S2sServices } from './services.ts';

/** How often streams are looked at for idleness. */
const SWEEP_MS = 5000;
/** How long a stream without any pair, such as one for a verification, is kept for the next. */
const BARE_MS = 15_000;
/** How many keys may be under verification at a time, over all streams, and for one address. */
const MAX_VERIFYING = 500;
const MAX_VERIFYING_EACH = 250;
/** Redirects of streams in use that are remembered. */
const REDIRECTS = 500;
/** How long a shutdown waits for others to close. */
const SHUTDOWN_MS = 4000;
/** How long it waits before that for them to acknowledge what they were sent. */
const DRAIN_MS = 2000;

/** A stream by which a pair may be sent for, or why there is none. */
export type Reached =
  | { readonly ok: true; readonly stream: ServerStream }
  | { readonly ok: false; readonly failure: LinkFailure };

/** Who hears of streams. */
export interface StreamsHooks {
  /** By this stream a pair may be sent for that nobody asked for (XEP-0288). */
  usable(stream: ServerStream, local: Domain, remote: Domain): void;
  /** A domain shows that it is there. */
  heard(remote: Domain): void;
  drained(stream: ServerStream): void;
  lost(stream: ServerStream): void;
}

/** The table of streams. */
export class Streams {
  readonly #services: S2sServices;
  readonly #history: History;
  readonly #hooks: StreamsHooks;
  readonly #flusher = new Flusher();
  readonly #pings = new Pings();
  readonly #resumptions: Resumptions;
  readonly #all = new Set<ServerStream>();
  /** Those that we opened, by the pair that they were opened for (and whether it is another one). */
  readonly #opened = new Map<string, OpenedStream>();
  readonly #opening = new Map<string, Promise<Opened>>();
  /** Where streams in use were sent on to, by pair, until the next one is opened. */
  readonly #redirects = new BoundedMap<string, string>(REDIRECTS);
  readonly #ending = new AbortController();
  readonly #sweep: Timer;
  #verifying = 0;
  /** How many of them for each address (of IPv6: network) that asks. */
  readonly #verifyingFor = new Map<string, number>();

  constructor(services: S2sServices, history: History, hooks: StreamsHooks) {
    this.#services = services;
    this.#history = history;
    this.#hooks = hooks;
    this.#resumptions = new Resumptions(services.clock);
    this.#sweep = services.clock.every(SWEEP_MS, () => {
      this.#resumptions.expire();
      this.#closeIdle();
    });
  }

  /** All streams. */
  get all(): Iterable<ServerStream> {
    return this.#all;
  }

  /** Takes a connection by which another server comes. */
  accept(socket: Socket, way: Way, remoteAddress: string, closed: () => void): void {
    const stream = acceptStream({
      socket,
      way,
      remoteAddress,
      services: this.#services,
      flusher: this.#flusher,
      verify: this.verify,
      pings: this.#pings,
      resumptions: this.#resumptions,
      accepted: (on, pair, proof, mayAnswer) => this.#onAccepted(on, pair, proof, mayAnswer),
      drained: (on) => this.#hooks.drained(on),
      opened: (on) => this.#onOpened(on),
      replaced: (on) => this.#hooks.lost(on),
      closed: (on, why) => {
        this.#onClosed(on, why);
        closed();
      },
    });
    this.#all.add(stream);
  }

  /** A stream by which a pair may be sent for; opens one if there is none. Never rejects. */
  async reach(local: Domain, remote: Domain): Promise<Reached> {
    const refusal = this.#services.policy.refusal(local, remote);
    if (refusal !== undefined) return { ok: false, failure: policyFailure(refusal) };
    // XEP-0198 §5: what a stream of ours that broke has carried, only its successor can tell.
    const isResuming = this.#resumptions.mayResume({ local, remote });
    if (!isResuming) {
      const known = await this.#known(local, remote);
      if (known !== undefined) return { ok: true, stream: known };
      const shared = await this.#shareable(local, remote);
      if (shared !== undefined) {
        const answer = await shared.inquiry.ask(local, remote);
        if (answer.type === 'valid') return this.#allowed(shared, local, remote);
        // XEP-0220 §2.5: it may do on a stream of its own.
      }
    }
    const opened = await this.#open(local, remote);
    if (!opened.ok) {
      // Who cannot be reached, but came himself, is sent again what he may have.
      const known = isResuming ? await this.#known(local, remote) : undefined;
      return known === undefined ? opened : { ok: true, stream: known };
    }
    const { stream } = opened;
    await stream.managed.whenOpen();
    if (stream.maySend(local, remote)) return { ok: true, stream };
    const answer = await stream.inquiry.ask(local, remote);
    if (answer.type !== 'valid') {
      const failure = dialbackFailure(answer, opened.refusal);
      this.#note(local, remote, 'failed', failure.text);
      return { ok: false, failure };
    }
    await stream.managed.whenOpen();
    return this.#allowed(stream, local, remote);
  }

  /** Asks a domain's authority about a key, on a stream of our own (XEP-0220 §2.1.2). */
  readonly verify: Verify = async ({ local, remote }, streamId, key, asker) => {
    const network = networkOf(asker.remoteAddress);
    const ofNetwork = this.#verifyingFor.get(network) ?? 0;
    if (this.#verifying >= MAX_VERIFYING || ofNetwork >= MAX_VERIFYING_EACH)
      return error('resource-constraint', 'Too many keys are being verified.');
    this.#verifying += 1;
    this.#verifyingFor.set(network, ofNetwork + 1);
    try {
      let opened = await this.#open(local, remote);
      // XEP-0288 §2.2: not on the stream on which the key was shown, though we opened it ourselves.
      if (opened.ok && opened.stream === asker) opened = await this.#open(local, remote, 'another');
      if (!opened.ok) return unverified(opened.failure);
      const answer = await opened.stream.inquiry.verify({ from: local, to: remote }, streamId, key);
      // §2.5: an error of the authority reaches the one who asked as remote-server-not-found.
      if (answer.type === 'error')
        return error('remote-server-not-found', `${remote} did not verify the key: ${answer.text}`);
      return answer;
    } finally {
      this.#verifying -= 1;
      const left = (this.#verifyingFor.get(network) ?? 1) - 1;
      if (left === 0) this.#verifyingFor.delete(network);
      else this.#verifyingFor.set(network, left);
    }
  };

  /** Closes all streams, once the other sides have what they were sent; resolves when they are gone. */
  async close(): Promise<void> {
    this.#sweep.cancel();
    this.#ending.abort();
    const streams = [...this.#all];
    await atMost(
      DRAIN_MS,
      streams.map(({ managed }) => managed.drained()),
    );
    const down = { condition: 'system-shutdown', text: 'The server is going down.' } as const;
    await atMost(
      DRAIN_MS,
      streams.map((stream) => stream.endHandled(down)),
    );
    await atMost(
      SHUTDOWN_MS,
      streams.map((stream) => stream.closed()),
    );
  }

  /** A stream by which a pair may be sent for, once it is known whether it goes on with another one. */
  async #known(local: Domain, remote: Domain): Promise<ServerStream | undefined> {
    for (const stream of this.#all) {
      if (!stream.maySend(local, remote)) continue;
      await stream.managed.whenOpen();
      if (stream.maySend(local, remote)) return stream;
    }
    return undefined;
  }

  #allowed(stream: ServerStream, local: Domain, remote: Domain): Reached {
    this.#note(local, remote, 'opened', `reached ${stream.remoteAddress} by dialback`);
    return { ok: true, stream };
  }

  /** The stream that was opened for a pair, or a new one; there may be another one beside it. */
  async #open(local: Domain, remote: Domain, which?: 'another'): Promise<Opened> {
    const pair = pairKey(local, remote);
    const key = which === undefined ? pair : `${pair} ${which}`;
    const before = this.#opened.get(key);
    if (before !== undefined && !before.stream.isOver) return { ok: true, ...before, attempts: [] };
    const opening = this.#opening.get(key) ?? this.#openAnew(local, remote, key);
    this.#opening.set(key, opening);
    return opening;
  }

  async #openAnew(local: Domain, remote: Domain, key: string): Promise<Opened> {
    const { metrics } = this.#services;
    const opened = await openStream({
      local,
      remote,
      services: this.#services,
      flusher: this.#flusher,
      verify: this.verify,
      pings: this.#pings,
      resumptions: this.#resumptions,
      signal: this.#ending.signal,
      otherHost: this.#redirects.get(key),
      began: (stream) => {
        this.#all.add(stream);
        metrics.connections.inc({ kind: 's2s_out' });
      },
      accepted: (stream, pair, proof, mayAnswer) =>
        this.#onAccepted(stream, pair, proof, mayAnswer),
      drained: (stream) => this.#hooks.drained(stream),
      opened: (stream) => this.#onOpened(stream),
      rejected: (condition, text, otherHost) => {
        if (otherHost !== undefined) this.#redirects.set(key, otherHost);
        if (!isPassing(condition)) this.#note(local, remote, 'failed', text);
      },
      closed: (stream, why) => {
        metrics.connections.dec({ kind: 's2s_out' });
        if (this.#opened.get(key)?.stream === stream) this.#opened.delete(key);
        this.#onClosed(stream, why);
      },
    });
    this.#opening.delete(key);
    this.#redirects.delete(key);
    metrics.s2sAttempts.inc({ outcome: opened.ok ? 'opened' : opened.failure.condition });
    if (opened.ok) {
      this.#opened.set(key, opened);
      const how = opened.stream.maySend(local, remote) ? 'EXTERNAL' : 'dialback to follow';
      const text = `${opened.target.host} (${opened.stream.remoteAddress}) was reached; ${how}`;
      this.#history.note(remote, {
        host: local,
        direction: 'out',
        outcome: 'opened',
        text,
        attempts: opened.attempts,
      });
    } else {
      const { condition, text } = opened.failure;
      this.#services.log.info({ from: local, to: remote, condition }, `not reached: ${text}`);
      this.#note(local, remote, 'failed', text, opened.attempts);
    }
    return opened;
  }

  /**
   * A stream that takes another pair by dialback: one from another of our domains to the same one, or
   * one to another domain of the same server, if that knows dialback errors (XEP-0220 §2.6). A stream
   * that was authenticated by EXTERNAL is not shared: another domain may have a proof as good.
   */
  async #shareable(local: Domain, remote: Domain): Promise<ServerStream | undefined> {
    const candidates = [...this.#opened.values()].filter(
      ({ stream, knowsDialback }) =>
        knowsDialback &&
        !stream.isOver &&
        stream.sends.some(({ proof }) => proof === 'dialback') &&
        (!this.#services.policy.terms(local).secureAuth || stream.proves(remote)),
    );
    const same = candidates.find(({ stream }) => stream.sends.some(({ to }) => to === remote));
    if (same !== undefined) return same.stream;
    const others = candidates.filter(({ knowsErrors }) => knowsErrors);
    if (others.length === 0) return undefined;
    const { resolver } = this.#services;
    const resolved = await resolver.resolve(remote);
    const target = resolved.ok ? resolved.targets[0] : undefined;
    if (target === undefined) return undefined;
    const found = await resolver.addresses(target.host);
    const addresses = found.ok ? found.addresses : [];
    return others.find(
      ({ stream, address, target: { port } }) =>
        !stream.isOver && port === target.port && addresses.includes(address),
    )?.stream;
  }

  #onAccepted(
    stream: ServerStream,
    { remote, local }: Parties,
    proof: Proof,
    mayAnswer: boolean,
  ): void {
    const text = `came from ${stream.remoteAddress}, proved by ${proof}`;
    if (stream.direction === 'in')
      this.#history.note(remote, { host: local, direction: 'in', outcome: 'opened', text });
    this.#hooks.heard(remote);
    if (!mayAnswer || !stream.maySend(local, remote)) return;
    if (!stream.managed.isBusy) this.#hooks.usable(stream, local, remote);
    for (const other of this.#all)
      if (other !== stream && other.maySend(local, remote)) other.managed.probe();
  }

  #onOpened(stream: ServerStream): void {
    for (const { from, to } of stream.sends) this.#hooks.usable(stream, from, to);
    this.#hooks.drained(stream);
  }

  #onClosed(stream: ServerStream, why: string): void {
    this.#all.delete(stream);
    if (stream.ending === 'broken') this.#noteBreak(stream, why);
    this.#hooks.lost(stream);
  }

  #noteBreak(stream: ServerStream, why: string): void {
    const text = `a stream broke: ${why}`;
    for (const { from: host, to: remote } of stream.sends)
      this.#history.note(remote, { host, direction: 'out', outcome: 'closed', text });
    for (const { from: remote, to: host } of stream.accepts)
      if (!stream.sends.some(({ from, to }) => from === host && to === remote))
        this.#history.note(remote, { host, direction: 'in', outcome: 'closed', text });
  }

  #note(
    host: Domain,
    remote: Domain,
    outcome: 'opened' | 'failed',
    text: string,
    attempts: Opened['attempts'] = [],
  ): void {
    this.#history.note(remote, { host, direction: 'out', outcome, text, attempts });
  }

  #closeIdle(): void {
    const now = this.#services.clock.monotonic();
    const { idleTimeout } = this.#services.settings();
    for (const stream of this.#all) {
      if (stream.inquiry.isOpen || stream.isOver) continue;
      const isBare = stream.sends.length === 0 && stream.accepts.length === 0;
      const isOut = stream.direction === 'out';
      if (isBare && isOut && now - stream.heardAt > BARE_MS) stream.close('it is not used');
      // Who opened it closes it; but one who forgot is reminded.
      else if (!isBare && now - stream.lastUsed > (isOut ? idleTimeout : 2 * idleTimeout))
        stream.close('it was idle');
    }
  }
}

/** Resolves when all is done, or after a while. */
async function atMost(ms: number, work: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([Promise.all(work), late]);
  clearTimeout(timer);
}

const error = (condition: string, text: string): DialbackAnswer => ({
  type: 'error',
  condition,
  text,
});

/** What the one who asked us is told when his authority cannot be reached (XEP-0220 §2.5). */
function unverified({ condition, text }: LinkFailure): DialbackAnswer {
  return error(
    condition === 'remote-server-not-found' ? condition : 'remote-connection-failed',
    text,
  );
}
