/** Runs trials against servers, again and again. */

import { GROWING, type Growing, type GrowingName, PLOT_NAMES, PLOTS } from './growth.ts';
import type { Options, ServerName } from './options.ts';
import type { Growth } from './report/lines.ts';
import type { Run } from './report/summary.ts';
import type { Certificate } from './servers/certificate.ts';
import { startEjabberd } from './servers/ejabberd.ts';
import { startProsody } from './servers/prosody.ts';
import { PROGRAM, startRtcd } from './servers/rtcd.ts';
import type { Start } from './servers/setup.ts';
import { TRIALS, type Trial, type TrialName } from './trials.ts';

/** The ways to get a server, by its name. */
function startsOf({ profile }: Options): Record<ServerName, Start> {
  const rtcd =
    (config: object): Start =>
    (setup) =>
      startRtcd(setup, { program: PROGRAM, profileFolder: profile, config });
  return {
    rtcd: rtcd({}),
    'rtcd-no-story': rtcd({ story: { enabled: false } }),
    prosody: startProsody,
    ejabberd: startEjabberd,
  };
}

/** Where everything runs. */
export interface Site {
  readonly certificate: Certificate;
  /** The core of the servers. */
  readonly core: number | undefined;
  /** Tells the person who waits what is going on, apart from the figures. */
  say(text: string): void;
  /** Is given all runs so far after each round. */
  afterRound(runs: readonly Run[]): Promise<unknown>;
  /** Is given all growths so far whenever one has been measured. */
  afterGrowth(growths: Readonly<Record<string, Growth>>): Promise<unknown>;
}

/**
 * Runs all trials. Servers take turns, so that a machine that is slow for a while is slow for all of
 * them. A trial that a server does not live through is told, and the others go on.
 * @returns the runs, and what went wrong
 */
export async function runAll(
  options: Options,
  trials: readonly TrialName[],
  site: Site,
): Promise<{ readonly runs: readonly Run[]; readonly failures: readonly string[] }> {
  const starts = startsOf(options);
  const runs: Run[] = [];
  const failures: string[] = [];
  for (let round = 1; round <= options.repeat; round += 1) {
    for (const name of trials)
      for (const server of options.server) {
        const trial: Trial = TRIALS[name];
        if (trial.isOwn === true && !server.startsWith('rtcd')) continue;
        site.say(`${round}/${options.repeat} ${name}: ${server} …`);
        try {
          const figures = await trial.run({ start: starts[server], options, ...site });
          runs.push({ server, trial: name, figures });
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          failures.push(`${server}, ${name}: ${why}`);
          site.say(`  ${why}`);
        }
      }
    await site.afterRound(runs);
  }
  return { runs, failures };
}

/** Lets things grow on each server in turn. */
export async function runGrowth(
  options: Options,
  names: readonly GrowingName[],
  site: Site,
): Promise<Record<string, Growth>> {
  const starts = startsOf(options);
  const growths: Record<string, Growth> = {};
  for (const name of names) {
    for (const server of options.server) {
      const growing: Growing = GROWING[name];
      if (growing.isOwn === true && !server.startsWith('rtcd')) continue;
      site.say(`growth of ${name}: ${server} …`);
      const points = await growing.run({ start: starts[server], options, ...site });
      for (const plot of PLOT_NAMES) {
        const own = points[plot];
        if (own === undefined) continue;
        growths[plot] = { ...PLOTS[plot], lines: { ...growths[plot]?.lines, [server]: own } };
      }
    }
    await site.afterGrowth(growths);
  }
  return growths;
}
