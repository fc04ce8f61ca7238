/** What an admin decides of archives. */
import { z } from 'zod';
import { duration } from '../../config/fields.ts';
import { DEFAULTS } from './preferences.ts';

/** The schema of `modules.archive`. */
export const archiveConfig = z.object({
  default: z
    .enum(DEFAULTS)
    .default('always')
    .describe(
      'Which messages are kept for users who have said nothing: all, those with contacts in the roster, or none.',
    ),
  preferences: z
    .boolean()
    .default(true)
    .describe('Whether users may decide for themselves which messages are kept (XEP-0441).'),
  // A list that no person keeps by hand, and that is asked of each message.
  maxListed: z
    .int()
    .nonnegative()
    .default(500)
    .describe('The most addresses in the lists of one user.'),
  keep: duration('0').describe(
    'How long messages are kept; 0 is for good. rtcctl archive retention sets it for one user.',
  ),
  page: z.int().positive().default(50).describe('Messages of a page, where a client does not say.'),
  maxPage: z
    .int()
    .positive()
    .max(1000)
    .default(250)
    .describe('The most messages of a page, whatever a client says.'),
});

/** The config of the module. */
export type ArchiveSettings = z.output<typeof archiveConfig>;
