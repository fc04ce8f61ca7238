/**
 * XEP-0191: Blocking Command, with the reports of XEP-0377. What goes to somebody who is blocked, or comes
 * from him, ends here, before it is archived, copied or kept; the presence module asks before it shows the
 * user to anybody.
 */
import { type MaybePromise, verdict } from '../../core/hooks.ts';
import { onIq } from '../../core/iq.ts';
import { defineModule, type Home } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, domainOf, type Jid } from '../../jid/jid.ts';
import { serialise } from '../../xml/element.ts';
import { presence } from '../presence/index.ts';
import { createCommands } from './commands.ts';
import { importedBlocks } from './importing.ts';
import { createJudging, isBlockedBy } from './judging.ts';
import { blockListMigration, createBlockLists } from './lists.ts';
import { BLOCKING, Block, BlockList, itemsIn, REPORTING, Unblock } from './payloads.ts';
import { reportOperations } from './report-operations.ts';
import { createReports, type Reports, reportMigration } from './reports.ts';
import { type BlockingSettings, blockingConfig } from './settings.ts';

/** What other modules may use. */
export interface BlockingApi {
  /**
   * Whether an account blocks an address: for what is sent in the account's name without a session, such
   * as a notification of XEP-0163. What sessions send, and what comes for accounts, is judged anyway.
   */
  blocks(account: BareJid, jid: Jid): MaybePromise<boolean>;
}

/** How often reports are looked for whose time is over. */
const SWEEP_MS = 3_600_000;

/** The module. */
export const blocking = defineModule<BlockingSettings, BlockingApi>({
  name: 'blocking',
  specs: [
    {
      xep: 191,
      version: '1.3',
      covers: 'complete',
      note: 'what a room hands on gets no error, which would end the stay in the room',
    },
    {
      xep: 377,
      version: '0.4.1',
      covers: 'complete',
      note: 'reports are for the admins here; they are not forwarded',
    },
  ],
  needs: ['presence'],
  features: [BLOCKING, REPORTING],
  config: blockingConfig,
  tables: [blockListMigration, reportMigration],
  setup(home) {
    const lists = createBlockLists(home.store, home.clock.now);
    const reports = createReports(home.store, home.clock.now);
    const presences = home.use(presence);
    const judging = createJudging(lists);
    const interested = new WeakSet<Session>();
    const commands = createCommands({ home, lists, reports, presences, interested });
    presences.useBarrier({
      ...judging,
      isOn: home.isEnabled,
      of: (account) => {
        const list = lists.of(account);
        return list instanceof Promise
          ? list.then((late) => isBlockedBy(late, account))
          : isBlockedBy(list, account);
      },
    });
    const timer = home.clock.every(SWEEP_MS, () => {
      sweep(home, reports).catch((error: unknown) =>
        home.log.error({ err: error }, 'old reports could not be removed'),
      );
    });
    return {
      api: {
        blocks(account, jid) {
          const list = lists.of(account);
          if (list instanceof Promise)
            return list.then((late) => isBlockedBy(late, account)?.(jid) === true);
          return isBlockedBy(list, account)?.(jid) === true;
        },
      },
      iq: [
        onIq('get', ['self'], BlockList, commands.list),
        onIq('set', ['self'], Block, commands.block),
        onIq('set', ['self'], Unblock, commands.unblock),
      ],
      memory: {
        save: (session) => (interested.has(session) ? true : undefined),
        restore(session, saved) {
          if (saved === true) interested.add(session);
        },
      },
      operations: reportOperations({ home, reports }),
      hooks: {
        // Presence has been judged by its module, which stands before this one.
        fromAccount: (stanza, { account }) =>
          stanza.kind === 'presence' ? verdict.pass : judging.outbound(stanza, account),
        toAccount: (stanza, account) =>
          stanza.kind === 'presence' ? verdict.pass : judging.inbound(stanza, account),
        async *exported(account) {
          const { jids } = await lists.of(account);
          if (jids.size > 0) yield serialise(itemsIn('blocklist', jids));
        },
        imported(newcomer, portion) {
          const { maxItems } = home.configOf(domainOf(newcomer.account));
          return importedBlocks(lists, maxItems, newcomer, portion);
        },
        async accountRemoved(account) {
          await lists.removeAll(account);
          await reports.removeAll(account);
        },
      },
      async stop() {
        timer.cancel();
      },
    };
  },
});

async function sweep(
  { hosts, isEnabled, configOf, clock }: Home<BlockingSettings>,
  reports: Reports,
): Promise<void> {
  for (const { domain } of hosts.all())
    if (isEnabled(domain))
      await reports.removeOld(domain, clock.now() - configOf(domain).keepReports);
}
