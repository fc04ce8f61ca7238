/** The config of file upload. */
import { z } from 'zod';
import { count, duration, size } from '../../config/fields.ts';

/** The schema of `modules.upload`. */
export const uploadConfig = z.object({
  maxSize: size('100MiB', { min: '1KiB', max: '100GiB' }).describe('The largest file.'),
  keepFor: duration('90d').describe('How long files are kept; 0 is for good.'),
  quota: size('1GiB').describe(
    'How much one user may have here at a time; 0 is as much as he likes.',
  ),
  dailyQuota: size('500MiB').describe(
    'How much one user may upload in a day (UTC); 0 is as much as he likes.',
  ),
  hostQuota: size('20GiB').describe(
    'How much all users of a domain may have here together; 0 is as much as they like.',
  ),
  profileMaxSize: size('5MiB', { min: '1KiB' }).describe(
    'The largest picture of a profile, which is kept as long as the account.',
  ),
  profileQuota: size('20MiB').describe('How much of those one user may have; 0 is any amount.'),
  permanent: z
    .boolean()
    .default(false)
    .describe('Whether users may upload files that are kept for good, within their quota.'),
  openSlots: count(20, { min: 1, max: 1000 }).describe(
    'How many uploads one user may have begun at a time.',
  ),
});

/** The config of file upload. Durations in ms, sizes in bytes. */
export type UploadSettings = z.output<typeof uploadConfig>;
