/**
 * Figures of the hot path: counted in plain numbers, and handed to Prometheus only when it asks. The
 * library's own counters hash their labels at each call, which showed as a tenth of routing's cost.
 */
import { Counter, type Registry } from 'prom-client';

/** What a metric is called. */
export interface TallyOptions {
  readonly name: string;
  readonly help: string;
  readonly registry: Registry;
}

/** Counts by two labels, such as direction and kind, whose values are known beforehand. */
export type Tally<A extends string, B extends string> = Record<A, Record<B, number>>;

/** Makes a counter with two labels; adding to it is `tally[a][b] += 1`. */
export function createTally<A extends string, B extends string>(
  { name, help, registry }: TallyOptions,
  [nameA, a]: readonly [label: string, values: readonly A[]],
  [nameB, b]: readonly [label: string, values: readonly B[]],
): Tally<A, B> {
  const zeroes = () => Object.fromEntries(b.map((value) => [value, 0])) as Record<B, number>;
  const tally = Object.fromEntries(a.map((value) => [value, zeroes()])) as Tally<A, B>;
  new Counter({
    name,
    help,
    labelNames: [nameA, nameB],
    registers: [registry],
    collect() {
      this.reset();
      for (const one of a)
        for (const other of b) this.inc({ [nameA]: one, [nameB]: other }, tally[one][other]);
    },
  });
  return tally;
}

/** A distribution of durations. */
export interface Durations {
  /** Adds one, in seconds. */
  observe(seconds: number): void;
}

/** Makes a histogram with the given upper bounds, in seconds, in rising order. */
export function createDurations(
  { name, help, registry }: TallyOptions,
  bounds: readonly number[],
): Durations {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  let total = 0;
  const values = () => {
    let below = 0;
    const buckets = bounds.map((le, index) => {
      below += counts[index] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le }, value: below };
    });
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: total },
      { metricName: `${name}_sum`, labels: {}, value: sum },
      { metricName: `${name}_count`, labels: {}, value: total },
    ];
  };
  const metric = {
    name,
    get: async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: values() }),
    reset: () => {},
  };
  // The registry asks a metric for its name and its values, and nothing else.
  registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);
  return {
    observe(seconds) {
      let index = 0;
      while (index < bounds.length && seconds > (bounds[index] ?? 0)) index += 1;
      counts[index] = (counts[index] ?? 0) + 1;
      sum += seconds;
      total += 1;
    },
  };
}
