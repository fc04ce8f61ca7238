/**
 * The way from one of our domains to another one, as the router sees it: a queue while there is no
 * stream, a stream as soon as there is one, and the bounce when there will be none.
 */
import type { MaybePromise, Verdict } from '../core/hooks.ts';
import { verdict } from '../core/hooks.ts';
import { type Domain, domainOf } from '../jid/jid.ts';
import type { Timer } from '../kit/clock.ts';
import type { ServerStream } from './connection.ts';
import {
  type LinkFailure,
  policyFailure,
  rejectedFailure,
  SHUTDOWN_FAILURE,
  silentFailure,
  timeoutFailure,
} from './failure.ts';
import {
  backOff,
  type Link,
  type LinkStatus,
  MAX_BACK_OFF_MS,
  networkBehind,
  newLink,
  statusOf,
} from './link.ts';
import { type Parties, pairKey } from './pairs.ts';
import type { Addressed, Passage } from './passage.ts';
import { Passages } from './passages.ts';
import type { S2sServices } from './services.ts';
import type { Spool } from './spool.ts';
import type { Reached } from './streams.ts';

/** Links at a time: whoever writes to a new domain with each message gets no further. */
const MAX_LINKS = 10_000;
/** How often queues are looked at for stanzas that waited too long. */
const SWEEP_MS = 1000;
/** A try that failed is followed by another after this, then twice that, and so on. */
const BACK_OFF_MS = 1000;
/** The same for what will not be well within minutes. */
const LASTING_BACK_OFF_MS = 15_000;
/** A stream that lived so long was a good one: the next try comes at once. */
const GOOD_LIFE_MS = 10_000;
/** How long the one who opened a stream that broke has to resume it, before we open one ourselves. */
const HEAD_START_MS = 5000;
/** When a stream of ours that broke is resumed for the other side's sake. */
const RESUME_AFTER_MS = 500;
/** Streams that the other side may end by an error, each time with the same stanza in flight first. */
const MAX_REJECTIONS = 2;
/** How long a domain whose stream broke is looked for, though nobody writes to it. */
const MISSED_MS = 86_400_000;
/** How many are looked for behind one address (of IPv6: network), where a stranger may have any number. */
const MAX_SOUGHT_EACH = 250;

/** What links need of the streams. */
export interface LinksOptions {
  readonly services: S2sServices;
  readonly spool: Spool;
  reach(local: Domain, remote: Domain): Promise<Reached>;
  /**
   * A domain whose streams had broken is out of reach, or is there again and may not remember what it
   * told before.
   */
  changed(parties: Parties, now: 'gone' | 'again'): void;
}

/** All links. */
export class Links {
  readonly #services: S2sServices;
  readonly #options: LinksOptions;
  readonly #passages: Passages;
  readonly #links = new Map<string, Link>();
  readonly #sweep: Timer;
  #isClosing = false;
  #isClosed = false;

  constructor(options: LinksOptions) {
    const { services, spool } = options;
    this.#services = services;
    this.#options = options;
    this.#passages = new Passages(services, spool);
    this.#sweep = services.clock.every(SWEEP_MS, () => this.#expire());
  }

  /** Goes on with what was on its way when the server ended. */
  async restore(): Promise<void> {
    for (const { local, remote, ...spooled } of await this.#passages.load()) {
      const link = this.#linkOf(local, remote);
      if (link !== undefined) this.#passages.restore(link.queue, spooled);
    }
    this.enforce();
    for (const link of this.#links.values()) if (link.queue.isWaiting) this.#connect(link);
  }

  /** Takes a stanza to another domain: the router's way out (core/router.ts). */
  route(stanza: Addressed): MaybePromise<Verdict> {
    const { hosts, policy, clock, settings } = this.#services;
    const [local, remote] = [domainOf(stanza.from), domainOf(stanza.to)];
    if (hosts.ownerOf(local) === undefined) return verdict.drop(`${local} is not served here`);
    const refusal = policy.refusal(local, remote);
    if (refusal !== undefined) return verdict.bounce(policyFailure(refusal));
    if (this.#isClosed) return verdict.bounce(SHUTDOWN_FAILURE);
    const link =
      this.#linkOf(local, remote) ?? (this.#makeRoom() ? this.#linkOf(local, remote) : undefined);
    if (link === undefined) return verdict.bounce({ condition: 'resource-constraint' });
    const wait = link.state === 'waiting' ? link.retryAt - clock.monotonic() : 0;
    const isHopeless = link.failure?.isLasting === true || wait > settings().queueTime;
    if (link.failure !== undefined && isHopeless && wait > 0) return verdict.bounce(link.failure);
    const passage = this.#passages.begin(link.queue, stanza);
    if (passage === undefined)
      return verdict.bounce({
        condition: 'resource-constraint',
        text: `Too much is on its way to ${remote} already.`,
      });
    if (link.stream !== undefined) this.#pump(link);
    else {
      this.#tellWaiting(link, [passage]);
      if (link.state === 'idle') this.#connect(link);
      else if (link.failure === undefined && wait > this.#shortly())
        this.#wait(link, this.#shortly());
    }
    return verdict.settling(passage.settled);
  }

  /** A stream may be used for a pair (XEP-0288); taken if the link has none. */
  offer(stream: ServerStream, local: Domain, remote: Domain): void {
    const link = this.#linkOf(local, remote);
    if (link === undefined || link.stream !== undefined || link.awaits === 'ours') return;
    if (link.awaits === 'theirs' && stream.direction === 'out') return;
    this.#up(link, stream);
  }

  /**
   * A domain shows that it is there, or an admin thinks so: the next try comes at once; but who may
   * resume a stream of his (XEP-0198 §5) is about to.
   */
  heard(remote: Domain): void {
    for (const link of this.#links.values())
      if (link.remote === remote && link.state === 'waiting' && link.awaits !== 'theirs')
        this.#again(link);
  }

  /** A stream is over: what was sent on it and is not known to have arrived waits again. */
  lost(stream: ServerStream): void {
    const now = this.#services.clock.monotonic();
    const { kept } = stream.managed;
    const miss = this.#missing(stream);
    for (const link of this.#links.values()) {
      if (link.stream !== stream) continue;
      link.stream = undefined;
      link.awaits = kept;
      if (stream.rejection !== undefined) this.#suspect(link, stream.rejection);
      link.queue.rewind();
      this.#tellWaiting(link, link.queue.list());
      link.shortLives = now - link.upSince >= GOOD_LIFE_MS ? 0 : link.shortLives + 1;
      if (stream.ending !== 'closed') miss(link);
      const most = link.queue.isWaiting ? this.#shortly() : MAX_BACK_OFF_MS;
      const ms = link.shortLives === 0 ? 0 : backOff(BACK_OFF_MS, link.shortLives, most);
      this.#wait(link, kept === undefined ? ms : toResume(kept, ms));
    }
    if (kept === 'ours') this.#resume(stream);
    if (stream.ending === 'closed') return;
    for (const { from: remote, to: local } of stream.accepts) this.#miss({ local, remote }, miss);
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
      if (refusal !== undefined) this.#refuse(link, refusal);
      else if (link.state === 'idle' && this.#isMissed(link)) this.#connect(link);
    }
  }

  /** All links. */
  list(): readonly LinkStatus[] {
    return [...this.#links.values()].map((link) => statusOf(link, this.#services.clock));
  }

  /** Opens no more streams. */
  prepareToClose(): void {
    this.#isClosing = true;
    this.#sweep.cancel();
    for (const link of this.#links.values()) link.retry?.cancel();
  }

  /** Keeps what can be kept until the next start, and sends the rest back. */
  async close(): Promise<void> {
    this.prepareToClose();
    this.#isClosed = true;
    for (const { queue } of this.#links.values()) this.#passages.leave(queue, SHUTDOWN_FAILURE);
    this.#links.clear();
    await this.#passages.close();
  }

  #linkOf(local: Domain, remote: Domain): Link | undefined {
    const key = pairKey(local, remote);
    const before = this.#links.get(key);
    if (before !== undefined) return before;
    if (this.#links.size >= MAX_LINKS) return undefined;
    const link = newLink({ local, remote });
    this.#links.set(key, link);
    return link;
  }

  /**
   * Forgets a link by which nothing is on its way, preferably one without a stream: strangers can have
   * us know, and miss, as many domains as they like. False when something is on its way by each.
   */
  #makeRoom(): boolean {
    const isFree = ({ queue, state }: Link) => queue.length === 0 && state !== 'connecting';
    const free = [...this.#links.values()].filter(isFree);
    const link = free.find(({ stream }) => stream === undefined) ?? free[0];
    if (link === undefined) return false;
    link.retry?.cancel();
    this.#giveUp(link);
    return this.#links.delete(pairKey(link.local, link.remote));
  }

  /**
   * The other side ended the stream by an error: perhaps for the first stanza that it has not
   * acknowledged. If that is so twice, it comes back; otherwise it would end all streams to come.
   */
  #suspect({ queue, remote }: Link, text: string): void {
    const suspect = queue.firstSent;
    if (suspect === undefined) return;
    suspect.rejections += 1;
    if (suspect.rejections >= MAX_REJECTIONS)
      this.#passages.sendBack(queue, [suspect], rejectedFailure(remote, text));
  }

  /** The other side may wait for a stream of ours that broke, though our link has another one. */
  #resume(stream: ServerStream): void {
    for (const { from: local, to: remote } of stream.sends) {
      if (this.#linkOf(local, remote)?.awaits === 'ours') continue; // it connects by itself
      this.#services.clock.after(RESUME_AFTER_MS, () => {
        if (!this.#isClosing) void this.#options.reach(local, remote);
      });
    }
  }

  #tellWaiting({ remote }: Link, passages: readonly Passage[]): void {
    const { story } = this.#services;
    if (!story.isOn) return;
    for (const { stanza } of passages) story.note(stanza, { kind: 'queued', domain: remote });
  }

  /** A stream broke by which another domain wrote to us: we look for it, unless we have a way. */
  #miss({ local, remote }: Parties, miss: (link: Link) => void): void {
    if (this.#services.hosts.ownerOf(local) === undefined) return;
    const link = this.#linkOf(local, remote);
    if (link === undefined || link.stream !== undefined) return;
    miss(link);
    if (link.state === 'idle' && this.#isMissed(link)) this.#wait(link, HEAD_START_MS);
  }

  /** Notes of links that their stream broke, and which of the domains are looked for. */
  #missing(stream: ServerStream): (link: Link) => void {
    const network = networkBehind(stream);
    let sought = 0;
    for (const link of this.#links.values())
      if (link.soughtBehind === network && this.#isMissed(link)) sought += 1;
    return (link) => {
      if (link.brokenSince !== undefined) return;
      link.brokenSince = this.#services.clock.monotonic();
      if (sought >= MAX_SOUGHT_EACH) return;
      sought += 1;
      link.soughtBehind = network;
    };
  }

  #connect(link: Link): void {
    if (this.#isClosing) return;
    link.retry?.cancel();
    const { local, remote } = link;
    const refusal = this.#services.policy.refusal(local, remote);
    if (refusal !== undefined) return void this.#refuse(link, refusal);
    link.state = 'connecting';
    this.#options.reach(local, remote).then(
      (reached) => {
        if (this.#isClosing || link.stream !== undefined) return;
        // A stream came and broke meanwhile: who resumes it tells what has arrived.
        if (link.state !== 'connecting' && link.awaits !== undefined) return;
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
    link.upSince = this.#services.clock.monotonic();
    link.awaits = undefined;
    link.failure = undefined;
    const wasMissed = link.brokenSince !== undefined || link.failures > 0;
    link.failures = 0;
    const isOther = wasMissed && !stream.managed.isResumed;
    if (isOther || link.isGone) this.#options.changed(link, 'again');
    link.brokenSince = undefined;
    link.soughtBehind = undefined;
    link.isGone = false;
    this.#pump(link);
  }

  /** Sends what waits, as far as the stream takes it. */
  #pump({ stream, queue, local, remote }: Link): void {
    if (stream === undefined || !stream.maySend(local, remote)) return;
    while (!stream.isFull) {
      const passage = queue.next();
      if (passage === undefined) return;
      stream.sendStanza(passage);
      this.#passages.sent(passage, stream);
    }
  }

  /** The two may not talk: what waits comes back, and nobody looks for the other one. */
  #refuse(link: Link, refusal: string): void {
    link.retry?.cancel();
    if (link.stream === undefined) link.state = 'idle';
    this.#passages.sendBack(link.queue, link.queue.list(), policyFailure(refusal));
    this.#giveUp(link);
  }

  #failed(link: Link, failure: LinkFailure): void {
    // XEP-0198 §5: one of ours goes on being sought, though the other side may be there first.
    if (link.awaits === 'theirs') link.awaits = undefined;
    link.failure = failure;
    link.failures += 1;
    const first = failure.isLasting ? LASTING_BACK_OFF_MS : BACK_OFF_MS;
    const ms = backOff(first, link.failures);
    this.#wait(link, ms);
    const { queueTime } = this.#services.settings();
    if (!failure.isLasting && ms <= queueTime) return;
    this.#passages.sendBack(link.queue, link.queue.list(), failure);
    this.#giveUp(link);
  }

  /** A domain whose stream broke is out of reach, as far as anybody can tell. */
  #giveUp(link: Link): void {
    if (link.brokenSince === undefined || link.isGone) return;
    link.isGone = true;
    this.#options.changed(link, 'gone');
  }

  /** The time until the next try of one whose streams break, so that no stanza bounces without a try. */
  #shortly(): number {
    return Math.max(HEAD_START_MS, this.#services.settings().queueTime / 4);
  }

  #wait(link: Link, ms: number): void {
    if (this.#isClosing) return;
    link.retry?.cancel();
    link.state = 'waiting';
    link.retryAt = this.#services.clock.monotonic() + ms;
    link.retry = this.#services.clock.after(ms, () => this.#again(link));
  }

  #again(link: Link): void {
    link.retry?.cancel();
    link.state = 'idle';
    if (link.awaits === 'theirs') link.awaits = undefined;
    if (link.queue.isWaiting || this.#isMissed(link)) this.#connect(link);
  }

  #isMissed({ brokenSince, soughtBehind }: Link): boolean {
    if (brokenSince === undefined || soughtBehind === undefined) return false;
    return this.#services.clock.monotonic() - brokenSince < MISSED_MS;
  }

  #expire(): void {
    const { clock, settings } = this.#services;
    const now = clock.monotonic();
    const before = now - settings().queueTime;
    for (const [key, link] of this.#links) {
      const { remote, queue, failure, state, stream } = link;
      if (queue.oldest !== undefined && queue.oldest < before) {
        const usual = stream === undefined ? timeoutFailure(remote) : silentFailure(remote);
        this.#passages.sendBack(queue, queue.list(before), failure ?? usual);
      }
      if (link.brokenSince !== undefined && link.brokenSince < before) this.#giveUp(link);
      // A link that failed is remembered for as long again as it waited.
      const isOld = state === 'idle' && queue.length === 0 && now - link.retryAt > MAX_BACK_OFF_MS;
      const isToBeGone = link.brokenSince !== undefined && !link.isGone;
      if (isOld && !isToBeGone && !this.#isMissed(link)) this.#links.delete(key);
    }
  }
}

/** Who may resume comes before the other side, who waits for it, comes himself. */
const toResume = (kept: 'ours' | 'theirs', ms: number): number =>
  kept === 'ours' ? Math.min(ms, HEAD_START_MS / 2) : Math.max(ms, HEAD_START_MS);
