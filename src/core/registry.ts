/** Sets up the modules in the order of their list, and derives what follows from what they declare. */
import { componentsOf } from '../config/components.ts';
import type { HostConfig } from '../config/schema.ts';
import { type BareJid, type Domain, domainOf } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { BoundedMap } from '../kit/limits.ts';
import type { LogRoot } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import { mergedReports } from '../stanza/form.ts';
import type { Iq, Stanza } from '../stanza/stanza.ts';
import type { Store } from '../store/store.ts';
import type { Accounts } from './accounts.ts';
import type { Authority } from './authority.ts';
import type { Devices } from './devices.ts';
import { buildDispatch, type Dispatch } from './dispatch.ts';
import { type MaybePromise, verdict } from './hooks.ts';
import type { Hosts } from './hosts.ts';
import type { Intake, Newcomer, Portion } from './intake.ts';
import type { AnyModule, Home, ModuleDefinition, ModuleParts, ServerTerms } from './module.ts';
import type { AnyOperation } from './operation.ts';
import { createRemoval, type RemoveAccount } from './removal.ts';
import type { RemoteRoute } from './router.ts';
import type { Session, Sessions } from './sessions.ts';
import type { Story } from './story.ts';
import type { ModuleWeb, Web } from './web.ts';

/** What the config says of modules; asked anew after each reload. */
export interface ModuleSettings {
  /** The hosts as the config has them: another list after each reload. */
  standing(): object;
  /** The value of `modules.<name>` as it stands for a host, or false where it is switched off. */
  of(module: AnyModule, host: Domain): unknown;
}

/** What modules are set up with. */
export interface RegistryOptions {
  readonly modules: readonly AnyModule[];
  readonly settings: ModuleSettings;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: LogRoot;
  readonly metrics: Metrics;
  readonly hosts: Hosts;
  readonly accounts: Accounts;
  readonly authority: Authority;
  readonly sessions: Sessions;
  readonly story: Story;
  readonly devices: Devices;
  readonly web: Web;
  /** The server-wide config as it stands. */
  server(): ServerTerms;
  route(stanza: Stanza): MaybePromise<void>;
  ask(request: Iq, timeoutMs: number): Promise<Iq | undefined>;
}

/** The modules that are set up. */
export interface Registry {
  /** The names of the modules that are on for a host, in their order. */
  enabled(host: Domain): ReadonlySet<string>;
  /** The handlers of a host, by the config as it stands. */
  dispatchFor(host: Domain): Dispatch;
  /** The ways to the components of a host that modules serve. */
  waysFor(config: HostConfig): ReadonlyMap<Domain, RemoteRoute>;
  /** Tells the modules that the hosts are served by a config, the first or another one. */
  configured(): void;
  /**
   * Tells the modules that the server is about to go down, while those they serve can hear of it. Never
   * rejects.
   */
  leave(): Promise<void>;
  /** Tells modules of their components that other hosts do not have, while those are still served. Never rejects. */
  retire(next: readonly HostConfig[]): Promise<void>;
  readonly operations: readonly AnyOperation[];
  /** What the modules serve over HTTP. */
  readonly web: readonly ModuleWeb[];
  /** The api of a module that is set up. */
  apiOf<Api>(module: ModuleDefinition<never, Api>): Api;
  /** What all modules remember of a session, by their names. */
  saveMemory(session: Session): Readonly<Record<string, unknown>>;
  /** Has them remember it again. */
  restoreMemory(session: Session, saved: Readonly<Record<string, unknown>>): void;
  readonly removeAccount: RemoveAccount;
  /** What all modules keep of an account (XEP-0227), those that are switched off too. */
  exported(account: BareJid): AsyncIterable<string>;
  /** Tells all modules, those that are switched off too, that a device is revoked. */
  deviceRevoked(account: BareJid, device: string): Promise<void>;
  /** Ends all, last set up first. Never rejects. */
  stop(): Promise<void>;
}

/** Sets up all modules; a module that `needs` one that does not stand before it is a bug. */
export function createRegistry(options: RegistryOptions): Registry {
  const { settings, log } = options;
  const done = new Map<string, { module: AnyModule; parts: ModuleParts }>();

  const isWanted = (module: AnyModule, host: Domain): boolean =>
    settings.of(module, host) !== false &&
    module.needs.every((name) => {
      const needed = done.get(name);
      return needed !== undefined && isWanted(needed.module, host);
    });
  /** What is on for whom, by the config as it stands: it is asked for each stream and stanza. */
  const standing = createStanding(
    () => (done.size < options.modules.length ? done.size : settings.standing()),
    (host) => {
      const wanted = [...done.values()].filter(({ module }) => isWanted(module, host));
      const featuresIn = (which: 'features' | 'accountFeatures') =>
        unique(wanted.flatMap(({ module }) => module[which]));
      return {
        parts: wanted,
        names: new Set(wanted.map(({ module }) => module.name)),
        features: { server: featuresIn('features'), account: featuresIn('accountFeatures') },
      };
    },
  );
  const enabledParts = (host: Domain) => standing(host).parts;
  const isEnabled = (module: AnyModule, host: Domain) => standing(host).names.has(module.name);
  const removeAccount = createRemoval({
    accounts: options.accounts,
    sessions: options.sessions,
    // Of all modules: one that is switched off may have kept something while it was on.
    hooks: () => [...done.values()].flatMap(({ parts }) => parts.hooks?.accountRemoved ?? []),
  });

  async function* exported(account: BareJid): AsyncIterable<string> {
    for (const { parts } of done.values()) {
      const found = parts.hooks?.exported?.(account);
      if (found !== undefined) yield* found;
    }
  }

  const imported = async (newcomer: Newcomer, portion: Portion): Promise<Intake | undefined> => {
    for (const { parts } of enabledParts(domainOf(newcomer.account))) {
      const taken = await parts.hooks?.imported?.(newcomer, portion);
      if (taken !== undefined) return taken;
    }
    return undefined;
  };

  const importEnded = async (newcomer: Newcomer): Promise<void> => {
    for (const { parts } of enabledParts(domainOf(newcomer.account)))
      await parts.hooks?.importEnded?.(newcomer);
  };

  for (const module of options.modules) {
    for (const name of [...module.needs, ...module.wants])
      if (!done.has(name)) throw new Error(`${module.name} needs ${name}, which is not set up`);
    const home: Home<never> = {
      // The config loader has checked the value with the module's own schema.
      configOf: (host) => settings.of(module, host) as never,
      isEnabled: (host) => isEnabled(module, host),
      store: options.store,
      clock: options.clock,
      log: log.area(module.name),
      metrics: options.metrics,
      hosts: options.hosts,
      accounts: options.accounts,
      authority: options.authority,
      sessions: options.sessions,
      story: options.story,
      devices: options.devices,
      server: options.server,
      removeAccount,
      exported,
      imported,
      importEnded,
      web: options.web,
      route: options.route,
      ask: options.ask,
      features: (host, target) => standing(host).features[target],
      serverForms: (host) =>
        mergedReports(enabledParts(host).flatMap(({ parts }) => parts.serverForms?.(host) ?? [])),
      has: (wanted, host) => isEnabled(wanted, host),
      use<Api>(needed: ModuleDefinition<never, Api>): Api {
        if (!module.needs.includes(needed.name) && !module.wants.includes(needed.name))
          throw new Error(`${module.name} uses ${needed.name} without needing it`);
        // `done` holds what that very definition's setup returned.
        return done.get(needed.name)?.parts.api as Api;
      },
    };
    done.set(module.name, { module, parts: module.setup(home) });
  }

  /** The domains of hosts that modules serve. */
  const servedBy = (hosts: readonly HostConfig[]) =>
    hosts.flatMap((host) =>
      componentsOf(host).flatMap(({ domain, config: { type } }) =>
        [...done.values()].flatMap(({ module, parts }) =>
          module.component?.type === type && host.modules[module.name] !== false
            ? [{ domain, module, parts }]
            : [],
        ),
      ),
    );
  /** One that fails keeps no other from it. */
  const orLogged = async ({ name }: AnyModule, what: string, work: () => MaybePromise<void>) => {
    try {
      await work();
    } catch (error) {
      options.metrics.errors.inc({ area: name });
      log.area(name).error({ err: error }, `the module could not ${what} in good order`);
    }
  };

  /** Last set up first: what those hold is written. */
  const inReverse = async (what: 'leave' | 'stop') => {
    for (const { module, parts } of [...done.values()].reverse())
      await orLogged(module, what, () => parts[what]?.());
  };

  return {
    enabled: (host) => standing(host).names,
    dispatchFor: (host) =>
      buildDispatch(enabledParts(host).map(({ module: { name }, parts }) => ({ name, ...parts }))),
    waysFor(config) {
      const { virtualHost } = config;
      const served = enabledParts(virtualHost);
      const ways = new Map<Domain, RemoteRoute>();
      for (const { domain, config: own } of componentsOf(config)) {
        if (own.type === 'external') continue;
        const found = served.find(({ module }) => module.component?.type === own.type);
        const receive = found?.parts.receive;
        ways.set(domain, (stanza) =>
          receive === undefined
            ? verdict.bounce({ condition: 'service-unavailable' })
            : receive(stanza, domain, virtualHost),
        );
      }
      return ways;
    },
    configured() {
      for (const { parts } of done.values()) parts.configured?.();
    },
    leave: () => inReverse('leave'),
    async retire(next) {
      const staying = servedBy(next);
      const stays = ({ domain, module }: (typeof staying)[number]) =>
        staying.some((each) => each.domain === domain && each.module === module);
      for (const each of servedBy(options.hosts.all().map(({ config }) => config)))
        if (!stays(each))
          await orLogged(each.module, 'leave', () => each.parts.componentLeaves?.(each.domain));
    },
    // `done` holds what that very definition's setup returned.
    apiOf: <Api>(module: ModuleDefinition<never, Api>) => done.get(module.name)?.parts.api as Api,
    operations: [...done.values()].flatMap(({ parts }) => parts.operations ?? []),
    web: [...done.values()].flatMap(({ parts }) => parts.web ?? []),
    saveMemory: (session) =>
      Object.fromEntries(
        enabledParts(session.host).flatMap(({ module, parts }) => {
          const saved = parts.memory?.save(session);
          return saved === undefined ? [] : [[module.name, saved]];
        }),
      ),
    restoreMemory(session, saved) {
      for (const { module, parts } of enabledParts(session.host))
        if (module.name in saved) parts.memory?.restore(session, saved[module.name]);
    },
    removeAccount,
    exported,
    async deviceRevoked(account, device) {
      for (const { parts } of done.values()) await parts.hooks?.deviceRevoked?.(account, device);
    },
    stop: () => inReverse('stop'),
  };
}

const unique = (names: readonly string[]) => [...new Set(names)].sort();

/** Domains for which is remembered what is on; there are about as many as hosts. */
const REMEMBERED = 1000;

/** Remembers what was found for a host for as long as something stays the same. */
function createStanding<Found>(
  basis: () => unknown,
  find: (host: Domain) => Found,
): (host: Domain) => Found {
  const known = new BoundedMap<Domain, Found>(REMEMBERED);
  let since: unknown;
  return (host) => {
    const now = basis();
    if (now !== since) known.clear();
    since = now;
    let found = known.get(host);
    if (found === undefined) {
      found = find(host);
      known.set(host, found);
    }
    return found;
  };
}
