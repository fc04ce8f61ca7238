/**
 * The points at which modules see a stanza on its way (docs/ARCHITECTURE.md draws it), and what they
 * may say of it. Order is that of modules/index.ts, never a number.
 */
import type { BareJid, Domain, Jid } from '../jid/jid.ts';
import type { StanzaFailure } from '../stanza/condition.ts';
import type { Message, Presence, Stanza } from '../stanza/stanza.ts';
import type { Intake, Newcomer, Portion } from './intake.ts';
import type { Parcel, Receipt } from './parcel.ts';
import type { Session, SessionEnd } from './sessions.ts';

/** A value now, or later when something had to be looked up. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * What a hook says of a stanza: `pass` it on, perhaps as another one (what comes after sees that one),
 * it is `handled` (its way ends here, well), `drop` it silently, or `bounce` it with an error.
 * `settled` resolves when what was promised is durable; the sender's next stanza does not wait for it,
 * but it is not acknowledged, nor its stream closed cleanly, before (DESIGN D1), and if it rejects the
 * stanza is bounced. A bounce of an error or an IQ result is a drop: the router knows (RFC 6120 §8.3.1).
 * `by` is the module that said so; {@link firstVerdict} adds it.
 */
export type Verdict =
  | { readonly kind: 'pass'; readonly stanza?: Stanza; readonly settled?: Promise<unknown> }
  | { readonly kind: 'handled'; readonly settled?: Promise<unknown> }
  | { readonly kind: 'drop'; readonly why: string; readonly by?: string }
  | { readonly kind: 'bounce'; readonly failure: StanzaFailure; readonly by?: string };

/** Makers of verdicts, so that call sites read as English. */
export const verdict = {
  pass: { kind: 'pass' } as Verdict,
  /** Passes another stanza on, of the same kind and for the same address. */
  passAs: (stanza: Stanza, settled?: Promise<unknown>): Verdict =>
    settled === undefined ? { kind: 'pass', stanza } : { kind: 'pass', stanza, settled },
  /** Passes it on; what was promised of it is durable later. */
  passOwing: (settled: Promise<unknown>): Verdict => ({ kind: 'pass', settled }),
  handled: { kind: 'handled' } as Verdict,
  settling: (settled: Promise<unknown>): Verdict => ({ kind: 'handled', settled }),
  drop: (why: string): Verdict => ({ kind: 'drop', why }),
  bounce: (failure: StanzaFailure): Verdict => ({ kind: 'bounce', failure }),
};

/** The hooks a module may bring. */
export interface Hooks {
  /** A stanza that a local session sends, checked and stamped, before it is routed. */
  fromAccount?(stanza: Stanza, session: Session): MaybePromise<Verdict>;
  /**
   * What a session sent, as other clients of the account are shown it (XEP-0280 §8): with the id, say,
   * by which the account's archive has it (XEP-0313 §3.5).
   */
  asSent?(message: Message): Message;
  /** Presence without an address: for the server to broadcast (RFC 6121 §4.2, §4.4, §4.5). */
  broadcast?(presence: Presence, session: Session): MaybePromise<Verdict>;
  /** A stanza to a local account or one of its resources, before it is delivered. */
  toAccount?(stanza: Stanza, account: BareJid): MaybePromise<Verdict>;
  /**
   * A message is about to be handed to sessions: keep it until one of them has it for sure. Resolves
   * when it is durable, or need not be any more; undefined when it is not worth keeping.
   */
  handing?(parcel: Parcel): Promise<unknown> | undefined;
  /**
   * A message that a session held when the server went down, with what its keeper knew it by
   * ({@link Parcel.place}): follow it again. Undefined if it is not this hook's.
   */
  rehand?(place: unknown, message: Message, session: Session): Receipt | undefined;
  /**
   * A message is being handed to sessions, or to none; it goes to `undelivered` then, unless a hook hands
   * it, or a copy of it, to others.
   */
  handed?(parcel: Parcel): void;
  /**
   * A message to an existing account that no session took (RFC 6121 §8.5.2.2); of errors, those that are
   * owed to it.
   */
  undelivered?(message: Message, account: BareJid): MaybePromise<Verdict>;
  /** A message that no session took was taken by an `undelivered` hook, to be kept for later. */
  kept?(message: Message, account: BareJid): void;
  /** An account blocks some addresses from now on (XEP-0191): what waits from them is not for it. */
  blocked?(account: BareJid, isBlocked: (jid: Jid) => boolean): MaybePromise<void>;
  /** A session has bound its resource. */
  sessionBound?(session: Session): void;
  /** A session's presence changed: first available, another priority, unavailable. */
  presenceChanged?(session: Session, before: Presence | undefined): MaybePromise<void>;
  /** A session lost its client, who may come back and resume it (XEP-0198). */
  sessionAsleep?(session: Session): void;
  /** The client of a session that slept is back. */
  sessionAwake?(session: Session): void;
  /** A session is over; it is no longer among its account's sessions. */
  sessionEnded?(session: Session, end: SessionEnd): MaybePromise<void>;
  /** A device of an account is revoked, by its id: what it left goes. */
  deviceRevoked?(account: BareJid, device: string): MaybePromise<void>;
  /**
   * The way from a host, or a component of its, to another domain had broken. It is `gone`: the domain is out of reach; or it
   * is there `again`, and may not remember what it told before.
   */
  domainChanged?(domain: Domain, now: 'gone' | 'again', host: Domain): MaybePromise<void>;
  /**
   * What the module keeps of an account, as XEP-0227 has it: elements as text, oldest first, that name
   * their namespaces. It is read as slowly as it is written.
   */
  exported?(account: BareJid): AsyncIterable<string>;
  /**
   * Takes in what an account had on another server, on the disk when it resolves; undefined for what is not the
   * module's. The same may come again. Nobody is told of it.
   */
  imported?(newcomer: Newcomer, portion: Portion): MaybePromise<Intake | undefined>;
  /** All that was to be taken in of an account is on the disk. Those whom it concerns may be told now. */
  importEnded?(newcomer: Newcomer): MaybePromise<void>;
  /** An account is being removed: the module's rows of it go, contacts are told. */
  accountRemoved?(account: BareJid): MaybePromise<void>;
}

/** A hook that gives verdicts, and the name of its module. */
export interface Judge<Hook> {
  readonly module: string;
  readonly hook: Hook;
}

/** A list of hooks that see a stanza and something about it. */
type StanzaHooks<S extends Stanza, Rest extends unknown[]> = readonly Judge<
  (stanza: S, ...rest: Rest) => MaybePromise<Verdict>
>[];

/**
 * Runs hooks in turn until one does not pass; stays synchronous while the hooks do. A pass tells the
 * stanza as the last hook left it, and all that is owed.
 */
export function firstVerdict<S extends Stanza, Rest extends unknown[]>(
  hooks: StanzaHooks<S, Rest>,
  stanza: S,
  ...rest: Rest
): MaybePromise<Verdict> {
  return verdictFrom(hooks, 0, verdict.pass, stanza, rest);
}

function verdictFrom<S extends Stanza, Rest extends unknown[]>(
  hooks: StanzaHooks<S, Rest>,
  from: number,
  before: Verdict,
  stanza: S,
  rest: Rest,
): MaybePromise<Verdict> {
  let sum = before;
  for (let index = from; index < hooks.length; index += 1) {
    const { hook, module } = hooks[index] ?? NOBODY;
    const said = hook(passed(sum, stanza), ...rest);
    if (said instanceof Promise) return verdictAfter(said, hooks, index, sum, stanza, rest);
    if (said !== verdict.pass) sum = added(sum, said);
    if (sum.kind !== 'pass') return signed(sum, module);
  }
  return sum;
}

/**
 * The verdict of a hook that is awaited, and of those behind it. On its own, so that asking one which is not
 * makes no scope for the callback: hooks are asked a dozen times for each message (bench, `pairs-held`).
 */
function verdictAfter<S extends Stanza, Rest extends unknown[]>(
  said: Promise<Verdict>,
  hooks: StanzaHooks<S, Rest>,
  index: number,
  before: Verdict,
  stanza: S,
  rest: Rest,
): Promise<Verdict> {
  return said.then((late) => {
    const next = signed(added(before, late), (hooks[index] ?? NOBODY).module);
    return next.kind === 'pass' ? verdictFrom(hooks, index + 1, next, stanza, rest) : next;
  });
}

const NOBODY = { module: '', hook: () => verdict.pass };

/** A verdict that ends a stanza's way badly, with the name of the module that gave it. */
function signed(said: Verdict, by: string): Verdict {
  return said.kind === 'drop' || said.kind === 'bounce' ? { ...said, by } : said;
}

/** The stanza as those before left it; a hook passes one of the kind that it was given. */
function passed<S extends Stanza>(sum: Verdict, stanza: S): S {
  return sum.kind === 'pass' && sum.stanza !== undefined ? (sum.stanza as S) : stanza;
}

/** What is said after what was said before; what is owed is owed for both. */
function added(before: Verdict, said: Verdict): Verdict {
  if (before === verdict.pass || before.kind !== 'pass') return said;
  if (said.kind === 'drop' || said.kind === 'bounce') return said;
  const settled = both(before.settled, said.settled);
  const owing = settled === undefined ? {} : { settled };
  if (said.kind === 'handled') return { kind: 'handled', ...owing };
  const stanza = said.stanza ?? before.stanza;
  return { kind: 'pass', ...(stanza === undefined ? {} : { stanza }), ...owing };
}

function both(
  one: Promise<unknown> | undefined,
  other: Promise<unknown> | undefined,
): Promise<unknown> | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Promise.all([one, other]);
}
