/**
 * A client's connection: its socket, TLS, parser and timers. The only file of this side that touches
 * a socket's bytes; what they mean is decided by stream/negotiation.ts and the session.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { SessionEnd } from '../core/sessions.ts';
import type { Domain } from '../jid/jid.ts';
import type { Timer } from '../kit/clock.ts';
import { randomId } from '../kit/ids.ts';
import { type Flusher, Outbox } from '../kit/outbox.ts';
import { mechanismNames, SCRAM_HASHES } from '../sasl/index.ts';
import { type StreamFailure, streamErrorText } from '../stream/error.ts';
import { headerText } from '../stream/header.ts';
import {
  beginNegotiation,
  endFor,
  type HostTerms,
  type Negotiation,
  type NegotiationAction,
  type NegotiationContext,
  type NegotiationEvent,
  negotiate,
  type Step,
} from '../stream/negotiation.ts';
import type { Element } from '../xml/element.ts';
import { XmlParser } from '../xml/parser.ts';
import { bindResource } from './bind.ts';
import { bindingData, bindingTypes } from './channel-binding.ts';
import { answerEarlyIq, earlyKey } from './early-iq.ts';
import { beginLogin, type Login } from './login.ts';
import type { C2sServices } from './services.ts';
import { ClientSession, type Link } from './session.ts';

/** How long we wait, after we closed, for the client to close too. */
const GOODBYE_MS = 3000;
/** How deep the XML of one who has not logged in may be: SASL and registration forms need no more. */
const EARLY_DEPTH = 16;
/** Elements in one stanza, which cost memory beyond their bytes. */
const MAX_ELEMENTS = 10_000;

const TOO_MANY_FAILURES = 'Too many logins from your address have failed; try again later.';

/** What a listener tells a new connection. */
export interface ConnectionOptions {
  readonly socket: Socket;
  /** Whether TLS comes first (XEP-0368) rather than by STARTTLS. */
  readonly isDirectTls: boolean;
  readonly services: C2sServices;
  readonly flusher: Flusher;
  /** The client's address. */
  readonly remote: string;
  /** Called once when the connection is over. */
  onClosed(): void;
}

/** A client's connection, from its first byte to its last. */
export class Connection implements Link {
  readonly id = randomId();
  readonly remote: string;
  lastActive: number;

  readonly #services: C2sServices;
  readonly #parser: XmlParser;
  readonly #outbox: Outbox;
  readonly #onClosed: () => void;
  readonly #context: NegotiationContext;
  #socket: Socket;
  #state: Negotiation;
  #login: Login | undefined;
  #session: ClientSession | undefined;
  #language: string | undefined;
  #authTimer: Timer | undefined;
  #goodbyeTimer: Timer | undefined;
  #isPinged = false;
  #holds = 0;
  /** Set once the session has to end; it does so when what the client sent before is handled. */
  #ending: SessionEnd | undefined;
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    const { socket, services } = options;
    this.remote = options.remote;
    this.#services = services;
    this.#onClosed = options.onClosed;
    this.lastActive = services.clock.now();
    const limits = services.limits();
    this.#context = {
      termsOf: (host) => this.#termsOf(host),
      loginTries: limits.loginTries,
    };
    this.#parser = new XmlParser(
      {
        open: (header) => {
          this.#language = header.attrs['xml:lang'];
          this.#step({ kind: 'header', header });
        },
        element: (element) => this.#onElement(element),
        close: () => this.#onStreamClose(),
        fault: (fault) => this.end(fault),
      },
      {
        maxBytes: limits.stanzaBytesBeforeAuth,
        maxDepth: Math.min(EARLY_DEPTH, limits.depth),
        maxAttributes: limits.attributes,
        maxElements: MAX_ELEMENTS,
      },
    );
    this.#socket = socket;
    this.#outbox = new Outbox(socket, options.flusher, limits.sendQueueBytes, () =>
      this.#onSlowReader(),
    );
    this.#state = beginNegotiation(options.isDirectTls);
    this.#authTimer = services.clock.after(limits.authTimeout, () => {
      this.end({ condition: 'connection-timeout', text: 'Logging in took too long.' });
    });
    socket.setNoDelay(true);
    if (options.isDirectTls) this.#secure(socket, undefined);
    else this.#listen(socket);
  }

  /** The session, once a resource is bound. */
  get session(): ClientSession | undefined {
    return this.#session;
  }

  /** Bytes that wait to be read by the client. */
  get waiting(): number {
    return this.#outbox.waiting;
  }

  write(text: string): void {
    if (this.#isClosed || this.#state.phase === 'ended') return;
    this.#outbox.write(text);
  }

  /** Ends the stream with an error (RFC 6120 §4.9.1). */
  end(failure: StreamFailure): void {
    if (this.#state.phase === 'ended') return;
    this.#perform(endFor(this.#state, failure));
  }

  note(level: 'debug' | 'info' | 'error', facts: object, text: string): void {
    const account = this.#session?.jid ?? this.#state.account;
    this.#services.log[level]({ stream: this.id, remote: this.remote, account, ...facts }, text);
  }

  /** Resolves when the session has left the table and the socket is closed. */
  closed(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  /** Looks whether the client is still there; called now and then by the listener. */
  checkIdle(now: number): void {
    if (this.#session === undefined || this.#state.phase === 'ended') return;
    const { idlePing, idleTimeout, whitespacePing } = this.#services.limits();
    const silence = now - this.lastActive;
    if (silence >= idlePing + idleTimeout) {
      this.end({ condition: 'connection-timeout', text: 'No sign of life.' }); // §4.9.3.4
    } else if (silence >= idlePing && !this.#isPinged) {
      this.#isPinged = true;
      this.#session.ping();
    } else if (whitespacePing > 0 && silence >= whitespacePing) {
      this.#outbox.write(' '); // §4.6.1
    }
  }

  #listen(socket: Socket): void {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.lastActive = this.#services.clock.now();
      this.#isPinged = false;
      this.#parser.write(chunk);
    });
    socket.on('end', () => this.#onGone('the client closed the connection'));
    socket.on('error', (error) => this.#onGone(error.message));
    socket.on('close', () => this.#onSocketClose());
  }

  /** RFC 6120 §5.4.3, or XEP-0368. */
  #secure(socket: Socket, host: Domain | undefined): void {
    this.#outbox.flush();
    socket.removeAllListeners();
    const secured = new TLSSocket(socket, {
      ...this.#services.tls.serverOptions(host),
      ...(host === undefined ? { ALPNProtocols: ['xmpp-client'] } : {}),
      isServer: true,
    });
    socket.on('error', (error) => this.#onGone(error.message));
    this.#outbox.use(secured);
    this.#listen(secured);
    if (host !== undefined) secured.once('secure', () => this.#step({ kind: 'secured' }));
  }

  #step(event: NegotiationEvent): void {
    this.#perform(negotiate(this.#state, event, this.#context));
  }

  #perform([state, actions]: Step): void {
    const before = this.#state;
    // Nothing is written after the end; what the last step says is written before it.
    if (state.phase !== 'ended') this.#state = state;
    for (const action of actions) this.#do(action, before);
    this.#state = state;
  }

  #do(action: NegotiationAction, before: Negotiation): void {
    switch (action.do) {
      case 'open': {
        const from = this.#state.host ?? before.host;
        this.#outbox.write(headerText({ id: this.id, from, to: action.to }));
        break;
      }
      case 'send':
        this.#outbox.write(action.text);
        break;
      case 'secure':
        this.#parser.restart();
        this.#secure(this.#socket, before.host);
        break;
      case 'restart':
        this.#parser.restart();
        break;
      case 'begin-sasl':
        this.#beginSasl(action.mechanism, action.data);
        break;
      case 'continue-sasl':
        this.#continueSasl(action.data);
        break;
      case 'note-login':
        this.#noteLogin(action.mechanism, action.outcome);
        break;
      case 'bind':
        this.#hold(this.#bind(action.resource, action.id));
        break;
      case 'early-iq':
        this.#hold(this.#answerEarly(action.element));
        break;
      case 'close':
        this.#close({ kind: 'ended', text: 'the negotiation ended' });
        break;
      case 'end':
        this.#fail(action);
        break;
    }
  }

  #fail({ condition, text }: StreamFailure): void {
    this.#services.metrics.streamErrors.inc({ condition });
    this.note('info', { condition }, text);
    this.#outbox.write(streamErrorText({ condition, text }));
    this.#close({ kind: 'ended', text: `${condition}: ${text}` });
  }

  #termsOf(domain: Domain): HostTerms | undefined {
    const { hosts, tlsPolicy } = this.#services;
    const host = hosts.get(domain);
    if (host === undefined) return undefined;
    const { isSecure } = this.#state;
    const bindings = this.#bindingTypes();
    const phase = this.#state.account === undefined ? 'early' : 'authenticated';
    const features = host.dispatch.streamFeatures({ host: domain, phase });
    const isTlsRequired = tlsPolicy().required;
    return {
      isTlsRequired,
      mechanisms: mechanismNames({
        hashes: SCRAM_HASHES,
        plain: isSecure,
        anonymous: host.config.anonymous,
        channelBinding: bindings.length > 0,
      }),
      channelBindings: bindings,
      earlyFeatures: features,
      authenticatedFeatures: features,
      answersEarly: (payload) => host.dispatch.earlyIq.has(earlyKey(payload)),
    };
  }

  #bindingTypes() {
    if (!(this.#socket instanceof TLSSocket) || !this.#state.isSecure) return [];
    return bindingTypes(this.#socket);
  }

  #beginSasl(mechanism: string, data: Buffer): void {
    const { host } = this.#state;
    if (host === undefined) return;
    if (!this.#services.mayTryLogin(this.remote)) {
      this.#step({
        kind: 'sasl',
        step: { kind: 'failure', condition: 'temporary-auth-failure', text: TOO_MANY_FAILURES },
      });
      return;
    }
    const config = this.#services.hosts.get(host)?.config;
    this.#login = beginLogin(mechanism, {
      host,
      accounts: this.#services.accounts,
      isAnonymousAllowed: config?.anonymous ?? false,
      offeredPlus: this.#bindingTypes().length > 0,
      onFault: (error) => this.note('error', { err: error }, 'a login could not be checked'),
      binding: (type) =>
        this.#socket instanceof TLSSocket ? bindingData(this.#socket, type) : undefined,
    });
    this.#continueSasl(data);
  }

  #continueSasl(data: Buffer): void {
    const login = this.#login;
    if (login === undefined) return;
    const run = async () => {
      const step = await login.step(data);
      if (this.#state.phase === 'sasl') this.#step({ kind: 'sasl', step });
    };
    this.#hold(run());
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
    const { stanzaBytes, depth, attributes } = this.#services.limits();
    this.#parser.limits = {
      maxBytes: stanzaBytes,
      maxDepth: depth,
      maxAttributes: attributes,
      maxElements: MAX_ELEMENTS,
    };
  }

  async #bind(wanted: string | undefined, id: string): Promise<void> {
    const { account, mechanism } = this.#state;
    if (account === undefined || this.#isClosed) return;
    const isAnonymous = mechanism === 'ANONYMOUS';
    const bound = await bindResource(account, wanted, this.#services);
    if (this.#isClosed || this.#state.phase === 'ended') return;
    if (!bound.ok) {
      this.#step({ kind: 'bind-refused', id, condition: bound.condition });
      return;
    }
    if (isAnonymous) this.#services.accounts.addTemporary(account);
    const tls = this.#socket instanceof TLSSocket ? this.#socket : undefined;
    const session = new ClientSession(this, this.#services, {
      jid: bound.jid,
      isAnonymous,
      language: this.#language,
      security: {
        protocol: tls?.getProtocol() ?? undefined,
        cipher: tls?.getCipher().name,
        mechanism: mechanism ?? '',
      },
    });
    this.#authTimer?.cancel();
    this.#session = session;
    this.#step({ kind: 'bound', jid: bound.jid, id });
    this.#services.sessions.add(session);
    this.note('info', { mechanism, tls: session.security.protocol }, 'bound');
  }

  async #answerEarly(element: Element): Promise<void> {
    const { host } = this.#state;
    if (host === undefined) return;
    const text = await answerEarlyIq(element, host, this.remote, this.#services.hosts);
    this.write(text);
  }

  #onElement(element: Element): void {
    if (this.#session === undefined || this.#state.phase !== 'bound') {
      this.#step({ kind: 'element', element });
      return;
    }
    const handled = this.#session.receive(element);
    if (handled instanceof Promise) this.#hold(handled);
  }

  /** Reads nothing more until the work is done: order, and back-pressure on the sender. */
  #hold(work: Promise<void>): void {
    this.#holds += 1;
    this.#parser.pause();
    this.#socket.pause();
    const release = () => {
      this.#holds -= 1;
      if (this.#holds > 0) return;
      this.#parser.resume();
      if (this.#holds > 0) return;
      if (this.#ending !== undefined) this.#leave(this.#ending);
      else if (!this.#isClosed) this.#socket.resume();
    };
    work.then(release, (error: unknown) => {
      this.#services.metrics.errors.inc({ area: 'c2s' });
      this.note('error', { err: error }, 'a stream could not go on');
      this.end({ condition: 'internal-server-error', text: 'The server made a mistake.' });
      release();
    });
  }

  /** §4.4: the client closes its stream; we answer when what it asked for is durable (D1). */
  #onStreamClose(): void {
    const session = this.#session;
    const answer = async () => {
      await session?.settled();
      if (this.#state.phase === 'ended') return;
      this.#state = { ...this.#state, phase: 'ended' };
      this.#close({ kind: 'closed', text: 'the client said goodbye' });
    };
    this.#hold(answer());
  }

  #onSlowReader(): void {
    this.#outbox.discard();
    this.end({ condition: 'resource-constraint', text: 'You read too slowly.' });
    this.#outbox.flush();
    this.#socket.destroy();
  }

  #onGone(text: string): void {
    if (this.#isClosed) return;
    this.#state = { ...this.#state, phase: 'ended' };
    this.#leave({ kind: 'lost', text });
    this.#socket.destroy();
  }

  /** Writes the closing tag and closes the socket, at the latest after a while. */
  #close(end: SessionEnd): void {
    this.#outbox.write('</stream:stream>');
    this.#outbox.flush();
    this.#parser.stop();
    this.#leave(end);
    this.#socket.end();
    this.#socket.resume(); // what still comes is read and dropped, so that the close is seen
    this.#goodbyeTimer ??= this.#services.clock.after(GOODBYE_MS, () => this.#socket.destroy());
  }

  /** Ends the session once nothing that the client sent is being handled any more. */
  #leave(end: SessionEnd): void {
    this.#ending ??= end;
    if (this.#holds > 0) return;
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    this.note('info', { account: session.jid, why: this.#ending.text }, 'session ended');
    void session.remove(this.#ending);
  }

  #onSocketClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#authTimer?.cancel();
    this.#goodbyeTimer?.cancel();
    this.#leave({ kind: 'lost', text: 'the connection broke' });
    this.#onClosed();
  }
}
