import type { Domain } from '../jid/jid.ts';
import { randomId } from '../kit/ids.ts';
import { Channel } from '../stream/channel.ts';
import { type StreamFailure, streamErrorText } from '../stream/error.ts';
import { headerText } from '../stream/header.ts';
import { earlyLimits, fullLimits } from '../stream/xml-limits.ts';
import { isForStanza } from './failure.ts';
import { Inquiry } from './inquiry.ts';
import { type IntakePort, takeIn } from './intake.ts';
import { createJudge } from './judgement.ts';
import { Managed } from './managed.ts';
import type { StreamAction, StreamEvent } from './negotiation.ts';
import { type Pair, Pairs, type Proof, partiesOf } from './pairs.ts';
import type { Passage } from './passage.ts';
import { Room } from './room.ts';
import type { S2sServices } from './services.ts';
import type { Negotiator, ServerStreamOptions, StreamEnd, StreamHooks } from './stream-options.ts';
import type { Trusted } from './trust.ts';

/** Pairs of domains on one stream. */
const MAX_PAIRS = 500;
/** How much may wait in the socket before stanzas wait in their link's queue instead. */
const HIGH_WATER = 256 * 1024;
/** What the socket may hold beyond that: answers of dialback, one large stanza, the farewell. */
const SEND_LIMIT = 64 * 1024 * 1024;
/** After how long a silence the system asks whether the other side is there. */
const KEEP_ALIVE_MS = 60_000;
/** The longest that the other side may be silent when it was asked whether it has what it was sent. */
const PATIENCE_MS = 30_000;

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
  /** When a stanza last came or went, on the monotonic scale, in ms. */
  lastUsed: number;
  /** How it came to its end; of meaning once it has. */
  ending: StreamEnd = 'broken';
  /** What the other side said when it ended the stream by an error that a stanza may have caused. */
  rejection: string | undefined;
  /** What was asked here by dialback. */
  readonly inquiry: Inquiry;
  /** What the other side's certificate is worth for a domain; undefined without TLS. */
  readonly judge: (domain: Domain) => Trusted | undefined;
  /** Its management by XEP-0198. */
  readonly managed: Managed;

  readonly #services: S2sServices;
  readonly #negotiator: Negotiator;
  readonly #hooks: StreamHooks;
  readonly #channel: Channel;
  readonly #accepts = new Pairs();
  readonly #sends = new Pairs();
  readonly #intake: IntakePort;
  readonly #room: Room;
  #language: string | undefined;
  /** Whether we have said goodbye. */
  #isClosing = false;
  #why = 'the connection broke';
  #hasLeft = false;

  constructor(options: ServerStreamOptions) {
    const { socket, services } = options;
    const { clock } = services;
    this.direction = options.direction;
    this.remoteAddress = options.remoteAddress;
    this.since = clock.now();
    this.lastUsed = clock.monotonic();
    this.#services = services;
    this.#negotiator = options.negotiator;
    this.#hooks = options.hooks;
    this.judge = createJudge(services, {
      direction: options.direction,
      dane: options.dane,
      tls: () => this.#channel.tls,
    });
    this.inquiry = new Inquiry({
      clock,
      secret: services.secret,
      hooks: options.hooks,
      streamId: () => this.streamId,
      send: (text) => this.send(text),
      end: (failure) => this.end(failure),
      note: (facts, text) => this.note('info', facts, text),
    });
    const hold = (work: Promise<void>) => this.#channel.hold(work);
    this.#room = new Room({ clock, hold, isFull: () => this.#channel.waiting > HIGH_WATER });
    this.managed = new Managed({
      clock,
      direction: options.direction,
      pings: options.pings,
      resumptions: options.resumptions,
      patience: () => Math.min(PATIENCE_MS, services.settings().queueTime / 2),
      parties: () => partiesOf(this.#sends, this.#accepts),
      isProved: () => this.#accepts.size > 0,
      isFlushed: () => this.#channel.waiting === 0,
      heardAt: () => this.heardAt,
      write: (text) => this.#channel.write(text),
      giveUp: (why) => this.#giveUp(why),
      end: (failure) => this.end(failure),
      replaced: () => this.#onReplaced(),
      hold,
      opened: () => this.#hooks.opened?.(),
    });
    this.#intake = {
      id: this.id,
      remoteAddress: this.remoteAddress,
      services,
      managed: this.managed,
      pings: options.pings,
      accepts: this.#accepts,
      language: () => this.#language,
      used: () => {
        this.lastUsed = clock.monotonic();
      },
      end: (failure) => this.end(failure),
      hold,
      note: (level, facts, text) => this.note(level, facts, text),
    };
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#channel = new Channel({
      socket,
      isTlsFirst: options.isTlsFirst,
      clock,
      flusher: options.flusher,
      limits: earlyLimits(services.limits()),
      sendQueueBytes: SEND_LIMIT,
      handlers: {
        open: (header) => {
          this.#language = header.attrs['xml:lang'];
          this.step({ kind: 'header', header });
        },
        element: (element) => this.step({ kind: 'element', element }),
        close: () => this.#onGoodbye(),
        fault: (fault) => this.end(fault),
        gone: (text) => this.#leave(text, this.#isClosing ? 'closed' : 'broken'),
        overflow: () =>
          this.end({ condition: 'resource-constraint', text: 'You read too slowly.' }),
        drained: () => {
          this.#room.open();
          this.#hooks.drained?.();
        },
        released() {},
        trailer: () => this.managed.trailer(),
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

  /** Whether no more stanzas may be sent for now. */
  get isFull(): boolean {
    return this.managed.isBusy || this.#channel.waiting > HIGH_WATER;
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

  /** The same on the monotonic scale. */
  get heardAt(): number {
    return this.#channel.heardAt;
  }

  /** The pairs that the other side may send for. */
  get accepts(): readonly Pair[] {
    return this.#accepts.list();
  }

  /** The pairs that we may send for. */
  get sends(): readonly Pair[] {
    return this.#sends.list();
  }

  /** Takes an event of the negotiation. */
  step(event: StreamEvent): void {
    this.perform(this.#negotiator.step(event));
  }

  /** Carries out what the negotiator says. */
  perform(actions: readonly StreamAction[]): void {
    for (const action of actions) this.#do(action);
  }

  /** Whether the other side's certificate proves a domain. */
  proves(domain: Domain): boolean {
    return this.judge(domain)?.ok === true;
  }

  /** Whether there is room for one more pair. */
  get hasRoom(): boolean {
    return this.#accepts.size < MAX_PAIRS;
  }

  /** Whether an admin has said meanwhile that a pair may not talk; the stream ends if so. */
  isBarred(local: Domain, remote: Domain): boolean {
    const text = this.#services.policy.refusal(local, remote);
    if (text !== undefined) this.end({ condition: 'policy-violation', text });
    return text !== undefined;
  }

  /** Lets the other side send for a pair, and, if both directions were agreed on, gets its own. */
  accept(remote: Domain, local: Domain, proof: Proof): void {
    const { limits, settings } = this.#services;
    if (this.#accepts.size === 0)
      this.#channel.limits = fullLimits(limits(), settings().stanzaBytes);
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

  /** Sends text: a stanza of a pair that may be sent for, or an element of dialback. */
  send(text: string): void {
    if (!this.isOver) this.#channel.write(text);
  }

  /** Sends a stanza for a pair that {@link maySend}. */
  sendStanza(passage: Passage): void {
    const { clock } = this.#services;
    this.lastUsed = clock.monotonic();
    this.#services.metrics.s2sStanzas.inc({ direction: 'out', kind: passage.stanza.kind });
    this.managed.add(passage);
    this.send(passage.text(clock.now()));
  }

  /** Ends the stream with an error. */
  end(failure: StreamFailure): void {
    if (!this.#negotiator.isEnded) this.perform(this.#negotiator.end(failure));
  }

  /**
   * Ends the stream with an error once all that came is handled, and counted for the other side (XEP-0198 §4);
   * nothing more is read until then, or it would come again. Resolves when it was told so.
   */
  async endHandled(failure: StreamFailure): Promise<void> {
    const told = this.managed.settled().then(() => this.end(failure));
    this.#channel.hold(told);
    await told;
  }

  /** Closes the stream politely: what the other side has sent already is still taken (§4.4). */
  close(why: string): void {
    if (this.isOver) return;
    this.#isClosing = true;
    this.#why = why;
    void this.managed.farewell().then(() => this.#channel.sayGoodbye());
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
        this.inquiry.receive(action.element);
        this.#room.check();
        break;
      case 'manage':
        this.managed.receive(action.element);
        break;
      case 'stanza':
        takeIn(action.element, this.#intake);
        break;
      case 'close':
        this.#onRejected(action.condition, action.why);
        break;
      case 'end':
        this.#fail(action);
        break;
      case 'give-up':
        this.#hooks.gaveUp?.(action.why, action.text);
        if (typeof action.why === 'string') this.#finish(action.text, 'ended');
        else this.#onRejected(action.why.reported, action.text);
        break;
    }
  }

  #openStream(from: Domain | undefined, to: Domain | undefined): void {
    // RFC 6120 §4.3.3: each of our answering headers has an identifier of its own.
    if (this.direction === 'in') this.streamId = randomId();
    const id = this.direction === 'in' ? this.streamId : undefined;
    this.#channel.write(headerText({ id, from, to }, 'jabber:server'));
  }

  #fail(failure: StreamFailure): void {
    const { condition, text } = failure;
    this.#services.metrics.streamErrors.inc({ condition });
    this.note('info', { condition }, text);
    this.managed.lastWord();
    this.#channel.write(streamErrorText(failure));
    this.#finish(`${condition}: ${text}`, 'ended');
  }

  /** The other side ended the stream with an error. */
  #onRejected(condition: string, why: string): void {
    if (isForStanza(condition)) this.rejection = why;
    this.inquiry.end(why, condition);
    this.#finish(why, 'ended');
  }

  #finish(why: string, ending: StreamEnd): void {
    this.#leave(why, ending);
    this.#channel.finish();
  }

  /** The closing tag is answered when all that came before it is handled (DESIGN D1). */
  #onGoodbye(): void {
    const why = this.#isClosing ? this.#why : 'the other server said goodbye';
    this.#isClosing = true;
    void this.managed.farewell().then(() => this.#finish(why, 'closed'));
  }

  /** Nobody is there any more, though the connection has not noticed. */
  #giveUp(why: string): void {
    if (this.#hasLeft) return;
    this.note('info', { why }, 'the other server is silent');
    this.#leave(why, 'broken');
    this.#channel.destroy();
  }

  #onReplaced(): void {
    this.#hooks.replaced?.();
    this.end({ condition: 'conflict', text: 'The stream was resumed on another connection.' });
  }

  #onMistake(error: unknown): void {
    this.#services.metrics.errors.inc({ area: 's2s' });
    this.note('error', { err: error }, 'a stream could not go on');
    this.end({ condition: 'internal-server-error', text: 'The server made a mistake.' });
  }

  #leave(why: string, ending: StreamEnd): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    if (!this.#negotiator.isEnded) this.#negotiator.end({ condition: 'reset', text: why });
    this.#why = why;
    this.ending = ending;
    this.inquiry.end(why);
  }

  #onClosed(): void {
    this.#leave(this.#why, this.#isClosing ? 'closed' : 'broken');
    this.#room.open();
    this.managed.end(this.ending === 'broken');
    this.note('info', { why: this.#why }, 'a stream between servers is over');
    this.#hooks.closed(this.#why);
  }
}
