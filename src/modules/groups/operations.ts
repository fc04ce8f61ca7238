/** What an admin does with groups. */
import { z } from 'zod';
import { accountJid, domain } from '../../config/fields.ts';
import { aboutHost, meantHost, unlessFound } from '../../core/meant-host.ts';
import type { Home } from '../../core/module.ts';
import {
  type AnyOperation,
  failure,
  type OperationFailure,
  operation,
  success,
} from '../../core/operation.ts';
import { confirmed, kind } from '../../core/operation-fields.ts';
import { type BareJid, type Domain, domainOf } from '../../jid/jid.ts';
import type { Group } from './book.ts';
import type { GroupRefusal, Groups } from './groups.ts';
import { type GroupSettings, groupName } from './settings.ts';
import type { GroupKey } from './table.ts';

/** Members that one run adds or removes. */
const MOST_AT_ONCE = 500;

const name = groupName.describe('The name of the group, as its members see it.');
const defined = z
  .boolean()
  .describe('Whether the config of the domain defines it, which is where it is changed.');
const host = domain()
  .optional()
  .meta({
    ...kind('domain'),
    description: 'The domain of the group; it can be left out where there is only one.',
  });
const jids = z
  .array(accountJid().meta(kind('jid')))
  .min(1)
  .max(MOST_AT_ONCE)
  .describe('The accounts.');
const told = z.object({ host: z.string(), name: z.string() });

/** The operations. */
export function groupOperations(home: Home<GroupSettings>, groups: Groups): AnyOperation[] {
  const hostOf = (named: Domain | undefined) => meantHost(home, named, 'groups');
  const about = (input: { readonly host?: Domain | undefined }) =>
    aboutHost(home, input.host, 'groups');
  const nobody = async (all: readonly BareJid[]): Promise<OperationFailure | undefined> => {
    for (const jid of all)
      if ((await home.accounts.get(jid)) === undefined)
        return failure('not-found', `There is no ${jid}.`);
    return undefined;
  };
  const ended = (refusal: GroupRefusal | undefined, { host: at, name: of }: GroupKey) => {
    switch (refusal) {
      case undefined:
        return success({ host: at, name: of });
      case 'not-found':
        return failure('not-found', `${at} has no such group, or the group no such member.`);
      case 'conflict':
        return failure('conflict', `${at} has a group ${of} already.`);
      case 'too-many':
        return failure('refused', `That would be more than modules.groups of ${at} allows.`);
      case 'defined':
        return failure(
          'refused',
          `The config of ${at} defines ${of}, in modules.groups.defined: change it there, then reload.`,
        );
      case 'everyone':
        return failure('refused', `All of ${at} are in ${of}; that is not to be changed.`);
    }
  };

  return [
    operation({
      name: 'groups.list',
      command: ['group', 'list'],
      summary: 'List the groups whose members have each other in their rosters.',
      effect: 'read',
      offline: true,
      about: ({ host: named }) => named ?? about({}),
      input: z.object({ host }),
      output: z.object({
        groups: z.array(
          z.object({
            name: z.string(),
            host: z.string(),
            everyone: z.boolean().describe('Whether all of the domain are in it.'),
            members: z.int(),
            defined,
          }),
        ),
      }),
      async run({ host: named }) {
        const found = await groups.list(named);
        const unserved = unlessFound(home.hosts, named, found.length);
        if (unserved !== undefined) return unserved;
        return success({
          groups: found.map((group) => ({
            name: group.name,
            host: group.host,
            everyone: group.isEveryone,
            members: group.members.size,
            defined: group.defined !== undefined,
          })),
        });
      },
    }),
    operation({
      name: 'groups.show',
      command: ['group', 'show'],
      summary: 'Show who is in a group.',
      effect: 'read',
      offline: true,
      about,
      positional: ['name'],
      input: z.object({ name, host }),
      output: z.object({
        name: z.string(),
        host: z.string(),
        everyone: z.boolean(),
        defined,
        members: z.array(z.object({ jid: z.string() })),
        missing: z
          .array(z.object({ jid: z.string() }))
          .describe('Whom the config puts in, though there is no such account.'),
      }),
      async run({ name: of, host: named }) {
        const at = hostOf(named);
        if (typeof at !== 'string') return at;
        const group = await groups.find({ host: at, name: of });
        if (group === undefined) return failure('not-found', `${at} has no group ${of}.`);
        return success({
          name: of,
          host: at,
          everyone: group.isEveryone,
          defined: group.defined !== undefined,
          members: [...group.members].sort().map((jid) => ({ jid })),
          missing: missingIn(group).map((jid) => ({ jid })),
        });
      },
    }),
    operation({
      name: 'groups.create',
      command: ['group', 'create'],
      summary: 'Create a group, empty or of everyone of the domain.',
      effect: 'change',
      offline: true,
      about,
      positional: ['name'],
      input: z.object({
        name,
        host,
        everyone: z
          .boolean()
          .default(false)
          .describe('All accounts of the domain but guests are in it, and those to come.'),
      }),
      output: told,
      present: (made) => `${made.name} of ${made.host} was created.`,
      async run({ name: of, host: named, everyone }) {
        const at = hostOf(named);
        if (typeof at !== 'string') return at;
        const key = { host: at, name: of };
        return ended(await groups.create(key, everyone), key);
      },
    }),
    operation({
      name: 'groups.delete',
      command: ['group', 'delete'],
      summary: 'Delete a group; its members do not see each other by it any more.',
      effect: 'change',
      offline: true,
      about,
      positional: ['name'],
      input: confirmed(z.object({ name, host }), 'Delete the group {name}?'),
      output: told,
      present: (gone) => `${gone.name} of ${gone.host} was deleted.`,
      async run({ name: of, host: named }) {
        const at = hostOf(named);
        if (typeof at !== 'string') return at;
        const key = { host: at, name: of };
        return ended(await groups.remove(key), key);
      },
    }),
    operation({
      name: 'groups.add',
      command: ['group', 'add'],
      summary: 'Add accounts to a group; they and its members see each other from now on.',
      effect: 'change',
      offline: true,
      about: (input) => aboutMembers(about(input), input.jids),
      positional: ['name', 'jids'],
      input: z.object({ name, jids, host }),
      output: told,
      present: (done) => `They are in ${done.name} of ${done.host} now.`,
      async run({ name: of, host: named, jids: members }) {
        const at = hostOf(named);
        if (typeof at !== 'string') return at;
        const missing = await nobody(members);
        if (missing !== undefined) return missing;
        const key = { host: at, name: of };
        return ended(await groups.add(key, members), key);
      },
    }),
    operation({
      name: 'groups.remove',
      command: ['group', 'remove'],
      summary: 'Take accounts out of a group.',
      effect: 'change',
      offline: true,
      about,
      positional: ['name', 'jids'],
      input: z.object({ name, jids, host }),
      output: told,
      present: (done) => `They are no longer in ${done.name} of ${done.host}.`,
      async run({ name: of, host: named, jids: members }) {
        const at = hostOf(named);
        if (typeof at !== 'string') return at;
        const key = { host: at, name: of };
        return ended(await groups.part(key, members), key);
      },
    }),
  ];
}

const missingIn = ({ defined: named, members }: Group) =>
  (named ?? []).filter((jid) => !members.has(jid));

/** Whoever is added sees, and is seen: an admin of one host adds none of another. */
const aboutMembers = (at: Domain | undefined, members: readonly BareJid[]) =>
  at === undefined ? undefined : [at, ...members.map(domainOf)];
