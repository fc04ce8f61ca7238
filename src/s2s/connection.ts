import { step } from '../core/story-steps.ts';
import { type Domain, domainOf } from '../jid/jid.ts';
import { randomId } from '../kit/ids.ts';
import type { Stanza } from '../stanza/stanza.ts';
import { Channel } from '../stream/channel.ts';
import { type StreamFailure, streamErrorText } from '../stream/error.ts';
import { headerText } from '../stream/header.ts';
import type { Element } from '../xml/element.ts';
import type { DaneTerms } from './dane.ts';
import {
  type Addresses,
  type DialbackAnswer,
  dialbackKey,
  readDialback,
  resultQuestion,
  verifyQuestion,
} from './dialback.ts';
import { enter } from './door.ts';
import type { StreamAction, StreamEvent } from './negotiation.ts';
import { type Pair, Pairs, type Proof, pairKey } from './pairs.ts';
import { Questions } from './questions.ts';
import type { S2sServices } from './services.ts';
import type { Negotiator, ServerStreamOptions, StreamHooks } from './stream-options.ts';
import { evidenceOf, type Trusted } from './trust.ts';

/** How deep the XML of one who is not authenticated may be: SASL and dialback need no more. */
const EARLY_DEPTH = 16;
/** Elements in one stanza, which cost memory beyond their bytes. */
const MAX_ELEMENTS = 10_000;
/** Pairs of domains on one stream. */
const MAX_PAIRS = 500;
/** How much may wait in the socket before stanzas wait in their link's queue instead. */
const HIGH_WATER = 256 * 1024;
/** What the socket may hold beyond that: answers of dialback, one large stanza, the farewell. */
const SEND_LIMIT = 64 * 1024 * 1024;
/** After how long a silence the system asks whether the other side is there. */
const KEEP_ALIVE_MS = 60_000;

/** A stream between servers. */
export class ServerStream {
  /** Names the stream in the log and for admins. */
  readonly id = randomId();
  readonly direction: 'in' | 'out';
  readonly remoteAddress: string;
  /** When it began, in ms since the epoch. */
  readonly since: number;
  /** The identifier in the header of the one who was connected to: dialback keys are made for it. */
  streamId = '';
  /** When a stanza last came or went, in ms since the epoch. */
  lastUsed: number;

  readonly #services: S2sServices;
  readonly #negotiator: Negotiator;
  readonly #hooks: StreamHooks;
  readonly #channel: Channel;
  readonly #accepts = new Pairs();
  readonly #sends = new Pairs();
  readonly #questions: Questions;
  readonly #dane: DaneTerms | undefined;
  readonly #judged = new Map<Domain, Trusted>();
  #language: string | undefined;
  /** Whether we have said goodbye. */
  #isClosing = false;
  #why = 'the connection broke';

  constructor(options: ServerStreamOptions) {
    const { socket, services } = options;
    const { clock } = services;
    this.direction = options.direction;
    this.remoteAddress = options.remoteAddress;
    this.since = clock.now();
    this.lastUsed = this.since;
    this.#services = services;
    this.#negotiator = options.negotiator;
    this.#hooks = options.hooks;
    this.#dane = options.dane;
    this.#questions = new Questions(clock);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const { stanzaBytesBeforeAuth, depth, attributes } = services.limits();
    this.#channel = new Channel({
      socket,
      isTlsFirst: options.isTlsFirst,
      clock,
      flusher: options.flusher,
      limits: {
        maxBytes: stanzaBytesBeforeAuth,
        maxDepth: Math.min(EARLY_DEPTH, depth),
        maxAttributes: attributes,
        maxElements: MAX_ELEMENTS,
      },
      sendQueueBytes: SEND_LIMIT,
      handlers: {
        open: (header) => {
          this.#language = header.attrs['xml:lang'];
          this.step({ kind: 'header', header });
        },
        element: (element) => this.step({ kind: 'element', element }),
        close: () => this.#onGoodbye(),
        fault: (fault) => this.end(fault),
        gone: (text) => this.#leave(text),
        overflow: () =>
          this.end({ condition: 'resource-constraint', text: 'You read too slowly.' }),
        drained: () => this.#hooks.drained?.(),
        released() {},
        mistake: (error) => this.#onMistake(error),
        closed: () => this.#onClosed(),
      },
    });
    if (options.isTlsFirst) this.#hooks.secure(this.#channel);
  }

  /** Whether nothing more can be sent. */
  get isOver(): boolean {
    return this.#isClosing || this.#channel.isClosed || this.#negotiator.isEnded;
  }

  /** Whether the socket takes no more for now. */
  get isFull(): boolean {
    return this.#channel.waiting > HIGH_WATER;
  }

  /** The version of TLS, undefined without. */
  get protocol(): string | undefined {
    return this.#channel.tls?.getProtocol() ?? undefined;
  }

  /** The cipher, undefined without TLS. */
  get cipher(): string | undefined {
    return this.#channel.tls?.getCipher()?.name;
  }

  /** When something last came, in ms since the epoch. */
  get lastActive(): number {
    return this.#channel.lastActive;
  }

  /** The pairs that the other side may send for. */
  get accepts(): readonly Pair[] {
    return this.#accepts.list();
  }

  /** The pairs that we may send for. */
  get sends(): readonly Pair[] {
    return this.#sends.list();
  }

  /** Whether questions of dialback wait for their answer here. */
  get isAsking(): boolean {
    return this.#questions.size > 0;
  }

  /** Takes an event of the negotiation. */
  step(event: StreamEvent): void {
    this.perform(this.#negotiator.step(event));
  }

  /** Carries out what the negotiator says. */
  perform(actions: readonly StreamAction[]): void {
    for (const action of actions) this.#do(action);
  }

  /** What the other side's certificate is worth for a domain; undefined without TLS. */
  judge(domain: Domain): Trusted | undefined {
    const { tls } = this.#channel;
    if (tls === undefined) return undefined;
    const before = this.#judged.get(domain);
    if (before !== undefined) return before;
    const judged = this.#services.trust.judge(evidenceOf(tls), domain, {
      role: this.direction === 'in' ? 'client' : 'server',
      acceptServerUsage: this.#services.settings().acceptServerUsage,
      dane: this.#dane,
    });
    if (this.#judged.size < MAX_PAIRS) this.#judged.set(domain, judged);
    return judged;
  }

  /** Whether the other side's certificate proves a domain. */
  proves(domain: Domain): boolean {
    return this.judge(domain)?.ok === true;
  }

  /** Whether there is room for one more pair. */
  get hasRoom(): boolean {
    return this.#accepts.size < MAX_PAIRS;
  }

  /** Lets the other side send for a pair, and, if both directions were agreed on, gets its own. */
  accept(remote: Domain, local: Domain, proof: Proof): void {
    if (this.#accepts.size === 0) this.#widen();
    this.#accepts.add({ from: remote, to: local, proof });
    this.note('info', { from: remote, to: local, proof }, 'another domain may send');
    this.#hooks.accepted?.(remote, local, proof);
  }

  /** Notes that the other side takes stanzas for a pair. */
  allow(local: Domain, remote: Domain, proof: Proof): void {
    this.#sends.add({ from: local, to: remote, proof });
    this.note('info', { from: local, to: remote, proof }, 'a stream to another domain is open');
  }

  /** Whether the other side may send for a pair. */
  isAccepted(remote: Domain, local: Domain): boolean {
    return this.#accepts.has(remote, local);
  }

  /** Whether we may send for a pair. */
  maySend(local: Domain, remote: Domain): boolean {
    return !this.isOver && this.#sends.has(local, remote);
  }

  /** Asks to be allowed to send for a pair, by dialback (XEP-0220 §2.1.1). */
  ask(local: Domain, remote: Domain): Promise<DialbackAnswer> {
    const parties = { from: local, to: remote };
    const parts = { receiving: remote, originating: local, streamId: this.streamId };
    const key = dialbackKey(this.#services.secret, parts);
    return this.#questions.ask(`result ${pairKey(local, remote)}`, () =>
      this.send(resultQuestion(parties, key)),
    );
  }

  /** Asks whether the other side, as the authority for a domain, gave out a key (§2.1.2). */
  verify(parties: Addresses, id: string, key: string): Promise<DialbackAnswer> {
    return this.#questions.ask(`verify ${pairKey(parties.from, parties.to)} ${id}`, () =>
      this.send(verifyQuestion(parties, id, key)),
    );
  }

  /** Sends text: a stanza of a pair that may be sent for, or an element of dialback. */
  send(text: string): void {
    if (!this.isOver) this.#channel.write(text);
  }

  /** Sends a stanza for a pair that {@link maySend}. */
  sendStanza(stanza: Stanza): void {
    this.lastUsed = this.#services.clock.now();
    this.#services.metrics.s2sStanzas.inc({ direction: 'out', kind: stanza.kind });
    this.send(stanza.wire.text);
    const { story } = this.#services;
    if (story.isOn && stanza.to !== undefined)
      story.note(stanza, step.sent(domainOf(stanza.to), this.id, this.remoteAddress));
  }

  /** Ends the stream with an error. */
  end(failure: StreamFailure): void {
    if (!this.#negotiator.isEnded) this.perform(this.#negotiator.end(failure));
  }

  /** Closes the stream politely: what the other side has sent already is still taken (§4.4). */
  close(why: string): void {
    if (this.isOver) return;
    this.#isClosing = true;
    this.#why = why;
    this.#channel.sayGoodbye();
  }

  /** Closes the socket at once. */
  destroy(): void {
    this.#channel.destroy();
  }

  /** Resolves when the socket is closed. */
  closed(): Promise<void> {
    return this.#channel.closed();
  }

  /** Writes a line to the log that names the stream and the address. */
  note(level: 'debug' | 'info' | 'error', facts: object, text: string): void {
    const { id, direction, remoteAddress: remote } = this;
    this.#services.log[level]({ stream: id, direction, remote, ...facts }, text);
  }

  #do(action: StreamAction): void {
    switch (action.do) {
      case 'open':
        this.#openStream(action.from, action.to);
        break;
      case 'send':
        this.#channel.write(action.text);
        break;
      case 'secure':
        this.#hooks.secure(this.#channel);
        break;
      case 'restart':
        this.#channel.restart();
        break;
      case 'authenticated':
        this.#hooks.authenticated?.();
        break;
      case 'ready':
        this.#hooks.ready?.();
        break;
      case 'dialback':
        this.#onDialback(action.element);
        break;
      case 'stanza':
        this.#onStanza(action.element);
        break;
      case 'close':
        this.#finish(action.why);
        break;
      case 'end':
        this.#fail(action);
        break;
      case 'give-up':
        this.#hooks.gaveUp?.(action.why, action.text);
        if (typeof action.why !== 'string')
          this.#questions.end(`the stream ended: ${action.text}`, action.why.reported);
        this.#finish(action.text);
        break;
    }
  }

  #openStream(from: Domain | undefined, to: Domain | undefined): void {
    // RFC 6120 §4.3.3: each of our answering headers has an identifier of its own.
    if (this.direction === 'in') this.streamId = randomId();
    const id = this.direction === 'in' ? this.streamId : undefined;
    this.#channel.write(headerText({ id, from, to }, 'jabber:server'));
  }

  #fail({ condition, text }: StreamFailure): void {
    this.#services.metrics.streamErrors.inc({ condition });
    this.note('info', { condition }, text);
    this.#channel.write(streamErrorText({ condition, text }));
    this.#finish(`${condition}: ${text}`);
  }

  #finish(why: string): void {
    this.#leave(why);
    this.#channel.finish();
  }

  #onGoodbye(): void {
    this.#finish(this.#isClosing ? this.#why : 'the other server said goodbye');
  }

  #onMistake(error: unknown): void {
    this.#services.metrics.errors.inc({ area: 's2s' });
    this.note('error', { err: error }, 'a stream could not go on');
    this.end({ condition: 'internal-server-error', text: 'The server made a mistake.' });
  }

  #onDialback(element: Element): void {
    const packet = readDialback(element);
    if (packet === undefined) {
      const text = 'An element of dialback is from a domain and to a domain.';
      this.end({ condition: 'improper-addressing', text });
      return;
    }
    const { kind, from, to, id, key, answer } = packet;
    if (answer === undefined) {
      this.#hooks.asked(kind, { from, to }, id, key);
      return;
    }
    const question =
      kind === 'result' ? `result ${pairKey(to, from)}` : `verify ${pairKey(to, from)} ${id}`;
    if (kind === 'result' && answer.type === 'valid' && this.#questions.has(question))
      this.#hooks.granted?.(to, from);
    if (this.#questions.answer(question, answer)) return;
    // XEP-0220 §3.1: whoever sends it hopes to be believed.
    this.note('info', { from, to, kind, type: answer.type }, 'an answer that nobody asked for');
  }

  #onStanza(element: Element): void {
    const { hosts, clock, metrics } = this.#services;
    const entered = enter(element, {
      accepts: this.#accepts,
      isServed: (domain) => hosts.ownerOf(domain) !== undefined,
      language: this.#language,
    });
    if (!entered.ok) {
      this.end(entered.failure);
      return;
    }
    this.lastUsed = clock.now();
    metrics.s2sStanzas.inc({ direction: 'in', kind: element.name });
    if (entered.stanza !== undefined) this.#route(entered.stanza);
  }

  #route(stanza: Stanza): void {
    const { router, story } = this.#services;
    if (story.isOn)
      story.note(stanza, step.received(domainOf(stanza.from), this.id, this.remoteAddress));
    try {
      const routed = router.route(stanza);
      if (!(routed instanceof Promise)) return;
      this.#channel.hold(routed.catch((error: unknown) => this.#failed(stanza, error)));
    } catch (error) {
      this.#failed(stanza, error);
    }
  }

  /** A bug of ours: the stream goes on. */
  #failed(stanza: Stanza, error: unknown): void {
    this.#services.metrics.errors.inc({ area: 's2s' });
    const { from, to, kind } = stanza;
    this.note('error', { err: error, from, to, kind }, 'a stanza could not be handled');
  }

  /** What a stream may send once somebody is authenticated on it. */
  #widen(): void {
    const { depth, attributes } = this.#services.limits();
    this.#channel.limits = {
      maxBytes: this.#services.settings().stanzaBytes,
      maxDepth: depth,
      maxAttributes: attributes,
      maxElements: MAX_ELEMENTS,
    };
  }

  #leave(why: string): void {
    if (!this.#negotiator.isEnded) this.#negotiator.end({ condition: 'reset', text: why });
    this.#why = why;
    this.#questions.end(`the stream ended: ${why}`);
  }

  #onClosed(): void {
    this.#leave(this.#why);
    this.note('info', { why: this.#why }, 'a stream between servers is over');
    this.#hooks.closed(this.#why);
  }
}
