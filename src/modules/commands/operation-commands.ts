/** Each operation that somebody may run, as a command of its own. */
import type { Authority } from '../../core/authority.ts';
import type { AnyOperation, Operations } from '../../core/operation.ts';
import { describeOperation, type OperationDescription } from '../../core/operation-description.ts';
import type { Asker, CommandSource, HostCommand, Stage } from './command.ts';
import { actorOf, failureFor, runAs } from './operating.ts';
import { resultForm } from './result-form.ts';
import { formOf, inputOf } from './schema-form.ts';

/** What the commands are made of. */
export interface OperationCommandOptions {
  readonly operations: Operations;
  readonly authority: Pick<Authority, 'mayRun'>;
  readonly domains: () => readonly string[];
  /** Operations for which there is another command. */
  readonly without: ReadonlySet<string>;
}

/** The node of an operation. */
export const nodeOf = (name: string) => `urn:rtcd:operation:${name}`;

/** Makes the source. */
export function createOperationCommands(options: OperationCommandOptions): CommandSource {
  const { operations, authority, domains, without } = options;
  const offered = operations.list.filter(
    ({ name, effect }) => effect !== 'watch' && !without.has(name),
  );
  const all = offered.map((operation) => ({
    operation,
    command: commandOf(operation, operations, domains),
  }));
  return async (asker) => {
    const permission = await authority.mayRun(actorOf(asker));
    if (permission === false) return [];
    return all
      .filter(({ operation }) => permission === true || operation.about !== undefined)
      .map(({ command }) => command);
  };
}

function commandOf(
  operation: AnyOperation,
  operations: Operations,
  domains: () => readonly string[],
): HostCommand {
  let known: OperationDescription | undefined;
  const description = () => {
    known ??= describeOperation(operation);
    return known;
  };
  const run = async (asker: Asker, input: object): Promise<Stage> => {
    const outcome = await runAs(operations, asker, operation.name, input);
    if (outcome.ok) return endOf(description(), outcome.value, operation);
    if (outcome.why === 'forbidden' || outcome.why === 'invalid-input')
      return { kind: 'refuse', failure: failureFor(outcome) };
    // XEP-0050 §3.6: it completes, and a note says that it failed.
    return { kind: 'end', notes: [{ type: 'error', text: outcome.text }] };
  };
  return {
    node: nodeOf(operation.name),
    name: operation.summary.replace(/\.$/, ''),
    begin(asker) {
      const { input, effect } = description();
      const isAsked = effect === 'change' || Object.keys(input.properties ?? {}).length > 0;
      if (!isAsked) return run(asker, {});
      return {
        kind: 'form',
        isLast: true,
        form: formOf(description(), { domains: domains() }),
        next: (form) => run(asker, inputOf(description(), form)),
      };
    },
  };
}

function endOf(
  { name, output }: OperationDescription,
  value: unknown,
  operation: AnyOperation,
): Stage {
  const text = presented(operation, value);
  if (text !== undefined) return { kind: 'end', notes: [{ type: 'info', text }] };
  const form = resultForm(name, value, output);
  if (form === undefined) return { kind: 'end', notes: [{ type: 'info', text: 'Done.' }] };
  return { kind: 'end', form };
}

/** The value as its operation tells it to people. */
function presented({ present, output }: AnyOperation, value: unknown): string | undefined {
  if (present === undefined) return undefined;
  const parsed = output.safeParse(value);
  // `present` takes what its own `output` has parsed.
  return parsed.success ? (present as (value: unknown) => string)(parsed.data) : undefined;
}
