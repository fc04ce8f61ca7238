/** Measures XMPP servers on this machine; see README.md beside this file. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { type Options, readOptions } from './options.ts';
import { type Report, treeOf } from './report/json.ts';
import { machine, machineText } from './report/machine.ts';
import { faultsIn, type Run, summarise } from './report/summary.ts';
import { reportText } from './report/text.ts';
import { readReport, writeReport } from './report/write.ts';
import { runAll } from './run.ts';
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

async function measure(options: Options): Promise<void> {
  const trials = TRIAL_NAMES.filter((name) => options.scenario.includes(name));
  const core = await pin(options);
  const where = await machine();
  const folder = await makeFolder('certificate');
  const reportOf = (runs: readonly Run[]): Report => ({
    ...{ machine: where, settings: options },
    figures: treeOf(summarise(runs)),
  });
  // Written after each round: what was measured for an hour is not lost in the next.
  const afterRound = async (runs: readonly Run[]) => {
    if (options.report !== undefined) await writeReport(options.report, reportOf(runs), whatOf);
  };
  try {
    const certificate = await makeCertificate(folder, options.key, [DOMAIN, ...RELAYED]);
    const { runs, failures } = await runAll(options, trials, {
      ...{ certificate, core, say, afterRound },
    });
    const summaries = summarise(runs);
    const text = options.json
      ? JSON.stringify(reportOf(runs), undefined, 2)
      : `${machineText(where)}\n\n${reportText(summaries, options.server)}`;
    process.stdout.write(`${text}\n`);
    for (const failure of failures) say(`failed: ${failure}`);
    if (failures.length > 0 || faultsIn(summaries).length > 0) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), TRIAL_NAMES);
  if (options.redraw && options.report !== undefined) await redraw(options.report);
  else await measure(options);
}

// Servers that we started end with us (child.ts); a signal is an ordinary end for that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(1));

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
