/**
 * Groups of the company (shared rosters): who is in a group has the others in his roster, as if each were
 * subscribed to the other. It is for admins to say who is, here or in the config; users neither ask nor take it
 * back.
 */
import { defineModule } from '../../core/module.ts';
import { type BareJid, type Domain, domainOf } from '../../jid/jid.ts';
import { presence } from '../presence/index.ts';
import { roster } from '../roster/index.ts';
import { createGroups, type GroupListener } from './groups.ts';
import { createMeeting } from './meeting.ts';
import { groupOperations } from './operations.ts';
import { type GroupSettings, groupConfig } from './settings.ts';
import { type GroupKey, groupMigrations } from './table.ts';

export type { GroupChange, GroupListener } from './groups.ts';
export type { GroupKey } from './table.ts';

/** What other modules may use, such as for a room that belongs to a group. */
export interface GroupsApi {
  /** Who is in a group; undefined if there is none of that name. */
  members(group: GroupKey): Promise<ReadonlySet<BareJid> | undefined>;
  /** The groups of a host by their names. */
  names(host: Domain): Promise<readonly string[]>;
  /** The groups in which an account is. */
  of(account: BareJid): Promise<readonly GroupKey[]>;
  /** Adds one who is told of all changes, after they were made. */
  onChange(listener: GroupListener): void;
}

/** The module. */
export const groups = defineModule<GroupSettings, GroupsApi>({
  name: 'groups',
  specs: [],
  needs: ['roster', 'presence'],
  config: groupConfig,
  tables: groupMigrations,
  setup(home) {
    const listeners: GroupListener[] = [];
    const rosters = home.use(roster);
    const meeting = createMeeting(home, rosters, home.use(presence));
    const all = createGroups(home, meeting, (change) => {
      for (const listener of listeners) listener(change);
    });
    rosters.useShared({
      of: (account) => (home.isEnabled(domainOf(account)) ? all.sharedBy(account) : undefined),
    });
    const failed = (error: unknown) => {
      home.metrics.errors.inc({ area: 'groups' });
      home.log.error({ err: error }, 'a group could not follow its accounts, or the config');
    };
    home.accounts.onChange((account) => {
      all.refresh(account).catch(failed);
    });
    return {
      operations: groupOperations(home, all),
      api: {
        members: async (group) => (await all.find(group))?.members,
        names: async (host) => (await all.list(host)).map(({ name }) => name),
        of: all.of,
        onChange: (listener) => void listeners.push(listener),
      },
      configured() {
        all.reconfigure().catch(failed);
      },
      hooks: { accountRemoved: (account) => all.forget(account) },
    };
  },
});
