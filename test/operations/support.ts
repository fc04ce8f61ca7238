/** Services for tests of operations: the real heart in memory, and the rest as plain values. */
import type { CertificateInfo } from '../../src/certs/types.ts';
import type { Fault } from '../../src/config/document.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { type Audit, auditMigrations, createAudit } from '../../src/core/audit.ts';
import { createAuthority } from '../../src/core/authority.ts';
import { createOperations, type Operations } from '../../src/core/operation.ts';
import { createWatch, type Watch } from '../../src/core/watch.ts';
import {
  type BareJid,
  bareOf,
  type Domain,
  type FullJid,
  parseBare,
  parseDomain,
} from '../../src/jid/jid.ts';
import { archive } from '../../src/modules/archive/index.ts';
import { portable } from '../../src/modules/portable/index.ts';
import type { Lookup, TlsaRecord } from '../../src/operations/dns-lookup.ts';
import type {
  FederationRules,
  FederationService,
} from '../../src/operations/federation-service.ts';
import { allOperations } from '../../src/operations/index.ts';
import type { PortState } from '../../src/operations/port-probe.ts';
import type { Services } from '../../src/operations/services.ts';
import { readStanza, type Stanza } from '../../src/stanza/stanza.ts';
import { openStore } from '../../src/store/store.ts';
import { ARCHIVED } from '../support/archived.ts';
import { rulesInMemory } from '../support/federation-side.ts';
import { noRooms } from '../support/rooms.ts';
import { parse, type Scene, startScene } from '../support/scene.ts';

/** What a test may set about the world around the operations. */
export interface World {
  faults: Fault[];
  warnings: Fault[];
  /** Of all certificates. */
  doubts: string[];
  admins: BareJid[];
  certificates: CertificateInfo[];
  isServing: boolean;
  port: PortState;
  answers: boolean;
  lookup: Lookup;
  federation: FederationService | undefined;
  readonly federationRules: FederationRules;
  roomBytes: number;
}

/** A desk from which operations are run. */
export interface Desk {
  readonly scene: Scene;
  readonly operations: Operations;
  readonly world: World;
  readonly watch: Watch;
  readonly audit: Audit;
  /** What the operations work with. */
  readonly services: Services;
  readonly imported: unknown[];
  /** Runs an operation as root. */
  run(name: string, input?: unknown): ReturnType<Operations['run']>;
  /** Runs one that must succeed; answers its value. */
  value(name: string, input?: unknown): Promise<Record<string, unknown>>;
  /** Runs one that must fail; answers `why: text`. */
  refusal(name: string, input?: unknown): Promise<string>;
  stop(): Promise<void>;
}

/** The bare JID of a text that is one. */
export function bare(raw: string): BareJid {
  const parsed = parseBare(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

/** The domain of a text that is one. */
export function domainNamed(raw: string): Domain {
  const parsed = parseDomain(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

/** A stanza as a session sends it. */
export function stanza(xml: string, from: FullJid): Stanza {
  const read = readStanza(parse(xml), { from, defaultTo: bareOf(from) });
  if (!read.ok) throw new Error(read.text);
  return read.stanza;
}

/** A certificate that an authority has signed. */
export function certificate(
  domain: string,
  changes: Partial<CertificateInfo> = {},
): CertificateInfo {
  return {
    domain: domainNamed(domain),
    source: 'imported',
    subject: `CN=${domain}`,
    issuer: "C=US\nO=Let's Encrypt\nCN=R11",
    names: [domain],
    notBefore: Date.UTC(2025, 11, 1),
    notAfter: Date.UTC(2026, 5, 1),
    fingerprint: 'AA:BB',
    publicKeySha256: 'aabb',
    keyType: 'EC P-256',
    selfSigned: false,
    chainLength: 2,
    certificateFile: `/data/certs/${domain}.pem`,
    keyFile: `/data/certs/${domain}.key`,
    problems: [],
    ...changes,
  };
}

/** A look-up that answers from a table of names. */
export function lookupOf(table: {
  addresses?: Record<string, string[]>;
  srv?: Record<string, [target: string, port: number][]>;
  tlsa?: Record<string, TlsaRecord[]>;
}): Lookup {
  return {
    addresses: async (name) => ({ ok: true, records: table.addresses?.[name] ?? [] }),
    srv: async (name) => ({
      ok: true,
      records: (table.srv?.[name] ?? []).map(([target, port]) => ({
        target,
        port,
        priority: 0,
        weight: 5,
      })),
    }),
    tlsa: async (name) => ({ ok: true, records: table.tlsa?.[name] ?? [] }),
  };
}

/** The config of a checkout without any file. */
export async function developmentConfig(): Promise<Config> {
  const sections = { server: {}, modules: [] };
  const loaded = await loadConfig({ env: {}, cwd: '/nonexistent', sections });
  if (!loaded.ok) throw new Error('the development config has faults');
  return loaded.config;
}

/** Sets a desk up with some accounts; their domains are the hosts. */
export async function setDesk(accounts: readonly string[]): Promise<Desk> {
  const scene = await startScene({ modules: ARCHIVED, accounts });
  const { clock, log, sessions, hosts, registry } = scene;
  const store = await openStore({
    file: ':memory:',
    clock,
    log: log.area('store'),
    migrations: [{ owner: 'audit', migrations: auditMigrations }],
  });
  const world: World = {
    faults: [],
    warnings: [],
    doubts: [],
    admins: [],
    certificates: [],
    isServing: true,
    port: { kind: 'free' },
    answers: true,
    lookup: lookupOf({}),
    federation: undefined,
    federationRules: rulesInMemory(),
    roomBytes: 1e12,
  };
  const audit = createAudit(store, clock);
  const watch = createWatch(clock);
  const current = await developmentConfig();
  const imported: unknown[] = [];
  const services: Services = {
    clock,
    log,
    accounts: scene.accounts,
    sessions,
    devices: scene.devices,
    hosts,
    authority: createAuthority({
      accounts: scene.accounts,
      hosts,
      operators: () => world.admins,
    }),
    registry,
    audit,
    watch,
    stories: { isOn: () => true, find: scene.tales },
    removeAccount: registry.removeAccount,
    doubts: async () => world.doubts,
    config: {
      current: () => current,
      check: async () => ({ faults: world.faults, warnings: world.warnings }),
      show: () => 'listeners: …\n',
      reference: () => 'all keys',
      reload: async () =>
        world.faults.length === 0
          ? { ok: true, changed: ['log.level'], warnings: world.warnings }
          : { ok: false, faults: world.faults },
    },
    archives: registry.apiOf(archive).service,
    portable: registry.apiOf(portable).service,
    components: { list: () => [] },
    rooms: noRooms,
    certificates: {
      info: (domain) => world.certificates.find((each) => each.domain === domain),
      list: () => world.certificates,
      async generateSelfSigned(domain) {
        world.certificates.push(
          certificate(domain, { source: 'self-signed', selfSigned: true, issuer: `CN=${domain}` }),
        );
      },
      requestCertificate: async (domain) => ({
        csrPem: `CSR for ${domain}\n`,
        csrFile: 'x.csr',
        keyFile: 'x.key',
      }),
      async importCertificate(given) {
        imported.push(given);
        return { ok: false, problems: ['it does not name it', 'it expired'] };
      },
    },
    runtime: {
      version: '1.2.3',
      node: 'v20',
      pid: 42,
      since: clock.now(),
      get isServing() {
        return world.isServing;
      },
      specs: [{ name: 'ping', spec: 'XEP-0199', version: '2.0', covers: 'complete', note: '' }],
      listeners: () => [{ name: 'c2s', address: '127.0.0.1', port: 5222 }],
      memoryBytes: () => 1024,
      storeBytes: async () => 2048,
      roomBytes: async () => world.roomBytes,
      backUp: async () => ({ file: '/data/backups/rtcd.sqlite', bytes: 2048 }),
      store: store.stats(),
      console: () => undefined,
    },
    lookup: () => world.lookup,
    ports: { state: async () => world.port, answers: async () => world.answers },
    federation: () => world.federation,
    federationRules: world.federationRules,
  };
  const operations = createOperations(allOperations(services), {
    audit,
    log: log.area('operations'),
    mayRun: () => true,
    domains: () => scene.hosts.all().map(({ domain }) => domain),
  });
  const run = (name: string, input?: unknown) =>
    operations.run(name, input, { name: 'root', via: 'socket' });
  return {
    scene,
    operations,
    world,
    watch,
    audit,
    services,
    imported,
    run,
    async value(name, input) {
      const outcome = await run(name, input);
      if (!outcome.ok) throw new Error(`${name}: ${outcome.why}: ${outcome.text}`);
      const { output } = operations.find(name) ?? {};
      return (output?.parse(outcome.value) ?? {}) as Record<string, unknown>;
    },
    async refusal(name, input) {
      const outcome = await run(name, input);
      return outcome.ok ? 'it was done' : `${outcome.why}: ${outcome.text}`;
    },
    async stop() {
      await scene.stop();
      await store.close();
    },
  };
}
