/** What comes by a stream: the door, the router, and the count of what is handled. */
import { attempt } from '../core/attempt.ts';
import type { MaybePromise } from '../core/hooks.ts';
import { mistakeOf } from '../core/mistake.ts';
import type { Creditor } from '../core/sessions.ts';
import { step } from '../core/story-steps.ts';
import { domainOf } from '../jid/jid.ts';
import { errorReply } from '../stanza/error.ts';
import type { Stanza } from '../stanza/stanza.ts';
import type { StreamFailure } from '../stream/error.ts';
import type { Element } from '../xml/element.ts';
import { enter } from './door.ts';
import type { Managed } from './managed.ts';
import type { Pairs } from './pairs.ts';
import type { Pings } from './pings.ts';
import type { S2sServices } from './services.ts';

/** The stream that something came by. */
export interface IntakePort {
  /** The stream's name in the log, and the other side's address. */
  readonly id: string;
  readonly remoteAddress: string;
  readonly services: Pick<S2sServices, 'hosts' | 'metrics' | 'router' | 'story'>;
  readonly managed: Managed;
  readonly pings: Pings;
  /** The pairs that the other side may send for. */
  readonly accepts: Pairs;
  /** The stream's language. */
  language(): string | undefined;
  /** A stanza came that is for somebody here. */
  used(): void;
  end(failure: StreamFailure): void;
  /** Reads nothing more until the work is done. */
  hold(work: Promise<void>): void;
  note(level: 'error', facts: object, text: string): void;
}

/** Takes an element that is to be a stanza. */
export function takeIn(element: Element, port: IntakePort): void {
  const { hosts, metrics, story } = port.services;
  const entered = enter(element, {
    accepts: port.accepts,
    isServed: (domain) => hosts.ownerOf(domain) !== undefined,
    language: port.language(),
  });
  if (!entered.ok) return void port.end(entered.failure);
  metrics.s2sStanzas.inc({ direction: 'in', kind: element.name });
  const { stanza } = entered;
  const handled = port.managed.take((creditor) => {
    if (stanza === undefined || port.pings.take(stanza)) return undefined;
    port.used();
    if (story.isOn)
      story.note(stanza, step.received(domainOf(stanza.from), port.id, port.remoteAddress));
    return route(stanza, creditor, port);
  });
  if (handled instanceof Promise) port.hold(handled);
}

function route(stanza: Stanza, creditor: Creditor, port: IntakePort): MaybePromise<void> {
  const { router, metrics, story } = port.services;
  const note = (error: unknown) => {
    metrics.errors.inc({ area: 's2s' });
    const { from, to, kind } = stanza;
    port.note('error', { err: error, from, to, kind }, 'a stanza could not be handled');
  };
  /** A bug of ours: the stanza is answered, since it will count as handled, and the stream goes on. */
  const failed = (error: unknown): MaybePromise<void> => {
    note(error);
    const failure = mistakeOf(error);
    const answer = errorReply(stanza, failure);
    if (story.isOn) story.note(stanza, step.bounced('a bug', failure, answer !== undefined));
    return answer === undefined ? undefined : attempt(() => router.route(answer), note);
  };
  return attempt(() => router.route(stanza, creditor), failed);
}
