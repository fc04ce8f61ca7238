/** What the modules of a host brought, as flat lists and one map, built when a config is taken. */
import type { Domain } from '../jid/jid.ts';
import type { Element } from '../xml/element.ts';
import type { BindFeature } from './bind-feature.ts';
import type { Hooks, Judge, MaybePromise } from './hooks.ts';
import type { EarlyIqRequest, IqRoute, IqTarget, Reply } from './iq.ts';
import type { Session } from './sessions.ts';

/** What a module brings to a stream's features. */
export interface StreamFeatureContext {
  readonly host: Domain;
  /**
   * `early`: before authentication, over TLS where the host demands it; `authenticated`: after;
   * `bound`: after, where a resource was bound in the same step (XEP-0386).
   */
  readonly phase: 'early' | 'authenticated' | 'bound';
}

/** What a module does with an element beside stanzas that a bound session sends. */
export interface NonzaRoute {
  /** Namespace and name, as `Payload.key`. */
  readonly key: string;
  handle(session: Session, element: Element): void;
}

/** What a module brings to the handlers of a host. */
export interface DispatchParts {
  readonly iq?: readonly IqRoute[];
  readonly hooks?: Hooks;
  /**
   * Elements to offer in `<stream:features/>`; asked once for each config, since they depend on
   * nothing else.
   */
  streamFeatures?(context: StreamFeatureContext): readonly Element[];
  readonly nonzas?: readonly NonzaRoute[];
  /** What a session has asked of the module, in a word for admins; undefined if nothing. */
  sessionNote?(session: Session): string | undefined;
  /** What can be done for a session while it is bound (XEP-0386). */
  readonly bindFeatures?: readonly BindFeature[];
  /** Answers an IQ before authentication. */
  readonly earlyIq?: {
    readonly key: string;
    handle(request: EarlyIqRequest): MaybePromise<Reply>;
  };
}

/** A list of one kind of hook, in the order of modules/index.ts. */
type HookList<K extends keyof Hooks> = readonly NonNullable<Hooks[K]>[];

/** The same for hooks that give verdicts. */
type JudgeList<K extends keyof Hooks> = readonly Judge<NonNullable<Hooks[K]>>[];

/** The handlers of one host. */
export interface Dispatch {
  /** IQ handlers by `type target key`. */
  readonly iq: ReadonlyMap<string, IqRoute>;
  readonly fromAccount: JudgeList<'fromAccount'>;
  readonly asSent: HookList<'asSent'>;
  readonly broadcast: JudgeList<'broadcast'>;
  readonly toAccount: JudgeList<'toAccount'>;
  readonly handing: HookList<'handing'>;
  readonly rehand: HookList<'rehand'>;
  readonly handed: HookList<'handed'>;
  readonly undelivered: JudgeList<'undelivered'>;
  readonly kept: HookList<'kept'>;
  readonly blocked: HookList<'blocked'>;
  readonly sessionBound: HookList<'sessionBound'>;
  readonly presenceChanged: HookList<'presenceChanged'>;
  readonly sessionAsleep: HookList<'sessionAsleep'>;
  readonly sessionAwake: HookList<'sessionAwake'>;
  readonly sessionEnded: HookList<'sessionEnded'>;
  readonly domainChanged: HookList<'domainChanged'>;
  readonly accountRemoved: HookList<'accountRemoved'>;
  readonly earlyIq: ReadonlyMap<string, (request: EarlyIqRequest) => MaybePromise<Reply>>;
  /** By namespace and name. */
  readonly nonzas: ReadonlyMap<string, NonzaRoute>;
  /** What a session has asked of modules, each in a word. */
  sessionNotes(session: Session): readonly string[];
  readonly bindFeatures: readonly BindFeature[];
  /** Elements for `<stream:features/>` in a phase. */
  streamFeatures(context: StreamFeatureContext): readonly Element[];
}

/** The key of an IQ handler in {@link Dispatch.iq}. */
export function iqKey(type: string, target: IqTarget, payloadKey: string): string {
  return `${type} ${target} ${payloadKey}`;
}

/** Builds the handlers of a host from the parts of its enabled modules; two for one IQ are a bug. */
export function buildDispatch(
  parts: readonly (DispatchParts & { readonly name: string })[],
): Dispatch {
  const iq = new Map<string, IqRoute>();
  for (const route of parts.flatMap((part) => part.iq ?? [])) {
    for (const target of route.targets) {
      const key = iqKey(route.type, target, route.key);
      if (iq.has(key)) throw new Error(`two modules handle ${key}`);
      iq.set(key, route);
    }
  }
  const judges = <K extends keyof Hooks>(kind: K): JudgeList<K> =>
    parts.flatMap(({ name, hooks }) => {
      const hook = hooks?.[kind];
      return hook === undefined ? [] : [{ module: name, hook }];
    });
  const list = <K extends keyof Hooks>(kind: K): HookList<K> =>
    judges(kind).map(({ hook }) => hook);
  // They depend on the host's config only, and each config has a dispatch of its own.
  const features = new Map<StreamFeatureContext['phase'], readonly Element[]>();
  const early = parts.flatMap((part) => (part.earlyIq === undefined ? [] : [part.earlyIq]));
  return {
    iq,
    fromAccount: judges('fromAccount'),
    asSent: list('asSent'),
    broadcast: judges('broadcast'),
    toAccount: judges('toAccount'),
    handing: list('handing'),
    rehand: list('rehand'),
    handed: list('handed'),
    undelivered: judges('undelivered'),
    kept: list('kept'),
    blocked: list('blocked'),
    sessionBound: list('sessionBound'),
    presenceChanged: list('presenceChanged'),
    sessionAsleep: list('sessionAsleep'),
    sessionAwake: list('sessionAwake'),
    sessionEnded: list('sessionEnded'),
    domainChanged: list('domainChanged'),
    accountRemoved: list('accountRemoved'),
    earlyIq: new Map(early.map(({ key, handle }) => [key, handle])),
    nonzas: new Map(parts.flatMap((part) => part.nonzas ?? []).map((route) => [route.key, route])),
    sessionNotes: (session) => parts.flatMap((part) => part.sessionNote?.(session) ?? []),
    bindFeatures: parts.flatMap((part) => part.bindFeatures ?? []),
    streamFeatures(context) {
      const known = features.get(context.phase);
      if (known !== undefined) return known;
      const made = parts.flatMap((part) => part.streamFeatures?.(context) ?? []);
      features.set(context.phase, made);
      return made;
    },
  };
}
