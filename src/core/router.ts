/**
 * The way of a stanza from whoever sent it to whoever gets it: RFC 6120 §10, RFC 6121 §8. Drawn in
 * docs/ARCHITECTURE.md; each stage names its way out. A bounce of an error or of an IQ result is a
 * drop (RFC 6120 §8.3.1), decided here and nowhere else.
 */
import {
  type BareJid,
  bareOf,
  type Domain,
  domainOf,
  isFull,
  type Jid,
  localOf,
} from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import { iqResult, presence } from '../stanza/build.ts';
import type { StanzaFailure } from '../stanza/condition.ts';
import { errorReply } from '../stanza/error.ts';
import type { Iq, Message, Presence, Stanza } from '../stanza/stanza.ts';
import { nsOf } from '../xml/element.ts';
import type { Accounts } from './accounts.ts';
import { createAsking } from './asking.ts';
import type { Delivered, Delivery } from './delivery.ts';
import { iqKey } from './dispatch.ts';
import { firstVerdict, type MaybePromise, type Verdict, verdict } from './hooks.ts';
import type { Host, Hosts } from './hosts.ts';
import type { IqTarget, Reply } from './iq.ts';
import type { Session } from './sessions.ts';

/** Routes stanzas. A returned promise means: the sender's next stanza waits for it (order). */
export interface Router {
  /** A stanza that a bound session sent, checked and stamped by its side. */
  fromSession(stanza: Stanza, session: Session): MaybePromise<void>;
  /** A stanza from the server itself, a module, or another domain. */
  route(stanza: Stanza): MaybePromise<void>;
  /**
   * Sends a request of the server itself, from one of its hosts, and waits for the answer, a result
   * or an error; undefined when none comes in time.
   */
  ask(request: Iq, timeoutMs: number): Promise<Iq | undefined>;
  /** Takes the side that knows the way to other domains; without one they are not found. */
  useRemote(remote: RemoteRoute): void;
  /** Takes the way to a domain that is no host but ours, such as a component's; undefined ends it. */
  useDomain(domain: Domain, route: RemoteRoute | undefined): void;
}

/**
 * Sends a stanza to a domain that is no host. `settled` of the verdict resolves when the other side
 * has accepted it; when it gives up, the side itself sends the bounce.
 */
export type RemoteRoute = (stanza: Stanza & { readonly to: Jid }) => MaybePromise<Verdict>;

/** What the router works with. */
export interface RouterOptions {
  readonly hosts: Hosts;
  readonly accounts: Accounts;
  readonly delivery: Delivery;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Makes the router. */
export function createRouter(options: RouterOptions): Router {
  const { hosts, accounts, delivery, metrics, log, clock } = options;
  const asking = createAsking(clock);
  let remote: RemoteRoute = () => verdict.bounce({ condition: 'remote-server-not-found' });
  const domains = new Map<Domain, RemoteRoute>();

  return {
    fromSession(stanza, session) {
      const host = hosts.get(session.host);
      if (host === undefined) return bounce(stanza, { condition: 'service-unavailable' });
      return after(
        firstVerdict(host.dispatch.fromAccount, stanza, session),
        stanza,
        session,
        () => {
          if (stanza.kind !== 'presence' || stanza.to !== undefined) return onward(stanza, session);
          const said = firstVerdict(host.dispatch.broadcast, stanza, session);
          return after(said, stanza, session, () => undefined);
        },
      );
    },
    route: (stanza) => onward(stanza, undefined),
    ask: (request, timeoutMs) => asking.ask(request, timeoutMs, () => onward(request, undefined)),
    useRemote(route) {
      remote = route;
    },
    useDomain(domain, route) {
      if (route === undefined) domains.delete(domain);
      else domains.set(domain, route);
    },
  };

  /** Does what a verdict says, and `next` if it passes. */
  function after(
    said: MaybePromise<Verdict>,
    stanza: Stanza,
    session: Session | undefined,
    next: () => MaybePromise<void>,
  ): MaybePromise<void> {
    if (said instanceof Promise) return said.then((late) => after(late, stanza, session, next));
    switch (said.kind) {
      case 'pass':
        return next();
      case 'handled':
        if (said.settled !== undefined) watch(said.settled, stanza, session);
        return undefined;
      case 'drop':
        log.debug(
          { from: stanza.from, to: stanza.to, kind: stanza.kind, why: said.why },
          'dropped',
        );
        return undefined;
      case 'bounce':
        return bounce(stanza, said.failure);
    }
  }

  /** What a module promised must come true before the sender is told so; else the stanza bounces. */
  function watch(settled: Promise<unknown>, stanza: Stanza, session: Session | undefined): void {
    const watched = settled.catch((error: unknown) => {
      metrics.errors.inc({ area: 'store' });
      log.error(
        { err: error, from: stanza.from, to: stanza.to },
        'what was handled could not be kept',
      );
      return bounce(stanza, { condition: 'internal-server-error' });
    });
    session?.owe(watched);
  }

  /** Sends the error that a stanza gets; an error or IQ result gets none. */
  function bounce(stanza: Stanza, failure: StanzaFailure): MaybePromise<void> {
    const answer = errorReply(stanza, failure);
    log.debug({ from: stanza.from, to: stanza.to, kind: stanza.kind, ...failure }, 'bounced');
    if (answer === undefined) return undefined;
    metrics.bounces.inc({ condition: failure.condition });
    return onward(answer, undefined);
  }

  /** Whose is it? (RFC 6120 §10.5) */
  function onward(stanza: Stanza, session: Session | undefined): MaybePromise<void> {
    const { to } = stanza;
    if (to === undefined) return undefined; // presence that nobody's module broadcasts
    const domain = domainOf(to);
    const host = hosts.get(domain);
    if (host === undefined) {
      const route = domains.get(domain) ?? remote;
      return after(route({ ...stanza, to }), stanza, session, () => undefined);
    }
    if (localOf(to) === '') return toServer(stanza, to, host, session);
    const account = bareOf(to);
    const exists = accounts.exists(account);
    if (exists instanceof Promise)
      return exists.then((known) => toAccount(stanza, to, account, known, host, session));
    return toAccount(stanza, to, account, exists, host, session);
  }

  /** The address is the host itself (RFC 6120 §10.5.1, §10.5.2). */
  function toServer(stanza: Stanza, to: Jid, host: Host, session: Session | undefined) {
    if (stanza.kind === 'presence') return undefined; // a server has no presence of its own
    if (stanza.kind === 'message' || isFull(to))
      return bounce(stanza, { condition: 'service-unavailable' });
    return handleIq(stanza, host, host.domain, 'server', session);
  }

  /** The address is an account or its resource (RFC 6121 §8.5). */
  function toAccount(
    stanza: Stanza,
    to: Jid,
    account: BareJid,
    isKnown: boolean,
    host: Host,
    session: Session | undefined,
  ): MaybePromise<void> {
    if (!isKnown) return toNobody(stanza, to, host, session);
    return after(firstVerdict(host.dispatch.toAccount, stanza, account), stanza, session, () => {
      switch (stanza.kind) {
        case 'message':
          return conclude(delivery.message(stanza, account), stanza, account, host, session);
        case 'presence':
          return conclude(delivery.presence(stanza, to, account), stanza, account, host, session);
        case 'iq':
          if (!isFull(to)) {
            const isOwn = session?.account === account;
            return handleIq(stanza, host, account, isOwn ? 'self' : 'account', session);
          }
          if (delivery.exact(stanza, to)) return undefined;
          return bounce(stanza, { condition: 'service-unavailable' }); // §8.5.3.2.3
      }
    });
  }

  /** §8.5.1: no such account. Presence and IQ errors are ignored; the rest is refused. */
  function toNobody(
    stanza: Stanza,
    to: Jid,
    host: Host,
    session: Session | undefined,
  ): MaybePromise<void> {
    if (stanza.kind === 'presence') {
      if (stanza.type !== 'probe') return undefined;
      // §4.3.2: the same answer as from an account to which the asker is not subscribed.
      const parties = { from: bareOf(to), to: bareOf(stanza.from) };
      return onward(presence({ type: 'unsubscribed', ...parties, id: stanza.id }), undefined);
    }
    if (stanza.kind === 'iq' && !isFull(to))
      return handleIq(stanza, host, bareOf(to), 'nobody', session);
    return bounce(stanza, { condition: 'service-unavailable' });
  }

  function conclude(
    done: Delivered,
    stanza: Message | Presence,
    account: BareJid,
    host: Host,
    session: Session | undefined,
  ): MaybePromise<void> {
    switch (done.kind) {
      case 'delivered':
        return undefined;
      case 'ignore':
        log.debug({ from: stanza.from, to: stanza.to, why: done.why }, 'ignored');
        return undefined;
      case 'refuse':
        return bounce(stanza, { condition: 'service-unavailable' });
      case 'keep': {
        if (stanza.kind !== 'message') return undefined;
        const said = firstVerdict(host.dispatch.undelivered, stanza, account);
        return after(said, stanza, session, () =>
          bounce(stanza, { condition: 'service-unavailable' }),
        );
      }
    }
  }

  /** One Map look-up finds the handler; exactly one reply leaves here, whatever the handler does. */
  function handleIq(
    iq: Iq,
    host: Host,
    account: BareJid,
    target: IqTarget,
    session: Session | undefined,
  ): MaybePromise<void> {
    if (iq.type === 'result' || iq.type === 'error')
      return target === 'server' ? asking.take(iq) : undefined; // others wait for nothing
    const { payload } = iq;
    const found =
      payload === undefined
        ? undefined
        : host.dispatch.iq.get(iqKey(iq.type, target, `${nsOf(payload)} ${payload.name}`));
    if (payload === undefined || found === undefined)
      return bounce(iq, { condition: 'service-unavailable' });
    const request = { iq, from: iq.from, account, host: host.domain, session };
    try {
      const said = found.handle(request, payload);
      if (!(said instanceof Promise)) return answer(iq, said, session);
      return said.then(
        (late) => answer(iq, late, session),
        (error: unknown) => mistake(iq, error),
      );
    } catch (error) {
      return mistake(iq, error);
    }
  }

  /** A session here has its result at once, even if its account is gone by now (XEP-0077 §3.2). */
  function answer(iq: Iq, said: Reply, session: Session | undefined): MaybePromise<void> {
    if (said.kind === 'refuse') return bounce(iq, said.failure);
    const result = iqResult(iq, said.payload);
    const sent = session === undefined ? onward(result, undefined) : session.send(result);
    const { afterwards } = said;
    if (afterwards === undefined) return sent;
    return sent instanceof Promise ? sent.then(afterwards) : afterwards();
  }

  function mistake(iq: Iq, error: unknown): MaybePromise<void> {
    metrics.errors.inc({ area: 'iq' });
    log.error({ err: error, from: iq.from, to: iq.to }, 'an IQ handler failed unexpectedly');
    return bounce(iq, { condition: 'internal-server-error' });
  }
}
