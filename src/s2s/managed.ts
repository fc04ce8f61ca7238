/**
 * Stream management (XEP-0198) of one stream between servers, of whichever side: what came and is
 * handled, what went and is not acknowledged, and the stream's life beyond its connection.
 */
import type { MaybePromise } from '../core/hooks.ts';
import type { Creditor } from '../core/sessions.ts';
import type { Timer } from '../kit/clock.ts';
import { type Deferred, deferred } from '../kit/deferred.ts';
import { randomId } from '../kit/ids.ts';
import {
  ackText,
  enabled,
  failed,
  isTrue,
  REQUEST_TEXT,
  readCounter,
  readResume,
  resumed,
  SM_NS,
  tooHighFailure,
} from '../stream/acks.ts';
import type { StreamFailure } from '../stream/error.ts';
import { type Element, el, serialise } from '../xml/element.ts';
import { Handling, type HandlingPort } from './handling.ts';
import { type FlightPort, InFlight } from './in-flight.ts';
import type { Parties } from './pairs.ts';
import type { Passage } from './passage.ts';
import { type Holder, type Kept, RESUME_MS, type Resumptions } from './resumptions.ts';

/** How long nothing is sent to one who is expected to resume a stream. */
const AWAIT_MS = 3000;
/** How long a sign of life may take when there is reason to think that nobody is there. */
const PROBE_MS = 5000;
/** The longest name of a stream that is remembered (§5: it SHOULD NOT be longer). */
const MAX_ID = 4000;
/** Random bytes in a name that we give out: whoever knows it and proves the pair may resume. */
const ID_BYTES = 18;

/** The stream under it. */
export interface ManagedPort extends FlightPort, HandlingPort {
  /** Whether the other side connected, or we did. */
  readonly direction: 'in' | 'out';
  readonly resumptions: Resumptions;
  /** The pair of domains that the stream is for; undefined while there is none, or are several. */
  parties(): Parties | undefined;
  /** When something last came, on the monotonic scale. */
  heardAt(): number;
  /** Whether a pair was proved. */
  isProved(): boolean;
  /** Reads nothing more until the work is done. */
  hold(work: Promise<void>): void;
  end(failure: StreamFailure): void;
  /** Another connection resumes the stream: this one is as good as closed. */
  replaced(): void;
  /** Stanzas may be sent again. */
  opened(): void;
}

/** How far a stream is managed. */
export type Management = 'none' | 'acks' | 'resumable';

/** The management of one stream. */
export class Managed implements Holder {
  /** Whether it goes on where an earlier connection broke. */
  isResumed = false;
  /** Once its connection broke: who may resume it, we or the other side. */
  kept: 'ours' | 'theirs' | undefined;
  readonly #port: ManagedPort;
  readonly #inFlight: InFlight;
  readonly #handling: Handling;
  #state: 'off' | 'resuming' | 'asked' | 'refused' | 'on' = 'off';
  /** The name by which it may be resumed. */
  #id: string | undefined;
  #resumeMs = RESUME_MS;
  /** What we want to resume. */
  #kept: Kept | undefined;
  #patience: Timer | undefined;
  #awaiting: Timer | undefined;
  #isOver = false;
  #opening: Deferred<void> | undefined;

  constructor(port: ManagedPort) {
    this.#port = port;
    this.#inFlight = new InFlight(port, port.direction === 'in');
    this.#handling = new Handling(port);
  }

  /** How far it is managed. */
  get level(): Management {
    if (this.#state !== 'on') return 'none';
    return this.#id === undefined || this.#port.parties() === undefined ? 'acks' : 'resumable';
  }

  /** How many stanzas were sent and are not known to have arrived. */
  get unacknowledged(): number {
    return this.#inFlight.length;
  }

  /** Whether stanzas have to wait: it is being resumed, or may be in a moment. */
  get isBusy(): boolean {
    return this.#state === 'resuming' || this.#awaiting !== undefined;
  }

  /** Resolves when stanzas may be sent, as far as resuming is concerned. */
  whenOpen(): Promise<void> {
    return this.#opening?.promise ?? Promise.resolve();
  }

  /** As the one who connected, once stanzas may be sent: resumes, or begins anew. */
  begin(parties: Parties): void {
    if (this.#state !== 'off') return;
    const kept = this.#port.resumptions.take(parties);
    if (kept === undefined) return void this.#enable();
    this.#state = 'resuming';
    this.#opening = deferred();
    this.#kept = kept;
    void this.#handling.settled(kept.received).then((received) => {
      if (this.#isOver) return;
      this.#kept = { ...kept, received };
      this.#say(el('resume', { xmlns: SM_NS, h: received.handled, previd: kept.id }));
      const { clock, patience, giveUp } = this.#port;
      this.#patience = clock.after(patience(), () => {
        this.#kept = undefined;
        giveUp('it does not say whether it resumes');
      });
    });
  }

  /** As the one who was connected to: the other side may resume a stream of theirs first. */
  expect(parties: Parties): void {
    if (this.#state !== 'off' || this.#awaiting !== undefined) return;
    if (!this.#port.resumptions.isAwaited(parties)) return;
    this.#opening = deferred();
    this.#awaiting = this.#port.clock.after(AWAIT_MS, () => this.#open());
  }

  /** Notes a stanza that is written now. */
  add(passage: Passage): void {
    this.#inFlight.add(passage);
  }

  /** What is to follow all that is written now. */
  trailer(): string {
    return this.#isOver ? '' : this.#inFlight.trailer();
  }

  /** Has a stanza handled that came; a promise means that the next one has to wait. */
  take(handle: (creditor: Creditor) => MaybePromise<void>): MaybePromise<void> {
    return this.#handling.take(handle);
  }

  /** Takes an element of XEP-0198. */
  receive(element: Element): void {
    const isIn = this.#port.direction === 'in';
    switch (element.name) {
      case 'r':
        if (this.#state === 'on') this.#handling.answer();
        break;
      case 'a':
        this.#onAck(element);
        break;
      case 'enable':
        if (isIn) this.#onEnable(element);
        else this.#misused();
        break;
      case 'resume':
        if (isIn) this.#onResume(element);
        else this.#misused();
        break;
      case 'enabled':
        this.#onEnabled(element);
        break;
      case 'resumed':
        this.#onResumed(element);
        break;
      case 'failed':
        this.#onFailed(element);
        break;
      default:
        this.#port.end({
          condition: 'unsupported-stanza-type',
          text: `<${element.name.slice(0, 100)}/> is not known here.`,
        });
    }
  }

  /** Resolves when all that came is handled, or after a while. */
  async settled(): Promise<void> {
    await this.#handling.settled();
  }

  /** The same; then says so to the other side (§4). */
  async farewell(): Promise<void> {
    await this.settled();
    this.lastWord();
  }

  /** Says how much is handled, unasked: the stream is about to end (§4). */
  lastWord(): void {
    if (this.#state === 'on' && !this.#isOver)
      this.#port.write(ackText(this.#handling.received.handled));
  }

  /** Asks for a sign of life, if it can be asked for, and gives the stream up if none comes soon. */
  probe(): void {
    const { clock, write, heardAt, giveUp } = this.#port;
    if (this.#state !== 'on' || this.#isOver) return;
    const asked = clock.monotonic();
    write(REQUEST_TEXT);
    clock.after(PROBE_MS, () => {
      if (!this.#isOver && heardAt() < asked) giveUp('it gives no sign of life');
    });
  }

  /** Resolves when the other side has all that it was sent, or the stream is over. */
  drained(): Promise<void> {
    this.#inFlight.hurry();
    return new Promise((resolve) => this.#inFlight.whenEmpty(resolve));
  }

  replace(): Kept | undefined {
    const parties = this.#port.parties();
    const id = this.#id;
    if (id === undefined || parties === undefined || this.#isOver) return undefined;
    const kept = this.#leave(id, parties);
    this.#id = undefined;
    this.kept = 'theirs'; // what was sent here is not sent again before it is known what has arrived
    this.#port.replaced();
    return kept;
  }

  /** The stream is over; whether its connection broke, so that it may be resumed. Called once. */
  end(isBroken: boolean): void {
    this.#isOver = true;
    for (const timer of [this.#patience, this.#awaiting]) timer?.cancel();
    this.#inFlight.end();
    this.#handling.end();
    this.#opening?.resolve();
    // Broken before it was resumed: the next connection may try again.
    if (this.#state === 'resuming' && this.#kept !== undefined && isBroken)
      return void this.#suspend(this.#kept, RESUME_MS);
    const { resumptions, direction } = this.#port;
    const parties = this.#port.parties();
    const id = this.#id;
    if (id === undefined) return;
    if (!isBroken || parties === undefined) {
      if (direction === 'in') resumptions.forget(id);
    } else if (direction === 'out') {
      this.#suspend(this.#leave(id, parties), this.#resumeMs);
    } else {
      this.kept = 'theirs';
      resumptions.keep(this.#leave(id, parties), this.#resumeMs);
    }
  }

  #suspend(kept: Kept, ms: number): void {
    this.kept = 'ours';
    this.#port.resumptions.suspend(kept, ms);
  }

  /** What outlives the connection. */
  #leave(id: string, parties: Parties): Kept {
    return { id, ...parties, flight: this.#inFlight.leave(), received: this.#handling.received };
  }

  #enable(): void {
    this.#state = 'asked';
    this.#say(el('enable', { xmlns: SM_NS, resume: 'true' }));
    this.#inFlight.count('asked');
    this.#open();
  }

  #onEnabled({ attrs }: Element): void {
    if (this.#state !== 'asked') return;
    this.#state = 'on';
    this.#handling.count();
    const { id } = attrs;
    // There is software that says it can be resumed, and gives no name.
    if (isTrue(attrs['resume']) && id !== undefined && id.length <= MAX_ID) this.#id = id;
    this.#resumeMs = resumeMs(attrs['max']);
    this.#inFlight.count('acks');
  }

  #onResumed({ attrs }: Element): void {
    const kept = this.#kept;
    if (this.#state !== 'resuming' || kept === undefined) return;
    const h = readCounter(attrs['h']);
    if (h === undefined || attrs['previd'] !== kept.id) return void this.#port.end(BAD_COUNTER);
    if (!this.#inFlight.resume(kept.flight, h))
      return void this.#port.end(tooHighFailure(h, kept.flight.counted.sent));
    this.#handling.count(kept.received);
    this.#id = kept.id;
    this.#resumed();
  }

  /** §5: what the other side says that it has handled all the same is not sent again. */
  #onFailed({ attrs }: Element): void {
    const kept = this.#kept;
    if (this.#state === 'asked') {
      this.#state = 'refused';
      return void this.#inFlight.refuse();
    }
    if (this.#state !== 'resuming' || kept === undefined) return;
    const h = readCounter(attrs['h']);
    for (const passage of (h === undefined ? undefined : kept.flight.counted.acknowledge(h)) ?? [])
      passage.arrived();
    this.#patience?.cancel();
    this.#kept = undefined;
    this.#enable();
  }

  #onEnable({ attrs }: Element): void {
    const { resumptions } = this.#port;
    if (!this.#port.isProved()) return void this.#say(failed('unexpected-request')); // §3
    if (this.#state !== 'off') return void this.#misused();
    this.#state = 'on';
    this.#handling.count();
    const parties = this.#port.parties();
    if (isTrue(attrs['resume']) && parties !== undefined) {
      this.#id = randomId(ID_BYTES);
      this.#resumeMs = resumeMs(attrs['max']);
      resumptions.supersede(parties);
      resumptions.give(this.#id, parties, this);
    }
    this.#say(enabled(this.#id, this.#resumeMs, undefined));
    this.#inFlight.count('acks');
    this.#open();
  }

  #onResume(element: Element): void {
    if (!this.#port.isProved()) return void this.#say(failed('unexpected-request')); // §5
    if (this.#state !== 'off') return void this.#misused();
    const wanted = readResume(element);
    if (wanted === undefined) return void this.#say(failed('bad-request'));
    const parties = this.#port.parties();
    const claimed =
      parties === undefined ? undefined : this.#port.resumptions.claim(wanted.id, parties);
    if (claimed?.ok !== true) return void this.#say(failed('item-not-found', claimed?.handled));
    const { kept } = claimed;
    this.#state = 'resuming';
    this.#port.hold(
      this.#handling
        .settled(kept.received)
        .then((received) => this.#resume({ ...kept, received }, wanted.handled)),
    );
  }

  /** Takes over what was kept of another connection. */
  #resume(kept: Kept, h: number): void {
    const { resumptions, end } = this.#port;
    if (this.#isOver) return void resumptions.keep(kept, RESUME_MS);
    if (!this.#inFlight.resume(kept.flight, h))
      return void end(tooHighFailure(h, kept.flight.counted.sent));
    this.#handling.count(kept.received);
    this.#id = kept.id;
    resumptions.give(kept.id, kept, this);
    this.#say(resumed(kept.id, kept.received.handled));
    this.#resumed();
  }

  #resumed(): void {
    this.#patience?.cancel();
    this.#state = 'on';
    this.#kept = undefined;
    this.isResumed = true;
    this.#open();
  }

  /** §3, §6: one attempt to enable; misuse may cost the stream. */
  #misused(): void {
    this.#say(failed('unexpected-request'));
    const text = 'Stream management was asked for where it cannot be.';
    this.#port.end({ condition: 'policy-violation', text });
  }

  #onAck({ attrs }: Element): void {
    if (this.#state !== 'on') return;
    const h = readCounter(attrs['h']);
    if (h === undefined) return void this.#port.end(BAD_COUNTER);
    if (!this.#inFlight.acknowledge(h)) this.#port.end(tooHighFailure(h, this.#inFlight.sent));
  }

  #say(element: Element): void {
    this.#port.write(serialise(element));
  }

  #open(): void {
    this.#awaiting?.cancel();
    this.#awaiting = undefined;
    this.#opening?.resolve();
    this.#port.opened();
  }
}

const BAD_COUNTER: StreamFailure = {
  condition: 'bad-format',
  text: 'A counter of stream management is a number below 2^32, of the stream that it is about.',
};

/** For how long a stream may be resumed, by the wish of the other side in seconds (§3). */
function resumeMs(max: string | undefined): number {
  const seconds = readCounter(max);
  return seconds === undefined ? RESUME_MS : Math.min(RESUME_MS, Math.max(1, seconds) * 1000);
}
