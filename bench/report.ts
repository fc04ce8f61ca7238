/** Puts figures into a table or JSON. */
import { cpus, release } from 'node:os';
import type { Figure } from './scenario.ts';

/** The figures of one run of one scenario against one server. */
export interface Run {
  readonly server: string;
  readonly scenario: string;
  readonly figures: readonly Figure[];
}

/** A figure over all runs of its scenario. */
export interface Summary {
  readonly unit: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Summaries by scenario, figure and server, in the order in which they came. */
export type Summaries = Map<string, Map<string, Map<string, Summary>>>;

/** Summarises runs: the median of each figure, and between what it lay. */
export function summarise(runs: readonly Run[]): Summaries {
  const values = new Map<string, Map<string, Map<string, Figure[]>>>();
  for (const { server, scenario, figures } of runs)
    for (const figure of figures) {
      const ofScenario = entry(values, scenario, () => new Map<string, Map<string, Figure[]>>());
      const ofFigure = entry(ofScenario, figure.name, () => new Map<string, Figure[]>());
      entry(ofFigure, server, () => [] as Figure[]).push(figure);
    }
  return mapValues(values, (ofScenario) =>
    mapValues(ofScenario, (ofFigure) => mapValues(ofFigure, summaryOf)),
  );
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

const mapValues = <K, V, W>(map: ReadonlyMap<K, V>, change: (value: V) => W): Map<K, W> =>
  new Map([...map].map(([key, value]) => [key, change(value)] as const));

function summaryOf(figures: readonly Figure[]): Summary {
  const sorted = figures.map(({ value }) => value).sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? 0;
  const middle = (sorted.length - 1) / 2;
  return {
    unit: figures[0]?.unit ?? '',
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    least: at(0),
    most: at(sorted.length - 1),
  };
}

/** Three figures that count, and no more. */
function numberText(value: number): string {
  const digits =
    Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** A cell: the median and, of several runs that differ, what it lay between. */
function cellText(summary: Summary | undefined): string {
  if (summary === undefined) return '–';
  const { median, least, most } = summary;
  const text = numberText(median);
  return least === most ? text : `${text} (${numberText(least)}–${numberText(most)})`;
}

/** The table: a line for each figure, a column for each server. */
export function tableText(summaries: Summaries, servers: readonly string[]): string {
  const lines: string[][] = [['', ...servers]];
  for (const [scenario, figures] of summaries) {
    lines.push([], [scenario.toUpperCase()]);
    for (const [name, byServer] of figures) {
      const unit = [...byServer.values()][0]?.unit ?? '';
      const label = `  ${name}${unit === '' ? '' : `, ${unit}`}`;
      lines.push([label, ...servers.map((server) => cellText(byServer.get(server)))]);
    }
  }
  const widths = [0, ...servers].map((_, column) =>
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

/** What the figures were taken on. */
export function machine() {
  const all = cpus();
  return {
    cores: all.length,
    processor: all[0]?.model ?? '',
    linux: release(),
    node: process.version,
  };
}

/** The report as JSON: machine, settings and, by scenario, figure and server, the summaries. */
export function jsonText(summaries: Summaries, settings: object): string {
  const figures = Object.fromEntries(
    [...summaries].map(([scenario, byFigure]) => [
      scenario,
      Object.fromEntries(
        [...byFigure].map(([name, byServer]) => [name, Object.fromEntries(byServer)]),
      ),
    ]),
  );
  return JSON.stringify({ machine: machine(), settings, figures }, undefined, 2);
}
