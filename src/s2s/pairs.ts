/** Pairs of domains that were proved on a stream, in one direction, and how. */
import type { Domain } from '../jid/jid.ts';

/** How a domain was proved: SASL EXTERNAL, its certificate without SASL, or dialback. */
export type Proof = 'external' | 'certificate' | 'dialback';

/** A pair, from whom and to whom stanzas go, and how the sender was proved. */
export interface Pair {
  readonly from: Domain;
  readonly to: Domain;
  readonly proof: Proof;
}

/** The key of a pair of domains. */
export const pairKey = (from: Domain, to: Domain): string => `${from} ${to}`;

/** Who a stream is for: one of our domains and another one. */
export interface Parties {
  readonly local: Domain;
  readonly remote: Domain;
}

/** The one pair of domains that a stream is for, in both directions; undefined if there is none such. */
export function partiesOf(sends: Pairs, accepts: Pairs): Parties | undefined {
  const [first, ...others] = [
    ...sends.list().map(({ from, to }) => ({ local: from, remote: to })),
    ...accepts.list().map(({ from, to }) => ({ local: to, remote: from })),
  ];
  const isOne = others.every(
    ({ local, remote }) => local === first?.local && remote === first.remote,
  );
  return isOne ? first : undefined;
}

/** A set of pairs. */
export class Pairs {
  readonly #pairs = new Map<string, Pair>();

  /** How many there are. */
  get size(): number {
    return this.#pairs.size;
  }

  add(pair: Pair): void {
    this.#pairs.set(pairKey(pair.from, pair.to), pair);
  }

  has(from: Domain, to: Domain): boolean {
    return this.#pairs.has(pairKey(from, to));
  }

  /** Whether there is a pair with this sender. */
  hasSender(domain: Domain): boolean {
    return this.list().some(({ from }) => from === domain);
  }

  list(): readonly Pair[] {
    return [...this.#pairs.values()];
  }
}
