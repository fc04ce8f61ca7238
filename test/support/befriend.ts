/** Subscriptions without the ceremony of getting them. */
import { defineModule } from '../../src/core/module.ts';
import { type BareJid, bareOf, type Jid } from '../../src/jid/jid.ts';
import { type RosterApi, roster, strangerOf } from '../../src/modules/roster/index.ts';

/** A module for scenes that have the roster, and what it can do. */
export function befriending() {
  let rosters: RosterApi | undefined;
  const module = defineModule({
    name: 'befriending',
    specs: [],
    needs: ['roster'],
    setup(home) {
      rosters = home.use(roster);
      return {};
    },
  });
  return {
    module,
    /** From now on the contact receives the account's presence. */
    async admit(account: Jid, contact: Jid): Promise<void> {
      const bare: BareJid = bareOf(contact);
      await rosters?.change(bareOf(account), bare, () => ({
        after: { ...strangerOf(bare), from: true, isListed: true },
      }));
    },
  };
}
