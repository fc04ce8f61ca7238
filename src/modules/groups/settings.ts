/** The config of groups. */
import { z } from 'zod';
import { count } from '../../config/fields.ts';

/** The schema of `modules.groups`. */
export const groupConfig = z.object({
  maxGroups: count(200).describe('How many groups a domain may have.'),
  // Each member has all the others in his roster.
  maxMembers: count(2000, { min: 1, max: 20_000 }).describe('How many may be in one group.'),
});

/** The config of groups. */
export type GroupSettings = z.output<typeof groupConfig>;
