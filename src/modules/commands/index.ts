/**
 * XEP-0050: Ad-Hoc Commands, at the address of a host: those of XEP-0133 and all other operations for
 * whom may run them, and what users do with their own account.
 */
import { onIq } from '../../core/iq.ts';
import { defineModule } from '../../core/module.ts';
import type { Operations } from '../../core/operation.ts';
import { DATA_FORMS } from '../../stanza/form.ts';
import { disco } from '../disco/index.ts';
import { portable } from '../portable/index.ts';
import { register } from '../register/index.ts';
import { ADMIN } from './administering.ts';
import { COVERED, createServiceAdministration } from './administration.ts';
import type { Asker, CommandSource } from './command.ts';
import { createExecution } from './executing.ts';
import { createOperationCommands, nodeOf } from './operation-commands.ts';
import { COMMANDS, Command } from './payloads.ts';
import { createSelfService } from './self-service.ts';

export type { Asker, CommandSource, HostCommand, Stage } from './command.ts';
export { commandFailure } from './payloads.ts';

/** What the server itself, and other modules, use. */
export interface CommandsApi {
  /** Takes the operations, once all are gathered; until then there are no commands for them. */
  useOperations(operations: Operations): void;
  /** Adds commands of another module; of these nodes whoever may not use one hears that it is forbidden. */
  addCommands(source: CommandSource, ownNodes: readonly string[]): void;
}

/** Commands that take passwords, and show what is private. */
const overTls =
  (source: CommandSource): CommandSource =>
  (asker) =>
    asker.session.security.protocol === undefined ? [] : source(asker);

const ADMIN_NODE = `${ADMIN}#`;

/** The module. */
export const commands = defineModule<undefined, CommandsApi>({
  name: 'commands',
  specs: [
    { xep: 50, version: '1.3.0', covers: 'complete', note: 'in English; lists are not announced' },
    {
      xep: 133,
      version: '1.3.1',
      covers: 'partial',
      note: 'without a whitelist, restart and shutdown, which are for the config and the system',
    },
  ],
  needs: ['disco'],
  wants: ['register', 'portable'],
  features: [COMMANDS],
  setup(home) {
    const sources: CommandSource[] = [
      createSelfService({
        home,
        register: home.use(register),
        portable: home.use(portable),
        isRegisterOn: ({ host }) => home.has(register, host),
        isPortableOn: ({ host }) => home.has(portable, host),
      }),
    ];
    const nodes = new Set<string>();
    const available = async (asker: Asker) =>
      (await Promise.all(sources.map((source) => source(asker)))).flat();
    const find = async (asker: Asker, node: string) => {
      const found = (await available(asker)).find((command) => command.node === node);
      if (found !== undefined) return found;
      // §4.4: of one that there is for others it is told that it is forbidden.
      return nodes.has(node) || node.startsWith(ADMIN_NODE) ? ('forbidden' as const) : undefined;
    };

    home.use(disco).addHostNode(async ({ host, session }, node) => {
      if (!home.isEnabled(host)) return undefined;
      if (node === COMMANDS) {
        const list = session === undefined ? [] : await available({ session, host });
        return {
          info: () => ({
            identities: [{ category: 'automation', type: 'command-list', name: 'Commands' }],
            features: [COMMANDS],
            forms: [],
          }),
          items: () => list.map((command) => ({ ...command, jid: host })),
        };
      }
      if (session === undefined) return nodes.has(node) ? 'forbidden' : undefined;
      const found = await find({ session, host }, node);
      if (found === undefined || found === 'forbidden') return found;
      return {
        info: () => ({
          identities: [{ category: 'automation', type: 'command-node', name: found.name }],
          features: [COMMANDS, DATA_FORMS],
          forms: [],
        }),
        items: () => [],
      };
    });

    return {
      api: {
        addCommands(source, ownNodes) {
          sources.push(source);
          for (const node of ownNodes) nodes.add(node);
        },
        useOperations(operations) {
          const { authority } = home;
          const domains = () => home.hosts.all().map(({ domain }) => domain);
          const options = { operations, authority, domains, without: COVERED };
          sources.push(
            overTls(createServiceAdministration(operations, authority)),
            overTls(createOperationCommands(options)),
          );
          for (const { name } of operations.list) nodes.add(nodeOf(name));
        },
      },
      iq: [onIq('set', ['server'], Command, createExecution({ clock: home.clock, find }))],
    };
  },
});
