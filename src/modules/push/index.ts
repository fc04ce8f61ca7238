/**
 * XEP-0357: Push Notifications. Who has no client that could show it is told, by the app servers that
 * his clients registered, that something has come.
 */
import { verdict } from '../../core/hooks.ts';
import { onIq } from '../../core/iq.ts';
import { defineModule } from '../../core/module.ts';
import { type BareJid, domainOf, type Jid } from '../../jid/jid.ts';
import { presence } from '../presence/index.ts';
import { roster } from '../roster/index.ts';
import { pushOperations } from './operations.ts';
import { Disable, Enable, PUSH, type Withdrawal, withdrawalsIn } from './payloads.ts';
import { createPublisher } from './publisher.ts';
import { createRegistrations, type Registration, registrationMigrations } from './registrations.ts';
import { createRequests } from './requests.ts';
import { type PushSettings, pushConfig } from './settings.ts';
import { createWaking } from './waking.ts';

export type { Registration } from './registrations.ts';

/** What other modules may use. */
export interface PushApi {
  /** Ends registrations of an account, such as those of a device that was revoked; answers how many. */
  forget(account: BareJid, isMeant: (registration: Registration) => boolean): Promise<number>;
}

/** Shown to admins as the last word of an app server. */
const WITHDRAWN = 'the app server withdrew the right to publish';

/** The module. */
export const push = defineModule<PushSettings, PushApi>({
  name: 'push',
  specs: [{ xep: 357, version: '0.4.1', covers: 'complete' }],
  needs: ['roster', 'presence'],
  accountFeatures: [PUSH],
  config: pushConfig,
  tables: registrationMigrations,
  setup(home) {
    const rosters = home.use(roster);
    const registrations = createRegistrations(home.store);
    const publisher = createPublisher({
      home,
      registrations,
      async requests(account) {
        const { items } = await rosters.of(account);
        return [...items.values()].filter(({ pendingIn }) => pendingIn).length;
      },
    });
    const waking = createWaking({ home, registrations, publisher });
    const requests = createRequests({
      home,
      registrations,
      publisher,
      hasSession: (registration) => waking.sessionOf(registration) !== undefined,
    });
    const forget: PushApi['forget'] = async (account, isMeant) => {
      const removed = await registrations.remove(account, isMeant);
      for (const each of removed) publisher.drop(each);
      return removed.length;
    };
    /** §8: an app server no longer lets us publish to a node. */
    const withdraw = async (from: Jid, account: BareJid, withdrawals: readonly Withdrawal[]) => {
      const nodes = withdrawals
        .filter(({ jid }) => jid === account || jid === domainOf(account))
        .map(({ node }) => node);
      const known = await registrations.of(account);
      for (const each of known.filter(
        ({ service, node }) => service === from && nodes.includes(node),
      )) {
        publisher.drop(each);
        await registrations.change(each, { ended: home.clock.now(), result: WITHDRAWN });
      }
    };
    home.use(presence).onRequest((account, contact, _, isNew) => {
      if (isNew && home.isEnabled(domainOf(account))) waking.requested(account, contact);
    });
    return {
      api: { forget },
      iq: [
        onIq('set', ['self'], Enable, requests.enable),
        onIq('set', ['self'], Disable, requests.disable),
      ],
      hooks: {
        toAccount(stanza, account) {
          if (stanza.kind !== 'message') return verdict.pass;
          const withdrawals = withdrawalsIn(stanza.element);
          if (withdrawals.length === 0) return verdict.pass;
          return withdraw(stanza.from, account, withdrawals).then(() => verdict.pass);
        },
        handed: waking.handed,
        kept: waking.kept,
        sessionBound: waking.came,
        sessionAsleep: waking.left,
        sessionAwake: waking.came,
        sessionEnded: waking.left,
        async deviceRevoked(account, device) {
          await forget(account, (registration) => registration.device === device);
        },
        async accountRemoved(account) {
          await forget(account, () => true);
        },
      },
      operations: pushOperations({ home, registrations, publisher, waking, forget }),
      async stop() {
        waking.stop();
        publisher.stop();
      },
    };
  },
});
