/** A report that programs read, and from which its page is made. */
import type { Machine } from './machine.ts';
import type { Summaries, Summary } from './summary.ts';

/** Summaries by trial, figure and server. */
export type FigureTree = Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<string, Summary>>>>>
>;

/** A report: machine, settings and figures. */
export interface Report {
  readonly machine: Machine;
  readonly settings: object;
  readonly figures: FigureTree;
}

/** The report as JSON. */
export function jsonText(summaries: Summaries, machine: Machine, settings: object): string {
  const figures: FigureTree = Object.fromEntries(
    [...summaries].map(([trial, byFigure]) => [
      trial,
      Object.fromEntries(
        [...byFigure].map(([name, byServer]) => [name, Object.fromEntries(byServer)]),
      ),
    ]),
  );
  const report: Report = { machine, settings, figures };
  return JSON.stringify(report, undefined, 2);
}

/** The summaries of a report that was read again. */
export const summariesIn = (figures: FigureTree): Summaries =>
  new Map(
    Object.entries(figures).map(([trial, byFigure]) => [
      trial,
      new Map(
        Object.entries(byFigure).map(([name, byServer]) => [
          name,
          new Map(Object.entries(byServer)),
        ]),
      ),
    ]),
  );
