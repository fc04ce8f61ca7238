/**
 * The points at which modules see a stanza on its way (docs/ARCHITECTURE.md draws it), and what they
 * may say of it. Order is that of modules/index.ts, never a number.
 */
import type { BareJid } from '../jid/jid.ts';
import type { StanzaFailure } from '../stanza/condition.ts';
import type { Message, Presence, Stanza } from '../stanza/stanza.ts';
import type { Session, SessionEnd } from './sessions.ts';

/** A value now, or later when something had to be looked up. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * What a hook says of a stanza: `pass` it on, it is `handled` (its way ends here, well), `drop` it
 * silently, or `bounce` it with an error. `settled` resolves when what was promised by handling it is
 * durable; the sender's next stanza does not wait for it, but its stream is not closed cleanly before
 * (DESIGN D1), and if it rejects the stanza is bounced. A bounce of an error or an IQ result is a drop: the router
 * knows (RFC 6120 §8.3.1).
 */
export type Verdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'handled'; readonly settled?: Promise<unknown> }
  | { readonly kind: 'drop'; readonly why: string }
  | { readonly kind: 'bounce'; readonly failure: StanzaFailure };

/** Makers of verdicts, so that call sites read as English. */
export const verdict = {
  pass: { kind: 'pass' } as Verdict,
  handled: { kind: 'handled' } as Verdict,
  settling: (settled: Promise<unknown>): Verdict => ({ kind: 'handled', settled }),
  drop: (why: string): Verdict => ({ kind: 'drop', why }),
  bounce: (failure: StanzaFailure): Verdict => ({ kind: 'bounce', failure }),
};

/** The hooks a module may bring. */
export interface Hooks {
  /** A stanza that a local session sends, checked and stamped, before it is routed. */
  fromAccount?(stanza: Stanza, session: Session): MaybePromise<Verdict>;
  /** Presence without an address: for the server to broadcast (RFC 6121 §4.2, §4.4, §4.5). */
  broadcast?(presence: Presence, session: Session): MaybePromise<Verdict>;
  /** A stanza to a local account or one of its resources, before it is delivered. */
  toAccount?(stanza: Stanza, account: BareJid): MaybePromise<Verdict>;
  /** A message to an existing account that no session took (RFC 6121 §8.5.2.2). */
  undelivered?(message: Message, account: BareJid): MaybePromise<Verdict>;
  /** A session has bound its resource. */
  sessionBound?(session: Session): void;
  /** A session's presence changed: first available, another priority, unavailable. */
  presenceChanged?(session: Session, before: Presence | undefined): MaybePromise<void>;
  /** A session is over; it is no longer among its account's sessions. */
  sessionEnded?(session: Session, end: SessionEnd): MaybePromise<void>;
  /** An account is being removed: the module's rows of it go, contacts are told. */
  accountRemoved?(account: BareJid): MaybePromise<void>;
}

/** Runs hooks in turn until one does not pass; stays synchronous while the hooks do. */
export function firstVerdict<A extends unknown[]>(
  hooks: readonly ((...args: A) => MaybePromise<Verdict>)[],
  ...args: A
): MaybePromise<Verdict> {
  for (let index = 0; index < hooks.length; index += 1) {
    const said = hooks[index]?.(...args) ?? verdict.pass;
    if (said instanceof Promise) return laterVerdict(hooks, index, said, args);
    if (said.kind !== 'pass') return said;
  }
  return verdict.pass;
}

async function laterVerdict<A extends unknown[]>(
  hooks: readonly ((...args: A) => MaybePromise<Verdict>)[],
  at: number,
  awaited: Promise<Verdict>,
  args: A,
): Promise<Verdict> {
  const said = await awaited;
  if (said.kind !== 'pass') return said;
  return firstVerdict(hooks.slice(at + 1), ...args);
}
