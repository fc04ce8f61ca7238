/**
 * What is held back from a client at which nobody looks (XEP-0352): a module makes the rules, the
 * side that has the client's stream keeps them.
 */
import type { Stanza } from '../stanza/stanza.ts';

/**
 * When a stanza goes out: `now`, with all that is held going before it; or `later`, when something
 * else does. Of those with one key only the last is held, for it makes those before it void.
 */
export type Turn =
  | { readonly kind: 'now' }
  | { readonly kind: 'later'; readonly key?: string | undefined };

/** The rules for a client, and how much is held for it; when that is too much, all of it goes out. */
export interface Restraint {
  turnOf(stanza: Stanza): Turn;
  readonly maxStanzas: number;
  readonly maxBytes: number;
}
