/** Measures XMPP servers on this machine; see README.md beside this file. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { GROWING_NAMES } from './growth.ts';
import { type Options, readOptions } from './options.ts';
import { type Report, treeOf } from './report/json.ts';
import { machine, machineText } from './report/machine.ts';
import { faultsIn, type Run, summarise } from './report/summary.ts';
import { TARGETS } from './report/targets.ts';
import { reportText } from './report/text.ts';
import { readReport, writeReport } from './report/write.ts';
import { runAll, runGrowth } from './run.ts';
import { makeCertificate } from './servers/certificate.ts';
import { makeFolder } from './servers/child.ts';
import { DOMAIN } from './servers/setup.ts';
import { RELAYED } from './stage.ts';
import { TRIAL_NAMES, whatOf } from './trials.ts';

/** The cores of the server and of the generator, where there are two. */
const SERVER_CORE = 0;
const GENERATOR_CORE = 1;

const say = (text: string) => process.stderr.write(`${text}\n`);

/** Binds this process to its core; returns that of the servers, undefined if nothing is bound. */
async function pin({ pin: isWanted }: Options): Promise<number | undefined> {
  if (!isWanted || cpus().length < 2) return undefined;
  await promisify(execFile)('taskset', ['-a', '-c', '-p', `${GENERATOR_CORE}`, `${process.pid}`]);
  return SERVER_CORE;
}

/** Draws a report anew from its figures. */
async function redraw(folder: string): Promise<void> {
  const report = await readReport(folder);
  if (report === undefined) throw new Error(`there are no figures in ${folder}`);
  await writeReport(folder, report, whatOf);
}

/** Runs what was asked for; resolves to what is printed. */
async function measure(options: Options): Promise<string> {
  const core = await pin(options);
  const where = await machine();
  const folder = await makeFolder('certificate');
  const write = async (parts: Pick<Report, 'figures' | 'growth'>) => {
    const report: Report = { machine: where, settings: options, ...parts };
    if (options.report !== undefined) await writeReport(options.report, report, whatOf);
    return report;
  };
  // Written after each round: what was measured for an hour is not lost in the next.
  const afterRound = (runs: readonly Run[]) => write({ figures: treeOf(summarise(runs)) });
  try {
    const certificate = await makeCertificate(folder, options.key, [DOMAIN, ...RELAYED]);
    const afterGrowth = (growths: Report['growth']) => write({ figures: {}, growth: growths });
    const site = { certificate, core, say, afterRound, afterGrowth };
    const { growth } = options;
    if (growth !== undefined) {
      const names = GROWING_NAMES.filter((name) => growth.includes(name));
      return JSON.stringify(await runGrowth(options, names, site), undefined, 2);
    }
    const trials = TRIAL_NAMES.filter((name) => options.scenario.includes(name));
    const { runs, failures } = await runAll(options, trials, site);
    const summaries = summarise(runs);
    for (const failure of failures) say(`failed: ${failure}`);
    if (failures.length > 0 || faultsIn(summaries).length > 0) process.exitCode = 1;
    return options.json
      ? JSON.stringify(await afterRound(runs), undefined, 2)
      : `${machineText(where)}\n\n${reportText(summaries, options.server)}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const targets = [...new Set(TARGETS.map(({ trial }) => trial))];
  const names = { trials: TRIAL_NAMES, targets, growing: GROWING_NAMES };
  const options = readOptions(process.argv.slice(2), names);
  if (options.redraw && options.report !== undefined) await redraw(options.report);
  else process.stdout.write(`${await measure(options)}\n`);
}

// Servers that we started end with us (child.ts); a signal is an ordinary end for that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(1));

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
