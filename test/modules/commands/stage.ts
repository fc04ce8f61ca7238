/** A scene with commands, and the operations that they run. */
import { createAudit } from '../../../src/core/audit.ts';
import { createOperations, type Operations } from '../../../src/core/operation.ts';
import { type BareJid, parseBare } from '../../../src/jid/jid.ts';
import { commands } from '../../../src/modules/commands/index.ts';
import { modules } from '../../../src/modules/index.ts';
import { accountOperations } from '../../../src/operations/accounts.ts';
import { deviceOperations } from '../../../src/operations/devices.ts';
import { federationOperations } from '../../../src/operations/federation.ts';
import { hostOperations } from '../../../src/operations/hosts.ts';
import type { ConfigService, Services } from '../../../src/operations/services.ts';
import { sessionOperations } from '../../../src/operations/sessions.ts';
import { federationOf, rulesInMemory } from '../../support/federation-side.ts';
import { type Scene, startScene } from '../../support/scene.ts';

/** Whose host it is. */
export const BARD = 'bard@shakespeare.lit';
/** A user. */
export const JULIET = 'juliet@shakespeare.lit';
/** An admin of the host alone. */
export const STEWARD = 'steward@shakespeare.lit';

/** A scene with commands. */
export interface CommandStage {
  readonly scene: Scene;
  readonly operations: Operations;
  readonly audit: ReturnType<typeof createAudit>;
}

/** The bare JID of a text that is one. */
export function bare(raw: string): BareJid {
  const parsed = parseBare(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

/** Begins. */
export async function setStage(settings: Record<string, unknown> = {}): Promise<CommandStage> {
  const accounts = [BARD, JULIET, STEWARD, 'romeo@montague.net'];
  const scene = await startScene({ modules, accounts, settings });
  await scene.accounts.setRole(bare(BARD), 'operator');
  await scene.accounts.setRole(bare(STEWARD), 'admin');
  const audit = createAudit(scene.store, scene.clock);
  // Of the config these operations ask nothing else.
  const config = { admins: () => [] } as unknown as ConfigService;
  // Of the services these operations take nothing else.
  const federationRules = rulesInMemory();
  const world = { links: [], events: [], steps: async function* () {} };
  const federation = federationOf(world, federationRules);
  const services = {
    ...scene,
    federation: () => federation,
    federationRules,
    config,
    removeAccount: scene.registry.removeAccount,
    certificates: { info: () => undefined },
  } as unknown as Services;
  const operations = createOperations(
    [
      ...accountOperations(services),
      ...deviceOperations(services),
      ...sessionOperations(services),
      ...hostOperations(services),
      ...federationOperations(services),
      ...scene.registry.operations,
    ],
    { audit, log: scene.log.area('operations'), mayRun: scene.authority.mayRun },
  );
  scene.registry.apiOf(commands).useOperations(operations);
  return { scene, operations, audit };
}

const NS = 'http://jabber.org/protocol/commands';

/** `<command/>` with a form, if it has fields; several values of a field stand in a list. */
export function command(
  node: string,
  attrs: Readonly<Record<string, string>> = {},
  fields?: Readonly<Record<string, string | readonly string[]>>,
): string {
  const more = Object.entries(attrs).map(([name, value]) => ` ${name}='${value}'`);
  const said = Object.entries(fields ?? {}).map(([name, values]) => {
    const all = [values].flat().map((value) => `<value>${value}</value>`);
    return `<field var='${name}'>${all.join('')}</field>`;
  });
  const form =
    fields === undefined ? '' : `<x xmlns='jabber:x:data' type='submit'>${said.join('')}</x>`;
  return `<command xmlns='${NS}' node='${node}'${more.join('')}>${form}</command>`;
}
