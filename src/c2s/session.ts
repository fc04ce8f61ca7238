/** A client's bound session: what it sends goes through this door, what it gets leaves by it. */
import type { MaybePromise } from '../core/hooks.ts';
import { mistakeOf } from '../core/mistake.ts';
import type { Receipt } from '../core/parcel.ts';
import type { Restraint } from '../core/restraint.ts';
import {
  type OwnedSession,
  priorityOf,
  type Security,
  type SessionDevice,
  type SessionEnd,
  type SessionEndCondition,
} from '../core/sessions.ts';
import { step } from '../core/story-steps.ts';
import {
  type BareJid,
  bareOf,
  type Domain,
  domainOf,
  type FullJid,
  type Jid,
  parseJid,
} from '../jid/jid.ts';
import { deferred } from '../kit/deferred.ts';
import { randomId } from '../kit/ids.ts';
import { iqGet } from '../stanza/build.ts';
import { errorFor } from '../stanza/error.ts';
import { isStanza, type Presence, readStanza, type Stanza } from '../stanza/stanza.ts';
import { type Received, SM_NS } from '../stream/acks.ts';
import type { StreamFailure } from '../stream/error.ts';
import { BIND_NS } from '../stream/features.ts';
import { type Element, el, nsOf } from '../xml/element.ts';
import { type FrozenSession, frozenPresence } from './frozen.ts';
import type { Link } from './link.ts';
import { Outlet } from './outlet.ts';
import type { C2sServices } from './services.ts';

/** What is known when a resource is bound. */
export interface SessionOptions {
  readonly jid: FullJid;
  readonly isAnonymous: boolean;
  readonly security: Security;
  readonly device: SessionDevice | undefined;
  readonly isBind2: boolean;
  /** The stream's language, for stanzas that state none (RFC 6120 §8.1.5). */
  readonly language: string | undefined;
}

/** A session over a connection of this process, or between two of them (XEP-0198). */
export class ClientSession implements OwnedSession {
  readonly jid: FullJid;
  readonly account: BareJid;
  readonly host: Domain;
  readonly isAnonymous: boolean;
  readonly device: SessionDevice | undefined;
  readonly isBind2: boolean;
  since: number;
  security: Security;
  presence: Presence | undefined;
  priority = 0;

  readonly #services: C2sServices;
  readonly #language: string | undefined;
  /** What its client was told that it may say beside stanzas. */
  readonly #offered: ReadonlyMap<string, unknown> | undefined;
  /** How many promises to the client are not settled, and what settles one. */
  #owed = 0;
  #settle: (() => void) | undefined;
  /** Who waits for all of them. */
  #whenSettled: (() => void)[] | undefined;
  #isLeaving = false;
  readonly #outlet: Outlet;
  #isOver = false;
  /** What is owed for the stanza that is being handled. */
  #owedNow: Promise<unknown>[] = [];

  constructor(link: Link, services: C2sServices, options: SessionOptions) {
    this.jid = options.jid;
    this.account = bareOf(options.jid);
    this.host = domainOf(options.jid);
    this.isAnonymous = options.isAnonymous;
    this.security = options.security;
    this.device = options.device;
    this.isBind2 = options.isBind2;
    this.since = services.clock.now();
    this.#outlet = new Outlet(this, link, services);
    this.#services = services;
    this.#language = options.language;
    this.#offered = services.hosts.get(this.host)?.dispatch.nonzas;
  }

  get id(): string {
    return this.#outlet.link.id;
  }

  get remote(): string {
    return this.#outlet.link.remote;
  }

  get lastActive(): number {
    return this.#outlet.link.lastActive;
  }

  get isAttached(): boolean {
    return this.#outlet.isAttached;
  }

  get isActive(): boolean {
    return !this.#outlet.isRestrained;
  }

  /** Whether its stream is managed (XEP-0198 §3). */
  get isManaged(): boolean {
    return this.#outlet.managed !== undefined;
  }

  get isResumable(): boolean {
    return this.#outlet.managed?.resumeId !== undefined && !this.isAnonymous;
  }

  /** How many of the client's stanzas are handled (XEP-0198 §4). */
  get handledCount(): number {
    return this.#outlet.managed?.received.handled ?? 0;
  }

  /** Takes an element that the client sent. A promise means that the next one has to wait. */
  receive(element: Element): MaybePromise<void> {
    if (!isStanza(element)) {
      if (nsOf(element) === SM_NS) return this.#outlet.manage(element);
      const key = `${nsOf(element)} ${element.name}`;
      const route = this.#services.hosts.get(this.host)?.dispatch.nonzas.get(key);
      if (route !== undefined) return route.handle(this, element);
      if (this.#offered?.has(key) === true) return; // a reload switched it off
      const text = `<${element.name}/> is not known here.`;
      this.#outlet.link.end({ condition: 'unsupported-stanza-type', text }); // RFC 6120 §4.9.3.24
      return;
    }
    const received = this.#outlet.managed?.received;
    if (received === undefined) return this.#take(element);
    const owed: Promise<unknown>[] = [];
    this.#owedNow = owed;
    const taken = this.#take(element);
    if (!(taken instanceof Promise)) return this.#handled(received, owed);
    const place = received.begin();
    return taken.then(() => this.#handled(received, owed, place));
  }

  /** Counts a stanza once all that is owed for it is done (DESIGN D1). */
  #handled(received: Received, owed: Promise<unknown>[], begun?: number): void {
    if (owed.length === 0) {
      if (begun === undefined) received.pass();
      else received.settle(begun);
      return;
    }
    const place = begun ?? received.begin();
    void Promise.all(owed).then(() => received.settle(place));
  }

  #take(element: Element): MaybePromise<void> {
    const { from } = element.attrs;
    if (from !== undefined && from !== this.jid && !this.#isOwn(from)) {
      const text = `This stream may not send as ${from}.`;
      this.#outlet.link.end({ condition: 'invalid-from', text }); // RFC 6120 §8.1.2.1
      return;
    }
    const { metrics, clock, watch } = this.#services;
    if (this.#language !== undefined && element.attrs['xml:lang'] === undefined)
      element.attrs['xml:lang'] = this.#language;
    const read = readStanza(element, { from: this.jid, defaultTo: this.account });
    if (!read.ok) {
      const answer = errorFor(element, read, { from: this.account, to: this.jid });
      if (answer !== undefined) this.send(answer);
      return;
    }
    const { stanza } = read;
    metrics.stanzas.in[stanza.kind] += 1;
    if (watch.isActive) watch.record(this.account, 'in', this.id, stanza);
    const begun = clock.monotonic();
    const routed = this.#route(stanza);
    if (routed instanceof Promise) return routed.finally(() => this.#observe(begun));
    this.#observe(begun);
  }

  send(stanza: Stanza, to?: Jid, receipt?: Receipt): void {
    const { metrics, watch } = this.#services;
    metrics.stanzas.out[stanza.kind] += 1;
    if (watch.isActive) watch.record(this.account, 'out', this.id, stanza);
    this.#outlet.send(stanza, to, receipt);
  }

  restrain(restraint: Restraint | undefined): void {
    this.#outlet.restrain(restraint);
  }

  room(): Promise<void> | undefined {
    return this.#outlet.room();
  }

  pace(): Promise<void> | undefined {
    return this.#outlet.pace();
  }

  end(condition: SessionEndCondition, text: string): void {
    const { link } = this.#outlet;
    // One whose stream is over already may wait for what its client sent to be handled.
    if (this.isAttached && !link.isOver) link.end({ condition, text });
    else void this.remove({ kind: 'ended', text: `${condition}: ${text}` });
  }

  owe(work: Promise<unknown>): void {
    this.#settle ??= () => {
      this.#owed -= 1;
      if (this.#owed > 0) return;
      for (const go of this.#whenSettled ?? []) go();
      this.#whenSettled = undefined;
    };
    this.#owed += 1;
    const settled = work.then(this.#settle, this.#settle);
    if (this.#outlet.managed !== undefined) this.#owedNow.push(settled);
  }

  get isWaiting(): boolean {
    return this.isManaged || this.#isLeaving;
  }

  /** Resolves when all that was promised to this client is settled (DESIGN D1): it is about to leave. */
  async settled(): Promise<void> {
    this.#isLeaving = true;
    if (this.#owed === 0) return;
    this.#whenSettled ??= [];
    const { promise, resolve } = deferred<void>();
    this.#whenSettled.push(resolve);
    await promise;
  }

  /** Asks the client for a sign of life (XEP-0199 §4.1); whatever it sends is one. */
  ping(): void {
    const ping = el('ping', { xmlns: 'urn:xmpp:ping' });
    this.send(iqGet({ from: this.host, to: this.jid, id: randomId(), payload: ping }));
  }

  /** The client was heard of; by then the system had taken all that was written up to a position. */
  heard(gone: number): void {
    this.#outlet.heard(gone);
  }

  /** See {@link Outlet.enable}. */
  enable(request: Element): Element {
    return this.#outlet.enable(request);
  }

  /** See {@link Outlet.keep}. */
  keep(): void {
    this.#outlet.keep();
  }

  /** See {@link Outlet.tell}. */
  tell(): void {
    this.#outlet.tell();
  }

  /** What is to follow what is written now. */
  trailer(): string {
    return this.#outlet.trailer();
  }

  /** More may be sent to the client than before. */
  makeRoom(): void {
    this.#outlet.makeRoom();
  }

  /** The stream is about to end: the client is told what of it is handled (XEP-0198 §4). */
  farewell(): void {
    this.#outlet.farewell();
  }

  /** See {@link Outlet.sleep}. */
  sleep(): boolean {
    return this.#outlet.sleep();
  }

  /** See {@link Outlet.wake}. */
  wake(
    link: Link,
    security: Security,
    handled: number,
    answer: (handled: number) => void,
  ): Promise<StreamFailure | 'forgotten' | undefined> {
    return this.#outlet.wake(link, handled, (received) => {
      this.security = security;
      answer(received);
    });
  }

  /** Where a session that sleeps stands, to be written down; undefined if it does not. */
  async freeze(): Promise<FrozenSession | undefined> {
    const { managed } = this.#outlet;
    const { sleepers, registry } = this.#services;
    const until = sleepers.until(this);
    if (managed?.resumeId === undefined || until === undefined || this.isAnonymous)
      return undefined;
    const { mechanism, protocol, cipher } = this.security;
    return {
      jid: this.jid,
      resumeId: managed.resumeId,
      resumeMs: managed.resumeMs,
      until,
      since: this.since,
      lastActive: this.lastActive,
      remote: this.remote,
      language: this.#language,
      security: { protocol, cipher, mechanism },
      device: this.device,
      isBind2: this.isBind2,
      received: managed.received.handled,
      acknowledged: managed.acknowledgedCount,
      sent: await this.#outlet.frozen(managed),
      presence: this.presence?.wire.text,
      memory: registry.saveMemory(this),
    };
  }

  /** Takes up a session that was written down: it sleeps. */
  thaw(frozen: FrozenSession): void {
    const { sessions, registry } = this.#services;
    this.since = frozen.since;
    this.presence = frozenPresence(frozen, this.jid);
    this.priority = this.presence === undefined ? 0 : priorityOf(this.presence);
    sessions.restore(this);
    registry.restoreMemory(this, frozen.memory);
    this.#outlet.thaw(frozen);
  }

  /** Takes the session out of the table; the modules tell whom it concerns. */
  async remove(end: SessionEnd): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outlet.close();
    const { sessions, accounts } = this.#services;
    try {
      // A stream that ends in good order outlived all that was written to it (DESIGN D1).
      if (end.kind === 'closed') this.#outlet.heard(this.#outlet.link.goneByGoodbye);
      // The table first: what comes back looks for other sessions.
      const removed = sessions.remove(this, end);
      this.#outlet.giveBack();
      await removed;
    } catch (error) {
      this.#mistake(error);
    }
    if (this.isAnonymous) accounts.removeTemporary(this.account);
  }

  #isOwn(from: string): boolean {
    const parsed = parseJid(from);
    return parsed.ok && (parsed.value === this.jid || parsed.value === this.account);
  }

  #route(stanza: Stanza): MaybePromise<void> {
    if (stanza.kind === 'iq' && stanza.type === 'set' && isBind(stanza.payload)) {
      const answer = errorFor(
        stanza.element,
        { condition: 'not-allowed', text: 'A resource is bound already.' }, // RFC 6120 §7.1
        { from: this.account, to: this.jid },
      );
      if (answer !== undefined) this.send(answer);
      return;
    }
    try {
      const routed = this.#services.router.fromSession(stanza, this);
      return routed instanceof Promise
        ? routed.catch((error) => this.#failed(stanza, error))
        : routed;
    } catch (error) {
      this.#failed(stanza, error);
    }
  }

  /** A bug of ours: the stanza is answered, and the stream goes on. */
  #failed(stanza: Stanza, error: unknown): void {
    this.#mistake(error);
    const from = stanza.to ?? this.account;
    const failure = mistakeOf(error);
    const answer = errorFor(stanza.element, failure, { from, to: this.jid });
    const { story } = this.#services;
    if (story.isOn) story.note(stanza, step.bounced('a bug', failure, answer !== undefined));
    if (answer !== undefined) this.send(answer);
  }

  #mistake(error: unknown): void {
    this.#services.metrics.errors.inc({ area: 'c2s' });
    this.#outlet.link.note('error', { err: error }, 'a stanza could not be handled');
  }

  #observe(begun: number): void {
    const { clock, metrics } = this.#services;
    metrics.routeSeconds.observe((clock.monotonic() - begun) / 1000);
  }
}

const isBind = (payload: Element | undefined): boolean =>
  payload !== undefined && payload.name === 'bind' && nsOf(payload) === BIND_NS;
