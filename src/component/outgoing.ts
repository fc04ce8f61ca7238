/**
 * What is on its way to a component. XEP-0114 knows no acknowledgements: a stanza counts as the component's
 * once the system has taken it. What it has not when the connection ends comes back to its sender.
 */
import { attempt } from '../core/attempt.ts';
import type { RemoteRoute } from '../core/router.ts';
import { step } from '../core/story-steps.ts';
import { domainOf } from '../jid/jid.ts';
import { deferred } from '../kit/deferred.ts';
import type { StanzaFailure } from '../stanza/condition.ts';
import { errorReply } from '../stanza/error.ts';
import type { Stanza } from '../stanza/stanza.ts';
import type { ComponentServices } from './services.ts';

/** A stanza for a component. */
export type Addressed = Parameters<RemoteRoute>[0];

interface Written {
  readonly stanza: Addressed;
  /** When it was written, on the monotonic scale, in ms. */
  readonly since: number;
  /** Where it ends in what is written; see Channel.position. */
  readonly position: number;
  settle(): void;
}

/** What it works with. */
export type OutgoingServices = Pick<
  ComponentServices,
  'clock' | 'router' | 'metrics' | 'story' | 'log'
>;

/** What one stream was given and the system has not taken, in its order. Who owns the stream bounds it. */
export class Outgoing {
  readonly #services: OutgoingServices;
  #written: Written[] = [];
  /** When it last took something, on the monotonic scale. */
  #takenAt = Number.NEGATIVE_INFINITY;

  constructor(services: OutgoingServices) {
    this.#services = services;
  }

  /**
   * Notes a stanza that is written now.
   * @param position where it ends in what is written, in characters
   * @returns resolves when the system has taken it, or it is on its way back
   */
  add(stanza: Addressed, position: number): Promise<void> {
    const { promise, resolve } = deferred<void>();
    const since = this.#services.clock.monotonic();
    this.#written.push({ stanza, since, position, settle: resolve });
    return promise;
  }

  /** For how long the system has taken nothing of what waits, in ms; undefined if nothing waits. */
  get stuckFor(): number | undefined {
    const [first] = this.#written;
    if (first === undefined) return undefined;
    return this.#services.clock.monotonic() - Math.max(first.since, this.#takenAt);
  }

  /** The system has taken all up to a position. */
  taken(gone: number): void {
    const left = this.#written.findIndex(({ position }) => position > gone);
    const over = left < 0 ? this.#written : this.#written.slice(0, left);
    if (over.length === 0) return;
    this.#written = left < 0 ? [] : this.#written.slice(left);
    this.#takenAt = this.#services.clock.monotonic();
    for (const { settle } of over) settle();
  }

  /**
   * The connection is over: sends back what the system has not taken. Of what it was taking just then
   * some may have arrived, and comes back all the same.
   */
  giveBack(): void {
    const { metrics, story } = this.#services;
    const written = this.#written;
    this.#written = [];
    for (const { stanza, settle } of written) {
      const failure = brokenFailure(stanza);
      const answer = errorReply(stanza, failure);
      if (story.isOn) story.note(stanza, step.bounced('component', failure, answer !== undefined));
      if (answer !== undefined) metrics.bounces.inc({ condition: failure.condition });
      const routed = answer === undefined ? undefined : this.#route(answer);
      if (routed instanceof Promise) void routed.then(settle);
      else settle();
    }
  }

  #route(answer: Stanza) {
    const { router, log } = this.#services;
    return attempt(
      () => router.route(answer),
      (error) => log.error({ err: error, to: answer.to }, 'a bounce could not be delivered'),
    );
  }
}

/** As while the component is not connected (side.ts). */
const brokenFailure = ({ to }: Addressed): StanzaFailure => ({
  condition: 'remote-server-timeout',
  text: `The connection of ${domainOf(to)} to its server broke before this was sent.`,
});
