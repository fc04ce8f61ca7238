/** A component's stream, from its first byte to its last: XEP-0114 §3. */
import type { Socket } from 'node:net';
import { mistakeOf } from '../core/mistake.ts';
import { step } from '../core/story-steps.ts';
import { type Domain, domainOf } from '../jid/jid.ts';
import type { Timer } from '../kit/clock.ts';
import { randomId } from '../kit/ids.ts';
import type { Flusher } from '../kit/outbox.ts';
import { iqGet } from '../stanza/build.ts';
import { errorFor } from '../stanza/error.ts';
import type { Stanza } from '../stanza/stanza.ts';
import { Channel } from '../stream/channel.ts';
import { STREAM_NS, type StreamFailure, streamErrorText } from '../stream/error.ts';
import { headerText, readComponentHeader } from '../stream/header.ts';
import { earlyLimits, fullLimits } from '../stream/xml-limits.ts';
import { type Element, el, isNamed, serialise } from '../xml/element.ts';
import type { StreamHeader } from '../xml/parser.ts';
import { enter } from './door.ts';
import { isHandshake } from './handshake.ts';
import { type Addressed, Outgoing } from './outgoing.ts';
import type { ComponentServices } from './services.ts';

/** How deep the XML of one who has not proved itself may be: a handshake is flat. */
const EARLY_DEPTH = 4;
/** How much may wait to be sent before those who send to the component have to wait. */
const HIGH_WATER = 256 * 1024;
/** What may wait beyond that, since not all who send can be made to wait. */
const SEND_LIMIT = 64 * 1024 * 1024;
/** How much of an error that a component reports is logged. */
const LOGGED = 1000;
/** After how long a silence the system asks whether the other side is there. */
const KEEP_ALIVE_MS = 60_000;

/** What a stream's side decides. */
export interface ComponentDesk {
  /** The secret of a component and the host whose it is; undefined if there is none. */
  find(domain: Domain): { readonly secret: string; readonly host: Domain } | undefined;
  /** Whether an address may try to prove itself: not while too many of its tries have failed. */
  mayTry(domain: Domain, remote: string): boolean;
  noteFailure(domain: Domain, remote: string): void;
  /** A stream has proved itself. False when another one is the component's already. */
  admit(stream: ComponentStream, domain: Domain): boolean;
  /** A stream that was admitted is over. */
  dismiss(stream: ComponentStream, domain: Domain): void;
}

/** What a component's stream is made of. */
export interface ComponentStreamOptions {
  readonly socket: Socket;
  /** The component's address. */
  readonly remote: string;
  readonly services: ComponentServices;
  readonly flusher: Flusher;
  readonly desk: ComponentDesk;
  /** Called once when the connection is closed. */
  onClosed(): void;
}

type Phase = 'opening' | 'proving' | 'ready' | 'ended';

/** A component's stream. */
export class ComponentStream {
  /** The id of the stream, which its log lines carry. */
  readonly id = randomId();
  readonly remote: string;
  /** When it began, in ms since the epoch. */
  readonly since: number;

  readonly #services: ComponentServices;
  readonly #desk: ComponentDesk;
  readonly #channel: Channel;
  readonly #outgoing: Outgoing;
  readonly #onClosed: () => void;
  readonly #authTimer: Timer;
  #phase: Phase = 'opening';
  #domain: Domain | undefined;
  #host: Domain | undefined;
  #language: string | undefined;
  #signTimer: Timer | undefined;
  #watchTimer: Timer | undefined;
  /** Resolves when there is room to send again. */
  #room: { readonly promise: Promise<void>; open(): void } | undefined;

  constructor(options: ComponentStreamOptions) {
    const { socket, services } = options;
    const { clock } = services;
    const limits = services.limits();
    this.remote = options.remote;
    this.since = clock.now();
    this.#services = services;
    this.#outgoing = new Outgoing(services);
    this.#desk = options.desk;
    this.#onClosed = options.onClosed;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#channel = new Channel({
      socket,
      isTlsFirst: false,
      clock,
      flusher: options.flusher,
      limits: earlyLimits(limits, EARLY_DEPTH),
      sendQueueBytes: SEND_LIMIT,
      handlers: {
        open: (header) => this.#onHeader(header),
        element: (element) => this.#onElement(element),
        close: () => this.#finish('the component said goodbye'),
        fault: (fault) => this.end(fault),
        gone: (text) => {
          this.#leave(text);
          this.#outgoing.giveBack(); // before those go on who waited for room
        },
        overflow: () => {
          this.end(TOO_SLOW);
          this.#outgoing.giveBack();
        },
        drained: () => this.#room?.open(),
        taken: (position) => this.#outgoing.taken(position),
        released() {},
        mistake: (error) => this.#onMistake(error),
        closed: () => {
          this.#leave('the connection broke');
          this.#outgoing.giveBack();
          this.#onClosed();
        },
      },
    });
    this.#authTimer = clock.after(limits.authTimeout, () =>
      this.end({ condition: 'connection-timeout', text: 'The handshake took too long.' }),
    );
  }

  /** When something last came, in ms since the epoch. */
  get lastActive(): number {
    return this.#channel.lastActive;
  }

  /**
   * Sends a stanza of somebody who is told what becomes of it. `settled` resolves when the system has
   * taken it, or it is on its way back; `room` as {@link send} has it.
   */
  deliver(stanza: Addressed): {
    readonly settled: Promise<void>;
    readonly room: Promise<void> | undefined;
  } {
    const settled = this.#outgoing.add(stanza, this.#channel.position + stanza.wire.text.length);
    this.#watch();
    return { settled, room: this.send(stanza) };
  }

  /** Sends a stanza. A promise means that there is no room for more; it resolves when there is. */
  send(stanza: Stanza): Promise<void> | undefined {
    this.#services.metrics.componentStanzas.inc({ direction: 'out', kind: stanza.kind });
    this.#channel.write(stanza.wire.text);
    const { story } = this.#services;
    if (story.isOn && stanza.to !== undefined)
      story.note(stanza, step.sent(domainOf(stanza.to), this.id, this.remote));
    return this.#channel.waiting > HIGH_WATER ? this.#waitForRoom() : undefined;
  }

  /** Asks for a sign of life (XEP-0199 §4.1), and ends the stream if none comes. */
  ping(): void {
    if (this.#signTimer !== undefined || this.#domain === undefined || this.#host === undefined)
      return;
    const { clock, limits } = this.#services;
    const asked = clock.monotonic();
    const payload = el('ping', { xmlns: 'urn:xmpp:ping' });
    void this.send(iqGet({ from: this.#host, to: this.#domain, id: randomId(), payload }));
    this.#signTimer = clock.after(limits().idleTimeout, () => {
      this.#signTimer = undefined;
      if (this.#channel.heardAt < asked && !this.#channel.isHeld)
        this.end({ condition: 'connection-timeout', text: 'No sign of life.' });
    });
  }

  /** Ends the stream with an error; before it is open, a header comes first (RFC 6120 §4.9.1.2). */
  end({ condition, text }: StreamFailure): void {
    if (this.#phase === 'ended') return;
    if (this.#phase === 'opening') this.#open(undefined);
    this.#services.metrics.streamErrors.inc({ condition });
    this.#channel.write(streamErrorText({ condition, text }));
    this.#finish(`${condition}: ${text}`);
  }

  /** Resolves when the socket is closed. */
  closed(): Promise<void> {
    return this.#channel.closed();
  }

  #open(from: Domain | undefined): void {
    const header = { id: this.id, from: from ?? '', to: undefined };
    this.#channel.write(headerText(header, 'jabber:component:accept'));
    this.#phase = 'proving';
  }

  #onHeader(header: StreamHeader): void {
    const failure = this.#refuseHeader(header);
    if (failure !== undefined) this.end(failure);
  }

  /** Opens the stream, or tells why it is refused. */
  #refuseHeader(header: StreamHeader): StreamFailure | undefined {
    const read = readComponentHeader(header);
    if (!read.ok) return read;
    const domain = read.value;
    const found = this.#desk.find(domain);
    if (found === undefined)
      return { condition: 'host-unknown', text: `${domain} is no component here.` };
    this.#domain = domain;
    this.#host = found.host;
    this.#language = header.attrs['xml:lang'];
    this.#open(domain);
    return this.#desk.mayTry(domain, this.remote) ? undefined : TOO_MANY_FAILURES;
  }

  #onElement(element: Element): void {
    if (this.#phase === 'ended') return;
    if (isNamed(element, 'error', STREAM_NS)) {
      const error = serialise(element).slice(0, LOGGED);
      this.#note('info', { error }, 'a component reports an error');
      this.#finish('the component reported an error');
    } else if (this.#phase === 'ready') {
      this.#receive(element);
    } else {
      const failure = this.#refuseHandshake(element);
      if (failure === undefined) this.#begin();
      else this.end(failure);
    }
  }

  /** Admits the stream, or tells why it is refused. */
  #refuseHandshake(element: Element): StreamFailure | undefined {
    const domain = this.#domain;
    const found = domain === undefined ? undefined : this.#desk.find(domain);
    if (domain === undefined || found === undefined) return GONE;
    if (!isHandshake(element, this.id, found.secret)) {
      this.#desk.noteFailure(domain, this.remote);
      this.#note('warn', {}, 'a component does not know the secret');
      return { condition: 'not-authorized', text: 'The handshake is wrong.' };
    }
    if (this.#desk.admit(this, domain)) return undefined;
    return { condition: 'conflict', text: `${domain} is connected already.` };
  }

  #begin(): void {
    this.#phase = 'ready';
    this.#authTimer.cancel();
    const limits = this.#services.limits();
    this.#channel.limits = fullLimits(limits, limits.stanzaBytes);
    this.#channel.write('<handshake/>');
    this.#note('info', {}, 'a component is connected');
  }

  #receive(element: Element): void {
    const [domain, host] = [this.#domain, this.#host];
    if (domain === undefined || host === undefined) return;
    const outcome = enter(element, { domain, host, language: this.#language });
    if (outcome.kind === 'end') return void this.end(outcome.failure);
    this.#services.metrics.componentStanzas.inc({ direction: 'in', kind: element.name });
    if (outcome.kind === 'route') this.#route(outcome.stanza);
    else if (outcome.answer !== undefined) this.#hold(this.send(outcome.answer));
  }

  #route(stanza: Stanza): void {
    const { story } = this.#services;
    if (story.isOn) story.note(stanza, step.received(domainOf(stanza.from), this.id, this.remote));
    try {
      const routed = this.#services.router.route(stanza);
      if (routed instanceof Promise)
        this.#hold(routed.catch((error: unknown) => this.#failed(stanza, error)));
    } catch (error) {
      this.#failed(stanza, error);
    }
  }

  /** Reads nothing more of the component until the work is done: order, and back-pressure. */
  #hold(work: Promise<void> | undefined): void {
    if (work !== undefined) this.#channel.hold(work);
  }

  /** A bug of ours: the stanza is answered, and the stream goes on. */
  #failed(stanza: Stanza, error: unknown): void {
    const { from, to, kind, element } = stanza;
    this.#services.metrics.errors.inc({ area: 'component' });
    this.#note('error', { err: error, from, to, kind }, 'a stanza could not be handled');
    const answerer = to ?? this.#host;
    if (answerer === undefined) return;
    const failure = mistakeOf(error);
    const answer = errorFor(element, failure, { from: answerer, to: from });
    if (answer !== undefined) this.#hold(this.send(answer));
  }

  #onMistake(error: unknown): void {
    this.#services.metrics.errors.inc({ area: 'component' });
    this.#note('error', { err: error }, 'a stream could not go on');
    this.end({ condition: 'internal-server-error', text: 'The server made a mistake.' });
  }

  /** A component that takes nothing for as long as a client may be silent is given up. */
  #waitForRoom(): Promise<void> {
    if (this.#phase === 'ended') return Promise.resolve();
    if (this.#room !== undefined) return this.#room.promise;
    const { clock, limits } = this.#services;
    const timer = clock.after(limits().idleTimeout, () => this.end(TOO_SLOW));
    const { promise, resolve } = withResolver();
    this.#room = {
      promise,
      open: () => {
        timer.cancel();
        this.#room = undefined;
        resolve();
      },
    };
    return promise;
  }

  /** So is one that does not take what was sent to it: who sent it waits to hear of it. */
  #watch(): void {
    const { clock, limits } = this.#services;
    this.#watchTimer ??= clock.after(limits().idleTimeout, () => {
      this.#watchTimer = undefined;
      const { stuckFor } = this.#outgoing;
      if (stuckFor === undefined) return;
      if (stuckFor >= limits().idleTimeout) this.end(TOO_SLOW);
      else this.#watch();
    });
  }

  #finish(why: string): void {
    if (this.#phase === 'ended') return;
    this.#channel.finish();
    this.#leave(why);
  }

  #leave(why: string): void {
    if (this.#phase === 'ended') return;
    this.#note('info', { why }, 'the stream of a component ended');
    const wasAdmitted = this.#phase === 'ready';
    this.#phase = 'ended';
    this.#authTimer.cancel();
    this.#signTimer?.cancel();
    this.#watchTimer?.cancel();
    this.#room?.open();
    if (wasAdmitted && this.#domain !== undefined) this.#desk.dismiss(this, this.#domain);
  }

  #note(level: 'info' | 'warn' | 'error', facts: object, text: string): void {
    const { id, remote } = this;
    this.#services.log[level]({ stream: id, remote, component: this.#domain, ...facts }, text);
  }
}

const TOO_SLOW: StreamFailure = {
  condition: 'resource-constraint',
  text: 'You read too slowly.',
};
const TOO_MANY_FAILURES: StreamFailure = {
  condition: 'policy-violation',
  text: 'Too many handshakes from your address have failed; try again later.',
};
const GONE: StreamFailure = { condition: 'host-gone', text: 'This is no component here any more.' };

function withResolver() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
