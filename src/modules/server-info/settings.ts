/** What an admin sets of server information. */
import { z } from 'zod';
import { duration } from '../../config/fields.ts';

/** The keys of `modules.serverInfo`. */
export const serverInfoSettings = z.object({
  interval: duration('5m', { min: '1m', max: '1d' }).describe(
    'How often, at most, it is published with which domains this one federates, if that has changed.',
  ),
});

/** The value of `modules.serverInfo`. */
export type ServerInfoSettings = Readonly<z.output<typeof serverInfoSettings>>;
