/** Measures XMPP servers on this machine; see README.md beside this file. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { type Options, readOptions } from './options.ts';
import { jsonText } from './report/json.ts';
import { machine, machineText } from './report/machine.ts';
import { faultsIn, summarise } from './report/summary.ts';
import { reportText } from './report/text.ts';
import { runAll } from './run.ts';
import { makeCertificate } from './servers/certificate.ts';
import { makeFolder } from './servers/child.ts';
import { DOMAIN } from './servers/setup.ts';
import { TRIAL_NAMES } from './trials.ts';

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

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), TRIAL_NAMES);
  const trials = TRIAL_NAMES.filter((name) => options.scenario.includes(name));
  const core = await pin(options);
  const folder = await makeFolder('certificate');
  try {
    const certificate = await makeCertificate(folder, options.key, [DOMAIN]);
    const { runs, failures } = await runAll(options, trials, { certificate, core, say });
    const summaries = summarise(runs);
    const where = await machine();
    const text = options.json
      ? jsonText(summaries, where, options)
      : `${machineText(where)}\n\n${reportText(summaries, options.server)}`;
    process.stdout.write(`${text}\n`);
    for (const failure of failures) say(`failed: ${failure}`);
    if (failures.length > 0 || faultsIn(summaries).length > 0) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// Servers that we started end with us (child.ts); a signal is an ordinary end for that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(1));

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
