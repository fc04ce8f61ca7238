/** A server that we started, with a folder of its own; both are gone at the end, whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a server may take to start and to end, in milliseconds. */
const PATIENCE_MS = 30_000;
const POLL_MS = 50;
/** How much of a log is shown when a server does not start. */
const LOG_TAIL = 2000;

/** A server under test. */
export interface RunningServer {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
  readonly domain: string;
  readonly port: number;
  readonly directTlsPort: number;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** A process that we started. */
export interface Child {
  readonly pid: number;
  /** Resolves when `isReady` does so to true; rejects if the process ends before or takes too long. */
  ready(isReady: () => Promise<boolean>): Promise<void>;
  /** SIGTERM, and SIGKILL for one that does not heed it; then removes the folder. */
  stop(): Promise<void>;
}

/** Makes a folder for a server. */
export function makeFolder(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `rtcd-bench-${name}-`));
}

/** Starts a program; what it prints goes to `log` in its folder. */
export function startChild(
  program: string,
  args: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Child {
  const log = join(folder, 'log');
  const output = openSync(log, 'a');
  const child = spawn(program, args, {
    cwd: folder,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...environment },
  });
  const clean = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', clean);
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  return {
    pid: child.pid ?? -1,
    async ready(isReady) {
      for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
        if (failure !== undefined) throw failure;
        if (hasEnded(child)) break;
        if (await isReady()) return;
        await sleep(POLL_MS);
      }
      const tail = readFileSync(log, 'utf8').slice(-LOG_TAIL);
      throw new Error(`${program} did not start:\n${tail}`);
    },
    async stop() {
      if (failure === undefined && !hasEnded(child)) await end(child);
      process.off('exit', clean);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

/** Ends a process and waits until it has. */
async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await ended;
  clearTimeout(timer);
}

/** Ports of an address that were free a moment ago, for servers that cannot choose one themselves. */
export async function freePorts(host: string, count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, host, () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
