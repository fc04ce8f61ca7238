/**
 * What admins say to all users of a host (XEP-0133 §4.23 to §4.28): announcements, the message of the
 * day, and what new users are welcomed with.
 */
import { defineModule } from '../../core/module.ts';
import { priorityOf } from '../../core/sessions.ts';
import { createAnnouncer, isThere } from './announcer.ts';
import { announcementOperations } from './operations.ts';
import { announcementMigrations } from './table.ts';

/** The module. */
export const announcements = defineModule({
  name: 'announcements',
  specs: [],
  tables: announcementMigrations,
  setup(home) {
    const announcer = createAnnouncer(home);
    return {
      operations: announcementOperations(home, announcer),
      hooks: {
        presenceChanged(session, before) {
          const wasThere = before !== undefined && priorityOf(before) >= 0;
          if (wasThere || !isThere(session)) return;
          // Nobody waits for it: it is no part of what the client asked for.
          announcer.came(session).catch((error: unknown) => {
            home.metrics.errors.inc({ area: 'announcements' });
            home.log.error({ err: error }, 'a standing message could not be sent');
          });
        },
        accountRemoved: (account) => announcer.forget(account),
      },
    };
  },
});
