/** The config of block lists and reports. */
import { z } from 'zod';
import { count, duration } from '../../config/fields.ts';

/** The schema of `modules.blocking`. */
export const blockingConfig = z.object({
  maxItems: count(1000, { min: 1 }).describe('The most addresses that one account may block.'),
  maxReports: count(1000).describe(
    'How many reports of spam and abuse are kept for the admins of a host; the oldest go first.',
  ),
  maxReportsPerUser: count(20).describe('How many of these may come from one user.'),
  keepReports: duration('90d', { min: '1h' }).describe('How long a report is kept.'),
});

/** The config of block lists and reports. */
export type BlockingSettings = z.output<typeof blockingConfig>;
