/** XEP-0160: messages for somebody who is away are kept until he is back (RFC 6121 §8.5.2.2.1). */
import { z } from 'zod';
import { verdict } from '../../core/hooks.ts';
import { defineModule } from '../../core/module.ts';
import { priorityOf } from '../../core/sessions.ts';
import { standingAlone } from '../../stanza/stored.ts';
import { createArchiveReading } from './archive-reading.ts';
import { importedMessages } from './importing.ts';
import { createMailbox, type Mailbox } from './mailbox.ts';
import { createSpool, type SpoolLimits, spoolMigrations } from './spool.ts';

const config = z.object({
  maxMessages: z
    .int()
    .nonnegative()
    .default(1000)
    .describe('The most messages that are kept for one account while nobody is there.'),
  maxBytes: z
    .int()
    .nonnegative()
    .default(10_000_000)
    .describe('The most bytes of messages that are kept for one account.'),
});

/** What other modules may use. */
export type OfflineApi = Pick<Mailbox, 'waiting' | 'leaveTo' | 'discard'>;

/** The offline module. */
export const offline = defineModule<SpoolLimits, OfflineApi>({
  name: 'offline',
  specs: [
    { xep: 160, version: '1.0.1', covers: 'complete' },
    { xep: 203, version: '2.0', covers: 'complete' },
    { xep: 334, version: '1.0.0', covers: 'partial', note: 'no-store' },
  ],
  features: ['msgoffline'],
  config,
  tables: spoolMigrations,
  setup(home) {
    const spool = createSpool(home.store, home.clock);
    const archived = createArchiveReading(home);
    const mailbox = createMailbox(home, spool, archived);
    return {
      api: mailbox,
      memory: {
        save(session) {
          if (mailbox.isReader(session)) return true;
          return mailbox.isCutOff(session) ? 'cut off' : undefined;
        },
        restore(session, saved) {
          if (saved === true) mailbox.leaveTo(session);
          else if (saved === 'cut off') mailbox.cutOff(session);
        },
      },
      hooks: {
        fromAccount(stanza, session) {
          archived.sent(stanza, session);
          return verdict.pass;
        },
        sessionBound: archived.bound,
        handing: mailbox.follow,
        rehand: mailbox.rehand,
        undelivered: mailbox.keep,
        // What comes while older messages are being delivered has to wait for its turn.
        toAccount: (stanza, account) =>
          stanza.kind === 'message' ? mailbox.turn(account) : verdict.pass,
        presenceChanged(session, before) {
          const wasReady = before !== undefined && priorityOf(before) >= 0;
          if (wasReady || session.presence === undefined || session.priority < 0) return undefined;
          return mailbox.deliver(session);
        },
        sessionAsleep: mailbox.asleep,
        sessionAwake: mailbox.awake,
        sessionEnded: mailbox.left,
        blocked: mailbox.discardFrom,
        async *exported(account) {
          yield '<offline-messages>';
          for await (const { stanza } of mailbox.waiting(account)) yield standingAlone(stanza);
          yield '</offline-messages>';
        },
        imported: (newcomer, portion) => importedMessages(home, spool, newcomer, portion),
        accountRemoved: mailbox.removeAll,
      },
      stop: mailbox.stop,
    };
  },
});
