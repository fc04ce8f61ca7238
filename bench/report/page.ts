/** The part of docs/performance.md that follows from the figures. */
import type { BarRow } from './bars.ts';
import type { Growth } from './lines.ts';
import { type Machine, machineText } from './machine.ts';
import { betterOf, OURS } from './ratios.ts';
import { limitsIn, type Summaries, type Summary, summaryAt } from './summary.ts';
import { cellText, numberText } from './table.ts';
import { reachedTargets, TARGETS } from './targets.ts';

/** Between these, the page is derived. */
const BEGIN = '<!-- derived by `npm run bench -- --report`: begin -->';
const END = '<!-- derived: end -->';

/** A plot and the name of its file. */
export interface Plot {
  readonly file: string;
  readonly title: string;
}

/** Puts what is derived into the page; throws if the page has no place for it. */
export function pageWith(page: string, derived: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the page has no ${BEGIN} … ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${derived}\n\n${page.slice(end)}`;
}

/** What is derived. */
export function derivedPart(
  summaries: Summaries,
  machine: Machine,
  what: (trial: string) => string,
  plots: readonly Plot[],
): string {
  return [
    `Measured on ${machineText(machine)}.`,
    '### Targets',
    targetsTable(summaries),
    generatorText(limitsIn(summaries)),
    '### Plots',
    ...plots.map(({ file, title }) => `![${title}](${file})`),
    '### All figures',
    'Medians; in parentheses what all runs lay between.',
    ...[...summaries].map(([trial, figures]) =>
      [`**\`${trial}\`**: ${what(trial)}`, figuresTable(figures)].join('\n\n'),
    ),
  ].join('\n\n');
}

/** Whether the generator was ever what limited. */
const generatorText = (limits: readonly string[]): string =>
  limits.length === 0
    ? 'The generator was at its limit in no run.'
    : `The generator was at its limit, and rates say nothing of the server, in: ${limits.join('; ')}.`;

/** A line for each target: what it is, what each server needs, what share that is, and whether it will do. */
function targetsTable(summaries: Summaries): string {
  const rows = reachedTargets(summaries).map(({ target, reached, isMet }) => {
    const { trial, figure, over } = target;
    const other = typeof over === 'object' ? over.betterIn : trial;
    const cells = [
      cellOf(summaryAt(summaries, trial, figure, OURS)),
      ...['prosody', 'ejabberd'].map((name) => cellOf(summaryAt(summaries, other, figure, name))),
    ];
    return [
      `${target.what} (\`${trial}\`)`,
      ...cells,
      `${target.bound} ${target.value}`,
      numberText(reached),
      isMet ? 'yes' : '**no**',
    ];
  });
  return table(['', OURS, 'prosody', 'ejabberd', 'wanted', 'reached', 'met'], rows);
}

const cellOf = (summary: Summary | undefined) =>
  summary === undefined ? '–' : `${numberText(summary.median)} ${summary.unit}`.trim();

function figuresTable(figures: ReadonlyMap<string, ReadonlyMap<string, Summary>>): string {
  const servers = [...new Set([...figures.values()].flatMap((byServer) => [...byServer.keys()]))];
  const rows = [...figures].map(([name, byServer]) => {
    const unit = [...byServer.values()][0]?.unit ?? '';
    return [
      unit === '' ? name : `${name}, ${unit}`,
      ...servers.map((server) => cellText(byServer.get(server))),
    ];
  });
  return table(['', ...servers], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lineOf = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [lineOf(head), lineOf(rule), ...rows.map(lineOf)].join('\n');
}

/** The rows of the plot of targets: those that compare costs. */
export function targetRows(summaries: Summaries): BarRow[] {
  return TARGETS.flatMap(({ trial, figure, what, over, bound, value }) => {
    if (over !== 'better' || bound !== 'at most') return [];
    const byServer = [...(summaries.get(trial)?.get(figure) ?? [])];
    const others = byServer.filter(([server]) => !server.startsWith(OURS));
    const better = betterOf(others.map(([, summary]) => summary));
    if (better === undefined || better.median === 0) return [];
    const bars = byServer.map(([server, { median, least, most, unit }]) => ({
      ...{ server, median, least, most },
      label: `${numberText(median)} ${unit}`,
    }));
    return [{ what, bars, one: better.median, target: value }];
  });
}

/** The name of a growth's file. */
export const growthFile = (growth: Growth): string =>
  `${growth.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.svg`;
