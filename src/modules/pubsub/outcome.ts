/** What becomes of a request. */
import type { StanzaFailure } from '../../stanza/condition.ts';

/** It was done, with what it gives, or why not. `settled`: those who were to be told have been. */
export type Outcome<T = undefined> =
  | { readonly ok: true; readonly value: T; readonly settled: Promise<unknown> }
  | { readonly ok: false; readonly failure: StanzaFailure };

/** It was done. */
export const done = <T>(value: T, settled: Promise<unknown> = Promise.resolve()): Outcome<T> => ({
  ok: true,
  value,
  settled,
});

/** It was not. */
export const refused = (failure: StanzaFailure): { ok: false; failure: StanzaFailure } => ({
  ok: false,
  failure,
});

/** Something is done; `told` when all are told whom it concerns, for which its like need not wait. */
export interface Told {
  readonly told: Promise<unknown>;
}
