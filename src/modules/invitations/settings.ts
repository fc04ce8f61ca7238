/** The config of invitations. */
import { z } from 'zod';
import { count, duration } from '../../config/fields.ts';

/** The schema of `modules.invitations`. */
export const invitationsConfig = z.object({
  validFor: duration('7d', { min: '5m', max: '365d' }).describe(
    'How long an invitation can be used, unless its maker says otherwise.',
  ),
  resetValidFor: duration('1d', { min: '5m', max: '30d' }).describe(
    'How long a link to set a new password can be used.',
  ),
  users: z
    .enum(['nobody', 'contacts', 'accounts'])
    .default('contacts')
    .describe(
      'Whether users make links from their clients: to become their contact, or to make an account here, too.',
    ),
  maxOpenOfUser: count(20, { min: 1, max: 1000 }).describe(
    'How many links of one user can be open at a time.',
  ),
  maxOpen: count(1000, { min: 1, max: 100_000 }).describe(
    'How many invitations of a domain can be open at a time.',
  ),
});

/** The config of invitations. Durations in ms. */
export type InvitationSettings = z.output<typeof invitationsConfig>;
