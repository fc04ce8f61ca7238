/**
 * The shape of a module (DESIGN D5): one XEP, or one part of RFC 6121, in one place that declares
 * itself. disco, stream features, the config reference, the conformance table and migrations follow
 * from what it declares; the core does the sending.
 */
import type { z } from 'zod';
import type { ServerConfig } from '../config/schema.ts';
import type { BareJid, Domain, Jid } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { StanzaCondition, StanzaFailure } from '../stanza/condition.ts';
import type { Iq, Stanza } from '../stanza/stanza.ts';
import type { Migration, Store } from '../store/store.ts';
import type { Payload } from '../xml/codec.ts';
import type { Element } from '../xml/element.ts';
import type { Accounts } from './accounts.ts';
import type { Hooks, MaybePromise } from './hooks.ts';
import type { Hosts } from './hosts.ts';
import type { AnyOperation } from './operation.ts';
import type { RemoveAccount } from './removal.ts';
import type { Session, Sessions } from './sessions.ts';

/** A specification that a module implements, for docs/conformance.md and the DOAP file. */
export type Spec = (
  | { readonly xep: number; readonly version: string }
  | { readonly rfc: number; readonly sections?: string }
) & {
  readonly covers: 'complete' | 'partial';
  readonly note?: string;
};

/**
 * To whom an IQ is addressed: the `server` (a host's domain), the sender's own account (`self`: no
 * `to`, or the own bare JID), another local `account` (its bare JID), or `nobody`: the bare JID of an
 * account that does not exist here, for what must not tell the two apart.
 */
export type IqTarget = 'server' | 'self' | 'account' | 'nobody';

/** What modules may know of the server-wide config. */
export type ServerTerms = Pick<ServerConfig, 'limits' | 'admins'>;

/** An IQ request as a handler sees it. */
export interface IqRequest<T> {
  readonly iq: Iq;
  readonly payload: T;
  readonly from: Jid;
  /** The addressed account; for the target `server`, the host's domain. */
  readonly account: BareJid;
  readonly host: Domain;
  /** The local session that asks; undefined when the request came from elsewhere. */
  readonly session: Session | undefined;
}

/**
 * The answer to an IQ. `afterwards` runs after the answer was handed to the asker's stream, for what must
 * come after it (a roster push, the end of a removed account's streams).
 */
export type Reply =
  | {
      readonly kind: 'result';
      readonly payload: Element | undefined;
      readonly afterwards: (() => MaybePromise<void>) | undefined;
    }
  | { readonly kind: 'refuse'; readonly failure: StanzaFailure };

/** Makers of replies. */
export const reply = {
  result: (payload?: Element, afterwards?: () => MaybePromise<void>): Reply => ({
    kind: 'result',
    payload,
    afterwards,
  }),
  refuse: (condition: StanzaCondition, text?: string, app?: Element): Reply => ({
    kind: 'refuse',
    failure: { condition, text, app },
  }),
};

/** A handler of one kind of IQ, with its types forgotten; made by {@link onIq}. */
export interface IqRoute {
  readonly type: 'get' | 'set';
  readonly targets: readonly IqTarget[];
  /** Namespace and name of the payload, as {@link Payload.key}. */
  readonly key: string;
  handle(request: Omit<IqRequest<unknown>, 'payload'>, payload: Element): MaybePromise<Reply>;
}

/**
 * Declares a handler for IQs of a type, to some targets, that carry a payload. One that does not
 * decode is answered with bad-request, so that a handler sees only typed values.
 */
export function onIq<T>(
  type: 'get' | 'set',
  targets: readonly IqTarget[],
  payload: Payload<T>,
  handler: (request: IqRequest<T>) => MaybePromise<Reply>,
): IqRoute {
  return {
    type,
    targets,
    key: payload.key,
    handle(request, element) {
      const decoded = payload.decode(element);
      if (decoded === undefined) return reply.refuse('bad-request');
      return handler({ ...request, payload: decoded });
    },
  };
}

/** An IQ on a stream that is not authenticated yet (in-band registration, XEP-0077 §3.1). */
export interface EarlyIqRequest {
  readonly host: Domain;
  readonly type: 'get' | 'set';
  readonly payload: Element;
  /** The client's address, for limits. */
  readonly remote: string;
}

/** What a module brings to a stream's features. */
export interface StreamFeatureContext {
  readonly host: Domain;
  /** `early`: before authentication, over TLS where the host demands it; `authenticated`: after. */
  readonly phase: 'early' | 'authenticated';
}

/** What the setup of a module returns. */
export interface ModuleParts<Api = unknown> {
  readonly iq?: readonly IqRoute[];
  readonly hooks?: Hooks;
  /** Elements to offer in `<stream:features/>`. */
  streamFeatures?(context: StreamFeatureContext): readonly Element[];
  /** Answers an IQ before authentication; undefined when it is not this module's. */
  earlyIq?: { readonly key: string; handle(request: EarlyIqRequest): MaybePromise<Reply> };
  /** Data forms for the host's disco#info (XEP-0128). */
  serverForms?(host: Domain): readonly Element[];
  readonly operations?: readonly AnyOperation[];
  /** What modules that `need` this one may use. */
  readonly api?: Api;
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
  readonly hosts: Hosts;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly removeAccount: RemoveAccount;
  /** Sends a stanza that the server itself made (its `from` is set) on its way. */
  route(stanza: Stanza): MaybePromise<void>;
  /** disco#info features of a host or its accounts, all modules' together, sorted. */
  features(host: Domain, target: 'server' | 'account'): readonly string[];
  /** XEP-0128 forms of a host, all modules' together. */
  serverForms(host: Domain): readonly Element[];
  /** The api of a module that this one `needs`. */
  use<Api>(module: ModuleDefinition<never, Api>): Api;
}

/** A module's declaration. */
export interface ModuleDefinition<C, Api> {
  readonly name: string;
  readonly specs: readonly Spec[];
  /** Names of modules that this one uses; they are set up before it and cannot be off without it. */
  readonly needs: readonly string[];
  /** Features of the host in disco#info. */
  readonly features: readonly string[];
  /** Features of each account in disco#info. */
  readonly accountFeatures: readonly string[];
  /** The schema of `modules.<name>`; all of its fields have defaults. */
  readonly config: z.ZodType | undefined;
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
    features: [],
    accountFeatures: [],
    isOnByDefault: true,
    tables: [],
    config: undefined,
    ...spec,
  };
}
