/** Operations as they are run from commands: who runs them, and what their failures are in XMPP. */
import type {
  Actor,
  OperationFailure,
  OperationOutcome,
  OperationProblem,
  Operations,
} from '../../core/operation.ts';
import type { StanzaCondition, StanzaFailure } from '../../stanza/condition.ts';
import type { Asker } from './command.ts';
import { commandFailure } from './payloads.ts';

/** The asker as an actor. */
export const actorOf = ({ session: { account, remote } }: Asker): Actor => ({
  name: account,
  via: 'xmpp',
  remote,
});

/** Runs an operation in the name of an asker. */
export function runAs(
  operations: Operations,
  asker: Asker,
  name: string,
  input: object,
): Promise<OperationOutcome<unknown>> {
  return operations.run(name, input, actorOf(asker));
}

const CONDITIONS: Readonly<Record<OperationProblem, StanzaCondition>> = {
  'unknown-operation': 'feature-not-implemented',
  'invalid-input': 'bad-request',
  forbidden: 'forbidden',
  'not-found': 'item-not-found',
  conflict: 'conflict',
  refused: 'not-allowed',
  unavailable: 'resource-constraint',
  internal: 'internal-server-error',
};

/** The error that a failed operation is: XEP-0133 §5, XEP-0050 §4.4. */
export function failureFor({ why, text }: OperationFailure): StanzaFailure {
  if (why === 'invalid-input') return commandFailure('bad-payload', text);
  return { condition: CONDITIONS[why], text };
}
