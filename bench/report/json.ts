/** A report that programs read, and from which its page is made. */
import type { Growth } from './lines.ts';
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
  /** How costs grow, by a name. */
  readonly growth?: Readonly<Record<string, Growth>> | undefined;
}

/** Summaries as a report has them. */
export const treeOf = (summaries: Summaries): FigureTree =>
  Object.fromEntries(
    [...summaries].map(([trial, byFigure]) => [
      trial,
      Object.fromEntries(
        [...byFigure].map(([name, byServer]) => [name, Object.fromEntries(byServer)]),
      ),
    ]),
  );

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
