/** A client's bound session: what it sends goes through this door, what it gets leaves by it. */

import type { MaybePromise } from '../core/hooks.ts';
import type { Receipt } from '../core/parcel.ts';
import type { OwnedSession, Security, SessionEnd, SessionEndCondition } from '../core/sessions.ts';
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
import type { StreamFailure } from '../stream/error.ts';
import { BIND_NS } from '../stream/features.ts';
import { type Element, el, nsOf } from '../xml/element.ts';
import type { C2sServices } from './services.ts';

/** The connection under a session, as the session uses it. */
export interface Link {
  readonly id: string;
  readonly remote: string;
  readonly lastActive: number;
  write(text: string): void;
  end(failure: StreamFailure): void;
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

/** A session over a connection of this process. */
export class ClientSession implements OwnedSession {
  readonly jid: FullJid;
  readonly account: BareJid;
  readonly host: Domain;
  readonly isAnonymous: boolean;
  readonly security: Security;
  readonly since: number;
  presence: Presence | undefined;
  priority = 0;
  readonly isAttached = true;

  readonly #link: Link;
  readonly #services: C2sServices;
  readonly #language: string | undefined;
  readonly #owed = new Set<Promise<unknown>>();

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

  /** Takes an element that the client sent. A promise means that the next one has to wait. */
  receive(element: Element): MaybePromise<void> {
    if (!isStanza(element)) {
      const text = `<${element.name}/> is not known here.`;
      this.#link.end({ condition: 'unsupported-stanza-type', text }); // RFC 6120 §4.9.3.24
      return;
    }
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
    const { metrics, trace } = this.#services;
    metrics.stanzas.out[stanza.kind] += 1;
    if (trace.isActive) trace.record(this.account, 'out', this.id, stanza);
    this.#link.write(to === undefined ? stanza.wire.text : stanza.wire.textTo(to));
    receipt?.acknowledged(this);
  }

  end(condition: SessionEndCondition, text: string): void {
    this.#link.end({ condition, text });
  }

  owe(work: Promise<unknown>): void {
    const settled: Promise<unknown> = work.then(
      () => this.#owed.delete(settled),
      () => this.#owed.delete(settled),
    );
    this.#owed.add(settled);
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

  /** Takes the session out of the table; the modules tell whom it concerns. */
  async remove(end: SessionEnd): Promise<void> {
    try {
      await this.#services.sessions.remove(this, end);
    } catch (error) {
      this.#mistake(error);
    }
    if (this.isAnonymous) this.#services.accounts.removeTemporary(this.account);
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

const isBind = (payload: Element | undefined): boolean =>
  payload !== undefined && payload.name === 'bind' && nsOf(payload) === BIND_NS;
