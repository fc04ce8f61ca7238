/** Where trials take place: servers that are started for one of them, and ended after it. */
import { createSecureContext } from 'node:tls';
import type { Transport } from './load/client.ts';
import type { Figure, Scene } from './load/scene.ts';
import { KeyCache } from './load/scram.ts';
import type { Options } from './options.ts';
import type { Certificate } from './servers/certificate.ts';
import { freePorts } from './servers/child.ts';
import { type Place, startDns } from './servers/dns.ts';
import { accountsOf } from './servers/people.ts';
import { HOST, type RunningServer, type Setup, type Start } from './servers/setup.ts';

/** The domains of the two servers of a relay. */
export const RELAYED = ['left.example', 'right.example'] as const;

/** What a trial is given. */
export interface Stage {
  readonly start: Start;
  readonly options: Options;
  readonly certificate: Certificate;
  /** The core of the server. */
  readonly core: number | undefined;
}

/** What a server is to have for a trial; what is left out is as most trials have it. */
export interface Needs {
  readonly accounts: number;
  readonly contacts?: number;
  readonly isArchiving?: boolean;
  readonly store?: Setup['store'];
  readonly archived?: Setup['archived'];
  readonly transport?: Transport;
}

/** Starts a server, runs something against it, and ends it. */
export async function onServer<T>(
  { start, options, certificate, core }: Stage,
  needs: Needs,
  run: (scene: Scene, server: RunningServer) => Promise<T>,
): Promise<T> {
  const setup = setupOf(needs);
  const server = await start({ ...setup, certificate, core });
  try {
    return await run(sceneOf(server, setup, needs, options), server);
  } finally {
    await server.stop();
  }
}

/** Starts two servers of a kind that find each other. */
export async function onTwoServers(
  { start, options, certificate, core }: Stage,
  needs: Needs,
  run: (left: Scene, right: Scene) => Promise<Figure[]>,
): Promise<Figure[]> {
  const setup = setupOf(needs);
  const ports = await freePorts(HOST, RELAYED.length);
  const places = new Map<string, Place>(
    RELAYED.map((domain, index) => [domain, { target: 'localhost', port: ports[index] ?? 0 }]),
  );
  const dns = await startDns(HOST, places);
  const servers: RunningServer[] = [];
  try {
    for (const [domain, { port }] of places) {
      const relay = { domain, host: HOST, serverPort: port, dns };
      servers.push(await start({ ...setup, certificate, core, relay }));
    }
    const [left, right] = servers.map((server) => sceneOf(server, setup, needs, options));
    if (left === undefined || right === undefined) throw new Error('a relay has two servers');
    return await run(left, right);
  } finally {
    for (const server of servers) await server.stop();
    await dns.stop();
  }
}

function setupOf(needs: Needs): Omit<Setup, 'certificate' | 'core' | 'relay'> {
  const { accounts, contacts = 0, isArchiving = false, store = 'default', archived } = needs;
  const people = { prefix: 'bench', password: 'bench password', count: accounts, contacts };
  return { people, isArchiving, store, archived };
}

function sceneOf(
  { host, domain, pid, ...ports }: RunningServer,
  { people }: Pick<Setup, 'people'>,
  { transport = 'starttls' }: Needs,
  { timeout, keyCache }: Options,
): Scene {
  const context = createSecureContext();
  return {
    endpoint: {
      ...{ host, domain, transport, context, timeout },
      port: portFor(transport, ports),
    },
    accounts: accountsOf(people),
    keys: new KeyCache(keyCache),
    pids: [pid],
  };
}

/** Where a server takes what carries streams. */
export function portFor(
  transport: Transport,
  ports: Pick<RunningServer, 'port' | 'directTlsPort' | 'edgePort' | 'httpsPort'>,
): number {
  const found = {
    ...{ tcp: ports.port, starttls: ports.port, direct: ports.directTlsPort },
    ...{ edge: ports.edgePort, websocket: ports.httpsPort },
  }[transport];
  if (found === undefined) throw new Error(`nothing is measured by ${transport} there`);
  return found;
}
