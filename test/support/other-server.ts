/** A server that is not ours, in a process of its own, as a member of a federation. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IssueOptions, issue } from '../s2s/authority.ts';
import type { Cable } from './cable.ts';
import { type Client, loggedIn } from './client.ts';
import { endProcess, gather } from './program.ts';
import { HOST } from './server.ts';
import { AUTHORITY, type Federation } from './several-servers.ts';

/** What such a server is to be like. */
export interface OtherServerOptions {
  readonly domain: string;
  /** Names of accounts; their password is `secret`. */
  readonly accounts: readonly string[];
  /** What its certificate is like; one of the authority that all know, if absent. */
  readonly certificate?: IssueOptions | 'self-signed';
  /** Whether it insists on certificates. */
  readonly secureAuth?: boolean;
  /** By which records it is found. */
  readonly found?: 'starttls' | 'direct';
  /** The line by which others come to it. */
  readonly cable?: Cable;
}

/** The server under way. */
export interface OtherServer {
  readonly domain: string;
  /** What it has logged. */
  log(): string;
  /** Logs somebody in. */
  enter(name: string): Promise<Client>;
  /** Ends it, and starts it again on the same ports. */
  restart(): Promise<void>;
  /** Ends it by SIGTERM, or other signals, to be started by {@link restart}. */
  end(...signals: readonly NodeJS.Signals[]): Promise<void>;
  stop(): Promise<void>;
}

/** Where one runs, and what its config has to name. */
export interface Place {
  /** For all of its files. */
  readonly folder: string;
  /** PEM files. */
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly ports: { readonly c2s: number; readonly s2s: number; readonly direct: number };
}

/** How a program is started, and how it is seen that it is up. */
export interface Program {
  readonly name: string;
  /** The address at which it takes other servers. */
  readonly address: string;
  readonly command: string;
  readonly words: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  isUp(log: string): boolean;
}

const START_MS = 15_000;

/**
 * Starts one; it is found from then on.
 * @param prepare writes its config and what else it needs
 */
export async function startOtherServer(
  federation: Federation,
  options: OtherServerOptions,
  prepare: (place: Place) => Promise<Program>,
): Promise<OtherServer> {
  const { domain, certificate = {}, found = 'starttls' } = options;
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-other-'));
  const wanted = certificate === 'self-signed' ? {} : { by: AUTHORITY, ...certificate };
  const made = issue({ dns: [domain], ...wanted });
  const certificateFile = join(folder, 'host.crt');
  const keyFile = join(folder, 'host.key');
  await writeFile(certificateFile, made.pem);
  await writeFile(keyFile, made.keyPem);
  const ports = await freePorts();
  const program = await prepare({ folder, certificateFile, keyFile, ports });
  const host = `${domain.replaceAll('.', '-')}.peer.example`;
  const own = found === 'starttls' ? ports.s2s : ports.direct;
  const port = (await options.cable?.lead(own, program.address)) ?? own;
  const service = found === 'starttls' ? '_xmpp-server' : '_xmpps-server';
  federation.record({
    [host]: { A: [options.cable === undefined ? program.address : HOST] },
    [`${service}._tcp.${domain}`]: { SRV: [`1 1 ${port} ${host}`] },
  });
  const clients = new Set<Client>();
  let earlier = '';
  let running = await start(program, folder);

  return {
    domain,
    log: () => earlier + running.log(),
    async enter(name) {
      const client = await loggedIn({
        port: ports.c2s,
        to: domain,
        user: name,
        password: 'secret',
      });
      clients.add(client);
      return client;
    },
    async end(...signals) {
      await endProcess(running.child, signals);
    },
    async restart() {
      await endProcess(running.child);
      earlier += running.log();
      running = await start(program, folder);
    },
    async stop() {
      for (const client of clients) client.destroy();
      // Nothing of it is kept, and a farewell may take a second.
      await endProcess(running.child, ['SIGKILL']);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function start(
  { name, command, words, env, isUp }: Program,
  cwd: string,
): Promise<{ child: ChildProcess; log(): string }> {
  const child = spawn(command, words, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = gather(child);
  try {
    await new Promise<void>((settle, fail) => {
      const complain = () => fail(new Error(`${name} does not start:\n${log()}`));
      const timer = setTimeout(complain, START_MS);
      child.stdout.on('data', () => {
        if (!isUp(log())) return;
        clearTimeout(timer);
        settle();
      });
      child.once('error', complain).once('exit', () => {
        clearTimeout(timer);
        complain();
      });
    });
  } catch (error) {
    if (child.pid !== undefined) await endProcess(child, ['SIGKILL']);
    throw error;
  }
  return { child, log };
}

/** Ports that are free now, at all addresses. */
async function freePorts(): Promise<Place['ports']> {
  const servers = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
      return server;
    }),
  );
  const [c2s = 0, s2s = 0, direct = 0] = servers.map(
    (server) => (server.address() as AddressInfo).port,
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return { c2s, s2s, direct };
}
