/** A client's bound session: what it sends goes through this door, what it gets leaves by it. */

import type { MaybePromise } from '../core/hooks.ts';
import type { Receipt } from '../core/parcel.ts';
import {
  type OwnedSession,
  priorityOf,
  type Security,
  type SessionEnd,
  type SessionEndCondition,
} from '../core/sessions.ts';
import {
  type BareJid,
  bareOf,
  type Domain,
  domainOf,
  type FullJid,
  type Jid,
  parseJid,
} from '../jid/jid.ts';
import { randomId } from '../kit/ids.ts';
import { iqGet } from '../stanza/build.ts';
import { errorFor } from '../stanza/error.ts';
import { isStanza, type Presence, readStanza, type Stanza } from '../stanza/stanza.ts';
import { readStored } from '../stanza/stored.ts';
import { enabledText, failedText, readCounter, SM_NS, tooHighFailure } from '../stream/acks.ts';
import type { StreamFailure } from '../stream/error.ts';
import { BIND_NS } from '../stream/features.ts';
import { type Element, el, nsOf } from '../xml/element.ts';
import { parseElement } from '../xml/parse.ts';
import type { FrozenSession } from './handover.ts';
import { againText, Managed, resumption } from './managed.ts';
import type { C2sServices } from './services.ts';
import { Unproved } from './unproved.ts';

/** The connection under a session, as the session uses it. */
export interface Link {
  readonly id: string;
  readonly remote: string;
  readonly lastActive: number;
  /** How many characters were written. */
  readonly position: number;
  /** Bytes that wait to be read by the client. */
  readonly waiting: number;
  /** Nothing is written once the stream is over. */
  write(text: string): void;
  end(failure: StreamFailure): void;
  /** Another connection has taken the session over: this one ends without it. */
  replaced(): void;
  /** Writes a line to the log that names the stream, the address and the account. */
  note(level: 'debug' | 'info' | 'error', facts: object, text: string): void;
}

/** What is known when a resource is bound. */
export interface SessionOptions {
  readonly jid: FullJid;
  readonly isAnonymous: boolean;
  readonly security: Security;
  /** The stream's language, for stanzas that state none (RFC 6120 §8.1.5). */
  readonly language: string | undefined;
}

/** How much may wait for a client before those who have much for it wait, too. */
const ROOM_BYTES = 256 * 1024;
/** The same for stanzas that it has not acknowledged. */
const ROOM_STANZAS = 500;
/** How long a client that comes back waits for what it sent before to be handled. */
const QUIET_MS = 5000;

/** A session over a connection of this process, or between two of them (XEP-0198). */
export class ClientSession implements OwnedSession {
  readonly jid: FullJid;
  readonly account: BareJid;
  readonly host: Domain;
  readonly isAnonymous: boolean;
  since: number;
  security: Security;
  presence: Presence | undefined;
  priority = 0;

  readonly #services: C2sServices;
  readonly #language: string | undefined;
  readonly #owed = new Set<Promise<unknown>>();
  readonly #unproved = new Unproved(this);
  #link: Link;
  #isAttached = true;
  #isOver = false;
  /** Set once the client asked for stream management. */
  #managed: Managed | undefined;
  /** What is owed for the stanza that is being handled. */
  #owedNow: Promise<unknown>[] = [];
  /** Who waits for room. */
  #waiting: (() => void)[] = [];

  constructor(link: Link, services: C2sServices, options: SessionOptions) {
    this.jid = options.jid;
    this.account = bareOf(options.jid);
    this.host = domainOf(options.jid);
    this.isAnonymous = options.isAnonymous;
    this.security = options.security;
    this.since = services.clock.now();
    this.#link = link;
    this.#services = services;
    this.#language = options.language;
  }

  get id(): string {
    return this.#link.id;
  }

  get remote(): string {
    return this.#link.remote;
  }

  get lastActive(): number {
    return this.#link.lastActive;
  }

  get isAttached(): boolean {
    return this.#isAttached;
  }

  /** Whether the session is over for good. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** How many of the client's stanzas are handled (XEP-0198 §4). */
  get handledCount(): number {
    return this.#managed?.received.handled ?? 0;
  }

  /** Takes an element that the client sent. A promise means that the next one has to wait. */
  receive(element: Element): MaybePromise<void> {
    if (!isStanza(element)) {
      if (nsOf(element) === SM_NS) return this.#manage(element);
      const text = `<${element.name}/> is not known here.`;
      this.#link.end({ condition: 'unsupported-stanza-type', text }); // RFC 6120 §4.9.3.24
      return;
    }
    const managed = this.#managed;
    if (managed === undefined) return this.#take(element);
    this.#owedNow = [];
    const taken = this.#take(element);
    if (!(taken instanceof Promise)) return this.#handled(managed, this.#owedNow);
    const place = managed.received.begin();
    return taken.then(() => this.#handled(managed, this.#owedNow, place));
  }

  /** Counts a stanza once all that is owed for it is done (DESIGN D1). */
  #handled({ received }: Managed, owed: Promise<unknown>[], begun?: number): void {
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
      this.#link.end({ condition: 'invalid-from', text }); // RFC 6120 §8.1.2.1
      return;
    }
    const { metrics, clock, trace } = this.#services;
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
    if (trace.isActive) trace.record(this.account, 'in', this.id, stanza);
    const begun = clock.monotonic();
    const routed = this.#route(stanza);
    if (routed instanceof Promise) return routed.finally(() => this.#observe(begun));
    this.#observe(begun);
  }

  send(stanza: Stanza, to?: Jid, receipt?: Receipt): void {
    const { metrics, trace, clock, limits } = this.#services;
    metrics.stanzas.out[stanza.kind] += 1;
    if (trace.isActive) trace.record(this.account, 'out', this.id, stanza);
    if (this.#isOver) {
      receipt?.returned(this);
      return;
    }
    const text = to === undefined ? stanza.wire.text : stanza.wire.textTo(to);
    this.#link.write(text);
    const managed = this.#managed;
    if (managed !== undefined) {
      const hasRoom = managed.add({ stanza, text, receipt, at: clock.now() }, limits());
      if (!hasRoom) this.end('resource-constraint', 'Too much was not acknowledged.');
    } else if (receipt !== undefined) {
      this.#unproved.add(receipt, this.#link.position);
    }
  }

  room(): Promise<void> | undefined {
    if (this.#hasRoom()) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  end(condition: SessionEndCondition, text: string): void {
    if (this.#isAttached) this.#link.end({ condition, text });
    else void this.remove({ kind: 'ended', text: `${condition}: ${text}` });
  }

  owe(work: Promise<unknown>): void {
    const settled: Promise<unknown> = work.then(
      () => this.#owed.delete(settled),
      () => this.#owed.delete(settled),
    );
    this.#owed.add(settled);
    if (this.#managed !== undefined) this.#owedNow.push(settled);
  }

  /** Resolves when all that was promised to this client is settled (DESIGN D1). */
  async settled(): Promise<void> {
    await Promise.all(this.#owed);
  }

  /** Asks the client for a sign of life (XEP-0199 §4.1); whatever it sends is one. */
  ping(): void {
    const ping = el('ping', { xmlns: 'urn:xmpp:ping' });
    this.send(iqGet({ from: this.host, to: this.jid, id: randomId(), payload: ping }));
  }

  /** The client was heard of; by then the system had taken all that was written up to a position. */
  heard(gone: number): void {
    this.#unproved.heard(gone);
  }

  /** What is to follow what is written now. */
  trailer(): string {
    return this.#managed?.trailer() ?? '';
  }

  /** More may be sent to the client than before. */
  makeRoom(): void {
    if (this.#waiting.length === 0 || !this.#hasRoom()) return;
    for (const go of this.#waiting.splice(0)) go();
  }

  /** The client says goodbye: what it sent is handled, and it is told so (XEP-0198 §4). */
  farewell(): void {
    this.#managed?.tell();
  }

  /**
   * The connection is gone: the session sleeps until its client comes back, or until it does not
   * (XEP-0198 §5). False if it may not.
   */
  sleep(): boolean {
    const managed = this.#managed;
    if (managed?.resumeId === undefined || this.#isOver) return false;
    this.#isAttached = false;
    this.#services.sleepers.sleep(this, this.#services.clock.now() + managed.resumeMs);
    this.#link.note('info', { waiting: managed.unacknowledged }, 'the session sleeps');
    this.makeRoom();
    return true;
  }

  /**
   * The client is back on another connection: takes what it says that it has, and sends the rest
   * again (§5). An error is why the stream has to end.
   */
  async wake(
    link: Link,
    security: Security,
    handled: number,
    answer: (handled: number) => void,
  ): Promise<StreamFailure | undefined> {
    const { clock, sleepers } = this.#services;
    const managed = this.#managed;
    if (managed === undefined) return { condition: 'internal-server-error', text: 'Not managed.' };
    if (this.#isAttached) this.#link.replaced();
    this.#isAttached = false;
    sleepers.sleep(this, clock.now() + managed.resumeMs);
    await this.#quiet(managed);
    if (this.#isOver) return { condition: 'reset', text: 'The session ended meanwhile.' };
    if (this.#isAttached) this.#link.replaced(); // two came back at once
    const taken = managed.acknowledge(handled);
    if (taken === undefined) return tooHighFailure(handled, managed.sentCount);
    for (const { receipt } of taken) receipt?.acknowledged(this);
    this.#link = link;
    this.#isAttached = true;
    this.security = security;
    sleepers.wake(this);
    answer(managed.received.handled);
    for (const sent of managed.resend()) link.write(againText(sent, this.host, clock.now()));
    this.makeRoom();
    return undefined;
  }

  /** Where a session that sleeps stands, to be written down; undefined if it does not. */
  async freeze(): Promise<FrozenSession | undefined> {
    const managed = this.#managed;
    const { sleepers, registry } = this.#services;
    const until = sleepers.until(this);
    if (managed?.resumeId === undefined || until === undefined || this.isAnonymous)
      return undefined;
    const sent = managed.list().map(async ({ text, at, receipt }) => {
      const place = await receipt?.place;
      return { text, at, place };
    });
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
      received: managed.received.handled,
      acknowledged: managed.acknowledgedCount,
      sent: await Promise.all(sent),
      presence: this.presence?.wire.text,
      memory: registry.saveMemory(this),
    };
  }

  /** Takes up a session that was written down: it sleeps. */
  thaw(frozen: FrozenSession): void {
    const { clock, sleepers, sessions, registry, hosts } = this.#services;
    const managed = new Managed(
      { clock, ...frozen, write: (text) => this.#link.write(text) },
      frozen,
    );
    this.#managed = managed;
    this.#isAttached = false;
    this.since = frozen.since;
    this.presence = readPresence(frozen.presence, this.jid);
    this.priority = this.presence === undefined ? 0 : priorityOf(this.presence);
    sessions.restore(this);
    registry.restoreMemory(this, frozen.memory);
    const rehand = hosts.get(this.host)?.dispatch.rehand ?? [];
    for (const { text, at, place } of frozen.sent) {
      const stanza = readStored(text);
      const receipt =
        stanza?.kind !== 'message' || place === undefined
          ? undefined
          : rehand.map((hook) => hook(place, stanza, this)).find((found) => found !== undefined);
      managed.add({ stanza, text, receipt, at }, NO_LIMITS);
    }
    sleepers.add(frozen.resumeId, this);
    // The clock may have been set back.
    sleepers.sleep(this, Math.min(frozen.until, clock.now() + frozen.resumeMs));
  }

  /** Takes the session out of the table; the modules tell whom it concerns. */
  async remove(end: SessionEnd): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isAttached = false;
    const { sessions, sleepers, accounts } = this.#services;
    if (this.#managed?.resumeId !== undefined) sleepers.remove(this.#managed.resumeId, this);
    try {
      // The table first: what comes back looks for other sessions.
      const removed = sessions.remove(this, end);
      this.#giveBack();
      await removed;
    } catch (error) {
      this.#mistake(error);
    }
    if (this.isAnonymous) accounts.removeTemporary(this.account);
  }

  /** What the client may not have had goes back to where it can be kept, or to its sender (§4). */
  #giveBack(): void {
    this.#unproved.end();
    for (const { stanza, receipt } of this.#managed?.end() ?? []) {
      if (receipt !== undefined) receipt.returned(this);
      else if (stanza !== undefined) void this.#services.router.returned(stanza);
    }
    for (const go of this.#waiting.splice(0)) go();
  }

  #hasRoom(): boolean {
    if (this.#isOver) return true;
    if ((this.#managed?.unacknowledged ?? 0) > ROOM_STANZAS) return false;
    return !this.#isAttached || this.#link.waiting <= ROOM_BYTES;
  }

  /** Resolves when what the former connection brought is handled, or after a while. */
  #quiet({ received }: Managed): Promise<void> {
    if (received.isSettled) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#services.clock.after(QUIET_MS, resolve);
      received.whenSettled(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** XEP-0198: an element of stream management. */
  #manage(element: Element): void {
    const managed = this.#managed;
    if (element.name === 'enable' && managed === undefined) this.#enable(element);
    else if (managed === undefined || element.name === 'enable' || element.name === 'resume')
      this.#link.write(failedText('unexpected-request')); // §3, §6
    else if (element.name === 'r') managed.answer();
    else if (element.name === 'a') this.#acknowledge(managed, readCounter(element.attrs['h']));
    else this.#link.end({ condition: 'unsupported-stanza-type', text: 'XEP-0198 has no such.' });
  }

  #acknowledge(managed: Managed, handled: number | undefined): void {
    if (handled === undefined) {
      this.#link.end({ condition: 'bad-format', text: '<a/> has a count as its h.' });
      return;
    }
    const taken = managed.acknowledge(handled);
    if (taken === undefined) {
      this.#link.end(tooHighFailure(handled, managed.sentCount));
      return;
    }
    for (const { receipt } of taken) receipt?.acknowledged(this);
    this.makeRoom();
  }

  /** §3. What was sent before is not counted; the client proves by its next sign that it had it. */
  #enable(element: Element): void {
    const { registry, clock, limits, sleepers } = this.#services;
    if (!registry.enabled(this.host).includes('stream-management')) {
      this.#link.write(failedText('feature-not-implemented'));
      return;
    }
    const { resumeTimeout, resumeLocation } = limits();
    const managed = new Managed({
      clock,
      ...resumption(element, resumeTimeout),
      write: (text) => this.#link.write(text),
    });
    this.#managed = managed;
    if (managed.resumeId !== undefined) sleepers.add(managed.resumeId, this);
    this.#link.write(enabledText(managed.resumeId, managed.resumeMs, resumeLocation));
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
    const answer = errorFor(
      stanza.element,
      { condition: 'internal-server-error' },
      { from, to: this.jid },
    );
    if (answer !== undefined) this.send(answer);
  }

  #mistake(error: unknown): void {
    this.#services.metrics.errors.inc({ area: 'c2s' });
    this.#link.note('error', { err: error }, 'a stanza could not be handled');
  }

  #observe(begun: number): void {
    const { clock, metrics } = this.#services;
    metrics.routeSeconds.observe((clock.monotonic() - begun) / 1000);
  }
}

/** It was within its limits when it was written down. */
const NO_LIMITS = {
  unackedStanzas: Number.POSITIVE_INFINITY,
  unackedBytes: Number.POSITIVE_INFINITY,
};

/** Presence without an address that was written down. */
function readPresence(text: string | undefined, from: FullJid): Presence | undefined {
  const parsed = text === undefined ? undefined : parseElement(text);
  if (parsed?.ok !== true) return undefined;
  const read = readStanza(parsed.element, { from, defaultTo: undefined });
  return read.ok && read.stanza.kind === 'presence' ? read.stanza : undefined;
}

const isBind = (payload: Element | undefined): boolean =>
  payload !== undefined && payload.name === 'bind' && nsOf(payload) === BIND_NS;
