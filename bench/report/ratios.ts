/** rtcd as a share of the others, figure by figure. */
import type { Summaries, Summary } from './summary.ts';

/** The one that the others are measured by. */
export const OURS = 'rtcd';

/** One figure of one trial, ours over each of the others. */
export interface Ratio {
  readonly trial: string;
  readonly figure: string;
  /** Ours divided by theirs, of medians, by the name of the other. */
  readonly shares: ReadonlyMap<string, number>;
  /** Ours divided by that of the better one of them. */
  readonly ofBetter: number;
}

/** Which way a figure is better, as its unit says: a rate is to be high, a cost low. */
export function directionOf(unit: string): 'more' | 'less' | undefined {
  if (unit === '/s') return 'more';
  return ['µs', 'ms', 's', 'KiB', 'MiB'].includes(unit) ? 'less' : undefined;
}

/** The better one of some summaries; undefined if there is none, or neither way is better. */
export function betterOf(summaries: readonly Summary[]): Summary | undefined {
  const direction = directionOf(summaries[0]?.unit ?? '');
  if (direction === undefined) return undefined;
  const sign = direction === 'less' ? 1 : -1;
  return [...summaries].sort((a, b) => sign * (a.median - b.median))[0];
}

/** The ratios of all figures that we and others have, and of which it can be said what is better. */
export function ratiosOf(summaries: Summaries): Ratio[] {
  const ratios: Ratio[] = [];
  for (const [trial, figures] of summaries)
    for (const [figure, byServer] of figures) {
      const ours = byServer.get(OURS);
      const others = [...byServer].filter(([server]) => !server.startsWith(OURS));
      const better = betterOf(others.map(([, summary]) => summary));
      if (ours === undefined || better === undefined || better.median === 0) continue;
      const shares = new Map(
        others.map(([server, { median }]) => [server, ours.median / median] as const),
      );
      ratios.push({ trial, figure, shares, ofBetter: ours.median / better.median });
    }
  return ratios;
}
