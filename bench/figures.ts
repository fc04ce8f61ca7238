/** Figures that several scenarios print. */
import type { Percentiles } from './histogram.ts';
import type { Usage } from './proc.ts';
import type { Figure } from './scenario.ts';

/** The percentiles of a latency. */
export function latencies(what: string, { p50, p95, p99, max }: Percentiles): Figure[] {
  return Object.entries({ p50, p95, p99, max }).map(([percentile, value]) => ({
    name: `${what} latency ${percentile}`,
    unit: 'ms',
    value,
  }));
}

/** Who was busy: a figure is the server's only as long as the generator was not at its own limit. */
export function usageFigures(usage: Usage): Figure[] {
  return [
    { name: 'server CPU', unit: '% of a core', value: usage.serverPercent },
    { name: 'server, busiest thread', unit: '% of a core', value: usage.busiestThreadPercent },
    { name: 'generator CPU', unit: '% of a core', value: usage.generatorPercent },
  ];
}
