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

/** Where the socket is. */
export interface SocketPlace {
  readonly path: string;
  /** Whether the config names it, or its folder: the server may have been started by another config. */
  readonly isConfigured: boolean;
}

/**
 * The place of the socket: `--socket`, `$RTCD_SOCKET`, or what the config says. The config is read
 * leniently: a fault somewhere in it must not keep an admin from the server that runs.
 */
export async function findSocket({ socket, config, env, cwd }: Whereabouts): Promise<SocketPlace> {
  const named = socket ?? (env['RTCD_SOCKET'] || undefined);
  if (named !== undefined) return { path: resolve(cwd, named), isConfigured: false };
  const file = await findConfigFile({ file: config, env, cwd });
  const folder = file === undefined ? cwd : dirname(file);
  const value = file === undefined ? {} : (await readConfigFile(file)).value;
  const home = env['HOME'] ?? homedir();
  const pathOf = (key: string) => {
    const raw = value[key];
    return typeof raw === 'string' ? resolve(folder, raw.replace(/^~(?=\/|$)/, home)) : undefined;
  };
  const [own, data] = [pathOf('adminSocket'), pathOf('data')];
  return {
    path: own ?? join(data ?? join(folder, 'data'), 'rtcctl.sock'),
    isConfigured: (own ?? data) !== undefined,
  };
}
