/** Many runs, summarised. */
import { GENERATOR_WAS_LIMIT } from '../load/figures.ts';
import type { Figure } from '../load/scene.ts';

/** The figures of one run of one trial against one server. */
export interface Run {
  readonly server: string;
  readonly trial: string;
  readonly figures: readonly Figure[];
}

/** A figure over all runs of its trial. */
export interface Summary {
  readonly unit: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** The value of each run, in the order of rounds; reports that are older do not have it. */
  readonly runs?: readonly number[];
  /** Whether anything but 0 is a failure of the server. */
  readonly isFault: boolean;
}

/** Summaries by trial, figure and server, in the order in which they came. */
export type Summaries = Map<string, Map<string, Map<string, Summary>>>;

/** Summarises runs: the median of each figure, and between what it lay. */
export function summarise(runs: readonly Run[]): Summaries {
  const values = new Map<string, Map<string, Map<string, Figure[]>>>();
  for (const { server, trial, figures } of runs)
    for (const figure of figures) {
      const ofTrial = entry(values, trial, () => new Map<string, Map<string, Figure[]>>());
      const ofFigure = entry(ofTrial, figure.name, () => new Map<string, Figure[]>());
      entry(ofFigure, server, () => [] as Figure[]).push(figure);
    }
  return mapValues(values, (ofTrial) =>
    mapValues(ofTrial, (ofFigure) => mapValues(ofFigure, summaryOf)),
  );
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

const mapValues = <K, V, W>(map: ReadonlyMap<K, V>, change: (value: V) => W): Map<K, W> =>
  new Map([...map].map(([key, value]) => [key, change(value)] as const));

/** As many digits as say something. */
const DIGITS = 5;

function summaryOf(figures: readonly Figure[]): Summary {
  const runs = figures.map(({ value }) => Number(value.toPrecision(DIGITS)));
  return {
    unit: figures[0]?.unit ?? '',
    median: medianOf(figures.map(({ value }) => value)),
    least: Math.min(...figures.map(({ value }) => value)),
    most: Math.max(...figures.map(({ value }) => value)),
    runs,
    isFault: figures[0]?.isFault === true,
  };
}

/** The median of some values; 0 of none. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? 0;
  const middle = (sorted.length - 1) / 2;
  return (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
}

/** A summary, if there is one. */
export const summaryAt = (
  summaries: Summaries,
  trial: string,
  figure: string,
  server: string,
): Summary | undefined => summaries.get(trial)?.get(figure)?.get(server);

/** What servers have lost, doubled or put out of order: such a run is failed, not fast. */
export function faultsIn(summaries: Summaries): string[] {
  const found: string[] = [];
  for (const [trial, figures] of summaries)
    for (const [name, byServer] of figures)
      for (const [server, { isFault, least, most }] of byServer)
        if (isFault && (least !== 0 || most !== 0))
          found.push(
            `${server}, ${trial}: ${name} ${least === most ? most : `${least} to ${most}`}`,
          );
  return found;
}

/** Where the generator was at its limit and the server was not, so that rates say nothing of the server. */
export function limitsIn(summaries: Summaries): string[] {
  return [...summaries].flatMap(([trial, figures]) =>
    [...(figures.get(GENERATOR_WAS_LIMIT) ?? [])].flatMap(([server, { most }]) =>
      most > 0 ? [`${server}, ${trial}`] : [],
    ),
  );
}
