/**
 * The programs themselves, `rtcd` and `rtcctl`, as an admin runs them: a folder with a config of its
 * own, free ports on loopback. For tests whose other side is software that is not ours.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';

const dist = resolve(import.meta.dirname, '../../dist');
const SERVER = join(dist, 'main.js');
const CTL = join(dist, 'ctl/main.js');

/** The domain that is served: clients resolve it, and check certificates against it. */
export const DOMAIN = 'localhost';

/** The address that is listened on. */
export const LOOPBACK = '127.0.0.1';

const READY = /is ready/;
const START_MS = 20_000;

const Status = z.object({
  value: z.object({
    listeners: z.array(z.object({ name: z.string(), port: z.int() })),
  }),
});

/** A finished command. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The ports that a server took. */
export interface Ports {
  readonly c2s: number;
  readonly c2sTls: number;
  readonly s2s: number;
  readonly http: number;
  readonly https: number;
  /** 0 where it is not open. */
  readonly edge: number;
}

/** A server that runs in a process of its own. */
export interface Program {
  /** The folder with its config, its data, and room for what peers need. */
  readonly folder: string;
  /** The self-signed certificate of its domain, a PEM file. */
  readonly certificate: string;
  readonly ports: Ports;
  /** What it has printed. */
  log(): string;
  /** Runs rtcctl. */
  ctl(words: readonly string[], input?: string): Promise<Finished>;
  /** Makes an account on the domain by rtcctl; answers its JID. */
  addAccount(name: string, password: string): Promise<string>;
  /** Ends it by SIGTERM, or other signals, and starts it again on the same data, on new ports. */
  restart(...signals: readonly NodeJS.Signals[]): Promise<void>;
  /** Kills it by SIGKILL; {@link Program.restart} starts it again. */
  kill(): Promise<void>;
  /** Sends it a signal, by which it may or may not end. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves when it ends by itself, with its exit code. */
  ended(): Promise<number | null>;
  /** Ends it by SIGTERM, or other signals, and removes the folder; answers the exit code. */
  stop(...signals: readonly NodeJS.Signals[]): Promise<number | null>;
}

/**
 * Starts the server.
 * @param settings keys of rtcd.yaml besides those that give it a place of its own
 * @param domain which it serves
 * @param preload text of a module that is run in it first
 */
export async function startProgram(
  settings: object = {},
  domain = DOMAIN,
  preload?: string,
): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-program-'));
  const configFile = join(folder, 'rtcd.yaml');
  const free = { port: 0, interfaces: [LOOPBACK] };
  const listeners = { c2s: free, c2sTls: free, s2s: free, s2sTls: free, http: free, https: free };
  await writeFile(configFile, stringify({ certificates: [], listeners, ...settings }));
  await mkdir(join(folder, 'conf.d'));
  await writeFile(join(folder, 'conf.d', `${domain}.yaml`), stringify({ virtualHost: domain }));
  const ctl = (words: readonly string[], input = '') =>
    runToEnd(process.execPath, [CTL, ...words, '--config', configFile], { cwd: folder, input });
  const preloadFile = join(folder, 'preload.mjs');
  if (preload !== undefined) await writeFile(preloadFile, preload);
  const first = preload === undefined ? [] : ['--import', preloadFile];
  const start = async () => {
    const child = spawn(process.execPath, [...first, SERVER, '--config', configFile], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = gather(child);
    try {
      await untilReady(child, log);
      return { child, log, ports: await portsOf(ctl) };
    } catch (error) {
      await endProcess(child);
      throw error;
    }
  };
  const remove = () => rm(folder, { recursive: true, force: true });
  let server = await start().catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return {
    folder,
    certificate: join(folder, 'data/certs', `${domain}.self-signed.pem`),
    get ports() {
      return server.ports;
    },
    log: () => server.log(),
    ctl,
    async addAccount(name, password) {
      const jid = `${name}@${domain}`;
      const added = await ctl(['adduser', jid, '--password-stdin'], password);
      if (added.code !== 0) throw new Error(`adduser ${jid}: ${added.stderr}`);
      return jid;
    },
    async restart(...signals) {
      await endProcess(server.child, signals);
      server = await start();
    },
    async kill() {
      await endProcess(server.child, ['SIGKILL']);
    },
    signal: (signal) => void server.child.kill(signal),
    async ended() {
      const { child } = server;
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      return child.exitCode;
    },
    async stop(...signals) {
      const code = await endProcess(server.child, signals);
      await remove();
      return code;
    },
  };
}

async function portsOf(ctl: Program['ctl']): Promise<Ports> {
  const { stdout, stderr } = await ctl(['status', '--json']);
  if (stdout === '') throw new Error(`rtcctl status: ${stderr}`);
  const { listeners } = Status.parse(JSON.parse(stdout)).value;
  const portOf = (wanted: string) => listeners.find(({ name }) => name === wanted)?.port ?? 0;
  return {
    c2s: portOf('c2s'),
    c2sTls: portOf('c2sTls'),
    s2s: portOf('s2s'),
    http: portOf('http'),
    https: portOf('https'),
    edge: portOf('edge'),
  };
}

/** Waits for the summary that ends the start. */
function untilReady(server: ChildProcess, log: () => string): Promise<void> {
  return new Promise((settle, fail) => {
    const timer = setTimeout(() => fail(new Error(`rtcd does not start:\n${log()}`)), START_MS);
    server.stdout?.on('data', () => {
      if (!READY.test(log())) return;
      clearTimeout(timer);
      settle();
    });
    server.once('exit', (code) => {
      clearTimeout(timer);
      fail(new Error(`rtcd ended with status ${code}:\n${log()}`));
    });
  });
}

/** Collects what a process prints on both its outputs. */
export function gather(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  return () => text;
}

/** Ends a process that was started here, by SIGTERM or other signals; answers its exit code. */
export async function endProcess(
  child: ChildProcess,
  signals: readonly NodeJS.Signals[] = [],
): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, 'exit');
  for (const signal of signals.length === 0 ? (['SIGTERM'] as const) : signals) child.kill(signal);
  await ended;
  return child.exitCode;
}

/** Runs a command to its end. */
export async function runToEnd(
  command: string,
  words: readonly string[],
  options: { readonly cwd?: string; readonly input?: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Finished> {
  const { input = '', ...spawned } = options;
  const child = spawn(command, words, { ...spawned, stdio: ['pipe', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      texts[name] += chunk;
    });
  child.stdin.on('error', () => {}); // a command that reads no input may be gone already
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, ...texts };
}
