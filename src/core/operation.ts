/**
 * Admin operations: each is written once, with its schema and effect, and appears as an `rtcctl`
 * command, a console action and a REST endpoint (DESIGN D6). Faces call {@link Operations.run};
 * nothing else decides who may, checks the input or writes the audit log.
 */
import { z } from 'zod';
import type { Jid } from '../jid/jid.ts';
import type { Logger } from '../kit/log.ts';
import { StoreError, type StoreErrorKind } from '../store/errors.ts';
import type { HostPermission, Permission } from './authority.ts';
import type { MaybePromise } from './hooks.ts';
import { fieldFaults } from './operation-faults.ts';

/** Why an operation was not carried out. */
export type OperationProblem =
  | 'unknown-operation'
  | 'invalid-input'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'refused'
  | 'unavailable'
  | 'internal';

/** A problem, with a sentence for the admin and, for invalid input, the fault of each field. */
export interface OperationFailure {
  readonly ok: false;
  readonly why: OperationProblem;
  readonly text: string;
  readonly fields?: Readonly<Record<string, string>>;
}

/** What an operation ends with. */
export type OperationOutcome<O> =
  | {
      readonly ok: true;
      readonly value: O;
      /** The value in the operation's own words, where a face asked for them: see {@link inWords}. */
      readonly text?: string;
    }
  | OperationFailure;

/** Shorthand for a failure. */
export function failure(why: OperationProblem, text: string): OperationFailure {
  return { ok: false, why, text };
}

/** Shorthand for success. */
export function success<O>(value: O): OperationOutcome<O> {
  return { ok: true, value };
}

/** An outcome with the operation's own words beside the value, if it has some: for a face that has not its code. */
export function inWords(
  chosen: AnyOperation | undefined,
  outcome: OperationOutcome<unknown>,
): OperationOutcome<unknown> {
  if (!outcome.ok || chosen?.present === undefined) return outcome;
  // What an operation answers is what it presents; its types were forgotten by the registry only.
  const present = chosen.present as (value: unknown) => string;
  return { ...outcome, text: present(outcome.value) };
}

/** Who runs an operation and by which face. */
export interface Actor {
  /** The bare JID of an admin, or `root` for whoever may open the admin socket or the data folder. */
  readonly name: string;
  /** `setup` is the one-time link by which the first admin is made: only root could read it. */
  readonly via: 'socket' | 'console' | 'offline' | 'rest' | 'setup' | 'xmpp';
  /** The remote address, where there is one. */
  readonly remote?: string;
}

/** Bytes that a face brings along, such as a file that is uploaded: read once, or not at all. */
export type Source = AsyncIterable<Buffer>;

/**
 * An operation.
 *
 * - `effect`: a `read` changes nothing; a `change` is audited, and confirmed on pages; a `watch` is a
 *   read whose value is an {@link AsyncIterable} that ends by itself or when the face stops reading.
 * - `isAudited`: a read or watch of what is private is written to the audit log, too.
 * - `offline`: also works by `rtcctl` on a stopped server, straight on the data folder.
 * - `isSlow`: it may take long, so that `rtcctl` waits for it without an end.
 * - `positional`: input fields that `rtcctl` takes as plain arguments, in order; others are options.
 * - `secret`: input fields that `rtcctl` asks for without echo and that nobody logs.
 * - `told`: the input as the audit log has it, where a part of a field is secret.
 * - `about`: what a run is about, so that admins of its host may do it (`core/authority.ts`); without it,
 *   and where it says undefined, only operators may. A `host` that is left out is the admin's own.
 * - `present`: the value as text for a person; without it faces show it as a table.
 */
export interface Operation<I = unknown, O = unknown> {
  readonly name: string;
  /** The `rtcctl` words, e.g. `['user', 'list']` or `['adduser']`. */
  readonly command: readonly string[];
  readonly summary: string;
  readonly effect: 'read' | 'change' | 'watch';
  readonly isAudited: boolean;
  readonly offline: boolean;
  readonly isSlow: boolean;
  readonly positional: readonly string[];
  readonly secret: readonly string[];
  readonly input: z.ZodType<I>;
  readonly output: z.ZodType<O>;
  readonly told: ((input: I) => object) | undefined;
  readonly about: ((input: I) => MaybePromise<About>) | undefined;
  readonly present: ((value: O) => string) | undefined;
  readonly run: (
    input: I,
    actor: Actor,
    source?: Source,
  ) => Promise<OperationOutcome<O>> | OperationOutcome<O>;
}

/** The accounts, rooms or domains that a run is about. */
export type About = Jid | readonly Jid[] | undefined;

/** What {@link operation} takes: the {@link Operation} with its usual parts left out. */
export interface OperationSpec<S extends z.ZodObject, O extends z.ZodType> {
  readonly name: string;
  readonly command: readonly string[];
  readonly summary: string;
  readonly effect: 'read' | 'change' | 'watch';
  readonly isAudited?: boolean;
  readonly offline?: boolean;
  readonly isSlow?: boolean;
  readonly positional?: readonly (keyof z.output<S> & string)[];
  readonly secret?: readonly (keyof z.output<S> & string)[];
  readonly input: S;
  readonly output: O;
  readonly told?: (input: z.output<S>) => object;
  readonly about?: (input: z.output<S>) => MaybePromise<About>;
  readonly present?: (value: z.output<O>) => string;
  readonly run: (
    input: z.output<S>,
    actor: Actor,
    source?: Source,
  ) => Promise<OperationOutcome<z.output<O>>> | OperationOutcome<z.output<O>>;
}

/** An operation whose types the registry no longer needs to know. */
export type AnyOperation = Operation<never, unknown>;

/** Declares an operation; the types of `run` follow from the schemas. */
export function operation<S extends z.ZodObject, O extends z.ZodType>(
  spec: OperationSpec<S, O>,
): AnyOperation {
  const whole = {
    ...spec,
    isAudited: spec.isAudited ?? spec.effect === 'change',
    offline: spec.offline ?? false,
    isSlow: spec.isSlow ?? false,
    positional: spec.positional ?? [],
    secret: spec.secret ?? [],
    told: spec.told,
    about: spec.about,
    present: spec.present,
  };
  // The registry feeds `run` only with what `input` has parsed, so the types may be forgotten here.
  return whole as unknown as AnyOperation;
}

/** Writes what was done: who, from where, what, when (DESIGN D6). */
export interface AuditSink {
  /** Records one run of an operation; `input` comes without its secret fields. */
  record(entry: {
    readonly actor: Actor;
    readonly operation: string;
    readonly input: Readonly<Record<string, unknown>>;
    readonly outcome: 'done' | OperationProblem;
  }): Promise<void>;
}

/** All operations, and the only way to run one. */
export interface Operations {
  readonly list: readonly AnyOperation[];
  /** The operation of that name. */
  find(name: string): AnyOperation | undefined;
  /**
   * Checks that the actor may and that the input is right, runs, audits what is to be audited.
   * Never rejects: an unexpected error is logged and answered as `internal`.
   */
  run(
    name: string,
    input: unknown,
    actor: Actor,
    source?: Source,
  ): Promise<OperationOutcome<unknown>>;
}

/** What {@link createOperations} needs. */
export interface OperationsOptions {
  readonly audit: AuditSink;
  readonly log: Logger;
  /** What the actor may run; the one place that decides. */
  mayRun(actor: Actor): MaybePromise<Permission>;
  /** The domains that are served, of which examples are made; none if absent. */
  domains?(): readonly string[];
}

/** What the store refuses because of us; of the rest, such as a full disk, the admin hears. */
const BUGS: readonly StoreErrorKind[] = ['constraint', 'query'];

const withoutSecrets = (input: object, secret: readonly string[]) =>
  Object.fromEntries(Object.entries(input).filter(([key]) => !secret.includes(key)));

/** The input with the host of the admin who runs it, where the operation knows one that he left out. */
function withHost(chosen: AnyOperation, input: unknown, host: string): unknown {
  if (!(chosen.input instanceof z.ZodObject) || !('host' in chosen.input.shape)) return input;
  const given = typeof input === 'object' && input !== null ? input : {};
  return 'host' in given && given.host !== undefined ? given : { ...given, host };
}

async function mayTouchAll(permission: HostPermission, about: About): Promise<boolean> {
  const all = typeof about === 'string' ? [about] : (about ?? []);
  for (const jid of all) if (!(await permission.mayTouch(jid))) return false;
  return all.length > 0;
}

/** Gathers operations; two of the same name or command are a bug, so that throws. */
export function createOperations(
  list: readonly AnyOperation[],
  { audit, log, mayRun, domains = () => [] }: OperationsOptions,
): Operations {
  const byName = new Map(list.map((each) => [each.name, each]));
  const commands = new Set(list.map((each) => each.command.join(' ')));
  if (byName.size !== list.length || commands.size !== list.length)
    throw new Error('two operations share a name or a command');

  const forbidden = (actor: Actor, name: string) =>
    failure('forbidden', `${actor.name} may not ${name}.`);

  const attempt = async (
    chosen: AnyOperation,
    input: unknown,
    actor: Actor,
    { permission, source }: { permission: Permission; source: Source | undefined },
  ) => {
    const isBound = typeof permission === 'object';
    if (isBound && chosen.about === undefined) return forbidden(actor, chosen.name);
    const whole = isBound ? withHost(chosen, input, permission.host) : input;
    const parsed = z.safeParse(chosen.input, whole ?? {});
    if (!parsed.success) {
      const known = isBound ? [permission.host] : domains();
      const fields = fieldFaults(parsed.error, whole, known);
      const text = Object.entries(fields).map(([field, fault]) => `${field}: ${fault}`);
      return { ok: false, why: 'invalid-input', text: text.join('; '), fields } as const;
    }
    if (isBound && !(await mayTouchAll(permission, await chosen.about?.(parsed.data))))
      return forbidden(actor, `${chosen.name} with that`);
    const outcome = await chosen.run(parsed.data, actor, source);
    if (chosen.isAudited) {
      const told = withoutSecrets(chosen.told?.(parsed.data) ?? parsed.data, chosen.secret);
      const ended = outcome.ok ? 'done' : outcome.why;
      try {
        await audit.record({ actor, operation: chosen.name, input: told, outcome: ended });
      } catch (error) {
        const { name: operation, effect } = chosen;
        log.error({ err: error, actor, operation, input: told, outcome: ended }, 'not audited');
        // What is done is done, and its outcome is told; what is private is not shown to nobody's knowledge.
        if (effect !== 'change') throw error;
      }
    }
    return outcome;
  };

  return {
    list,
    find: (name) => byName.get(name),
    async run(name, input, actor, source) {
      const chosen = byName.get(name);
      if (chosen === undefined) return failure('unknown-operation', `There is no ${name}.`);
      try {
        const permission = await mayRun(actor);
        if (permission === false) return forbidden(actor, name);
        return await attempt(chosen, input, actor, { permission, source });
      } catch (error) {
        log.error({ err: error, operation: name }, 'an operation failed unexpectedly');
        if (error instanceof StoreError && !BUGS.includes(error.kind))
          return failure('unavailable', `The database: ${error.message}.`);
        return failure('internal', 'The server made a mistake; its log says which.');
      }
    },
  };
}
