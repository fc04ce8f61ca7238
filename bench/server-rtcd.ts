/** Starts rtcd, as it is compiled. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAccounts, runOperation } from './accounts.ts';
import { type Child, makeFolder, type RunningServer, startChild } from './child.ts';
import type { Account } from './client.ts';

const HOST = '127.0.0.1';
const DOMAIN = 'localhost';

/** The config: as it comes, but for ports, and for the limit that one address would meet. */
function configOf(line = ''): string {
  const listener = `{ port: 0, interfaces: '${HOST}' }`;
  return `
data: data
include: conf.d
adminSocket: rtcctl.sock
certificates: []
listeners:
  { c2s: ${listener}, c2sTls: ${listener}, s2s: { enabled: false }, s2sTls: { enabled: false }, http: ${listener}, https: { enabled: false } }
limits: { connectionsPerAddress: 100000 }
${line}
`;
}

/** How rtcd is started. */
export interface RtcdOptions {
  /** What it is called in the table; `rtcd` if absent. */
  readonly name?: string;
  /** A line of YAML to add to its config. */
  readonly config?: string;
  /** Its `main.js`. */
  readonly program: string;
  readonly accounts: readonly Account[];
  /** The folder for V8's CPU profiles, one for each thread, which are written when it ends. */
  readonly profileFolder: string | undefined;
}

/** Starts rtcd and makes the accounts. */
export async function startRtcd(options: RtcdOptions): Promise<RunningServer> {
  const folder = await makeFolder('rtcd');
  await mkdir(join(folder, 'conf.d'));
  await writeFile(join(folder, 'conf.d', `${DOMAIN}.yaml`), `virtualHost: ${DOMAIN}\n`);
  const config = join(folder, 'rtcd.yaml');
  await writeFile(config, configOf(options.config));
  const profile =
    options.profileFolder === undefined
      ? []
      : ['--cpu-prof', '--cpu-prof-dir', options.profileFolder];
  const args = [...profile, options.program, '--config', config];
  const child = startChild(process.execPath, args, folder, { NODE_ENV: 'production' });
  const socket = join(folder, 'rtcctl.sock');
  try {
    const ports = await portsOf(child, socket);
    await makeAccounts(socket, DOMAIN, options.accounts);
    return {
      name: options.name ?? 'rtcd',
      pid: child.pid,
      host: HOST,
      domain: DOMAIN,
      ...ports,
      stop: () => child.stop(),
    };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/** Waits until rtcd answers on its admin socket; the ports that it took. */
async function portsOf(child: Child, socket: string) {
  let listeners: readonly { readonly name: string; readonly port: number }[] = [];
  await child.ready(async () => {
    const outcome = await runOperation(socket, 'server.status', {}).catch(() => undefined);
    if (outcome?.ok !== true) return false;
    ({ listeners } = outcome.value as { listeners: typeof listeners });
    return true;
  });
  const portOf = (name: string) => {
    const port = listeners.find((listener) => listener.name === name)?.port;
    if (port === undefined) throw new Error(`rtcd opened no listener ${name}`);
    return port;
  };
  return { port: portOf('c2s'), directTlsPort: portOf('c2sTls') };
}
