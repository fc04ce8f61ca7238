/** rtcd as a share of the others, figure by figure. */
import { medianOf, type Summaries, type Summary } from './summary.ts';

/** The one that the others are measured by. */
export const OURS = 'rtcd';

/** One figure of one trial, ours over each of the others. */
export interface Ratio {
  readonly trial: string;
  readonly figure: string;
  /** Ours divided by theirs, by the name of the other. */
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

/**
 * Ours divided by theirs: the median of what each round says. Runs of a round follow each other, while a machine is
 * now faster and now slower; medians of each may be of different hours. Where rounds are not known, it is that of
 * medians all the same. Undefined for nothing to divide by.
 */
export function shareOf(ours: Summary, theirs: Summary): number | undefined {
  const [own = [], other = []] = [ours.runs, theirs.runs];
  if (own.length > 0 && own.length === other.length && !other.includes(0))
    return medianOf(own.map((value, round) => value / (other[round] ?? 1)));
  return theirs.median === 0 ? undefined : ours.median / theirs.median;
}

/** The ratios of all figures that we and others have, and of which it can be said what is better. */
export function ratiosOf(summaries: Summaries): Ratio[] {
  const ratios: Ratio[] = [];
  for (const [trial, figures] of summaries)
    for (const [figure, byServer] of figures) {
      const ours = byServer.get(OURS);
      const others = [...byServer].filter(([server]) => !server.startsWith(OURS));
      const better = betterOf(others.map(([, summary]) => summary));
      const ofBetter = ours && better && shareOf(ours, better);
      if (ours === undefined || ofBetter === undefined) continue;
      const shares = new Map(
        others.flatMap(([server, summary]) => {
          const share = shareOf(ours, summary);
          return share === undefined ? [] : [[server, share] as const];
        }),
      );
      ratios.push({ trial, figure, shares, ofBetter });
    }
  return ratios;
}
