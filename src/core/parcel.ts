/** A message on its way to sessions of an account, followed until one of them has it for sure. */
import type { BareJid } from '../jid/jid.ts';
import type { Message } from '../stanza/stanza.ts';
import type { Creditor, Session } from './sessions.ts';
import type { Story } from './story.ts';

/**
 * What became of a parcel: a session has it, or all that were given it ended without having said so.
 */
export type ParcelEnd = 'acknowledged' | 'returned';

/** What a session tells of a stanza that it was given to send. */
export interface Receipt {
  /** The client has it: it said so (XEP-0198), or it was heard of after the system took it. */
  acknowledged(session: Session): void;
  /** The session is over, and nobody knows whether the client had it. */
  returned(session: Session): void;
  /** By what its keeper knows it, or a promise of that, while it is written; undefined if nobody keeps it. */
  readonly place: unknown;
}

/**
 * A message for sessions of an account (DESIGN D1). It ends once: acknowledged by the first session
 * that has it, or returned by the last one that ended without it; a returned one may be handed to
 * others again.
 */
export class Parcel implements Receipt {
  readonly message: Message;
  readonly account: BareJid;
  /** When it came, in ms since the epoch. */
  readonly since: number;
  /** Whether somebody keeps it until it is acknowledged; set by a `handing` hook. */
  isKept = false;
  /** Whether somebody asks which of its sessions has it; set by a `handed` hook. */
  isAsked = false;
  place: unknown;
  readonly #story: Story;
  readonly #onReturned: (parcel: Parcel) => void;
  readonly #sender: Creditor | undefined;
  #holders: readonly Session[] = NONE;
  #given: readonly Session[] = NONE;
  #end: ParcelEnd | undefined;
  #told: ((end: ParcelEnd) => void) | undefined;

  constructor(
    message: Message,
    account: BareJid,
    since: number,
    story: Story,
    onReturned: (parcel: Parcel) => void,
    sender?: Creditor,
  ) {
    this.message = message;
    this.account = account;
    this.since = since;
    this.#story = story;
    this.#onReturned = onReturned;
    this.#sender = sender;
  }

  /** The sessions that were given it and have neither acknowledged it nor ended. */
  get holders(): readonly Session[] {
    return this.#holders;
  }

  /** All sessions that were ever given it. */
  get given(): readonly Session[] {
    return this.#given;
  }

  /** Whether its sender waits to hear that it is safe (XEP-0198, or the end of its stream). */
  get isAwaited(): boolean {
    return this.#sender?.isWaiting === true;
  }

  /** What became of it; undefined while sessions hold it. */
  get end(): ParcelEnd | undefined {
    return this.#end;
  }

  /** Has its keeper told when it ends, each time. */
  tell(ended: (end: ParcelEnd) => void): void {
    this.#told = ended;
  }

  /**
   * Resolves when a session has it, or it came back and nobody else was given it. For one without a
   * keeper, who is told otherwise.
   */
  over(): Promise<void> {
    return new Promise((resolve) => {
      this.tell((end) => {
        if (end === 'acknowledged') resolve();
        // Afterwards, since the router may know others that it is for.
        else
          queueMicrotask(() => {
            if (this.#end === 'returned') resolve();
          });
      });
    });
  }

  /** Notes sessions that are given it now. */
  hand(sessions: readonly Session[]): void {
    this.#holders = this.#holders.length === 0 ? sessions : [...this.#holders, ...sessions];
    this.#given = this.#given.length === 0 ? sessions : [...this.#given, ...sessions];
    if (this.#end === 'returned') this.#end = undefined;
    if (this.#story.isOn) for (const session of sessions) this.#noteHanded(session);
  }

  acknowledged(session: Session): void {
    if (this.#story.isOn) this.#story.note(this.message, { kind: 'acknowledged', by: session.jid });
    this.#without(session);
    if (this.#end === 'acknowledged') return;
    this.#end = 'acknowledged';
    this.#told?.('acknowledged');
  }

  returned(session: Session): void {
    if (this.#story.isOn) this.#story.note(this.message, { kind: 'returned', by: session.jid });
    this.#without(session);
    if (this.#end !== undefined || this.#holders.length > 0) return;
    this.#end = 'returned';
    this.#told?.('returned');
    this.#onReturned(this);
  }

  /** It is not kept any more; one that was returned goes its way without that. */
  release(): void {
    this.isKept = false;
    if (this.#end === 'returned') this.#onReturned(this);
  }

  #noteHanded({ jid, isAttached }: Session): void {
    this.#story.note(this.message, { kind: isAttached ? 'handed' : 'hibernated', to: jid });
  }

  #without(session: Session): void {
    this.#holders =
      this.#holders.length === 1 && this.#holders[0] === session
        ? NONE
        : this.#holders.filter((each) => each !== session);
  }
}

const NONE: readonly Session[] = [];
