/** A server that we started, with a folder of its own; both are gone at the end, whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a server may take to start and to end, in milliseconds. */
const PATIENCE_MS = 60_000;
/** How often we look whether it has started: a start is measured no finer. */
const POLL_MS = 10;
/** How much of a log is shown when a server does not start. */
const LOG_TAIL = 2000;

/** A process that we started. */
export interface Child {
  readonly pid: number;
  /**
   * Resolves when `isReady` does so to true, to the seconds since the start of the process; rejects if
   * the process ends before or takes too long.
   */
  ready(isReady: () => Promise<boolean>): Promise<number>;
  /** What it has printed. */
  printed(): Promise<string>;
  /** SIGTERM, and SIGKILL for one that does not heed it; then removes the folder. */
  stop(): Promise<void>;
}

/** How a program is started. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The core to which it is bound. */
  readonly core: number | undefined;
}

/** Makes a folder. */
export const makeFolder = (name: string): Promise<string> =>
  mkdtemp(join(tmpdir(), `rtcd-bench-${name}-`));

/** Starts a program; what it prints goes to `log` in its folder. */
export function startChild(command: Command, folder: string): Child {
  const { core, environment = {} } = command;
  // taskset becomes the program: the process is the same.
  const [program = '', ...args] = [
    ...(core === undefined ? [] : ['taskset', '-c', `${core}`]),
    ...[command.program, ...command.args],
  ];
  const log = join(folder, 'log');
  const output = openSync(log, 'a');
  const began = performance.now();
  const child = spawn(program, args, {
    cwd: folder,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...environment },
  });
  closeSync(output);
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
      while (performance.now() - began < PATIENCE_MS) {
        if (failure !== undefined) throw failure;
        if (hasEnded(child)) break;
        if (await isReady()) return (performance.now() - began) / 1000;
        await sleep(POLL_MS);
      }
      const tail = readFileSync(log, 'utf8').slice(-LOG_TAIL);
      throw new Error(`${command.program} did not start:\n${tail}`);
    },
    printed: () => readFile(log, 'utf8'),
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

/** Whether someone listens. */
export function isOpen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Ports of an address that were free a moment ago. */
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
