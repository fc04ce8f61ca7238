/** Starts rtcd, as it is compiled. */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { stringify } from 'yaml';
import { freePorts, isOpen, makeFolder, startChild } from './child.ts';
import { writeArchive } from './rtcd-archive.ts';
import { writePeople } from './rtcd-people.ts';
import { whenRunning } from './running.ts';
import { DOMAIN, HOST, type RunningServer, type Setup } from './setup.ts';

/** The server beside which this is compiled, into dist/bench/servers/. */
export const PROGRAM = resolve(import.meta.dirname, '../../main.js');

/** As `npm start` does. */
const START_FLAGS = [
  '--max-semi-space-size=32',
  '--no-allocation-site-pretenuring',
  '--no-parallel-scavenge',
  '--v8-pool-size=1',
];

/** How rtcd is started, beside what all servers have in common. */
export interface RtcdOptions {
  /** Its `main.js`. */
  readonly program: string;
  /** Further keys of its config. */
  readonly config?: object;
  /** The folder for V8's CPU profiles, one for each thread, which are written when it ends. */
  readonly profileFolder?: string | undefined;
}

/** Starts rtcd with its people. */
export async function startRtcd(setup: Setup, options: RtcdOptions): Promise<RunningServer> {
  const { program, profileFolder } = options;
  const folder = await makeFolder('rtcd');
  const { host, domain } = setup.relay ?? { host: HOST, domain: DOMAIN };
  const [port = 0, directTlsPort = 0, edgePort = 0, httpsPort = 0] = await freePorts(host, 4);
  const config = join(folder, 'rtcd.yaml');
  await mkdir(join(folder, 'conf.d'));
  const { keyFile: key, certificateFile: certificate } = setup.certificate;
  await writeFile(
    join(folder, 'conf.d', `${domain}.yaml`),
    stringify({ virtualHost: domain, ssl: { key, certificate } }),
  );
  const ports = { port, directTlsPort, edgePort, httpsPort };
  await writeFile(config, stringify({ ...configOf(setup, host, ports), ...options.config }));

  await makeFirst(program, config, `${setup.people.prefix}0@${domain}`, setup.people.password);
  const database = join(folder, 'data', 'rtcd.sqlite');
  const { people, archived } = setup;
  writePeople(database, domain, people);
  if (archived !== undefined)
    writeArchive(database, domain, `${people.prefix}0`, archived.rows, archived.end);
  const profile =
    profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder];
  const command = {
    program: process.execPath,
    args: [...START_FLAGS, ...profile, program, '--config', config],
    environment: { NODE_ENV: 'production' },
    core: setup.core,
  };
  const child = startChild(command, folder);
  const isAllOpen = async () => (await isOpen(host, edgePort)) && (await isOpen(host, httpsPort));
  return whenRunning(child, { host, domain, ...ports, folder }, isAllOpen);
}

/** As it comes, but for ports, unencrypted logins, and the limit that one address would meet. */
function configOf(
  { isArchiving, relay }: Setup,
  host: string,
  ports: Required<Pick<RunningServer, 'port' | 'directTlsPort' | 'edgePort' | 'httpsPort'>>,
): object {
  const off = { enabled: false };
  const at = (port: number) => ({ port, interfaces: host });
  return {
    data: 'data',
    include: 'conf.d',
    adminSocket: 'rtcctl.sock',
    certificates: [],
    listeners: {
      c2s: at(ports.port),
      c2sTls: at(ports.directTlsPort),
      s2s: relay === undefined ? off : at(relay.serverPort),
      s2sTls: off,
      edge: { enabled: true, ...at(ports.edgePort) },
      http: off,
      https: at(ports.httpsPort),
    },
    limits: { connectionsPerAddress: 100_000 },
    tls: { required: false },
    ...(relay === undefined ? {} : { dns: { servers: [`${relay.dns.host}:${relay.dns.port}`] } }),
    ...(isArchiving ? {} : { modules: { archive: false } }),
  };
}

/** Lets rtcd make its database, and in it the first account, without opening a port. */
async function makeFirst(
  program: string,
  config: string,
  jid: string,
  password: string,
): Promise<void> {
  const child = spawn(process.execPath, [program, 'operate', '--config', config], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ name: 'accounts.add', input: { jid, password } }));
  const answer = await text(child.stdout);
  const isMade = answer.trim() !== '' && (JSON.parse(answer) as { ok: boolean }).ok;
  if (!isMade) throw new Error(`${jid} could not be made: ${answer}`);
}
