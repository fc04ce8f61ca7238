/** The config of push notifications. */
import { z } from 'zod';
import { count, domain, duration, size } from '../../config/fields.ts';

/** The schema of `modules.push`. */
export const pushConfig = z.object({
  services: z
    .array(domain())
    .default([])
    .describe(
      'The domains of the app servers that users may register; any while the list is empty.',
    ),
  maxRegistrations: count(10, { min: 1, max: 100 }).describe(
    'How many registrations an account may have, one for each app on each device.',
  ),
  maxOptions: size('4KiB', { max: '64KiB' }).describe(
    'The most that a client may register to be sent along with each notification.',
  ),
  sender: z
    .boolean()
    .default(false)
    .describe('Whether the app server is told who sent the last message.'),
  body: z
    .enum(['none', 'notice', 'text'])
    .default('none')
    .describe(
      'What the app server is told of the last message: nothing, that there is one to be shown (some app servers wake the app only then), or its text if it is not encrypted.',
    ),
  patience: duration('10s', { min: '1s', max: '10m' }).describe(
    'How long a client that is connected may leave a message unacknowledged before its device is woken.',
  ),
  inactivePatience: duration('3s', { min: '1s', max: '10m' }).describe(
    'The same for a client at which nobody looks (XEP-0352): its device may be asleep already.',
  ),
  perMinute: count(12, { min: 1, max: 600 }).describe(
    'How many notifications a minute one registration gets; more are gathered into one.',
  ),
  maxFailures: count(12, { min: 1, max: 100 }).describe(
    'How often in a row an app server may fail before a registration ends. They are tried again after 30 seconds, one minute, two and so on, at most four hours.',
  ),
});

/** The config of push notifications. Durations in ms, sizes in bytes. */
export type PushSettings = z.output<typeof pushConfig>;
