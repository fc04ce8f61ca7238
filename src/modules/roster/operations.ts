/** What an admin may see of rosters. */
import { z } from 'zod';
import { accountJid } from '../../config/fields.ts';
import type { Accounts } from '../../core/accounts.ts';
import { type AnyOperation, failure, operation, success } from '../../core/operation.ts';
import { kind } from '../../core/operation-fields.ts';
import type { RosterApi } from './api.ts';
import { subscriptionOf } from './item.ts';

/** The operations. */
export function rosterOperations(
  accounts: Pick<Accounts, 'get'>,
  rosters: Pick<RosterApi, 'of'>,
): AnyOperation[] {
  return [
    operation({
      name: 'roster.show',
      command: ['user', 'contacts'],
      summary: 'Show the contacts of an account.',
      effect: 'read',
      offline: true,
      // With whom somebody is acquainted is his affair; who looks at it leaves his name.
      isAudited: true,
      about: ({ jid }) => jid,
      positional: ['jid'],
      input: z.object({
        jid: accountJid().meta({ ...kind('jid'), description: 'The account.' }),
      }),
      output: z.object({
        contacts: z.array(
          z.object({
            jid: z.string(),
            name: z.string(),
            subscription: z
              .enum(['none', 'to', 'from', 'both'])
              .describe('Who sees whom: to: the user sees the contact; from: is seen by him.'),
            groups: z.array(z.string()),
          }),
        ),
      }),
      async run({ jid }) {
        if ((await accounts.get(jid)) === undefined)
          return failure('not-found', `There is no ${jid}.`);
        const { items } = await rosters.of(jid);
        const contacts = [...items.values()]
          .filter(({ isListed }) => isListed)
          .map((item) => ({
            jid: item.contact,
            name: item.name ?? '',
            subscription: subscriptionOf(item),
            groups: [...item.groups],
          }))
          .sort((one, other) => (one.jid < other.jid ? -1 : 1));
        return success({ contacts });
      },
    }),
  ];
}
