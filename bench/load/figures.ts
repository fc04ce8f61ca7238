/** Figures that several scenarios print. */
import type { Percentiles } from './histogram.ts';
import type { Usage } from './proc.ts';
import type { Figure } from './scene.ts';

/** The percentiles of a latency. */
export function latencies(what: string, percentiles: Percentiles): Figure[] {
  return Object.entries(percentiles).map(([percentile, value]) => ({
    name: `${what} latency ${percentile}`,
    unit: 'ms',
    value,
  }));
}

/** A figure that is 1 when rates are those of the generator, not of the server. */
export const GENERATOR_WAS_LIMIT = 'generator was the limit';

/** How busy a process is when its core is taken to be full, in per cent. */
const FULL = 95;

/** Who was busy: a rate is the server's only as long as the generator was not at its own limit. */
export function usageFigures(usage: Usage): Figure[] {
  const { serverPercent, busiestThreadPercent, generatorPercent } = usage;
  const wasLimit = generatorPercent >= FULL && serverPercent < FULL;
  return [
    { name: 'server CPU', unit: '% of a core', value: serverPercent },
    { name: 'server, busiest thread', unit: '% of a core', value: busiestThreadPercent },
    { name: 'generator CPU', unit: '% of a core', value: generatorPercent },
    { name: GENERATOR_WAS_LIMIT, unit: '', value: wasLimit ? 1 : 0 },
    { name: 'peak memory', unit: 'MiB', value: usage.peakBytes / 2 ** 20 },
  ];
}

/**
 * What the server used for each of many pieces of work, in µs of CPU time. Throws if none was done: such
 * a run has no figures.
 */
export function cpuPer(what: string, usage: Usage, count: number): Figure {
  if (count === 0) throw new Error(`no ${what} while it was measured: try more --seconds`);
  return { name: `server CPU per ${what}`, unit: 'µs', value: (1000 * usage.serverCpu) / count };
}

/** What must be 0, or the server has failed. */
export const fault = (name: string, value: number): Figure => ({
  name,
  unit: '',
  value,
  isFault: true,
});
