/** A real server in this process, on free ports of loopback, with a folder of its own. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import type { OperationOutcome } from '../../src/core/operation.ts';
import { type RunningServer, serve } from '../../src/server/serve.ts';
import { type JumpingClock, jumpingClock } from './jumping-clock.ts';

/** A listener whose port is told. */
/** `edge` is open where the config has that key. */
export type PortName =
  | 'c2s'
  | 'c2sTls'
  | 's2s'
  | 's2sTls'
  | 'component'
  | 'http'
  | 'https'
  | 'edge';

/** How a server is made. */
export interface ServerOptions {
  /** Keys of rtcd.yaml, besides those that give the server a place of its own. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Keys of each host's file by its domain; only `localhost` if absent. */
  readonly hosts?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Passwords by bare JID. */
  readonly accounts?: Readonly<Record<string, string>>;
}

/** A server that runs. */
export interface TestServer {
  readonly folder: string;
  readonly ports: Readonly<Record<PortName, number>>;
  /** Its time: a test may set it forward. */
  readonly clock: JumpingClock;
  /** Its side of other servers. */
  readonly federation: RunningServer['federation'];
  /** Runs an operation as root; fails the test if it fails. */
  run(name: string, input?: object): Promise<unknown>;
  /** Runs an operation that may fail. */
  attempt(name: string, input?: object): Promise<OperationOutcome<unknown>>;
  /** Writes rtcd.yaml and the hosts' files anew (same defaults); `run('server.reload')` takes them. */
  configure(options: Omit<ServerOptions, 'accounts'>): Promise<void>;
  /**
   * Ends it in good order and starts it again on the same folder, with something done in between; it
   * has other ports then.
   */
  restart(meanwhile?: () => void | Promise<void>): Promise<TestServer>;
  stop(): Promise<void>;
}

/** The address that everything listens on. */
export const HOST = '127.0.0.1';

const ROOT = { name: 'root', via: 'socket' } as const;

/** Starts a server. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-server-'));
  await configure(folder, options);
  return begin(folder, options.accounts);
}

async function begin(
  folder: string,
  accounts: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  const configFile = join(folder, 'rtcd.yaml');
  const clock = jumpingClock();
  const server = await serve({ configFile, env: {}, cwd: folder, clock });
  const attempt = (name: string, input: object = {}) => server.operations.run(name, input, ROOT);
  const run = async (name: string, input: object = {}) => {
    const outcome = await attempt(name, input);
    if (!outcome.ok) expect.fail(`${name}: ${outcome.text}`);
    return outcome.value;
  };
  for (const [jid, password] of Object.entries(accounts))
    await run('accounts.add', { jid, password });
  const { listeners } = (await run('server.status')) as {
    listeners: readonly { name: string; port: number }[];
  };
  const portOf = (wanted: string) => listeners.find(({ name }) => name === wanted)?.port ?? 0;
  return {
    folder,
    ports: {
      c2s: portOf('c2s'),
      c2sTls: portOf('c2sTls'),
      s2s: portOf('s2s'),
      s2sTls: portOf('s2sTls'),
      component: portOf('component'),
      http: portOf('http'),
      https: portOf('https'),
      edge: portOf('edge'),
    },
    clock,
    federation: server.federation,
    run,
    attempt,
    configure: (next) => configure(folder, next),
    async restart(meanwhile) {
      await server.stop();
      await meanwhile?.();
      return begin(folder);
    },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function configure(
  folder: string,
  { config = {}, hosts = { localhost: {} } }: ServerOptions,
): Promise<void> {
  const free = { port: 0, interfaces: [HOST] };
  const names = ['c2s', 'c2sTls', 's2s', 's2sTls', 'component', 'http', 'https'];
  const listeners = {
    ...Object.fromEntries(names.map((name) => [name, free])),
    edge: { ...free, enabled: 'edge' in config },
  };
  const usual = { certificates: [], listeners, log: { level: 'silent' } };
  await writeFile(join(folder, 'rtcd.yaml'), stringify({ ...usual, ...config }));
  await rm(join(folder, 'conf.d'), { recursive: true, force: true });
  await mkdir(join(folder, 'conf.d'));
  for (const [domain, keys] of Object.entries(hosts))
    await writeFile(
      join(folder, 'conf.d', `${domain}.yaml`),
      stringify({ virtualHost: domain, ...keys }),
    );
}
