/**
 * The stanzas on their way to other domains, from the first promise to the end: what is promised of
 * each (DESIGN D1), what is kept over a restart, and the bounce.
 */
import { attempt } from '../core/attempt.ts';
import type { MaybePromise } from '../core/hooks.ts';
import type { Creditor } from '../core/sessions.ts';
import { step } from '../core/story-steps.ts';
import { type Domain, domainOf } from '../jid/jid.ts';
import { errorReply } from '../stanza/error.ts';
import type { Stanza } from '../stanza/stanza.ts';
import type { LinkFailure } from './failure.ts';
import { Grace } from './grace.ts';
import { type Addressed, Passage } from './passage.ts';
import type { Queue } from './queue.ts';
import type { S2sServices } from './services.ts';
import type { Spool, Spooled } from './spool.ts';

/** How long a stanza that is worth keeping may take to be acknowledged before it is written down. */
const KEPT_GRACE_MS = 20;
/** After this the sender of any other stanza is told that it is handled: it is of the moment. */
const OTHERS_GRACE_MS = 1000;

/** What may be on its way to all domains together, in characters. */
const MAX_SIZE = 256 * 1024 * 1024;

/** What they work with. */
export type PassageServices = Pick<
  S2sServices,
  'clock' | 'router' | 'metrics' | 'story' | 'log' | 'settings'
>;

/** All passages. */
export class Passages {
  readonly #services: PassageServices;
  readonly #spool: Spool;
  readonly #kept: Grace<Passage>;
  readonly #others: Grace<Passage>;
  #size = 0;

  constructor(services: PassageServices, spool: Spool) {
    this.#services = services;
    this.#spool = spool;
    this.#kept = new Grace(services.clock, KEPT_GRACE_MS, (due) => spool.keep(due));
    this.#others = new Grace(services.clock, OTHERS_GRACE_MS, (due) => {
      for (const passage of due) passage.settle();
    });
  }

  /** Adds a stanza to a queue; undefined when there is no room for it. */
  begin(queue: Queue, stanza: Addressed): Passage | undefined {
    const { clock, settings } = this.#services;
    const passage: Passage = new Passage({
      stanza,
      at: clock.now(),
      since: clock.monotonic(),
      arrived: () => this.#arrived(queue, passage),
    });
    if (!queue.hasRoom(passage, settings()) || this.#size > MAX_SIZE) return undefined;
    this.#add(queue, passage);
    if (passage.isKept) this.#kept.add(passage);
    else this.#others.add(passage);
    return passage;
  }

  /**
   * Adds a stanza that was kept over a restart. It has its full time again: to wait is no use while
   * we are away, and a bounce would find nobody.
   */
  restore(queue: Queue, { id, at, stanza }: Spooled): void {
    const passage: Passage = new Passage({
      stanza,
      at,
      since: this.#services.clock.monotonic(),
      spoolId: id,
      arrived: () => this.#arrived(queue, passage),
    });
    passage.settle();
    this.#add(queue, passage);
  }

  /** A passage was written into a stream. */
  sent({ stanza }: Passage, { id, remoteAddress }: { id: string; remoteAddress: string }): void {
    const { story } = this.#services;
    if (story.isOn) story.note(stanza, step.sent(domainOf(stanza.to), id, remoteAddress));
  }

  /**
   * Sends passages of a queue back to who sent them. What is in the spool stays there until its sender
   * has the answer: after a crash before that it goes on, and comes back twice at worst.
   */
  sendBack(queue: Queue, passages: readonly Passage[], failure: LinkFailure): void {
    const { metrics, story, log } = this.#services;
    for (const passage of passages) {
      if (passage.isOver) continue;
      const { stanza, spoolId } = passage;
      this.#take(queue, passage);
      const answer = errorReply(stanza, failure);
      log.debug({ from: stanza.from, to: stanza.to, kind: stanza.kind, ...failure }, 'bounced');
      if (story.isOn) story.note(stanza, step.bounced('s2s', failure, answer !== undefined));
      if (answer === undefined) {
        this.#spool.drop({ spoolId });
        passage.settle();
        continue;
      }
      metrics.bounces.inc({ condition: failure.condition });
      const routed = this.#answer(answer, spoolId);
      // What follows it to the sender, such as the word that it is handled, comes after the answer.
      if (routed instanceof Promise) void routed.then(() => passage.settle());
      else passage.settle();
    }
  }

  /** Keeps what can be kept of a queue over a restart, and sends the rest back. */
  leave(queue: Queue, failure: LinkFailure): void {
    const all = queue.list();
    this.#spool.keep(all.filter(({ isKept }) => isKept));
    this.sendBack(
      queue,
      all.filter(({ spoolId }) => spoolId === undefined),
      failure,
    );
  }

  /** What was on its way when the server ended, with the domains that it is between. */
  async load(): Promise<
    readonly (Spooled & { readonly local: Domain; readonly remote: Domain })[]
  > {
    const spooled = await this.#spool.load();
    return spooled.map((each) => ({
      ...each,
      local: domainOf(each.stanza.from),
      remote: domainOf(each.stanza.to),
    }));
  }

  /** Resolves when all that is kept is on the disk. */
  async close(): Promise<void> {
    this.#kept.end();
    this.#others.end();
    await this.#spool.flushed();
  }

  #add(queue: Queue, passage: Passage): void {
    queue.add(passage);
    this.#size += passage.size;
    this.#services.metrics.s2sQueue.inc();
  }

  #arrived(queue: Queue, passage: Passage): void {
    const { story } = this.#services;
    const { stanza } = passage;
    if (story.isOn) story.note(stanza, { kind: 'accepted', domain: domainOf(stanza.to) });
    this.#over(queue, passage);
  }

  #over(queue: Queue, passage: Passage): void {
    if (passage.isOver) return;
    this.#take(queue, passage);
    this.#spool.drop(passage);
    passage.settle();
  }

  /** Takes a passage out of its queue: it is over. */
  #take(queue: Queue, passage: Passage): void {
    queue.remove(passage);
    this.#size -= passage.size;
    this.#services.metrics.s2sQueue.dec();
  }

  /**
   * Sends an answer to the sender of a passage, and has the row of that removed once he has it. What is in
   * the spool he was told to be handled: if his client is gone, the account is owed the answer.
   */
  #answer(answer: Stanza, spoolId: number | undefined): MaybePromise<void> {
    const { router, log } = this.#services;
    const due: Promise<unknown>[] = [];
    const debts: Creditor = {
      isWaiting: true,
      isKeeper: true,
      owe: (work) => void due.push(work),
    };
    const drop = () => {
      if (due.length === 0) return void this.#spool.drop({ spoolId });
      void Promise.all(due).then(() => this.#spool.drop({ spoolId }));
    };
    return attempt(
      () => {
        const routed =
          spoolId === undefined ? router.route(answer) : router.route(owed(answer), debts);
        return routed instanceof Promise ? routed.then(drop) : drop();
      },
      (error) => log.error({ err: error, to: answer.to }, 'a bounce could not be delivered'),
    );
  }
}

const owed = (answer: Stanza): Stanza =>
  answer.kind === 'message' ? { ...answer, isOwed: true } : answer;
