/**
 * The shape of a module (DESIGN D5): one XEP, or one part of RFC 6121, in one place that declares
 * itself. disco, stream features, the config reference, the conformance table and migrations follow
 * from what it declares; the core does the sending.
 */
import type { z } from 'zod';
import type { ComponentModule } from '../config/components.ts';
import type { ServerConfig } from '../config/schema.ts';
import type { BareJid, Domain, Jid } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import type { Iq, Stanza } from '../stanza/stanza.ts';
import type { Migration, Store } from '../store/store.ts';
import type { Element } from '../xml/element.ts';
import type { Accounts } from './accounts.ts';
import type { Authority } from './authority.ts';
import type { Devices } from './devices.ts';
import type { DispatchParts } from './dispatch.ts';
import type { MaybePromise, Verdict } from './hooks.ts';
import type { Hosts } from './hosts.ts';
import type { Intake, Newcomer, Portion } from './intake.ts';
import type { AnyOperation } from './operation.ts';
import type { RemoveAccount } from './removal.ts';
import type { Session, Sessions } from './sessions.ts';
import type { Story } from './story.ts';
import type { ModuleWeb, Web } from './web.ts';

/** A specification that a module implements, for docs/conformance.md and the DOAP file. */
export type Spec = (
  | { readonly xep: number; readonly version: string }
  | { readonly rfc: number; readonly sections?: string }
) & {
  readonly covers: 'complete' | 'partial';
  readonly note?: string;
};

/** What modules may know of the server-wide config. */
export type ServerTerms = Pick<ServerConfig, 'limits' | 'admins' | 'devices' | 'data'>;

/** What a module remembers of sessions, as JSON. */
export interface SessionMemory {
  /** What there is to remember; undefined if nothing. */
  save(session: Session): unknown;
  /** Remembers it again, after a restart. What does not look right is ignored. */
  restore(session: Session, saved: unknown): void;
}

/** What the setup of a module returns. */
export interface ModuleParts<Api = unknown> extends DispatchParts {
  /** Data forms for the host's disco#info (XEP-0128); those of one `FORM_TYPE` are merged. */
  serverForms?(host: Domain): readonly Element[];
  readonly operations?: readonly AnyOperation[];
  /** What the module remembers of a session, for sessions that outlive the process (XEP-0198). */
  readonly memory?: SessionMemory;
  /**
   * Takes a stanza for a domain of this module's component, whose host is told; a bounce of it is sent
   * in the name of the address.
   */
  receive?(
    stanza: Stanza & { readonly to: Jid },
    domain: Domain,
    host: Domain,
  ): MaybePromise<Verdict>;
  /** What the module serves over HTTP. */
  readonly web?: ModuleWeb;
  /** What modules that `need` this one may use. */
  readonly api?: Api;
  /** The hosts are served by a config: at the start, and each time that another one is taken. */
  configured?(): void;
  /** A domain of this module's component is about to be served no more, while the server goes on. */
  componentLeaves?(domain: Domain): Promise<void>;
  /** The server is about to go down; streams are still up. */
  leave?(): Promise<void>;
  /** Ends what the module has running. */
  stop?(): Promise<void>;
}

/** What a module may touch; nothing else is reachable. */
export interface Home<C> {
  /** The module's config as it stands for a host. */
  configOf(host: Domain): C;
  /** Whether the module is switched on for a host. */
  isEnabled(host: Domain): boolean;
  /** The server-wide config as it stands. */
  server(): ServerTerms;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly hosts: Hosts;
  readonly accounts: Accounts;
  /** Who may what. */
  readonly authority: Authority;
  readonly sessions: Sessions;
  /** Takes notes of what the module does with messages. */
  readonly story: Story;
  readonly devices: Devices;
  readonly removeAccount: RemoveAccount;
  /** What all modules keep of an account, as XEP-0227 has it: elements as text. */
  exported(account: BareJid): AsyncIterable<string>;
  /** Has the module take it in whose it is; undefined if there is none, or it is switched off. */
  imported(newcomer: Newcomer, portion: Portion): Promise<Intake | undefined>;
  /** Tells all modules that nothing more comes of an account. */
  importEnded(newcomer: Newcomer): Promise<void>;
  /** How the outside reaches what is served over HTTP. */
  readonly web: Web;
  /** Sends a stanza that the server itself made (its `from` is set) on its way. */
  route(stanza: Stanza): MaybePromise<void>;
  /**
   * Sends a request in the name of a host or an account, and waits for the answer, a result or an
   * error; undefined when none comes in time.
   */
  ask(request: Iq, timeoutMs: number): Promise<Iq | undefined>;
  /** disco#info features of a host or its accounts, all modules' together, sorted. */
  features(host: Domain, target: 'server' | 'account'): readonly string[];
  /** XEP-0128 forms of a host, all modules' together. */
  serverForms(host: Domain): readonly Element[];
  /** Whether a module that this one `wants` is on for a host. */
  has(module: AnyModule, host: Domain): boolean;
  /** The api of a module that this one `needs` or `wants`. */
  use<Api>(module: ModuleDefinition<never, Api>): Api;
}

/** A module's declaration. */
export interface ModuleDefinition<C, Api> {
  readonly name: string;
  readonly specs: readonly Spec[];
  /** Names of modules that this one uses; they are set up before it and cannot be off without it. */
  readonly needs: readonly string[];
  /** Names of modules that this one uses where they are on; they are set up before it. */
  readonly wants: readonly string[];
  /** Features of the host in disco#info. */
  readonly features: readonly string[];
  /** Features of each account in disco#info. */
  readonly accountFeatures: readonly string[];
  /** The schema of `modules.<name>`; all of its fields have defaults. */
  readonly config: z.ZodType | undefined;
  /** The kind of component that it serves: a domain of a host that is no host. */
  readonly component: ComponentModule['component'];
  /** Whether a host has it unless the config says otherwise. */
  readonly isOnByDefault: boolean;
  readonly tables: readonly Migration[];
  setup(home: Home<C>): ModuleParts<Api>;
}

/** A module whose types the registry no longer needs to know. */
export type AnyModule = ModuleDefinition<never, unknown>;

/** What {@link defineModule} takes: a {@link ModuleDefinition} with its usual parts left out. */
export type ModuleSpec<C, Api> = Pick<ModuleDefinition<C, Api>, 'name' | 'specs' | 'setup'> &
  Partial<Omit<ModuleDefinition<C, Api>, 'name' | 'specs' | 'setup' | 'config'>> & {
    readonly config?: z.ZodType<C>;
  };

/** Declares a module. */
export function defineModule<C = undefined, Api = undefined>(
  spec: ModuleSpec<C, Api>,
): ModuleDefinition<C, Api> {
  return {
    needs: [],
    wants: [],
    features: [],
    accountFeatures: [],
    isOnByDefault: true,
    tables: [],
    config: undefined,
    component: undefined,
    ...spec,
  };
}
