/**
 * What goes out to one client: over its connection and, by XEP-0198, over the next one if that breaks.
 * Whoever sent something with a receipt is told what became of it.
 */
import type { Receipt } from '../core/parcel.ts';
import type { Restraint } from '../core/restraint.ts';
import type { Jid } from '../jid/jid.ts';
import type { Stanza } from '../stanza/stanza.ts';
import { readStored } from '../stanza/stored.ts';
import { enabled, failed, readCounter, tooHighFailure } from '../stream/acks.ts';
import type { StreamFailure } from '../stream/error.ts';
import { type Element, serialise } from '../xml/element.ts';
import { HeldBack, type Outgoing } from './client-state.ts';
import type { FrozenSession } from './frozen.ts';
import type { Link } from './link.ts';
import { lateText, Managed, resumption, type Sent } from './managed.ts';
import type { C2sServices } from './services.ts';
import type { ClientSession } from './session.ts';
import { Unproved } from './unproved.ts';

/** How much may wait for a client before those who have much for it wait, too. */
const ROOM_BYTES = 256 * 1024;
/** The same for stanzas that it has not acknowledged. */
const ROOM_STANZAS = 500;

/** It was within its limits when it was written down. */
const NO_LIMITS = {
  unackedStanzas: Number.POSITIVE_INFINITY,
  unackedBytes: Number.POSITIVE_INFINITY,
};

/** A stanza that is to be sent. */
interface Kept {
  readonly stanza: Stanza;
  readonly to: Jid | undefined;
  readonly receipt: Receipt | undefined;
}

/** The outgoing side of a session. */
export class Outlet {
  readonly #session: ClientSession;
  readonly #services: C2sServices;
  readonly #unproved: Unproved;
  #link: Link;
  #isAttached = true;
  #isOver = false;
  /** Set once the client asked for stream management. */
  #managed: Managed | undefined;
  /** Set while the client is inactive (XEP-0352). */
  #heldBack: HeldBack<Outgoing & Sent> | undefined;
  /** What is sent before the client knows of the session (XEP-0386). */
  #kept: Kept[] | undefined;
  /** Who waits for room, and who waits until the client has read, and holds it up. */
  #waiting: (() => void)[] = [];
  #pacing: (() => void)[] = [];

  constructor(session: ClientSession, link: Link, services: C2sServices) {
    this.#session = session;
    this.#services = services;
    this.#unproved = new Unproved(session);
    this.#link = link;
  }

  /** The connection, or the last one. */
  get link(): Link {
    return this.#link;
  }

  /** Whether something may be held back from the client. */
  get isRestrained(): boolean {
    return this.#heldBack !== undefined;
  }

  /** Whether a client is connected. */
  get isAttached(): boolean {
    return this.#isAttached;
  }

  /** The counters of stream management, once the client asked for it. */
  get managed(): Managed | undefined {
    return this.#managed;
  }

  /** Lets nothing out until {@link tell}: the client does not know of the session yet. */
  keep(): void {
    this.#kept ??= [];
  }

  /** Sends what was kept back, in order. */
  tell(): void {
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const { stanza, to, receipt } of kept) this.send(stanza, to, receipt);
  }

  /** Sends a stanza, to another address if one is given. */
  send(stanza: Stanza, to: Jid | undefined, receipt: Receipt | undefined): void {
    if (this.#kept !== undefined) {
      this.#kept.push({ stanza, to, receipt });
      return;
    }
    if (this.#isOver) {
      receipt?.returned(this.#session);
      return;
    }
    const text = to === undefined ? stanza.wire.text : stanza.wire.textTo(to);
    const sent = { stanza, text, receipt, at: this.#services.clock.now() };
    if (this.#heldBack === undefined) {
      this.#write(sent);
    } else {
      const { out, voided } = this.#heldBack.take(sent);
      voided?.receipt?.acknowledged(this.#session); // what it said is void by what came after it
      if (!out.includes(sent)) this.#tell(stanza, 'held');
      for (const each of out) this.#write(each);
      for (const each of out) if (each !== sent) this.#tell(each.stanza, 'handed');
    }
  }

  /** Holds back from now on what may wait by these rules; undefined: all goes out (XEP-0352). */
  restrain(restraint: Restraint | undefined): void {
    const heldBack = this.#heldBack;
    if (this.#isOver || (restraint !== undefined && heldBack !== undefined)) return;
    this.#heldBack = restraint && new HeldBack(restraint);
    for (const sent of heldBack?.flush() ?? []) {
      this.#write(sent);
      this.#tell(sent.stanza, 'handed');
    }
  }

  /** Undefined while more may be sent; otherwise resolves when it may, or when all is over. */
  room(): Promise<void> | undefined {
    if (this.#hasRoom()) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Undefined while the client reads; otherwise resolves when it has, or when the stream is over. */
  pace(): Promise<void> | undefined {
    if (this.#isRead()) return undefined;
    return new Promise((resolve) => this.#pacing.push(resolve));
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
    if (this.#pacing.length > 0 && this.#isRead()) for (const go of this.#pacing.splice(0)) go();
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
    this.#detach(managed);
    if (this.#isOver) return false;
    this.#link.note('info', { waiting: managed.unacknowledged }, 'the session sleeps');
    this.#tellAsleep(managed);
    return true;
  }

  /** The session has no connection any more. It may be over by that, for what was held back is too much. */
  #detach({ resumeMs }: Managed): void {
    this.#isAttached = false;
    this.restrain(undefined); // what is sent to a session that sleeps comes after what was held
    if (!this.#isOver) this.#services.sleepers.sleep(this.#session, resumeMs);
    this.makeRoom();
  }

  #tellAsleep(managed: Managed): void {
    for (const { stanza } of managed.list()) this.#tell(stanza, 'hibernated');
    for (const hook of this.#hooks()?.sessionAsleep ?? []) hook(this.#session);
  }

  /**
   * The client is back on another connection: takes what it says that it has, and sends the rest
   * again (§5). An error is why the stream has to end; `forgotten` is what it says not to have though it said
   * before that it had: that is not there any more, so that the session is over.
   */
  async wake(
    link: Link,
    handled: number,
    answer: (handled: number) => void,
  ): Promise<StreamFailure | 'forgotten' | undefined> {
    const { sleepers } = this.#services;
    const managed = this.#managed;
    if (managed === undefined) return { condition: 'internal-server-error', text: 'Not managed.' };
    let wasAttached = this.#takeOver(managed);
    await managed.quiet();
    if (!link.isOver) wasAttached = this.#takeOver(managed) || wasAttached; // two came back at once
    if (this.#isOver) return { condition: 'reset', text: 'The session ended meanwhile.' };
    if (!link.isOver && managed.isPast(handled)) {
      void this.#session.remove({ kind: 'lost', text: 'its client forgot where it was' });
      return 'forgotten';
    }
    // Where it broke again, or says what cannot be, the session sleeps on.
    const taken = link.isOver ? undefined : managed.acknowledge(handled);
    if (taken === undefined) {
      if (wasAttached && !this.#isAttached) this.#tellAsleep(managed);
      return link.isOver ? undefined : tooHighFailure(handled, managed.sentCount);
    }
    for (const { receipt } of taken) receipt?.acknowledged(this.#session);
    this.#link = link;
    this.#isAttached = true;
    sleepers.wake(this.#session);
    managed.countAnew();
    answer(managed.received.handled);
    this.#resend(managed.resend());
    this.makeRoom();
    for (const hook of this.#hooks()?.sessionAwake ?? []) hook(this.#session);
    return undefined;
  }

  /** Takes the session from its connection; whether it had one. */
  #takeOver(managed: Managed): boolean {
    const wasAttached = this.#isAttached;
    if (wasAttached) this.#link.replaced();
    if (!this.#isOver) this.#detach(managed);
    return wasAttached;
  }

  /** What is sent again was within its own limits; that it all comes at once makes no slow reader. */
  #resend(all: readonly Sent[]): void {
    const now = this.#services.clock.now();
    const texts = all.map((sent) => lateText(sent, this.#session.host, now));
    this.#link.allow(texts.reduce((sum, text) => sum + text.length, 0));
    for (const text of texts) this.#link.write(text);
    for (const { stanza } of all) this.#tell(stanza, 'resent');
  }

  /** What a session that sleeps has not acknowledged, to be written down. */
  async frozen(managed: Managed): Promise<FrozenSession['sent']> {
    const sent = managed.list().map(async ({ stanza, text, at, receipt }) => {
      const place = await receipt?.place;
      return { text, at, place, serial: stanza?.kind === 'message' ? stanza.serial : undefined };
    });
    return Promise.all(sent);
  }

  /** Takes up what was written down, without a client. */
  thaw(frozen: FrozenSession): void {
    const { clock, sleepers } = this.#services;
    const managed = new Managed(
      { clock, ...frozen, write: (text) => this.#link.write(text) },
      frozen,
    );
    this.#managed = managed;
    this.#isAttached = false;
    const rehand = this.#hooks()?.rehand ?? [];
    for (const { text, at, place, serial } of frozen.sent) {
      const stanza = readStored(text, serial);
      const receipt =
        stanza?.kind !== 'message' || place === undefined
          ? undefined
          : rehand
              .map((hook) => hook(place, stanza, this.#session))
              .find((found) => found !== undefined);
      managed.add({ stanza, text, receipt, at }, NO_LIMITS);
    }
    sleepers.add(frozen.resumeId, this.#session);
    // The clock may have been set back.
    sleepers.sleep(this.#session, Math.min(frozen.until - clock.now(), frozen.resumeMs));
  }

  /** The session is over: nothing is sent any more, and nobody may come back to it. */
  close(): void {
    this.#isOver = true;
    this.#isAttached = false;
    const id = this.#managed?.resumeId;
    if (id !== undefined) this.#services.sleepers.remove(id, this.#session);
  }

  /** What the client may not have had goes back to where it can be kept, or to its sender (§4). */
  giveBack(): void {
    this.tell();
    this.#unproved.end();
    const unacknowledged = this.#managed?.end() ?? [];
    for (const { stanza, receipt } of [...unacknowledged, ...(this.#heldBack?.flush() ?? [])]) {
      if (receipt !== undefined) receipt.returned(this.#session);
      else if (stanza !== undefined) void this.#services.router.returned(stanza);
    }
    this.makeRoom();
  }

  #write(sent: Sent): void {
    const { clock, limits } = this.#services;
    const wasSilent = this.#managed !== undefined && this.#isSilent(this.#managed);
    this.#link.write(lateText(sent, this.#session.host, clock.now()));
    if (this.#managed !== undefined) {
      const fill = this.#managed.add(sent, limits());
      if (fill === 'too much' || (fill === 'much' && wasSilent))
        this.#session.end('resource-constraint', 'Too much was not acknowledged.');
    } else if (sent.receipt !== undefined) {
      this.#await(sent.receipt, sent.text.length);
    }
  }

  /** Whether the client has much, and could have acknowledged it: it was asked, and has read that. */
  #isSilent(managed: Managed): boolean {
    if (managed.unacknowledged < this.#services.limits().unackedStanzas) return false;
    return !this.#isAttached || (managed.isSilent && this.#link.waiting === 0);
  }

  /** Waits for a sign of life of a client without XEP-0198, by which it proves what it has. */
  #await(receipt: Receipt, size: number): void {
    const written = { receipt, position: this.#link.position, size };
    const due = this.#unproved.add(written, this.#services.limits(), this.#link.gone);
    if (due === 'ask') this.#session.ping();
  }

  #tell(stanza: Stanza | undefined, kind: 'handed' | 'held' | 'hibernated' | 'resent'): void {
    const { story } = this.#services;
    if (story.isOn && stanza !== undefined) story.note(stanza, { kind, to: this.#session.jid });
  }

  #hooks() {
    return this.#services.hosts.get(this.#session.host)?.dispatch;
  }

  #hasRoom(): boolean {
    if (!this.#isAttached) return true; // whoever has much for it looks again when it is back
    if ((this.#managed?.unacknowledged ?? 0) > ROOM_STANZAS) return false;
    return this.#hasSpace();
  }

  #isRead(): boolean {
    return !this.#isAttached || this.#link.isOver || this.#hasSpace();
  }

  /** Whether little waits to be read, so that there is a place beside it for what comes next. */
  #hasSpace(): boolean {
    const most = Math.min(ROOM_BYTES, this.#services.limits().sendQueueBytes / 4);
    return this.#link.waiting <= most;
  }

  /**
   * XEP-0198 §3: manages the stream from now on, or says why not. What was sent before is not counted;
   * the client proves by its next sign that it had it.
   */
  enable(request: Element): Element {
    const { registry, clock, limits, sleepers } = this.#services;
    if (this.#managed !== undefined) return failed('unexpected-request'); // §3
    if (!registry.enabled(this.#session.host).has('stream-management'))
      return failed('feature-not-implemented');
    const { resumeTimeout, resumeLocation } = limits();
    const managed = new Managed({
      clock,
      ...resumption(request, resumeTimeout),
      write: (text) => this.#link.write(text),
    });
    this.#managed = managed;
    if (managed.resumeId !== undefined) sleepers.add(managed.resumeId, this.#session);
    return enabled(managed.resumeId, managed.resumeMs, resumeLocation);
  }

  /** XEP-0198: an element of stream management. */
  manage(element: Element): void {
    const managed = this.#managed;
    if (element.name === 'enable') this.#link.write(serialise(this.enable(element)));
    else if (managed === undefined || element.name === 'resume')
      this.#link.write(serialise(failed('unexpected-request'))); // §3, §6
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
    for (const { receipt } of taken) receipt?.acknowledged(this.#session);
    this.makeRoom();
  }
}
