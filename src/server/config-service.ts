/** The config in force, and how a new one takes its place: whole or not at all (DESIGN D7). */

import { PairReader } from '../certs/pair.ts';
import { type ConfigDiff, diffConfig, untilRestart } from '../config/diff.ts';
import { type Fault, keyText } from '../config/document.ts';
import { type Loaded, type LoadOptions, type LoadOutcome, loadConfig } from '../config/load.ts';
import { findMissing } from '../config/missing.ts';
import { configReference } from '../config/reference.ts';
import type { Config } from '../config/schema.ts';
import { showConfig } from '../config/show.ts';
import type { ConfigService } from '../operations/services.ts';
import { StartError } from './start-error.ts';

/**
 * Prepares for a new config while the one before is in force. What cannot be taken it refuses by throwing,
 * and has changed nothing then; the answer takes it over, at once.
 */
export type PrepareConfig = (next: Config, before: Config) => Promise<() => void>;

/** The config service of a running server. */
export interface RunningConfig extends ConfigService {
  /** Says what a reload has to do; until then there is nothing to change but the values. */
  onReload(prepare: PrepareConfig): void;
}

/** Makes the service around a config that was loaded. */
export function createConfigService(first: Loaded, options: LoadOptions): RunningConfig {
  let loaded = first;
  let prepare: PrepareConfig = async () => () => {};
  let reloading: Promise<unknown> = Promise.resolve();

  /** By the file in force: if it is gone, that is a fault, and no reason to take another one. */
  const load = () => loadConfig({ ...options, file: loaded.config.file ?? options.file });

  const reload = async () => {
    const next = await load();
    if (!next.ok) return next;
    const before = loaded.config;
    const config = untilRestart(before, next.config);
    let take: () => void;
    try {
      take = await prepare(config, before);
    } catch (error) {
      return { ok: false, faults: [faultOf(error, next)] } as const;
    }
    loaded = { ...next, config };
    take();
    const { warnings } = await checkLoaded(next);
    return { ok: true, changed: changesOf(diffConfig(before, next.config)), warnings } as const;
  };

  return {
    current: () => loaded.config,
    check: async () => checkLoaded(await load()),
    show: () => showConfig(loaded, options.sections),
    reference: () => configReference(options.sections),
    reload() {
      // One after the other: two at once could mix two configs.
      const turn = reloading.then(reload);
      reloading = turn.catch(() => {});
      return turn;
    },
    onReload(next) {
      prepare = next;
    },
  };
}

/** Why a config could not be taken, at the key that it is about. */
function faultOf(error: unknown, { config, placeOf }: Loaded): Fault {
  const message = error instanceof Error ? error.message : String(error);
  const key = (error instanceof StartError && error.key) || [];
  const unknown = { file: config.file ?? 'rtcd.yaml', line: 1, column: 1 };
  return { ...(placeOf(key) ?? unknown), key: keyText(key), message };
}

/** What is wrong with files that were read, and what of what they name is missing. */
export async function checkLoaded(outcome: LoadOutcome): ReturnType<ConfigService['check']> {
  if (!outcome.ok) return { faults: outcome.faults, warnings: [] };
  const { faults, warnings } = await findMissing(outcome);
  const isTold = ({ file }: Fault) => warnings.some((each) => each.file === file);
  const unfit = (await findUnfit(outcome)).filter((each) => !isTold(each));
  return { faults, warnings: [...warnings, ...unfit] };
}

/** Certificates that hosts name and that cannot be used, such as one to which the key does not belong. */
async function findUnfit({ config, placeOf }: Loaded): Promise<Fault[]> {
  const reader = new PairReader();
  const found = await Promise.all(
    config.hosts.map(async ({ virtualHost, ssl }) => {
      const place = placeOf(['ssl'], virtualHost);
      if (ssl === undefined || place === undefined) return [];
      const outcome = await reader.read(ssl);
      return outcome.ok ? [] : [{ ...place, key: 'ssl', message: outcome.why }];
    }),
  );
  return found.flat();
}

/** A difference in words, a line for each thing. */
function changesOf({ server, needsRestart, added, removed, changed }: ConfigDiff): string[] {
  return [
    ...server.map((key) => (needsRestart.includes(key) ? `${key} (when rtcd is restarted)` : key)),
    ...added.map((domain) => `${domain} is served now`),
    ...removed.map((domain) => `${domain} is no longer served`),
    ...changed.map(({ domain, keys }) => `${domain}: ${keys.join(', ')}`),
  ];
}
