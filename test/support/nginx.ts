/** Debian's nginx before a server, with the site that docs/proxies has. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findCommand, NGINX_STREAM } from './peers.ts';
import { endProcess, gather } from './program.ts';
import { HOST } from './server.ts';

const proxies = resolve(import.meta.dirname, '../../docs/proxies');
const SITE = join(proxies, 'nginx.conf');
const STREAM = join(proxies, 'nginx-stream.conf');

/** nginx, which runs. */
export interface Nginx {
  stop(): Promise<void>;
}

/** Two ports that nobody has now. */
export async function freePorts(): Promise<readonly [number, number]> {
  const probes = [createServer().listen(0, HOST), createServer().listen(0, HOST)] as const;
  await Promise.all(probes.map((probe) => once(probe, 'listening')));
  const portOf = (probe: Server) => {
    const bound = probe.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  };
  const ports = [portOf(probes[0]), portOf(probes[1])] as const;
  for (const probe of probes) probe.close();
  await Promise.all(probes.map((probe) => once(probe, 'close')));
  return ports;
}

/** Starts nginx, which comes to the server from an address of its own. */
export async function startNginx(place: {
  readonly port: number;
  /** The server's port for HTTP. */
  readonly behind: number;
  readonly address: string;
  readonly domain: string;
  readonly certificate: string;
  readonly key: string;
  /** A port whose connections go to one of the server's as they are, from another address. */
  readonly stream: { readonly port: number; readonly behind: number; readonly address: string };
}): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-nginx-'));
  await mkdir(join(folder, 'temp'));
  const site = (await readFile(SITE, 'utf8'))
    .replace('listen 443 ssl', `listen ${HOST}:${place.port} ssl`)
    .replace(/^ *listen \[::\].*\n/m, '')
    .replace('127.0.0.1:5280', `${HOST}:${place.behind}`)
    .replace('server_name falcot.com', `server_name ${place.domain}`)
    .replace(/ssl_certificate .*;/, `ssl_certificate ${place.certificate};`)
    .replace(/ssl_certificate_key .*;/, `ssl_certificate_key ${place.key};`);
  const { stream } = place;
  const through = (await readFile(STREAM, 'utf8'))
    .replace('listen 5222', `listen ${HOST}:${stream.port}`)
    .replace(/^ *listen \[::\].*\n/m, '')
    .replace(
      'proxy_pass 192.0.2.20:5222',
      `proxy_bind ${stream.address}; proxy_pass ${HOST}:${stream.behind}`,
    );
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const config = [
    `load_module ${NGINX_STREAM};`,
    'daemon off; master_process off; pid nginx.pid; error_log stderr;',
    'events {}',
    'http {',
    '  access_log off;',
    `  proxy_bind ${place.address};`,
    ...temps.map((name) => `  ${name}_temp_path temp/${name};`),
    site,
    '}',
    through,
    '',
  ];
  await writeFile(join(folder, 'nginx.conf'), config.join('\n'));
  const command = findCommand('nginx') ?? '/usr/sbin/nginx';
  const words = ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'];
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = gather(child);
  while (!(await answers(place.port))) {
    if (child.exitCode !== null) throw new Error(`nginx does not start:\n${log()}`);
  }
  return {
    async stop() {
      await endProcess(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether somebody listens by now. */
export function answers(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const probe = connect({ port, host: HOST });
    probe.once('connect', () => {
      probe.destroy();
      settle(true);
    });
    probe.once('error', () => setTimeout(() => settle(false), 20));
  });
}
