/**
 * The way from one of our domains to another one, as the router sees it: a queue while there is no
 * stream, a stream as soon as there is one, and the bounce when there will be none.
 */
import type { MaybePromise, Verdict } from '../core/hooks.ts';
import { verdict } from '../core/hooks.ts';
import { step } from '../core/story-steps.ts';
import { type Domain, domainOf, type Jid } from '../jid/jid.ts';
import type { Timer } from '../kit/clock.ts';
import { errorReply } from '../stanza/error.ts';
import type { Stanza } from '../stanza/stanza.ts';
import type { ServerStream } from './connection.ts';
import { type LinkFailure, policyFailure } from './failure.ts';
import { pairKey } from './pairs.ts';
import { Queue, type Queued } from './queue.ts';
import type { S2sServices } from './services.ts';
import type { Reached } from './streams.ts';

/** Links at a time: whoever writes to a new domain with each message gets no further. */
const MAX_LINKS = 10_000;
/** How often queues are looked at for stanzas that waited too long. */
const SWEEP_MS = 1000;
/** A try that failed is followed by another after this, then twice that, and so on. */
const BACK_OFF_MS = 1000;
const MAX_BACK_OFF_MS = 300_000;
/** The same for what will not be well within minutes. */
const LASTING_BACK_OFF_MS = 15_000;
/** A stream that lived so long was a good one: the next try comes at once. */
const GOOD_LIFE_MS = 10_000;

/** Where a link is. */
export type LinkState = 'idle' | 'connecting' | 'up' | 'waiting';

/** The way from one of our domains to another one. */
interface Link {
  readonly local: Domain;
  readonly remote: Domain;
  readonly queue: Queue;
  state: LinkState;
  stream: ServerStream | undefined;
  /** When it came up, in ms since the epoch. */
  upSince: number;
  /** Failed tries in a row. */
  failures: number;
  failure: LinkFailure | undefined;
  /** When the next try comes, in ms since the epoch; of meaning while waiting. */
  retryAt: number;
  retry: Timer | undefined;
}

/** A link, as an admin sees it. */
export interface LinkStatus {
  readonly local: Domain;
  readonly remote: Domain;
  readonly state: LinkState;
  readonly stream: ServerStream | undefined;
  readonly queued: number;
  readonly failure: LinkFailure | undefined;
  readonly retryAt: number | undefined;
}

/** What links need of the streams. */
export interface LinksOptions {
  readonly services: S2sServices;
  reach(local: Domain, remote: Domain): Promise<Reached>;
}

/** All links. */
export class Links {
  readonly #services: S2sServices;
  readonly #reach: LinksOptions['reach'];
  readonly #links = new Map<string, Link>();
  readonly #sweep: Timer;
  #isClosed = false;

  constructor({ services, reach }: LinksOptions) {
    this.#services = services;
    this.#reach = reach;
    this.#sweep = services.clock.every(SWEEP_MS, () => this.#expire());
  }

  /** Takes a stanza to another domain: the router's way out (core/router.ts). */
  route(stanza: Stanza & { readonly to: Jid }): MaybePromise<Verdict> {
    const { hosts, policy, clock, settings } = this.#services;
    const [local, remote] = [domainOf(stanza.from), domainOf(stanza.to)];
    if (hosts.ownerOf(local) === undefined) return verdict.drop(`${local} is not served here`);
    const refusal = policy.refusal(local, remote);
    if (refusal !== undefined) return verdict.bounce(policyFailure(refusal));
    const link = this.#linkOf(local, remote);
    if (link === undefined || this.#isClosed)
      return verdict.bounce({ condition: 'resource-constraint' });
    if (this.#send(link, stanza)) return verdict.handled;
    const wait = link.state === 'waiting' ? link.retryAt - clock.now() : 0;
    if (link.failure !== undefined && (link.failure.isLasting || wait > settings().queueTime))
      if (wait > 0) return verdict.bounce(link.failure);
    return this.#enqueue(link, stanza);
  }

  /** A stream may be used for a pair (XEP-0288); taken if the link has none. */
  offer(stream: ServerStream, local: Domain, remote: Domain): void {
    const link = this.#linkOf(local, remote);
    if (link !== undefined && link.stream === undefined) this.#up(link, stream);
  }

  /** A domain shows that it is there, or an admin thinks so: the next try comes at once. */
  heard(remote: Domain): void {
    for (const link of this.#links.values())
      if (link.remote === remote && link.state === 'waiting') this.#again(link);
  }

  /** A stream is over. */
  lost(stream: ServerStream): void {
    const now = this.#services.clock.now();
    for (const link of this.#links.values()) {
      if (link.stream !== stream) continue;
      link.stream = undefined;
      link.failures = now - link.upSince >= GOOD_LIFE_MS ? 0 : link.failures + 1;
      this.#wait(link, link.failures === 0 ? 0 : backOff(BACK_OFF_MS, link.failures));
    }
  }

  /** A stream takes more again. */
  drained(stream: ServerStream): void {
    for (const link of this.#links.values()) if (link.stream === stream) this.#pump(link);
  }

  /** Sends back what waits for domains that are not talked with any more. */
  enforce(): void {
    const { policy, hosts } = this.#services;
    for (const link of this.#links.values()) {
      const { local, remote } = link;
      const refusal =
        hosts.ownerOf(local) === undefined
          ? `${local} is no longer served here.`
          : policy.refusal(local, remote);
      if (refusal !== undefined) this.#sendBack(link.queue.take(), policyFailure(refusal));
    }
  }

  /** All links. */
  list(): readonly LinkStatus[] {
    return [...this.#links.values()].map((link) => ({
      local: link.local,
      remote: link.remote,
      state: link.state,
      stream: link.stream,
      queued: link.queue.length,
      failure: link.failure,
      retryAt: link.state === 'waiting' ? link.retryAt : undefined,
    }));
  }

  /** Sends back all that waits. */
  close(): void {
    this.#isClosed = true;
    this.#sweep.cancel();
    for (const link of this.#links.values()) {
      link.retry?.cancel();
      this.#sendBack(link.queue.take(), {
        condition: 'remote-server-timeout',
        text: 'The server is going down before the other one could be reached.',
        isLasting: false,
      });
    }
    this.#links.clear();
  }

  #linkOf(local: Domain, remote: Domain): Link | undefined {
    const key = pairKey(local, remote);
    const before = this.#links.get(key);
    if (before !== undefined) return before;
    if (this.#links.size >= MAX_LINKS) return undefined;
    const link: Link = {
      local,
      remote,
      queue: new Queue(),
      state: 'idle',
      stream: undefined,
      upSince: 0,
      failures: 0,
      failure: undefined,
      retryAt: 0,
      retry: undefined,
    };
    this.#links.set(key, link);
    return link;
  }

  /** Sends at once, if nothing is before it. */
  #send(link: Link, stanza: Stanza): boolean {
    const { stream, queue, local, remote } = link;
    if (stream === undefined || queue.length > 0 || stream.isFull) return false;
    if (!stream.maySend(local, remote)) return false;
    stream.sendStanza(stanza);
    return true;
  }

  #enqueue(link: Link, stanza: Stanza): Verdict {
    const { clock, settings, metrics, story } = this.#services;
    let settle = () => {};
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    if (!link.queue.add({ stanza, at: clock.now(), settle }, settings()))
      return verdict.bounce({
        condition: 'resource-constraint',
        text: `Too much waits for ${link.remote} already.`,
      });
    metrics.s2sQueue.inc();
    if (story.isOn) story.note(stanza, { kind: 'queued', domain: link.remote });
    if (link.state === 'idle') this.#connect(link);
    // Presence and requests are of the moment: nobody's goodbye waits for them.
    return stanza.kind === 'message' ? verdict.settling(settled) : verdict.handled;
  }

  #connect(link: Link): void {
    link.retry?.cancel();
    link.state = 'connecting';
    const { local, remote } = link;
    this.#reach(local, remote).then(
      (reached) => {
        if (this.#isClosed || link.stream !== undefined) return;
        if (reached.ok && !reached.stream.isOver) this.#up(link, reached.stream);
        else if (!reached.ok) this.#failed(link, reached.failure);
        else this.#wait(link, BACK_OFF_MS);
      },
      (error: unknown) => {
        this.#services.metrics.errors.inc({ area: 's2s' });
        this.#services.log.error({ err: error, from: local, to: remote }, 'no way could be sought');
        this.#wait(link, MAX_BACK_OFF_MS);
      },
    );
  }

  #up(link: Link, stream: ServerStream): void {
    link.retry?.cancel();
    link.state = 'up';
    link.stream = stream;
    link.upSince = this.#services.clock.now();
    link.failure = undefined;
    this.#pump(link);
  }

  /** Sends what waits, as far as the stream takes it. */
  #pump(link: Link): void {
    const { stream, queue, local, remote } = link;
    if (stream === undefined || !stream.maySend(local, remote)) return;
    while (!stream.isFull) {
      const entry = queue.shift();
      if (entry === undefined) return;
      this.#services.metrics.s2sQueue.dec();
      stream.sendStanza(entry.stanza);
      entry.settle();
    }
  }

  #failed(link: Link, failure: LinkFailure): void {
    link.failure = failure;
    link.failures += 1;
    const first = failure.isLasting ? LASTING_BACK_OFF_MS : BACK_OFF_MS;
    const ms = backOff(first, link.failures);
    this.#wait(link, ms);
    const { queueTime } = this.#services.settings();
    if (failure.isLasting || ms > queueTime) this.#sendBack(link.queue.take(), failure);
  }

  #wait(link: Link, ms: number): void {
    if (this.#isClosed) return;
    link.retry?.cancel();
    link.state = 'waiting';
    link.retryAt = this.#services.clock.now() + ms;
    link.retry = this.#services.clock.after(ms, () => this.#again(link));
  }

  #again(link: Link): void {
    link.retry?.cancel();
    link.state = 'idle';
    if (link.queue.length > 0) this.#connect(link);
  }

  #expire(): void {
    const { clock, settings } = this.#services;
    const now = clock.now();
    const before = now - settings().queueTime;
    for (const [key, link] of this.#links) {
      const { remote, queue, failure, state } = link;
      if (queue.oldest !== undefined && queue.oldest < before)
        this.#sendBack(
          queue.take(before),
          failure ?? {
            condition: 'remote-server-timeout',
            text: `${remote} could not be reached in time.`,
            isLasting: false,
          },
        );
      // A link that failed is remembered for as long again as it waited.
      if (state === 'idle' && queue.length === 0 && now - link.retryAt > MAX_BACK_OFF_MS)
        this.#links.delete(key);
    }
  }

  #sendBack(entries: readonly Queued[], failure: LinkFailure): void {
    const { router, metrics, story, log } = this.#services;
    metrics.s2sQueue.dec(entries.length);
    for (const { stanza, settle } of entries) {
      settle();
      const answer = errorReply(stanza, failure);
      log.debug({ from: stanza.from, to: stanza.to, kind: stanza.kind, ...failure }, 'bounced');
      if (story.isOn) story.note(stanza, step.bounced('s2s', failure, answer !== undefined));
      if (answer === undefined) continue;
      metrics.bounces.inc({ condition: failure.condition });
      Promise.resolve(router.route(answer)).catch((error: unknown) =>
        log.error({ err: error, to: answer.to }, 'a bounce could not be delivered'),
      );
    }
  }
}

/** The time before the next try, with some chance in it, so that not all come at once. */
function backOff(first: number, failures: number): number {
  const ms = Math.min(MAX_BACK_OFF_MS, first * 2 ** Math.min(failures - 1, 20));
  return ms * (0.75 + Math.random() / 2);
}
