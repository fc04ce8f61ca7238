/** The order in which SRV targets are tried (RFC 2782, "Usage rules"). */

/** What the order depends on. */
export interface Ranked {
  readonly priority: number;
  readonly weight: number;
}

/**
 * Lowest priority first; within one priority by lot, the chance of each being its weight.
 * @param random a number from 0 up to 1
 */
export function inOrder<T extends Ranked>(targets: readonly T[], random: () => number): T[] {
  const priorities = [...new Set(targets.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((priority) =>
    drawn(
      targets.filter((each) => each.priority === priority),
      random,
    ),
  );
}

function drawn<T extends Ranked>(targets: readonly T[], random: () => number): T[] {
  // Those of weight 0 stand first, so that they have a small chance beside others.
  const left = targets.toSorted((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
  const order: T[] = [];
  while (left.length > 0) {
    const sum = left.reduce((total, { weight }) => total + weight, 0);
    const lot = Math.floor(random() * (sum + 1));
    let running = 0;
    const index = left.findIndex(({ weight }) => {
      running += weight;
      return running >= lot;
    });
    order.push(...left.splice(Math.max(index, 0), 1));
  }
  return order;
}
