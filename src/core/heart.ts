/** Puts the heart together: accounts, sessions, router and modules, each given what it needs. */
import type { HostConfig } from '../config/schema.ts';
import type { Domain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { LogRoot } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import type { OwnedMigrations, Store } from '../store/store.ts';
import { type Accounts, accountMigrations, createAccounts } from './accounts.ts';
import { attempt } from './attempt.ts';
import { auditMigrations } from './audit.ts';
import { type Authority, createAuthority } from './authority.ts';
import { createDelivery } from './delivery.ts';
import { deviceMigrations } from './device-tables.ts';
import { createDevices, type Devices } from './devices.ts';
import { createHosts, type Hosts } from './hosts.ts';
import type { AnyModule, ServerTerms } from './module.ts';
import { createRegistry, type ModuleSettings, type Registry } from './registry.ts';
import { createRouter, type Router } from './router.ts';
import { secretMigrations } from './secret.ts';
import { createSessions, type Sessions } from './sessions.ts';
import type { Story } from './story.ts';
import { storyMigrations } from './story-log.ts';
import { createTokens, type Tokens } from './tokens.ts';
import type { Web } from './web.ts';

/** What the heart is made with. */
export interface HeartOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: LogRoot;
  readonly metrics: Metrics;
  readonly story: Story;
  /** In their order: it is that of their hooks. */
  readonly modules: readonly AnyModule[];
  readonly settings: ModuleSettings;
  /** The server-wide config as it stands. */
  server(): ServerTerms;
  /** See {@link createAccounts}. */
  readonly fakeSeed: Buffer;
  /** The key of tokens, which is not in the database. */
  readonly tokenKey: Buffer;
  readonly web: Web;
}

/** The heart of a server, beating without any socket. */
export interface Heart {
  readonly accounts: Accounts;
  readonly authority: Authority;
  readonly hosts: Hosts;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly tokens: Tokens;
  readonly router: Router;
  readonly registry: Registry;
  readonly story: Story;
  /** Serves exactly these hosts from now on, with their modules by the settings as they stand. */
  serve(hosts: readonly HostConfig[]): void;
  /** Ends the modules, and writes what was still to be noted. */
  stop(): Promise<void>;
}

/** The migrations of the core and of all modules, whether they are switched on or not. */
export function migrationsOf(modules: readonly AnyModule[]): readonly OwnedMigrations[] {
  return [
    { owner: 'accounts', migrations: accountMigrations },
    { owner: 'devices', migrations: deviceMigrations },
    { owner: 'audit', migrations: auditMigrations },
    { owner: 'secrets', migrations: secretMigrations },
    { owner: 'story', migrations: storyMigrations },
    ...modules.map(({ name, tables }) => ({ owner: name, migrations: tables })),
  ];
}

/** Makes the heart; it serves no host yet. */
export function createHeart(options: HeartOptions): Heart {
  const { store, clock, log, metrics, story, modules, settings } = options;
  const accounts = createAccounts(store, clock, options.fakeSeed);
  const hosts = createHosts();
  const operators = () => options.server().admins;
  const authority = createAuthority({ accounts, hosts, operators });
  const hooksOf = (host: Domain) => hosts.get(host)?.dispatch;
  const sessions = createSessions({
    bound(session) {
      for (const hook of hooksOf(session.host)?.sessionBound ?? []) hook(session);
    },
    async presenceChanged(session, before) {
      for (const hook of hooksOf(session.host)?.presenceChanged ?? []) await hook(session, before);
    },
    async ended(session, end) {
      if (session.device !== undefined)
        devices.left({ account: session.account, id: session.device.id });
      // One that fails keeps no other from it: contacts and rooms must not see a ghost.
      for (const hook of hooksOf(session.host)?.sessionEnded ?? [])
        await attempt(
          () => hook(session, end),
          (error) => {
            metrics.errors.inc({ area: 'sessions' });
            log.area('sessions').error({ err: error, jid: session.jid }, 'a session left traces');
          },
        );
    },
    counted: (host, count) => metrics.sessions.set({ host }, count),
  });
  const kept = () => options.server().devices;
  const devices = createDevices({
    store,
    clock,
    accounts,
    log: log.area('devices'),
    settings: kept,
    *present() {
      for (const { account, device } of sessions.all())
        if (device !== undefined) yield { account, id: device.id };
    },
    revoked: ({ account, id }) => registry.deviceRevoked(account, id),
  });
  const tokens = createTokens({ store, clock, devices, key: options.tokenKey, settings: kept });
  const router = createRouter({
    hosts,
    accounts,
    authority,
    sessions,
    delivery: createDelivery(sessions),
    metrics,
    story,
    log: log.area('router'),
    clock,
  });
  const registry = createRegistry({
    modules,
    settings,
    store,
    clock,
    log,
    metrics,
    hosts,
    accounts,
    authority,
    sessions,
    story,
    devices,
    web: options.web,
    server: options.server,
    route: router.route,
    ask: router.ask,
  });
  return {
    accounts,
    authority,
    hosts,
    sessions,
    devices,
    tokens,
    router,
    registry,
    story,
    async stop() {
      await registry.stop();
      await devices.stop();
    },
    serve(configs) {
      hosts.replace(
        configs.map((config) => ({
          domain: config.virtualHost,
          config,
          dispatch: registry.dispatchFor(config.virtualHost),
          ways: registry.waysFor(config),
        })),
      );
      registry.configured();
    },
  };
}
