/** Figures as a table of text. */
import type { Summaries, Summary } from './summary.ts';

/** Three figures that count, and no more. */
export function numberText(value: number): string {
  const digits =
    Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** A cell: the median and, of several runs that differ, what it lay between. */
export function cellText(summary: Summary | undefined): string {
  if (summary === undefined) return '–';
  const { median, least, most } = summary;
  const text = numberText(median);
  return least === most ? text : `${text} (${numberText(least)}–${numberText(most)})`;
}

/** The table: a line for each figure, a column for each server. */
export function tableText(summaries: Summaries, servers: readonly string[]): string {
  const lines: string[][] = [['', ...servers]];
  for (const [trial, figures] of summaries) {
    lines.push([], [trial.toUpperCase()]);
    for (const [name, byServer] of figures) {
      const unit = [...byServer.values()][0]?.unit ?? '';
      const label = `  ${name}${unit === '' ? '' : `, ${unit}`}`;
      lines.push([label, ...servers.map((server) => cellText(byServer.get(server)))]);
    }
  }
  return aligned(lines);
}

/** Lines of cells, the first to the left and the others to the right. */
export function aligned(lines: readonly (readonly string[])[]): string {
  const columns = Math.max(...lines.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const lineText = (line: readonly string[]) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   ')
      .trimEnd();
  return lines.map(lineText).join('\n');
}
