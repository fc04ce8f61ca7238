/**
 * Builds everything but the open ports: what the server and `rtcd operate` have in common. Ended in
 * reverse by `close`.
 */
import { mkdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { c2sMigrations } from '../c2s/handover.ts';
import { openCertificates } from '../certs/certificates.ts';
import type { CertificateSettings, Certificates } from '../certs/types.ts';
import { type ComponentSide, createComponents } from '../component/side.ts';
import { formatFault } from '../config/check.ts';
import { componentsOf } from '../config/components.ts';
import { type Loaded, type LoadOptions, loadConfig } from '../config/load.ts';
import { publicUrlOf, webListenerOf } from '../config/public-url.ts';
import type { Config } from '../config/schema.ts';
import { createAudit } from '../core/audit.ts';
import type { Authority } from '../core/authority.ts';
import { specLines } from '../core/conformance.ts';
import { createHeart, type Heart, migrationsOf } from '../core/heart.ts';
import { createOperations, type Operations } from '../core/operation.ts';
import { loadSecret } from '../core/secret.ts';
import { createWatch, type Watch } from '../core/watch.ts';
import type { Web } from '../core/web.ts';
import { createClientOf } from '../http/client.ts';
import type { Domain } from '../jid/jid.ts';
import { type Clock, systemClock } from '../kit/clock.ts';
import { deferred } from '../kit/deferred.ts';
import { createLog, type LogRoot } from '../kit/log.ts';
import { createMetrics, type Metrics } from '../kit/metrics.ts';
import { PROGRAM } from '../kit/program.ts';
import type { ProxyGate } from '../kit/proxy-gate.ts';
import { archive } from '../modules/archive/index.ts';
import { commands } from '../modules/commands/index.ts';
import { groupRooms } from '../modules/group-rooms/index.ts';
import { modules } from '../modules/index.ts';
import { portable } from '../modules/portable/index.ts';
import { serverInfo } from '../modules/server-info/index.ts';
import type { FederationService } from '../operations/federation-service.ts';
import { allOperations } from '../operations/index.ts';
import { machinePorts } from '../operations/port-probe.ts';
import type { ListenerInfo, RuntimeService } from '../operations/services.ts';
import type { Dns } from '../s2s/dns.ts';
import { createDnsClient } from '../s2s/dns-client.ts';
import { loadPolicy, type Policy } from '../s2s/policy.ts';
import { s2sMigrations } from '../s2s/tables.ts';
import { openStore, type Store, StoreError } from '../store/store.ts';
import { backUp } from './backup.ts';
import { createConfigService, type RunningConfig } from './config-service.ts';
import { createDoubts } from './doubts.ts';
import { createGate } from './gate.ts';
import { loadKey } from './key-file.ts';
import { createLookup } from './lookup.ts';
import { StartError } from './start-error.ts';
import { openStories, type Stories } from './stories.ts';

/** How to build. */
export interface AssembleOptions {
  /** What `--config` names. */
  readonly configFile: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether this is the server, rather than one operation on a stopped one. */
  readonly isServing: boolean;
  /** The time by which everything here goes; the machine's own if absent. */
  readonly clock?: Clock;
}

/** A server without its ports. */
export interface Assembled {
  readonly clock: Clock;
  readonly log: LogRoot;
  readonly metrics: Metrics;
  readonly store: Store;
  /** Resolves if the database fails while it is open: nothing can be kept any more. */
  readonly failed: Promise<void>;
  readonly heart: Heart;
  readonly web: Web;
  readonly certificates: Certificates;
  /** By which connections come that proxies speak for. */
  readonly gate: ProxyGate;
  /** The side of components, without its port. */
  readonly components: ComponentSide;
  readonly authority: Authority;
  readonly watch: Watch;
  readonly stories: Stories;
  /** With which other servers our domains talk. */
  readonly policy: Policy;
  /** See `C2sServices.resourceKey`. */
  readonly resourceKey: Buffer;
  readonly operations: Operations;
  /** The config in force, and its replacement. */
  readonly running: RunningConfig;
  /** Tells the operations what is listened on, once that is known. */
  showListeners(list: () => readonly ListenerInfo[], console: () => string | undefined): void;
  /** Gives the operations the side of other servers. */
  showFederation(service: FederationService): void;
  close(): Promise<void>;
}

/** How the config is looked for and checked. */
export function loadOptions({ configFile, env, cwd }: AssembleOptions): LoadOptions {
  return { file: configFile, env, cwd, sections: { server: {}, modules } };
}

/**
 * Builds.
 * @throws StartError with what the admin has to know
 */
export async function assemble(options: AssembleOptions): Promise<Assembled> {
  const loaded = await loadConfig(loadOptions(options));
  if (!loaded.ok)
    throw new StartError(['The config has faults:', ...loaded.faults.map(formatFault)].join('\n'));
  const { server } = loaded.config;
  const { clock = systemClock } = options;
  const log = createLog(
    options.isServing ? server.log : { level: 'silent' }, // an operation's answer is all it prints
  );
  const metrics = createMetrics({ process: options.isServing });
  const failed = deferred<void>();
  const store = await openDatabase(loaded, { clock, log, metrics }, failed.resolve);
  try {
    return await build(options, loaded, { clock, log, metrics, store, failed: failed.promise });
  } catch (error) {
    await store.close();
    throw error;
  }
}

interface Base {
  readonly clock: Clock;
  readonly log: LogRoot;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly failed: Promise<void>;
}

async function openDatabase(
  { config }: Loaded,
  { clock, log, metrics }: Omit<Base, 'store' | 'failed'>,
  failed: () => void,
): Promise<Store> {
  const { data, store } = config.server;
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
    const opened = await openStore({
      file: databaseFile(data),
      clock,
      log: log.area('store'),
      migrations: [
        ...migrationsOf(modules),
        { owner: 'c2s', migrations: c2sMigrations },
        { owner: 's2s', migrations: s2sMigrations },
      ],
      synchronous: store.synchronous,
      groupMs: store.groupMs,
      onCommit({ size, ms }) {
        metrics.commitSeconds.observe(ms / 1000);
        metrics.commitSize.observe(size);
        metrics.storeQueue.set(opened.stats().queued);
      },
      onFailure: failed,
    });
    return opened;
  } catch (error) {
    if (error instanceof StoreError) throw new StartError(`The database: ${error.message}.`);
    throw new StartError(`The data folder ${data} cannot be used: ${messageOf(error)}.`);
  }
}

const databaseFile = (folder: string) => join(folder, 'rtcd.sqlite');
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

async function build(options: AssembleOptions, loaded: Loaded, base: Base): Promise<Assembled> {
  const { clock, log, metrics, store } = base;
  const { data } = loaded.config.server; // what a reload says of it is for the next start
  const running: RunningConfig = createConfigService(loaded, loadOptions(options));
  let listeners: () => readonly ListenerInfo[] = () => [];
  const web: Web = {
    clientOf: createClientOf(loaded.config.server.http.trustedProxies),
    publicUrl: (host) => publicUrl(running.current(), host, listeners()),
  };
  const stories = openStories({
    ...base,
    isServing: options.isServing,
    settings: () => running.current().server.story,
  });
  const heart = createHeart({
    store,
    clock,
    log,
    metrics,
    story: stories.story,
    modules,
    web,
    server: () => running.current().server,
    settings: {
      standing: () => running.current().hosts,
      of: ({ name }, domain) =>
        running.current().hosts.find((host) => host.virtualHost === domain)?.modules[name] ?? false,
    },
    fakeSeed: await loadSecret(store, 'unknown users'),
    tokenKey: await loadKey(join(data, 'tokens.key')),
  });
  const { accounts, authority, hosts, sessions, devices, registry } = heart;
  heart.serve(loaded.config.hosts);
  const certificates = await openCertificates({
    ...certificateSettings(loaded.config),
    folder: join(data, 'certs'),
    log: log.area('certs'),
    clock,
  });
  const gate = createGate(clock, log.area('server'), running.current);
  const components = createComponents({
    ...heart,
    gate,
    metrics,
    log: log.area('component'),
    clock,
    limits() {
      const { limits, s2s } = running.current().server;
      return { ...limits, stanzaBytes: s2s.stanzaBytes };
    },
  });
  const audit = createAudit(store, clock);
  const watch = createWatch(clock);
  const settings = () => running.current().server.s2s;
  const policy = await loadPolicy({ store, hosts, settings });
  let console: () => string | undefined = () => undefined;
  let federation: FederationService | undefined;
  const runtime: RuntimeService = {
    version: PROGRAM.version,
    node: process.version,
    pid: process.pid,
    since: clock.now(),
    isServing: options.isServing,
    specs: specLines(modules),
    listeners: () => listeners(),
    memoryBytes: () => process.memoryUsage.rss(),
    storeBytes: () => sizeOf(databaseFile(data)),
    roomBytes: () => statfs(data).then(({ bavail, bsize }) => bavail * bsize),
    backUp: () => backUp(store, join(data, 'backups'), clock.now()),
    get store() {
      return store.stats();
    },
    console: () => console(),
  };
  const operations = createOperations(
    [
      ...allOperations({
        clock,
        log,
        accounts,
        sessions,
        devices,
        hosts,
        authority,
        registry,
        audit,
        watch,
        stories: stories.service,
        removeAccount: registry.removeAccount,
        config: running,
        certificates,
        doubts: createDoubts({
          clock,
          certificates,
          authorities: () => running.current().server.s2s.authorities,
        }),
        components,
        rooms: registry.apiOf(groupRooms),
        archives: registry.apiOf(archive).service,
        portable: registry.apiOf(portable).service,
        runtime,
        lookup: (servers) => createLookup(dnsFor(servers, clock, running)),
        ports: machinePorts,
        federation: () => federation,
        federationRules: {
          list: policy.rules,
          async set(rule) {
            await policy.set(rule);
            federation?.enforce();
          },
          async unset(rule) {
            const wasSaid = await policy.unset(rule);
            federation?.enforce();
            return wasSaid;
          },
        },
      }),
      ...registry.operations,
    ],
    {
      audit,
      log: log.area('operations'),
      mayRun: authority.mayRun,
      domains: () => hosts.all().map(({ domain }) => domain),
    },
  );
  registry.apiOf(commands).useOperations(operations);
  return {
    ...base,
    heart,
    web,
    certificates,
    components,
    gate,
    authority,
    watch,
    stories,
    policy,
    resourceKey: await loadSecret(store, 'resources'),
    operations,
    running,
    showListeners(list, address) {
      listeners = list;
      console = address;
    },
    showFederation(service) {
      federation = service;
      registry.apiOf(serverInfo).usePairs(() => service.list());
    },
    async close() {
      await heart.stop();
      certificates.close();
      await stories.close();
      await store.close();
    },
  };
}

/** The public address of a host; that of the first one for a host that is no longer served. */
function publicUrl(config: Config, host: Domain, open: readonly ListenerInfo[]): string {
  const found = config.hosts.find(({ virtualHost }) => virtualHost === host) ?? config.hosts[0];
  if (found === undefined) throw new Error('there are no hosts');
  const web = webListenerOf(config.server);
  return publicUrlOf(config, found, open.find(({ name }) => name === web)?.port);
}

/** A client of the servers that are named, or else of those that the config has. */
function dnsFor(servers: readonly string[], clock: Clock, running: RunningConfig): Dns {
  return createDnsClient({
    clock,
    settings() {
      const { dns } = running.current().server;
      return { servers: servers.length > 0 ? servers : dns.servers, timeoutMs: dns.timeout };
    },
  });
}

/** What the certificates room needs to know of a config. */
export function certificateSettings({ hosts, server }: Config): CertificateSettings {
  return {
    hosts: hosts.map((host) => ({
      domain: host.virtualHost,
      // Who uploads is here already: no TLS is made to the name of that service.
      names: componentsOf(host)
        .filter(({ config }) => config.type !== 'upload')
        .map(({ domain }) => domain),
      files: host.ssl,
    })),
    searchDirs: server.certificates,
    tls: server.tls,
  };
}

/** The bytes of the database and its journal. */
async function sizeOf(file: string): Promise<number> {
  const sizes = await Promise.all(
    [file, `${file}-wal`].map((each) =>
      stat(each).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
