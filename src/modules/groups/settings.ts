/** The config of groups. */
import { z } from 'zod';
import { accountJid, count, oneOrMore } from '../../config/fields.ts';

/** Longer names are of no use in a list of contacts. */
const MAX_NAME = 100;
/** The most members that a group may be configured to have. */
const MAX_MEMBERS = 20_000;

/** The name of a group, as somebody enters it. */
export const groupName = z.string().trim().min(1).max(MAX_NAME);
/** The same in the config, where two that differ by spaces would be two keys. */
const definedName = z
  .string()
  .min(1)
  .max(MAX_NAME)
  .refine((raw) => raw === raw.trim(), 'begins or ends with a space');

/** The word for all accounts of the domain but guests. */
export const EVERYONE = 'everyone';
const member = z
  .union([z.literal(EVERYONE), accountJid()])
  .meta({ syntax: 'jid', allowed: 'an address such as joe@falcot.com, or everyone' });

/** The schema of `modules.groups`. */
export const groupConfig = z
  .object({
    maxGroups: count(200).describe('How many groups a domain may have.'),
    // Each member has all the others in his roster.
    maxMembers: count(2000, { min: 1, max: MAX_MEMBERS }).describe('How many may be in one group.'),
    defined: z
      .record(definedName, oneOrMore(member))
      .default({})
      .describe(
        'Groups by their names, each with the accounts that are in it, or everyone. They are changed only here.',
      ),
  })
  .superRefine(({ maxGroups, maxMembers, defined }, context) => {
    const groups = Object.entries(defined);
    if (groups.length > maxGroups)
      context.addIssue({
        code: 'custom',
        path: ['defined'],
        message: `has ${groups.length} groups, more than maxGroups allows (${maxGroups})`,
      });
    for (const [name, members] of groups) {
      const path = ['defined', name];
      if (members.length > maxMembers)
        context.addIssue({
          code: 'custom',
          path,
          message: `has ${members.length} members, more than maxMembers allows (${maxMembers})`,
        });
      if (members.length > 1 && members.includes(EVERYONE))
        context.addIssue({ code: 'custom', path, message: 'has everyone, and others beside' });
    }
  });

/** The config of groups. */
export type GroupSettings = z.output<typeof groupConfig>;
