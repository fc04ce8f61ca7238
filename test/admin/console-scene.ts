/** A console over real operations, accounts and certificates in memory, without main.ts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hono } from 'hono';
import { createAdmin, createApi, createSetup, type Setup } from '../../src/admin/index.tsx';
import { openCertificates } from '../../src/certs/certificates.ts';
import type { Config } from '../../src/config/schema.ts';
import { createAudit } from '../../src/core/audit.ts';
import type { Authority } from '../../src/core/authority.ts';
import type { AnyModule } from '../../src/core/module.ts';
import { createOperations, type Operations } from '../../src/core/operation.ts';
import { createRemoval } from '../../src/core/removal.ts';
import { createWatch, type Watch } from '../../src/core/watch.ts';
import { createClientOf, type HttpEnv } from '../../src/http/client.ts';
import { type BareJid, parseBare } from '../../src/jid/jid.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import { archive } from '../../src/modules/archive/index.ts';
import { portable } from '../../src/modules/portable/index.ts';
import { allOperations } from '../../src/operations/index.ts';
import type { RoomService } from '../../src/operations/room-service.ts';
import type { ComponentInfo } from '../../src/operations/services.ts';
import { ARCHIVED } from '../support/archived.ts';
import { type FederationWorld, federationOf, rulesInMemory } from '../support/federation-side.ts';
import { noRooms } from '../support/rooms.ts';
import { type Scene, startScene } from '../support/scene.ts';

/** The password of every account of a scene. */
export const PASSWORD = 'secret';

/** A console that plays. */
export interface ConsoleScene {
  readonly scene: Scene;
  readonly app: Hono<HttpEnv>;
  readonly operations: Operations;
  readonly authority: Authority;
  readonly setup: Setup;
  readonly watch: Watch;
  /** What is said of other servers. */
  readonly federation: FederationWorld;
  /** Aborts as a server does that stops. */
  readonly closing: AbortController;
  stop(): Promise<void>;
}

/** What a console is made of. */
export interface ConsoleOptions {
  /** The first is an admin unless `isWithoutAdmin`. */
  readonly accounts: readonly string[];
  readonly isWithoutAdmin?: boolean;
  readonly trustedProxies?: readonly string[];
  readonly metricsFrom?: readonly string[];
  readonly isConsoleOn?: () => boolean;
  readonly components?: readonly ComponentInfo[];
  /** None if absent. */
  readonly modules?: readonly AnyModule[];
  readonly rooms?: RoomService;
  /** Config of modules by name, laid over their defaults. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The data folder, for modules that keep files. */
  readonly data?: string;
}

/** The bare JID of a text that is one. */
export function bare(raw: string): BareJid {
  const parsed = parseBare(raw);
  if (!parsed.ok) throw new Error(`${raw}: ${parsed.why}`);
  return parsed.value;
}

/** Starts a console. */
export async function startConsole(options: ConsoleOptions): Promise<ConsoleScene> {
  const modules = [...new Set([...ARCHIVED, ...(options.modules ?? [])])];
  const scene = await startScene({
    modules,
    accounts: options.accounts,
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.data === undefined ? {} : { data: options.data }),
  });
  const { clock, accounts, sessions, hosts, store, registry, log } = scene;
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-console-'));
  const [first] = options.accounts;
  if (first !== undefined && options.isWithoutAdmin !== true)
    await accounts.setAdmin(bare(first), true);
  const certificates = await openCertificates({
    folder,
    log: log.area('certs'),
    clock,
    hosts: hosts.all().map(({ domain }) => ({ domain, names: [] })),
    searchDirs: [],
    tls: { minVersion: '1.2' },
  });
  const { authority } = scene;
  const watch = createWatch(clock);
  const audit = createAudit(store, clock);
  // Of the config, the operations read only these.
  const config = {
    file: undefined,
    hosts: [],
    server: {
      data: folder,
      listeners: {
        c2s: { enabled: true, port: 5222, interfaces: ['127.0.0.1'] },
        c2sTls: { enabled: true, port: 5223, interfaces: ['127.0.0.1'] },
        s2s: { enabled: true, port: 5269, interfaces: ['127.0.0.1'] },
        s2sTls: { enabled: true, port: 5270, interfaces: ['127.0.0.1'] },
        http: { enabled: true, port: 5280, interfaces: ['127.0.0.1'] },
        edge: { enabled: false, port: 443, interfaces: ['127.0.0.1'] },
      },
      edge: { serves: [] },
      s2s: { enabled: true },
    },
  } as unknown as Config;
  const federation: FederationWorld = {
    links: [],
    events: [],
    steps: () => {
      throw new Error('no examination is prepared');
    },
  };
  const federationRules = rulesInMemory();
  const side = federationOf(federation, federationRules);
  const list = allOperations({
    clock,
    log,
    accounts,
    sessions,
    devices: scene.devices,
    hosts,
    authority,
    registry,
    audit,
    watch,
    stories: { isOn: () => true, find: scene.tales },
    certificates,
    doubts: async () => [],
    archives: registry.apiOf(archive).service,
    portable: registry.apiOf(portable).service,
    components: { list: () => options.components ?? [] },
    rooms: options.rooms ?? noRooms,
    removeAccount: createRemoval({ accounts, sessions, hooks: () => [] }),
    config: {
      current: () => config,
      check: async () => ({ faults: [], warnings: [] }),
      show: () => '',
      reference: () => '',
      reload: async () => ({ ok: true, changed: [], warnings: [] }),
    },
    runtime: {
      version: '0.1.0',
      node: process.version,
      pid: process.pid,
      since: clock.now() - 93_784_000,
      isServing: true,
      specs: [
        { name: 'ping', spec: 'XEP-0199', version: '2.0.1', covers: 'complete', note: '' },
        { name: 'roster', spec: 'RFC 6121', version: '', covers: 'partial', note: 'no groups' },
      ],
      listeners: () => [
        { name: 'c2s', address: '*', port: 5222 },
        { name: 'c2sTls', address: '*', port: 5223 },
        { name: 'http', address: '127.0.0.1', port: 5280 },
      ],
      memoryBytes: () => 148_000_000,
      storeBytes: async () => 27_100_000,
      roomBytes: async () => 1e12,
      backUp: async () => ({ file: '/data/backups/rtcd.sqlite', bytes: 2048 }),
      store: store.stats(),
      console: () => undefined,
    },
    lookup: () => ({
      addresses: async () => ({ ok: true, records: [] }),
      srv: async () => ({ ok: true, records: [] }),
      tlsa: async () => ({ ok: true, records: [] }),
    }),
    ports: { state: async () => ({ kind: 'free' }), answers: async () => true },
    federation: () => side,
    federationRules,
  });
  const operations = createOperations([...list, ...registry.operations], {
    audit,
    log: log.area('operations'),
    mayRun: authority.mayRun,
  });
  const closing = new AbortController();
  const setup = createSetup(authority);
  const app = await createAdmin({
    operations,
    accounts,
    authority,
    setup,
    clock,
    log: log.area('admin'),
    metrics: createMetrics({ process: false }),
    version: '0.1.0',
    clientOf: createClientOf(options.trustedProxies),
    domains: () => hosts.all().map(({ domain }) => domain),
    isConsoleOn: options.isConsoleOn ?? (() => true),
    metricsFrom: options.metricsFrom ?? [],
    uploads: join(folder, 'console-uploads'),
    closing: closing.signal,
  });
  return {
    scene,
    app,
    operations,
    authority,
    setup,
    watch,
    federation,
    closing,
    async stop() {
      closing.abort();
      certificates.close();
      await scene.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** The API as the admin socket serves it. */
export function socketApi({ operations, scene, closing }: ConsoleScene): Hono<HttpEnv> {
  return createApi({
    operations,
    log: scene.log.area('admin'),
    version: '0.1.0',
    actorOf: () => ({ name: 'root', via: 'socket' }),
    takesSources: true,
    closing: closing.signal,
  });
}
