/** Debian's Caddy and HAProxy before a server, with what docs/proxies has. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { answers } from './nginx.ts';
import { findCommand } from './peers.ts';
import { endProcess, gather } from './program.ts';
import { HOST } from './server.ts';

/** A proxy that runs. */
export interface RunningProxy {
  stop(): Promise<void>;
}

/** Where a proxy is, and before what. */
export interface ProxyPlace {
  readonly port: number;
  /** The server's port. */
  readonly behind: number;
}

const example = (name: string) =>
  readFile(resolve(import.meta.dirname, '../../docs/proxies', name), 'utf8');

/** Starts Caddy before the server's port for HTTP, with a certificate that is there. */
export async function startCaddy(
  place: ProxyPlace & { readonly certificate: string; readonly key: string },
): Promise<RunningProxy> {
  const { port, behind, certificate, key } = place;
  const site = (await example('Caddyfile'))
    .replace(
      'falcot.com {',
      `https://localhost:${port} {\n\tbind ${HOST}\n\ttls ${certificate} ${key}`,
    )
    .replace('127.0.0.1:5280', `${HOST}:${behind}`);
  return start(port, 'Caddyfile', `{\n\tadmin off\n\tauto_https off\n}\n${site}`, (file) => [
    findCommand('caddy') ?? 'caddy',
    ['run', '--adapter', 'caddyfile', '--config', file],
  ]);
}

/** Starts HAProxy before the server's one port, to which it comes from an address of its own. */
export async function startHaproxy(
  place: ProxyPlace & { readonly address: string },
): Promise<RunningProxy> {
  const { port, behind, address } = place;
  const config = (await example('haproxy.cfg'))
    .replace('bind :443', `bind ${HOST}:${port}`)
    .replace('192.0.2.20:443', `${HOST}:${behind} source ${address}`);
  return start(port, 'haproxy.cfg', config, (file) => [
    findCommand('haproxy') ?? '/usr/sbin/haproxy',
    ['-db', '-f', file],
  ]);
}

async function start(
  port: number,
  name: string,
  config: string,
  commandFor: (file: string) => readonly [string, readonly string[]],
): Promise<RunningProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-proxy-'));
  const file = join(folder, name);
  await writeFile(file, config);
  const [command, words] = commandFor(file);
  // It keeps what it knows below the home of who runs it.
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = gather(child);
  while (!(await answers(port)))
    if (child.exitCode !== null) throw new Error(`${command} does not start:\n${log()}`);
  return {
    async stop() {
      await endProcess(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
