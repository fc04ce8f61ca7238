/** IQs as modules handle them: who is asked, what, and the one answer (RFC 6120 §8.2.3). */
import type { BareJid, Domain, Jid } from '../jid/jid.ts';
import type { StanzaCondition, StanzaFailure } from '../stanza/condition.ts';
import type { Iq } from '../stanza/stanza.ts';
import type { Payload } from '../xml/codec.ts';
import type { Element } from '../xml/element.ts';
import type { MaybePromise } from './hooks.ts';
import type { Session } from './sessions.ts';

/**
 * To whom an IQ is addressed: the `server` (a host's domain), the sender's own account (`self`: no
 * `to`, or the own bare JID), another local `account` (its bare JID), or `nobody`: the bare JID of an
 * account that does not exist here, for what must not tell the two apart.
 */
export type IqTarget = 'server' | 'self' | 'account' | 'nobody';

/** An IQ request as a handler sees it. */
export interface IqRequest<T> {
  readonly iq: Iq;
  readonly payload: T;
  readonly from: Jid;
  /** The addressed account; for the target `server`, the host's domain. */
  readonly account: BareJid;
  readonly host: Domain;
  /** The local session that asks; undefined when the request came from elsewhere. */
  readonly session: Session | undefined;
}

/**
 * The answer to an IQ. `afterwards` runs after the answer was handed to the asker's stream, for what must
 * come after it (a roster push, the end of a removed account's streams).
 */
export type Reply =
  | {
      readonly kind: 'result';
      readonly payload: Element | undefined;
      readonly afterwards: (() => MaybePromise<void>) | undefined;
    }
  | { readonly kind: 'refuse'; readonly failure: StanzaFailure };

/** Makers of replies. */
export const reply = {
  result: (payload?: Element, afterwards?: () => MaybePromise<void>): Reply => ({
    kind: 'result',
    payload,
    afterwards,
  }),
  refuse: (condition: StanzaCondition, text?: string, app?: Element): Reply => ({
    kind: 'refuse',
    failure: { condition, text, app },
  }),
};

/** A handler of one kind of IQ, with its types forgotten; made by {@link onIq}. */
export interface IqRoute {
  readonly type: 'get' | 'set';
  readonly targets: readonly IqTarget[];
  /** Namespace and name of the payload, as {@link Payload.key}. */
  readonly key: string;
  handle(request: Omit<IqRequest<unknown>, 'payload'>, payload: Element): MaybePromise<Reply>;
}

/**
 * Declares a handler for IQs of a type, to some targets, that carry a payload. One that does not
 * decode is answered with bad-request, so that a handler sees only typed values.
 */
export function onIq<T>(
  type: 'get' | 'set',
  targets: readonly IqTarget[],
  payload: Payload<T>,
  handler: (request: IqRequest<T>) => MaybePromise<Reply>,
): IqRoute {
  return {
    type,
    targets,
    key: payload.key,
    handle(request, element) {
      const decoded = payload.decode(element);
      if (decoded === undefined) return reply.refuse('bad-request');
      return handler({ ...request, payload: decoded });
    },
  };
}

/** An IQ on a stream that is not authenticated yet (in-band registration, XEP-0077 §3.1). */
export interface EarlyIqRequest {
  readonly host: Domain;
  readonly type: 'get' | 'set';
  readonly payload: Element;
  /** The client's address, for limits. */
  readonly remote: string;
  /** The stream, by which a module knows what came on it before. */
  readonly stream: object;
}
