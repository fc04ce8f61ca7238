/**
 * What is held back from an inactive client (XEP-0352), without any stream: a stanza goes in, and what
 * is to be written now comes out, in its order. Nothing is lost here, nor overtakes another.
 */
import type { Restraint } from '../core/restraint.ts';
import type { Stanza } from '../stanza/stanza.ts';

/** A stanza on its way to a client, with whatever else belongs to it. */
export interface Outgoing {
  readonly stanza: Stanza;
  /** As it is written. */
  readonly text: string;
}

/** What an inactive client does not have yet. */
export class HeldBack<T extends Outgoing> {
  readonly #restraint: Restraint;
  /** In their order; what has no key of its own has a number. */
  readonly #held = new Map<string | number, T>();
  #count = 0;
  #characters = 0;

  constructor(restraint: Restraint) {
    this.#restraint = restraint;
  }

  /** How many stanzas are held. */
  get size(): number {
    return this.#held.size;
  }

  /**
   * Takes a stanza. `out` is to be written now: nothing, or all that was held with the stanza after
   * it. `voided` is what need not be written any more, because of the stanza.
   */
  take(outgoing: T): { readonly out: readonly T[]; readonly voided: T | undefined } {
    const turn = this.#restraint.turnOf(outgoing.stanza);
    if (turn.kind === 'now') return { out: [...this.flush(), outgoing], voided: undefined };
    this.#count += 1;
    const key = turn.key ?? this.#count;
    const voided = this.#held.get(key);
    if (voided !== undefined) {
      this.#held.delete(key);
      this.#characters -= voided.text.length;
    }
    this.#held.set(key, outgoing);
    this.#characters += outgoing.text.length;
    const isTooMuch =
      this.#held.size > this.#restraint.maxStanzas || this.#characters > this.#restraint.maxBytes;
    return { out: isTooMuch ? this.flush() : [], voided };
  }

  /** Takes out all that is held, in its order. */
  flush(): readonly T[] {
    const all = [...this.#held.values()];
    this.#held.clear();
    this.#characters = 0;
    return all;
  }
}
