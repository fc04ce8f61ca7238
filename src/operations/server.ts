/** Operations on the server as a whole. */
import { z } from 'zod';
import { formatFault } from '../config/check.ts';
import { type AnyOperation, failure, operation, success } from '../core/operation.ts';
import { bytes, hidden, seconds, time } from './fields.ts';
import type { Services } from './services.ts';

type Needs = Pick<
  Services,
  'clock' | 'runtime' | 'config' | 'hosts' | 'accounts' | 'sessions' | 'authority'
>;

/** Operations on the server as a whole, but for the check. */
export function serverOperations(services: Needs): AnyOperation[] {
  return [status(services), about(services), reload(services), backup(services)];
}

const statusValue = z.object({
  version: z.string(),
  node: z.string(),
  pid: z.int(),
  since: time,
  uptimeSeconds: seconds,
  hosts: z.array(z.string()),
  accounts: z.int(),
  sessions: z.int(),
  memoryBytes: bytes,
  configFile: z.string().describe('Empty while the development defaults are in force.'),
  dataFolder: z.string(),
  console: z.string().describe("The console's address; empty while it is off."),
  hasAdmin: z.boolean().describe('Whether anyone can sign in to the console.'),
  listeners: z.array(z.object({ name: z.string(), address: z.string(), port: z.int() })),
  store: hidden(
    z.object({
      bytes,
      queued: z.int(),
      reading: z.int(),
      commits: z.int(),
      writes: z.int(),
      lastCommitMs: z.number(),
    }),
  ),
});

function status(services: Needs): AnyOperation {
  const { clock, runtime, config, hosts, accounts, sessions, authority } = services;
  return operation({
    name: 'server.status',
    command: ['status'],
    summary: 'Show how the server is.',
    effect: 'read',
    input: z.object({}),
    output: statusValue,
    async run() {
      const { file, server } = config.current();
      const { queued, reading, commits, writes, lastCommitMs } = runtime.store;
      const store = { queued, reading, commits, writes, lastCommitMs };
      const [all, size, hasAdmin] = await Promise.all([
        accounts.list({ limit: 1 }),
        runtime.storeBytes(),
        authority.hasAdmin(),
      ]);
      return success({
        version: runtime.version,
        node: runtime.node,
        pid: runtime.pid,
        since: runtime.since,
        uptimeSeconds: Math.max(0, Math.floor((clock.now() - runtime.since) / 1000)),
        hosts: hosts.all().map(({ domain }) => domain),
        accounts: all.total,
        sessions: sessions.size,
        memoryBytes: runtime.memoryBytes(),
        configFile: file ?? '',
        dataFolder: server.data,
        console: runtime.console() ?? '',
        hasAdmin,
        listeners: runtime.listeners().map((each) => ({ ...each })),
        store: { bytes: size, ...store },
      });
    },
  });
}

function about({ runtime }: Needs): AnyOperation {
  return operation({
    name: 'server.about',
    command: ['about'],
    summary: 'Show the version and the specifications that are implemented.',
    effect: 'read',
    offline: true,
    input: z.object({}),
    output: z.object({
      version: z.string(),
      node: z.string(),
      specs: z.array(
        z.object({
          spec: z.string(),
          version: z.string(),
          covers: z.enum(['complete', 'partial']),
          name: z.string().describe('The module.'),
          note: z.string(),
        }),
      ),
    }),
    run: () =>
      success({
        version: runtime.version,
        node: runtime.node,
        specs: runtime.specs.map((each) => ({ ...each })),
      }),
  });
}

function reload({ config }: Needs): AnyOperation {
  return operation({
    name: 'server.reload',
    command: ['reload'],
    summary: 'Take the config files anew, whole or not at all.',
    effect: 'change',
    input: z.object({}),
    output: z.object({
      changed: z.array(z.string()),
      warnings: z
        .array(z.string())
        .describe('What is missing or cannot be used of what was taken.'),
    }),
    present: ({ changed, warnings }) =>
      [
        ...(changed.length === 0
          ? ['Nothing has changed.']
          : ['Taken:', ...changed.map((each) => `  ${each}`)]),
        ...warnings.map((each) => `warning: ${each}`),
      ].join('\n'),
    async run() {
      const taken = await config.reload();
      if (taken.ok)
        return success({ changed: [...taken.changed], warnings: taken.warnings.map(formatFault) });
      const faults = taken.faults.map(formatFault);
      const head = 'The config has faults; the one in force stays:';
      return failure('refused', [head, ...faults].join('\n'));
    },
  });
}

function backup({ runtime }: Needs): AnyOperation {
  return operation({
    name: 'server.backup',
    command: ['backup'],
    summary: 'Write a copy of the database, whole and as of now, into the data folder.',
    effect: 'change',
    offline: true,
    input: z.object({}),
    output: z.object({ file: z.string(), bytes }),
    present: ({ file }) => file,
    run: async () => success({ ...(await runtime.backUp()) }),
  });
}
