/** Debian's nginx before a server, with the site that docs/proxies has. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findCommand } from './peers.ts';
import { endProcess, gather } from './program.ts';
import { HOST } from './server.ts';

const SITE = resolve(import.meta.dirname, '../../docs/proxies/nginx.conf');

/** nginx, which runs. */
export interface Nginx {
  stop(): Promise<void>;
}

/** A port that nobody has now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const bound = probe.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  probe.close();
  await once(probe, 'close');
  return port;
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
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const config = [
    'daemon off; master_process off; pid nginx.pid; error_log stderr;',
    'events {}',
    'http {',
    '  access_log off;',
    `  proxy_bind ${place.address};`,
    ...temps.map((name) => `  ${name}_temp_path temp/${name};`),
    site,
    '}',
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
function answers(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const probe = connect({ port, host: HOST });
    probe.once('connect', () => {
      probe.destroy();
      settle(true);
    });
    probe.once('error', () => setTimeout(() => settle(false), 20));
  });
}
