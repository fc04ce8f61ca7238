/** XEP-0133: Service Administration: its nodes and fields, as the operations of this server do them. */
import type { Authority } from '../../core/authority.ts';
import type { Operations } from '../../core/operation.ts';
import { listCommands } from './admin-lists.ts';
import { MESSAGE_OPERATIONS, messageCommands } from './admin-messages.ts';
import { USER_OPERATIONS, userCommands } from './admin-users.ts';
import { createAdministering } from './administering.ts';
import type { CommandSource } from './command.ts';
import { actorOf } from './operating.ts';

/** Operations for which there is a node here. */
export const COVERED: ReadonlySet<string> = new Set([...USER_OPERATIONS, ...MESSAGE_OPERATIONS]);

/** Makes the source. Who may run nothing has no such command; each run is judged anyway. */
export function createServiceAdministration(
  operations: Operations,
  authority: Pick<Authority, 'mayRun'>,
): CommandSource {
  const administering = createAdministering(operations);
  const { admins, blacklist } = listCommands(administering);
  const ofHosts = [...userCommands(administering), ...messageCommands(administering), admins];
  const all = [...ofHosts, blacklist];
  return async (asker) => {
    const permission = await authority.mayRun(actorOf(asker));
    if (permission === false) return [];
    return permission === true ? all : ofHosts;
  };
}
