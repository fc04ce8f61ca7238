/** Finds the admin socket of the server that is meant. */
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readConfigFile } from '../config/document.ts';
import { findConfigFile } from '../config/load.ts';

/** Where to look. */
export interface Whereabouts {
  /** What `--socket` names. */
  readonly socket: string | undefined;
  /** What `--config` names. */
  readonly config: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * The path of the socket: `--socket`, `$RTCD_SOCKET`, or what the config says. The config is read
 * leniently: a fault somewhere in it must not keep an admin from the server that runs.
 */
export async function findSocket({ socket, config, env, cwd }: Whereabouts): Promise<string> {
  const named = socket ?? (env['RTCD_SOCKET'] || undefined);
  if (named !== undefined) return resolve(cwd, named);
  const file = await findConfigFile({ file: config, env, cwd });
  const folder = file === undefined ? cwd : dirname(file);
  const value = file === undefined ? {} : (await readConfigFile(file)).value;
  const home = env['HOME'] ?? homedir();
  const pathOf = (key: string) => {
    const raw = value[key];
    return typeof raw === 'string' ? resolve(folder, raw.replace(/^~(?=\/|$)/, home)) : undefined;
  };
  return pathOf('adminSocket') ?? join(pathOf('data') ?? join(folder, 'data'), 'rtcctl.sock');
}
