/** Writes a report: figures as JSON, plots, and what follows from them in the page. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { barsPlot } from './bars.ts';
import { type Report, summariesIn } from './json.ts';
import { linesPlot } from './lines.ts';
import { derivedPart, growthFile, type Plot, pageWith, targetRows } from './page.ts';

/** The name of the file of figures in its folder. */
const FIGURES = 'figures.json';

/** Reads the figures that are in a folder; undefined if there are none. */
export async function readReport(folder: string): Promise<Report | undefined> {
  const text = await readFile(join(folder, FIGURES), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Report);
}

/**
 * Writes figures and plots into a folder, and into the page of its name beside it (`docs/performance`
 * and `docs/performance.md`). What was measured before stays, unless it was measured again.
 */
export async function writeReport(
  folder: string,
  report: Report,
  what: (trial: string) => string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const before = await readReport(folder);
  const merged: Report = {
    ...report,
    figures: { ...before?.figures, ...report.figures },
    growth: { ...before?.growth, ...report.growth },
  };
  await writeFile(join(folder, FIGURES), `${JSON.stringify(merged, undefined, 1)}\n`);
  const summaries = summariesIn(merged.figures);
  const plots: Plot[] = [];
  const draw = async (file: string, title: string, svg: string) => {
    await writeFile(join(folder, file), svg);
    plots.push({ file: `${basename(folder)}/${file}`, title });
  };
  const rows = targetRows(summaries);
  const title = 'What the same work needs';
  if (rows.length > 0) await draw('targets.svg', title, barsPlot(title, rows));
  for (const growth of Object.values(merged.growth ?? {}))
    await draw(growthFile(growth), growth.title, linesPlot(growth));
  const page = `${folder}.md`;
  const derived = derivedPart(summaries, merged.machine, what, plots);
  await writeFile(page, pageWith(await readFile(page, 'utf8'), derived));
}
