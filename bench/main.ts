/** Measures XMPP servers on this machine; see README.md beside this file. */
import { dirname, join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { benchAccounts, makeAccounts } from './accounts.ts';
import type { RunningServer } from './child.ts';
import type { Account } from './client.ts';
import {
  accountsNeeded,
  type Options,
  readOptions,
  SCENARIOS,
  type ScenarioName,
} from './options.ts';
import { jsonText, machine, type Run, summarise, tableText } from './report.ts';
import type { Figure, Scene } from './scenario.ts';
import { runArchive } from './scenario-archive.ts';
import { runIdle } from './scenario-idle.ts';
import { runLogins } from './scenario-logins.ts';
import { runNodes } from './scenario-nodes.ts';
import { runOffline } from './scenario-offline.ts';
import { runPairs } from './scenario-pairs.ts';
import { runRoom } from './scenario-room.ts';
import { KeyCache } from './scram.ts';
import { startProsody } from './server-prosody.ts';
import { startRtcd } from './server-rtcd.ts';

const RUN: Readonly<Record<ScenarioName, (scene: Scene, options: Options) => Promise<Figure[]>>> = {
  idle: runIdle,
  logins: runLogins,
  // An absent rate and an undefined one are the same here.
  room: runRoom,
  nodes: runNodes,
  pairs: (scene, options) => runPairs(scene, { ...options, rate: options.rate }),
  archive: runArchive,
  offline: runOffline,
};

/** The server beside which this is compiled, into dist/bench/. */
const RTCD = join(dirname(dirname(fileURLToPath(import.meta.url))), 'main.js');

/** Tells the person who waits what is going on, apart from the figures. */
const say = (text: string) => process.stderr.write(`${text}\n`);

/** The server that runs already. */
async function existingServer(
  options: Options,
  pid: number,
  port: number,
  accounts: readonly Account[],
): Promise<RunningServer> {
  const { host, domain, adminSocket } = options;
  if (adminSocket !== undefined) await makeAccounts(adminSocket, domain, accounts);
  const stop = () => Promise.resolve();
  return { name: `${host}:${port}`, pid, host, domain, port, directTlsPort: port, stop };
}

/** The ways to get a server, by its name. */
function serversOf(options: Options, accounts: readonly Account[]) {
  const { pid, port } = options;
  if (pid !== undefined && port !== undefined)
    return [() => existingServer(options, pid, port, accounts)];
  const start = {
    rtcd: () => startRtcd({ program: RTCD, accounts, profileFolder: options.profile }),
    'rtcd-no-story': () =>
      startRtcd({
        name: 'rtcd-no-story',
        program: RTCD,
        accounts,
        profileFolder: options.profile,
        config: 'story: { enabled: false }',
      }),
    'rtcd-no-archive': () =>
      startRtcd({
        name: 'rtcd-no-archive',
        program: RTCD,
        accounts,
        profileFolder: options.profile,
        config: 'modules: { archive: false }',
      }),
    prosody: () => startProsody(accounts),
  };
  return options.server.map((name) => start[name]);
}

/** Runs the scenarios against one server. */
async function measure(
  server: RunningServer,
  options: Options,
  accounts: readonly Account[],
): Promise<Run[]> {
  const { pid, host, domain } = server;
  const { directTls: isDirectTls, timeout } = options;
  const port = isDirectTls ? server.directTlsPort : server.port;
  const context = createSecureContext();
  const scene: Scene = {
    endpoint: { host, port, domain, isDirectTls, context, timeout },
    accounts,
    keys: new KeyCache(options.keyCache),
    pid,
  };
  const runs: Run[] = [];
  for (const scenario of SCENARIOS) {
    if (!options.scenario.includes(scenario)) continue;
    if (scenario === 'archive' && server.name === 'rtcd-no-archive') continue;
    say(`${server.name}: ${scenario} …`);
    runs.push({ server: server.name, scenario, figures: await RUN[scenario](scene, options) });
  }
  return runs;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const accounts = benchAccounts(options.userPrefix, options.password, accountsNeeded(options));
  const runs: Run[] = [];
  for (let round = 1; round <= options.repeat; round += 1) {
    // Servers take turns, so that a machine that is slow for a while is slow for all of them.
    for (const start of serversOf(options, accounts)) {
      say(`starting a server with ${accounts.length} accounts (${round}/${options.repeat}) …`);
      const server = await start();
      try {
        runs.push(...(await measure(server, options, accounts)));
      } finally {
        await server.stop();
      }
    }
  }
  const summaries = summarise(runs);
  const names = [...new Set(runs.map(({ server }) => server))];
  const { cores, processor, linux, node } = machine();
  const text = options.json
    ? jsonText(summaries, { ...options, password: undefined })
    : `${cores} × ${processor}, Linux ${linux}, Node ${node}\n${tableText(summaries, names)}`;
  process.stdout.write(`${text}\n`);
}

// Servers that we started end with us (child.ts); a signal is an ordinary end for that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(1));

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
