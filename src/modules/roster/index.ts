/** RFC 6121 §2: the roster. */
import { z } from 'zod';
import { onIq, reply } from '../../core/iq.ts';
import { defineModule, type Home } from '../../core/module.ts';
import { standingAlone } from '../../stanza/stored.ts';
import { serialise } from '../../xml/element.ts';
import { createRosterApi, type RosterApi, type RosterLimits } from './api.ts';
import { importedContacts } from './importing.ts';
import { rosterOperations } from './operations.ts';
import { Query, rosterResult, versioningFeature } from './payloads.ts';
import { getRoster, setRoster } from './requests.ts';
import { rosterMigrations } from './rosters.ts';

export type { RosterApi } from './api.ts';
export {
  type RosterItem,
  STRANGERS,
  type Standing,
  strangerOf,
  subscriptionOf,
  withStanding,
} from './item.ts';
export type { Decision, Roster, RosterChange } from './rosters.ts';
export type { SharedContacts, SharedSource } from './sharing.ts';

const config = z.object({
  maxItems: z.int().positive().default(1000).describe('The most contacts in one roster.'),
  maxNameLength: z
    .int()
    .positive()
    .default(256)
    .describe('The longest name that a user may give to a contact, in characters.'),
  maxGroupLength: z
    .int()
    .positive()
    .default(256)
    .describe('The longest name of a group of contacts, in characters.'),
  maxGroups: z.int().positive().default(50).describe('The most groups that one contact may be in.'),
});

/** The roster module. */
export const roster = defineModule<RosterLimits, RosterApi>({
  name: 'roster',
  specs: [
    {
      rfc: 6121,
      sections: '2',
      covers: 'complete',
      note: 'an outdated version is answered with the whole roster (§2.6.3)',
    },
  ],
  config,
  tables: rosterMigrations,
  setup(home: Home<RosterLimits>) {
    const api = createRosterApi(home);
    return {
      api,
      operations: rosterOperations(home.accounts, api),
      memory: api.memory,
      streamFeatures: ({ phase }) => (phase !== 'early' ? [versioningFeature()] : []),
      iq: [
        onIq('get', ['self'], Query, (request) => getRoster(request, api)),
        onIq('set', ['self'], Query, (request) =>
          setRoster(request, api, home.configOf(request.host)),
        ),
        // §2.3.3; whether there is such an account is not to be learned here.
        onIq('get', ['account', 'nobody'], Query, () => reply.refuse('forbidden')),
        onIq('set', ['account', 'nobody'], Query, () => reply.refuse('forbidden')),
      ],
      hooks: {
        async *exported(account) {
          const { items } = await api.own(account);
          const listed = [...items.values()]
            .filter((item) => item.isListed)
            .sort((one, other) => (one.contact < other.contact ? -1 : 1));
          if (listed.length > 0) yield serialise(rosterResult(undefined, listed));
          for (const request of await api.requests(account)) yield standingAlone(request);
        },
        imported: (newcomer, portion) => importedContacts(home, api, newcomer, portion),
        async accountRemoved(account) {
          const { items } = await api.own(account);
          await Promise.all([...items.values()].map((item) => api.sendFarewell(account, item)));
          await api.removeAll(account);
        },
      },
    };
  },
});
