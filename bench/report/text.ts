/** The report on a terminal: figures, ratios, targets, faults. */
import { ratiosOf } from './ratios.ts';
import { faultsIn, limitsIn, type Summaries } from './summary.ts';
import { aligned, numberText, tableText } from './table.ts';
import { reachedTargets } from './targets.ts';

/** All of it. */
export function reportText(summaries: Summaries, servers: readonly string[]): string {
  const parts = [tableText(summaries, servers), ratiosText(summaries), targetsText(summaries)];
  const limits = limitsIn(summaries);
  if (limits.length > 0)
    parts.push(['THE GENERATOR WAS THE LIMIT', ...limits.map((line) => `  ${line}`)].join('\n'));
  const faults = faultsIn(summaries);
  if (faults.length > 0) parts.push(['FAILED', ...faults.map((line) => `  ${line}`)].join('\n'));
  return parts.filter((part) => part !== '').join('\n\n');
}

/** A line for each figure: what share of each of the others rtcd needs, or reaches. */
export function ratiosText(summaries: Summaries): string {
  const ratios = ratiosOf(summaries);
  if (ratios.length === 0) return '';
  const others = [...new Set(ratios.flatMap(({ shares }) => [...shares.keys()]))];
  const lines = [['RATIOS: rtcd as a share of', ...others, 'the better']];
  for (const { trial, figure, shares, ofBetter } of ratios) {
    const cells = others.map((other) => shareText(shares.get(other)));
    lines.push([`  ${trial}: ${figure}`, ...cells, shareText(ofBetter)]);
  }
  return aligned(lines);
}

/** A line for each target. */
export function targetsText(summaries: Summaries): string {
  const all = reachedTargets(summaries);
  if (all.length === 0) return '';
  const lines = all.map(({ target, reached, isMet }) => [
    `  ${target.what}`,
    `${target.bound} ${target.value}`,
    numberText(reached),
    isMet ? 'met' : 'MISSED',
  ]);
  return aligned([['TARGETS', 'wanted', 'reached', ''], ...lines]);
}

const shareText = (share: number | undefined) => (share === undefined ? '–' : share.toFixed(2));
