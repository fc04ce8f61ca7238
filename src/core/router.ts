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
import { BoundedMap } from '../kit/limits.ts';
import type { Logger } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import { seldom } from '../kit/seldom.ts';
import { iqResult, presence } from '../stanza/build.ts';
import type { StanzaFailure } from '../stanza/condition.ts';
import { delayed } from '../stanza/delay.ts';
import { errorReply } from '../stanza/error.ts';
import type { Iq, Message, Presence, Stanza } from '../stanza/stanza.ts';
import { nsOf } from '../xml/element.ts';
import type { Accounts } from './accounts.ts';
import { createAsking } from './asking.ts';
import { attempt } from './attempt.ts';
import type { Authority } from './authority.ts';
import { createBounds } from './bounds.ts';
import { type Choice, type Delivery, isForOne } from './delivery.ts';
import { iqKey } from './dispatch.ts';
import { firstVerdict, type MaybePromise, type Verdict, verdict } from './hooks.ts';
import type { Host, Hosts } from './hosts.ts';
import type { IqTarget, Reply } from './iq.ts';
import { mistakeOf } from './mistake.ts';
import { Parcel } from './parcel.ts';
import type { Creditor, Session, Sessions } from './sessions.ts';
import type { Story } from './story.ts';
import { step } from './story-steps.ts';

/** Routes stanzas. A returned promise means: the sender's next stanza waits for it (order). */
export interface Router {
  /** A stanza that a bound session sent, checked and stamped by its side. */
  fromSession(stanza: Stanza, session: Session): MaybePromise<void>;
  /**
   * A stanza from the server itself, a module, or another domain. The creditor is told what was
   * promised of it.
   */
  route(stanza: Stanza, creditor?: Creditor): MaybePromise<void>;
  /**
   * A stanza that a session was given, and of which nobody knows whether its client had it. Never
   * throws nor rejects.
   */
  returned(stanza: Stanza): MaybePromise<void>;
  /**
   * Sends a request of the server itself, from one of its hosts or accounts, and waits for the answer,
   * a result or an error; undefined when none comes in time.
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
  readonly authority: Pick<Authority, 'isGuest' | 'isInside'>;
  readonly sessions: Pick<Sessions, 'at'>;
  readonly delivery: Delivery;
  readonly metrics: Metrics;
  readonly story: Story;
  readonly log: Logger;
  readonly clock: Clock;
}

const UNKEPT_MOST = 10_000;
/** How often the log says at most that the store fails: each message may. */
const UNKEPT_SAID_MS = 1000;
const UNAVAILABLE: StanzaFailure = { condition: 'service-unavailable' };
const OVER = verdict.drop('its session is over');
/** The rule by which sessions are chosen. */
const DELIVERY = 'RFC 6121 §8.5';

/** The session that sends, if it is one of ours. */
function sessionOf(sender: Creditor | undefined): Session | undefined {
  return sender !== undefined && 'account' in sender ? (sender as Session) : undefined;
}

/** Makes the router. */
export function createRouter(options: RouterOptions): Router {
  const { hosts, accounts, authority, sessions, delivery, metrics, story, log, clock } = options;
  const asking = createAsking(clock);
  const bounds = createBounds(authority, hosts);
  let remote: RemoteRoute = () => verdict.bounce({ condition: 'remote-server-not-found' });
  const domains = new Map<Domain, RemoteRoute>();
  /** Messages whose senders were told lately that they could not be kept. */
  const unkept = new BoundedMap<number, true>(UNKEPT_MOST);
  const complain = seldom(clock, UNKEPT_SAID_MS, (facts: object, more) =>
    log.error({ ...facts, more }, 'what was handled could not be kept'),
  );

  return {
    fromSession(stanza, session) {
      if (story.isOn && stanza.kind === 'message')
        story.note(stanza, step.received(session.jid, session.id, session.remote));
      const host = hosts.get(session.host);
      if (host === undefined) return bounce(stanza, UNAVAILABLE, 'the host is gone');
      return after(bounds.sent(stanza, session.account), stanza, session, (allowed) =>
        after(
          firstVerdict(host.dispatch.fromAccount, allowed, session),
          allowed,
          session,
          (sent) => {
            if (sent.kind !== 'presence') return onward(sent, session);
            if (sent.to !== undefined)
              return after(timely(sent, session), sent, session, (due) => onward(due, session));
            const said = firstVerdict(host.dispatch.broadcast, sent, session);
            return after(said, sent, session, () => undefined);
          },
        ),
      );
    },
    route: (stanza, creditor) => onward(stanza, creditor),
    // XEP-0198 §4: as a resource that is gone (RFC 6121 §8.5.3.2); messages are followed by parcels.
    returned: (stanza) =>
      stanza.kind === 'iq'
        ? aside(stanza, () => bounce(stanza, UNAVAILABLE, 'the session ended'))
        : undefined,
    ask: (request, timeoutMs) => asking.ask(request, timeoutMs, () => onward(request, undefined)),
    useRemote(route) {
      remote = route;
    },
    useDomain(domain, route) {
      if (route === undefined) domains.delete(domain);
      else domains.set(domain, route);
    },
  };

  /**
   * While a hook was awaited, the session may have ended, and whoever it sent presence to directly was told
   * so (RFC 6121 §4.6.3): what came after that would stay for good.
   */
  function timely({ type }: Presence, session: Session): Verdict {
    return type === 'available' && sessions.at(session.jid) !== session ? OVER : verdict.pass;
  }

  /** Does what a verdict says, and `next` if it passes. */
  function after<S extends Stanza>(
    said: MaybePromise<Verdict>,
    stanza: S,
    sender: Creditor | undefined,
    next: (stanza: S) => MaybePromise<void>,
  ): MaybePromise<void> {
    if (said instanceof Promise) return said.then((late) => after(late, stanza, sender, next));
    switch (said.kind) {
      case 'pass':
        if (said.settled !== undefined) watch(said.settled, stanza, sender);
        // A hook passes one of the kind that it was given.
        return next(said.stanza === undefined ? stanza : (said.stanza as S));
      case 'handled':
        if (said.settled !== undefined) watch(said.settled, stanza, sender);
        return undefined;
      case 'drop':
        log.debug(
          { from: stanza.from, to: stanza.to, kind: stanza.kind, why: said.why },
          'dropped',
        );
        if (story.isOn)
          story.note(stanza, { kind: 'dropped', by: said.by ?? 'other domains', why: said.why });
        return undefined;
      case 'bounce':
        return bounce(stanza, said.failure, said.by ?? 'other domains');
    }
  }

  /** What a module promised must come true before the sender is told so; else the stanza bounces. */
  function watch(settled: Promise<unknown>, stanza: Stanza, sender: Creditor | undefined): void {
    const watched = settled.catch((error: unknown) => {
      metrics.errors.inc({ area: 'store' });
      complain({ err: error, from: stanza.from, to: stanza.to });
      if (stanza.kind === 'message') {
        // Each archive and the spool may fail for it; one error answers it.
        if (unkept.get(stanza.serial) === true) return undefined;
        unkept.set(stanza.serial, true);
      }
      return aside(stanza, () => bounce(stanza, mistakeOf(error), 'the store'));
    });
    sender?.owe(watched);
  }

  /** Does what nobody waits for: if it fails, all that can be done is to say so. */
  function aside(stanza: Stanza, work: () => MaybePromise<void>): MaybePromise<void> {
    return attempt(work, (error) => {
      metrics.errors.inc({ area: 'router' });
      const { from, to, kind } = stanza;
      log.error({ err: error, from, to, kind }, 'what came back could not be sent on');
    });
  }

  /** Sends the error that a stanza gets by a rule; an error or IQ result gets none. */
  function bounce(stanza: Stanza, failure: StanzaFailure, by: string): MaybePromise<void> {
    const answer = errorReply(stanza, failure);
    log.debug({ from: stanza.from, to: stanza.to, kind: stanza.kind, ...failure }, 'bounced');
    if (story.isOn) story.note(stanza, step.bounced(by, failure, answer !== undefined));
    if (answer === undefined) return undefined;
    metrics.bounces.inc({ condition: failure.condition });
    return onward(answer, undefined, true);
  }

  /** Whose is it? (RFC 6120 §10.5) */
  function onward(
    stanza: Stanza,
    sender: Creditor | undefined,
    isBounce = false,
  ): MaybePromise<void> {
    const { to } = stanza;
    if (to === undefined) return undefined; // presence that nobody's module broadcasts
    const domain = domainOf(to);
    const host = hosts.get(domain);
    if (host === undefined) {
      const own = hosts.wayTo(domain);
      const route = own ?? domains.get(domain) ?? remote;
      const leave = () => {
        const said = route(stanza as Stanza & { readonly to: Jid }); // its `to` was looked at above
        if (own !== undefined && story.isOn) void noteTaken(said, stanza, domain);
        return after(said, stanza, sender, () => undefined);
      };
      if (own !== undefined || isBounce) return leave();
      return after(bounds.leaving(stanza), stanza, sender, leave);
    }
    if (localOf(to) === '') return toServer(stanza, to, host, sender);
    const account = bareOf(to);
    const exists = accounts.exists(account);
    if (exists instanceof Promise)
      return exists.then((known) => toAccount(stanza, to, account, known, host, sender, isBounce));
    return toAccount(stanza, to, account, exists, host, sender, isBounce);
  }

  /** Notes that a module which serves a domain took a message, such as that of rooms. */
  async function noteTaken(said: MaybePromise<Verdict>, stanza: Stanza, by: Domain) {
    // What it does not take, or fails with, is told where it is answered.
    const { kind } = said instanceof Promise ? await said.catch(() => verdict.pass) : said;
    if (kind === 'handled') story.note(stanza, { kind: 'taken', by });
  }

  /** The address is the host itself (RFC 6120 §10.5.1, §10.5.2). */
  function toServer(stanza: Stanza, to: Jid, host: Host, sender: Creditor | undefined) {
    if (stanza.kind === 'presence') return undefined; // a server has no presence of its own
    if (stanza.kind === 'message' || isFull(to))
      return bounce(stanza, UNAVAILABLE, 'to the server itself, RFC 6120 §10.5');
    return handleIq(stanza, host, host.domain, 'server', sender);
  }

  /** The address is an account or its resource (RFC 6121 §8.5). */
  function toAccount(
    stanza: Stanza,
    to: Jid,
    account: BareJid,
    isKnown: boolean,
    host: Host,
    sender: Creditor | undefined,
    isBounce: boolean,
  ): MaybePromise<void> {
    if (!isKnown) return toNobody(stanza, to, host, sender);
    const said = isBounce ? verdict.pass : bounds.arriving(stanza, account);
    return after(said, stanza, sender, (passed) =>
      toKnownAccount(passed, to, account, host, sender),
    );
  }

  /** An account that exists, and may be reached. */
  function toKnownAccount(
    stanza: Stanza,
    to: Jid,
    account: BareJid,
    host: Host,
    sender: Creditor | undefined,
  ): MaybePromise<void> {
    const said = firstVerdict(host.dispatch.toAccount, stanza, account);
    return after(said, stanza, sender, (passed) => {
      switch (passed.kind) {
        case 'message':
          return conclude(delivery.choose(passed, account), passed, account, host, sender);
        case 'presence':
          return delivery.presence(passed, to, account);
        case 'iq':
          if (!isFull(to)) {
            const isOwn = sessionOf(sender)?.account === account;
            return handleIq(passed, host, account, isOwn ? 'self' : 'account', sender);
          }
          if (delivery.exact(passed, to)) return undefined;
          return bounce(passed, UNAVAILABLE, 'no such resource'); // §8.5.3.2.3
      }
    });
  }

  /** §8.5.1: no such account. Presence and IQ errors are ignored; the rest is refused. */
  function toNobody(
    stanza: Stanza,
    to: Jid,
    host: Host,
    sender: Creditor | undefined,
  ): MaybePromise<void> {
    if (stanza.kind === 'presence') {
      if (stanza.type !== 'probe') return undefined;
      // §4.3.2: the same answer as from an account to which the asker is not subscribed.
      const parties = { from: bareOf(to), to: bareOf(stanza.from) };
      return onward(presence({ type: 'unsubscribed', ...parties, id: stanza.id }), undefined);
    }
    if (stanza.kind === 'iq' && !isFull(to))
      return handleIq(stanza, host, bareOf(to), 'nobody', sender);
    return bounce(stanza, UNAVAILABLE, 'no such account, RFC 6121 §8.5.1');
  }

  /** Does with a message what was chosen. */
  function conclude(
    choice: Choice,
    message: Message,
    account: BareJid,
    host: Host,
    sender: Creditor | undefined,
  ): MaybePromise<void> {
    switch (choice.kind) {
      case 'deliver':
        return hand(message, account, choice.sessions, host, sender);
      case 'ignore':
        log.debug({ from: message.from, to: message.to, why: choice.why }, 'ignored');
        if (story.isOn) story.note(message, { kind: 'dropped', by: DELIVERY, why: choice.why });
        return undefined;
      case 'refuse':
        return bounce(message, UNAVAILABLE, `${choice.why}, ${DELIVERY}`);
      case 'keep': {
        const parcel = new Parcel(message, account, clock.now(), story, returned, sender);
        for (const hook of host.dispatch.handed) hook(parcel);
        // A module may have given copies to sessions that would not get the message itself.
        if (parcel.given.length > 0) return keep(parcel, host, sender);
        const said = toKeep(message, account, host);
        return after(said, message, sender, (refused) =>
          bounce(refused, UNAVAILABLE, `nobody keeps it, ${DELIVERY}`),
        );
      }
    }
  }

  /** Asks who keeps a message for later, and tells if somebody does. */
  function toKeep(message: Message, account: BareJid, host: Host): MaybePromise<Verdict> {
    const tell = (said: Verdict): Verdict => {
      if (said.kind === 'handled') for (const hook of host.dispatch.kept) hook(message, account);
      return said;
    };
    const said = firstVerdict(host.dispatch.undelivered, message, account);
    return said instanceof Promise ? said.then(tell) : tell(said);
  }

  /**
   * Hands a message to sessions, and follows it until one of them has it for sure (DESIGN D1), if anybody asks
   * or it may be of use to others.
   */
  function hand(
    message: Message,
    account: BareJid,
    sessions: readonly Session[],
    host: Host,
    sender: Creditor | undefined,
  ): void {
    const parcel = new Parcel(message, account, clock.now(), story, returned, sender);
    parcel.hand(sessions);
    keep(parcel, host, sender);
    for (const hook of host.dispatch.handed) hook(parcel);
    const isFollowed = parcel.isKept || parcel.isAsked || sender?.isKeeper === true;
    const receipt = isFollowed || !isForOne(message) ? parcel : undefined;
    for (const session of sessions) session.send(message, undefined, receipt);
  }

  /** Has a parcel kept until a session has it for sure, unless one has already. */
  function keep(parcel: Parcel, host: Host, sender: Creditor | undefined): void {
    if (parcel.end === 'acknowledged') return;
    for (const hook of host.dispatch.handing) {
      const settled = hook(parcel);
      if (settled !== undefined) watch(settled, parcel.message, sender);
    }
    if (sender?.isKeeper === true && !parcel.isKept) sender.owe(parcel.over());
  }

  /**
   * All sessions that were given a message ended, and none is known to have it: it goes to others, as
   * if it came now to a resource that is gone (XEP-0198 §4); otherwise whoever keeps it keeps it.
   */
  function returned(parcel: Parcel): void {
    const { message, account } = parcel;
    const host = hosts.get(domainOf(account));
    if (host === undefined) return;
    const choice = delivery.choose(message, account);
    if (choice.kind === 'deliver') {
      const late = delayed(message, { from: host.domain, stamp: parcel.since });
      parcel.hand(choice.sessions);
      for (const session of choice.sessions) session.send(late, undefined, parcel);
    } else if (!parcel.isKept) {
      void aside(message, () => conclude(choice, message, account, host, undefined));
    }
  }

  /** One Map look-up finds the handler; exactly one reply leaves here, whatever the handler does. */
  function handleIq(
    iq: Iq,
    host: Host,
    account: BareJid,
    target: IqTarget,
    sender: Creditor | undefined,
  ): MaybePromise<void> {
    if (iq.type === 'result' || iq.type === 'error') return asking.take(iq);
    const { payload } = iq;
    const found =
      payload === undefined
        ? undefined
        : host.dispatch.iq.get(iqKey(iq.type, target, `${nsOf(payload)} ${payload.name}`));
    if (payload === undefined || found === undefined)
      return bounce(iq, UNAVAILABLE, 'no such service');
    const session = sessionOf(sender);
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
    if (said.kind === 'refuse') return bounce(iq, said.failure, 'its service');
    const result = iqResult(iq, said.payload);
    const sent = session === undefined ? onward(result, undefined) : session.send(result);
    const { afterwards } = said;
    if (afterwards === undefined) return sent;
    return sent instanceof Promise ? sent.then(afterwards) : afterwards();
  }

  function mistake(iq: Iq, error: unknown): MaybePromise<void> {
    metrics.errors.inc({ area: 'iq' });
    log.error({ err: error, from: iq.from, to: iq.to }, 'an IQ handler failed unexpectedly');
    return bounce(iq, mistakeOf(error), 'its service');
  }
}
