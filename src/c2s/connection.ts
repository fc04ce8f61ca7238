/**
 * A client's connection: its channel and its timers. What comes by the channel is decided by
 * stream/negotiation.ts and the session.
 */
import type { ServerTls } from '../certs/types.ts';
import type { Security, SessionDevice, SessionEnd } from '../core/sessions.ts';
import { bareOf, type Domain, type FullJid } from '../jid/jid.ts';
import type { Timer } from '../kit/clock.ts';
import { randomId } from '../kit/ids.ts';
import type { Resumption } from '../stream/acks.ts';
import { Channel } from '../stream/channel.ts';
import { STREAM_NS, type StreamFailure, streamErrorText } from '../stream/error.ts';
import { headerText } from '../stream/header.ts';
import {
  beginNegotiation,
  endFor,
  type Negotiation,
  type NegotiationAction,
  type NegotiationContext,
  type NegotiationEvent,
  negotiate,
  type Step,
} from '../stream/negotiation.ts';
import { earlyLimits, fullLimits } from '../stream/xml-limits.ts';
import { type Element, isNamed } from '../xml/element.ts';
import type { StreamHeader } from '../xml/parser.ts';
import type { Gone, Resumed } from './admission.ts';
import { type Applicant, Authentication } from './authentication.ts';
import type { Bindable } from './channel-binding.ts';
import type { ConnectionOptions, TlsBelow } from './connection-options.ts';
import { answerEarlyIq } from './early-iq.ts';
import { hasRoomForGuest } from './guests.ts';
import { Leaving, type Left, settlesWithin } from './leaving.ts';
import type { Link } from './link.ts';
import type { C2sServices } from './services.ts';
import { ClientSession } from './session.ts';

/** How long a shutdown waits for what clients sent to be durable. */
const SETTLE_MS = 2000;
/** The same of a client that says goodbye; what is for other servers may take longer than anybody waits. */
const FAREWELL_MS = 10_000;

/** A client's connection, from its first byte to its last. */
export class Connection implements Link, Applicant, Left {
  readonly remote: string;
  readonly #services: C2sServices;
  readonly #channel: Channel;
  readonly #onClosed: () => void;
  readonly #onLogin: (() => void) | undefined;
  readonly #below: TlsBelow | undefined;
  readonly #context: NegotiationContext;
  /** The id of the present stream: each one on a connection has its own (RFC 6120 §4.7.3). */
  #id = randomId();
  #state: Negotiation;
  readonly #authentication: Authentication;
  /** How TLS was begun, by us. */
  #tls: ServerTls | undefined;
  #session: ClientSession | undefined;
  #language: string | undefined;
  #authTimer: Timer | undefined;
  /** When the client was last asked for a sign of life. */
  #pingedAt = 0;
  readonly #leaving: Leaving;

  constructor(options: ConnectionOptions) {
    const { socket, services, transport } = options;
    this.remote = options.remote;
    this.#services = services;
    this.#onClosed = options.onClosed;
    this.#onLogin = options.loggedIn;
    this.#below = options.below;
    const limits = services.limits();
    this.#context = {
      termsOf: (host) => this.#authentication.termsOf(host),
      loginTries: limits.loginTries,
    };
    this.#channel = new Channel({
      socket,
      isTlsFirst: transport === 'tls',
      isFramed: transport === 'websocket' || transport === 'bosh',
      delivered: options.delivered,
      clock: services.clock,
      flusher: options.flusher,
      limits: earlyLimits(limits),
      sendQueueBytes: limits.sendQueueBytes,
      handlers: {
        open: (header) => this.#onHeader(header),
        element: (element) => this.#onElement(element),
        close: () => this.#onStreamClose(),
        fault: (fault) => this.end(fault),
        gone: (text) => this.#onGone(text),
        overflow: () =>
          this.#endBut({ condition: 'resource-constraint', text: 'You read too slowly.' }),
        heard: (gone) => this.#session?.heard(gone),
        drained: () => this.#session?.makeRoom(),
        trailer: () => (this.#state.phase === 'bound' ? (this.#session?.trailer() ?? '') : ''),
        released: () => this.#leaving.released(),
        mistake: (error) => this.#onMistake(error),
        closed: () => this.#onSocketClose(),
      },
    });
    this.#state = beginNegotiation(transport !== 'starttls');
    this.#authentication = new Authentication(this, services);
    this.#leaving = new Leaving(this, services.clock);
    this.#authTimer = services.clock.after(limits.authTimeout, () => {
      this.end({ condition: 'connection-timeout', text: 'Logging in took too long.' });
    });
    if (transport === 'tls') this.#secure(undefined);
  }

  get id(): string {
    return this.#id;
  }

  /** The session, once a resource is bound. */
  get session(): ClientSession | undefined {
    return this.#session;
  }

  get lastActive(): number {
    return this.#channel.lastActive;
  }

  get isOver(): boolean {
    return this.#state.phase === 'ended' || this.#leaving.isDue || this.#channel.isClosed;
  }

  /** Bytes that wait to be read by the client. */
  get waiting(): number {
    return this.#channel.waiting;
  }

  write(text: string): void {
    if (this.#state.phase !== 'ended') this.#channel.write(text);
  }

  allow(bytes: number): void {
    this.#channel.allow(bytes);
  }

  get position(): number {
    return this.#channel.position;
  }

  get gone(): number {
    return this.#channel.gone;
  }

  get goneByGoodbye(): number {
    return this.#channel.goneByGoodbye;
  }

  /** Ends the stream with an error (RFC 6120 §4.9.1), and the session with it. */
  end(failure: StreamFailure): void {
    if (this.#state.phase === 'ended') return;
    this.#perform(endFor(this.#state, failure));
  }

  /** The server goes down: what the client sent is handled, and it is told so; it may come back. */
  async shutdown(): Promise<void> {
    await settlesWithin(SETTLE_MS, this.#session, this.#services.clock);
    this.#session?.farewell();
    this.#endBut({ condition: 'system-shutdown', text: 'The server is going down.' });
    await this.closed();
  }

  /** Another connection has taken the session over (XEP-0198 §5). */
  replaced(): void {
    this.part();
    this.#leaving.parted();
    this.end({ condition: 'conflict', text: 'The session was resumed elsewhere.' });
  }

  note(level: 'debug' | 'info' | 'error', facts: object, text: string): void {
    const account = this.#session?.jid ?? this.#state.account;
    this.#services.log[level]({ stream: this.id, remote: this.remote, account, ...facts }, text);
  }

  /** Resolves when the socket is closed and the session has left the table, or sleeps. */
  async closed(): Promise<void> {
    await this.#channel.closed();
    await this.#leaving.left();
  }

  get isHeld(): boolean {
    return this.#channel.isHeld;
  }

  part(): void {
    this.#session = undefined;
  }

  /** Looks whether the client is still there, by the monotonic scale; called now and then by the listener. */
  checkIdle(now: number): void {
    if (this.#session === undefined || this.#state.phase === 'ended') return;
    const { idlePing, idleTimeout, whitespacePing } = this.#services.limits();
    const { heardAt } = this.#channel;
    const silence = now - heardAt;
    const isAsked = this.#pingedAt > heardAt;
    if (isAsked && now - this.#pingedAt >= idleTimeout) {
      this.#endBut({ condition: 'connection-timeout', text: 'No sign of life.' }); // §4.9.3.4
    } else if (silence >= idlePing && !isAsked) {
      this.#pingedAt = now;
      this.#session.ping();
    } else if (whitespacePing > 0 && silence >= whitespacePing) {
      this.#channel.write(' '); // §4.6.1
    }
  }

  /** What authentication can be bound to: TLS that is ours. */
  get tls(): Bindable | undefined {
    const socket = this.#channel.tls;
    return socket && { socket, endPointHash: this.#tls?.endPointHash(socket) };
  }

  get state(): Negotiation {
    return this.#state;
  }

  /** What is reported after the end of the stream is void. */
  step(event: NegotiationEvent): void {
    if (this.#state.phase !== 'ended') this.#perform(negotiate(this.#state, event, this.#context));
  }

  /** XEP-0386: what is sent to the session waits until the client is told of it. */
  openSession(jid: FullJid, device: SessionDevice | undefined): ClientSession | undefined {
    if (this.#services.sessions.at(jid) !== undefined || !this.hasRoom()) return undefined;
    const session = this.#makeSession(jid, device, true);
    session.keep();
    this.#services.sessions.add(session);
    return session;
  }

  /** RFC 6120 §7: the client is told of the resource that it has bound, before it is sent anything. */
  bind(jid: FullJid, device: SessionDevice | undefined, id: string): ClientSession {
    const session = this.#makeSession(jid, device, false);
    this.step({ kind: 'bound', jid, id });
    this.#services.sessions.add(session);
    return session;
  }

  /** Whether there is room for the client, which only guests are asked for. */
  hasRoom(): boolean {
    return this.#state.mechanism !== 'ANONYMOUS' || hasRoomForGuest(this.remote, this.#services);
  }

  tell(): void {
    this.#session?.tell();
  }

  /** XEP-0198 §5: resumes a session, and reports it by an event; or tells that it is gone. */
  async resume(wanted: Resumption, told: Resumed): Promise<Gone | undefined> {
    const { account } = this.#state;
    if (account === undefined) return { handled: undefined };
    const isGuest = this.#state.mechanism === 'ANONYMOUS';
    const found = this.#services.sleepers.find(wanted.id, account, isGuest);
    if (!found.ok) return { handled: found.handled };
    const { session } = found;
    const outcome = await session.wake(this, this.#security(), wanted.handled, (received) => {
      this.#endWaiting();
      this.#session = session;
      this.step(told(session, received));
      this.note('info', { mechanism: this.#state.mechanism }, 'resumed');
    });
    if (outcome === 'forgotten') return { handled: session.handledCount };
    if (outcome !== undefined) this.end(outcome);
    return undefined;
  }

  #onHeader(header: StreamHeader): void {
    this.#language = header.attrs['xml:lang'];
    const go = () => this.step({ kind: 'header', header });
    const prepared = this.#authentication.prepare(header);
    if (prepared instanceof Promise) this.#channel.hold(prepared.then(go));
    else go();
  }

  /** RFC 6120 §5.4.3, or, without a host, XEP-0368. */
  #secure(host: Domain | undefined): void {
    this.#tls = this.#services.tls.serverTls(host);
    const { options } = this.#tls;
    if (host === undefined) this.#channel.acceptTls({ ...options, ALPNProtocols: ['xmpp-client'] });
    else this.#channel.acceptTls(options, () => this.step({ kind: 'secured' }));
  }

  #perform([state, actions]: Step): void {
    const before = this.#state;
    // Nothing is written after the end; what the last step says is written before it.
    const isEnd = state.phase === 'ended';
    if (!isEnd) this.#state = state;
    for (const action of actions) this.#do(action, before); // which may be a step of its own
    if (isEnd) this.#state = state;
  }

  #do(action: NegotiationAction, before: Negotiation): void {
    switch (action.do) {
      case 'open':
        this.#openStream(this.#state.host ?? before.host, action.to);
        break;
      case 'send':
        this.#channel.write(action.text);
        break;
      case 'secure':
        this.#secure(before.host);
        break;
      case 'restart':
        this.#channel.restart();
        break;
      case 'begin-sasl':
      case 'continue-sasl':
      case 'begin-upgrade':
      case 'upgrade':
      case 'admit':
      case 'bind':
        this.#channel.hold(this.#authentication.perform(action));
        break;
      case 'note-login':
        this.#noteLogin(action.mechanism, action.outcome);
        break;
      case 'resume':
        this.#channel.hold(this.#onResume(action));
        break;
      case 'early-iq':
        this.#channel.hold(this.#answerEarly(action.element));
        break;
      case 'close':
        this.#close({ kind: 'ended', text: 'the negotiation ended' });
        break;
      case 'end':
        this.#fail(action);
        break;
    }
  }

  /** §4.7: our header. Where the host is not known `from` is empty (§4.9.1.2). */
  #openStream(host: Domain | undefined, to: string | undefined): void {
    this.#id = randomId();
    this.#channel.write(headerText({ id: this.#id, from: host ?? '', to }));
  }

  /** Ends the stream with an error that is not the session's: its client may come back to it. */
  #endBut(failure: StreamFailure): void {
    this.#leaving.because({ kind: 'lost', text: failure.text });
    this.end(failure);
  }

  #fail(failure: StreamFailure): void {
    const { condition, text } = failure;
    this.#services.metrics.streamErrors.inc({ condition });
    this.note('info', { condition }, text);
    this.#channel.write(streamErrorText(failure));
    this.#close({ kind: 'ended', text: `${condition}: ${text}` });
  }

  #noteLogin(mechanism: string, outcome: string): void {
    this.#services.metrics.logins.inc({ mechanism, outcome });
    const line = { mechanism, outcome, host: this.#state.host };
    if (outcome !== 'success') {
      this.note('info', line, 'a login failed');
      this.#services.noteFailedLogin(this.remote);
      return;
    }
    this.note('debug', line, 'logged in');
    this.#authTimer?.cancel();
    this.#authTimer = this.#services.clock.after(this.#services.limits().authTimeout, () => {
      if (this.#session === undefined)
        this.end({ condition: 'connection-timeout', text: 'Binding a resource took too long.' });
    });
    const limits = this.#services.limits();
    this.#channel.limits = fullLimits(limits, limits.stanzaBytes);
    this.#onLogin?.();
  }

  #makeSession(jid: FullJid, device: SessionDevice | undefined, isBind2: boolean): ClientSession {
    const security = this.#security();
    const { mechanism, protocol } = security;
    const isAnonymous = mechanism === 'ANONYMOUS';
    if (isAnonymous) this.#services.accounts.addTemporary(bareOf(jid));
    const session = new ClientSession(this, this.#services, {
      jid,
      isAnonymous,
      language: this.#language,
      security,
      device,
      isBind2,
    });
    this.#endWaiting();
    this.#session = session;
    this.note('info', { mechanism, tls: protocol }, 'bound');
    return session;
  }

  #security(): Security {
    const { tls } = this.#channel;
    return {
      protocol: this.#below?.protocol ?? tls?.getProtocol() ?? undefined,
      cipher: this.#below?.cipher ?? tls?.getCipher().name,
      mechanism: this.#state.mechanism ?? '',
    };
  }

  async #onResume(wanted: Resumption): Promise<void> {
    const gone = await this.resume(wanted, (_, handled) => ({
      kind: 'resumed',
      id: wanted.id,
      handled,
    }));
    if (gone !== undefined) this.step({ kind: 'resume-failed', ...gone });
  }

  async #answerEarly(element: Element): Promise<void> {
    const { host } = this.#state;
    if (host === undefined) return;
    const text = await answerEarlyIq(element, host, this.remote, this.#services.hosts, this);
    this.write(text);
  }

  #onElement(element: Element): void {
    const isOfStream = isNamed(element, 'error', STREAM_NS);
    if (this.#session === undefined || this.#state.phase !== 'bound' || isOfStream) {
      this.step({ kind: 'element', element });
      return;
    }
    const handled = this.#session.receive(element);
    if (handled instanceof Promise) this.#channel.hold(handled);
  }

  #onMistake(error: unknown): void {
    this.#services.metrics.errors.inc({ area: 'c2s' });
    this.note('error', { err: error }, 'a stream could not go on');
    this.end({ condition: 'internal-server-error', text: 'The server made a mistake.' });
  }

  /** §4.4: the client closes its stream; we answer when what it asked for is durable (D1). */
  #onStreamClose(): void {
    this.#leaving.sayGoodbye();
    const session = this.#session;
    const { clock } = this.#services;
    const answer = async () => {
      const isSettled = await settlesWithin(FAREWELL_MS, session, clock);
      if (this.#state.phase === 'ended') return;
      session?.farewell();
      if (!isSettled) {
        const text = 'What you sent is on its way, but not safe yet.';
        this.end({ condition: 'resource-constraint', text });
        return;
      }
      this.#state = { ...this.#state, phase: 'ended' };
      this.#close({ kind: 'closed', text: 'the client said goodbye' });
    };
    this.#channel.hold(answer());
  }

  #onGone(text: string): void {
    this.#state = { ...this.#state, phase: 'ended' };
    this.#leaving.begin({ kind: 'lost', text });
  }

  #close(end: SessionEnd): void {
    this.#channel.finish();
    this.#leaving.begin(end);
  }

  /** Lets the timer go, too: a connection may be there for days. */
  #endWaiting(): void {
    this.#authTimer?.cancel();
    this.#authTimer = undefined;
  }

  #onSocketClose(): void {
    this.#endWaiting();
    this.#leaving.begin({ kind: 'lost', text: 'the connection broke' });
    this.#onClosed();
  }
}
