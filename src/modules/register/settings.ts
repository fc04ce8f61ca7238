/** The config of in-band registration, and what both of its sides ask of a password. */
import { z } from 'zod';
import { count, duration } from '../../config/fields.ts';

/** The schema of `modules.register`. */
export const registerConfig = z.object({
  allowRegistration: z
    .boolean()
    .default(false)
    .describe('Whether anyone may make an account from a client. Strangers will find it.'),
  allowPasswordChange: z
    .boolean()
    .default(true)
    .describe('Whether users may change their password from a client.'),
  allowRemoval: z
    .boolean()
    .default(true)
    .describe('Whether users may remove their account from a client.'),
  confirmRemoval: z
    .boolean()
    .default(true)
    .describe(
      'Whether the removal of an account has to be confirmed with its password, by a form. Clients that know no forms need this off.',
    ),
  minPasswordLength: count(8, { min: 1, max: 128 }).describe(
    'The least number of characters of a new password.',
  ),
  attemptsPerHour: count(5, { min: 1 }).describe(
    'How often one address (of IPv6: one /64 network) may try to make an account in an hour.',
  ),
  approval: z
    .boolean()
    .default(false)
    .describe(
      'Whether accounts that anyone may make can be used only when an admin has approved them: rtcctl registration list.',
    ),
  maxWaiting: count(100, { min: 1, max: 1000 }).describe(
    'How many may wait for that at a time; more are turned away.',
  ),
  waitFor: duration('30d').describe(
    'After how long those that nobody approved are removed; 0 is never.',
  ),
  instructions: z
    .string()
    .default('Choose a user name and a password.')
    .describe('What is shown to those who make an account.'),
});

/** The config of in-band registration. */
export type RegisterSettings = z.output<typeof registerConfig>;

/** Why a new password is not taken; undefined when it may be. */
export function weaknessOf(password: string, { minPasswordLength }: RegisterSettings) {
  if ([...password].length >= minPasswordLength) return undefined;
  return `A password has at least ${minPasswordLength} characters.`;
}
