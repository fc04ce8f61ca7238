/** What an admin sets of nodes. */
import { z } from 'zod';
import { count, size } from '../../config/fields.ts';

/** The keys of `modules.pubsub`. */
export const pubsubSettings = z.object({
  creation: z
    .enum(['anyone', 'local', 'admins'])
    .default('local')
    .describe(
      'Who may create nodes at the service: anyone at all, accounts of this server but guests, or its admins.',
    ),
  nodesPerAccount: count(250, { min: 10, max: 10_000 }).describe(
    'How many nodes one account may have (XEP-0163).',
  ),
  nodesPerOwner: count(100, { min: 1 }).describe(
    'How many nodes one account may create at the service.',
  ),
  maxNodes: count(5000, { min: 1, max: 100_000 }).describe('How many nodes one service may have.'),
  maxItems: count(10_000, { min: 10, max: 100_000 }).describe(
    'How many items one node may keep; what max_items of a node means by max.',
  ),
  maxPayload: size('256KiB', { min: '1KiB', max: '16MiB' }).describe('The largest item.'),
  bytesPerAccount: size('32MiB', { min: '1MiB' }).describe(
    'How much all items of one account may have in bytes.',
  ),
  bytesPerService: size('512MiB', { min: '1MiB' }).describe(
    'How much all items of one service may have in bytes.',
  ),
  maxSubscriptions: count(5000, { min: 1, max: 100_000 }).describe(
    'How many may be subscribed to one node.',
  ),
  maxAffiliations: count(1000, { min: 1, max: 50_000 }).describe(
    'How many accounts may have an affiliation with one node.',
  ),
  watchedPerAccount: count(2000, { min: 10, max: 50_000 }).describe(
    'How many clients of other servers an account remembers, to tell them of new items.',
  ),
});

/** The value of `modules.pubsub`. */
export type PubSubSettings = Readonly<z.output<typeof pubsubSettings>>;
