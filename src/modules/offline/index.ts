/** XEP-0160: messages for somebody who is away are kept until he is back (RFC 6121 §8.5.2.2.1). */
import { z } from 'zod';
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import { defineModule, type Home } from '../../core/module.ts';
import { priorityOf, type Session } from '../../core/sessions.ts';
import { type BareJid, domainOf } from '../../jid/jid.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Message } from '../../stanza/stanza.ts';
import { readStored } from '../../stanza/stored.ts';
import { keptText, worthOf } from './keeping.ts';
import { createSpool, type Spool, type SpoolLimits, spoolMigrations } from './spool.ts';

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

/** Messages that are read and delivered at a time. */
const PAGE = 100;

/** The offline module. */
export const offline = defineModule<SpoolLimits>({
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
    const spool = createSpool(home.store);
    const mailbox = createMailbox(home, spool);
    return {
      hooks: {
        undelivered: mailbox.keep,
        // What comes while older messages are being delivered has to wait for its turn.
        toAccount: (stanza, account) =>
          stanza.kind === 'message' ? mailbox.turn(account) : verdict.pass,
        presenceChanged(session, before) {
          const wasReady = before !== undefined && priorityOf(before) >= 0;
          if (wasReady || session.presence === undefined || session.priority < 0) return undefined;
          return mailbox.deliver(session);
        },
        accountRemoved: (account) => spool.removeAll(account),
      },
    };
  },
});

/** XEP-0160 §2. */
const FULL: StanzaFailure = {
  condition: 'service-unavailable',
  text: 'No more messages are kept for this account.',
};

interface Mailbox {
  /** Keeps a message that no session took. */
  keep(message: Message, account: BareJid): MaybePromise<Verdict>;
  /** Passes when nothing older is on its way to the account. */
  turn(account: BareJid): MaybePromise<Verdict>;
  /** Hands what waits to a session. */
  deliver(session: Session): Promise<void>;
}

function createMailbox(home: Home<SpoolLimits>, spool: Spool): Mailbox {
  const exclusive = createExclusive<BareJid>();
  /** Messages on their way into the spool, which a delivery must see. */
  const entering = new Map<BareJid, Promise<unknown>>();
  const delivering = new Map<BareJid, Promise<void>>();

  const enter = (account: BareJid, work: Promise<unknown>) => {
    const settled = Promise.allSettled([entering.get(account), work]);
    entering.set(account, settled);
    void settled.then(() => {
      if (entering.get(account) === settled) entering.delete(account);
    });
  };

  const add = (message: Message, account: BareJid) => {
    const host = domainOf(account);
    const text = keptText(message, account, host, home.clock.now());
    return spool.add(account, text, home.configOf(host));
  };

  const deliver = async (session: Session): Promise<void> => {
    const { account } = session;
    await entering.get(account);
    for (;;) {
      const waiting = await spool.next(account, PAGE);
      let last: number | undefined;
      for (const { id, stanza } of waiting) {
        if (home.sessions.at(session.jid) !== session) break; // it is gone: the rest stays
        const message = readStored(stanza);
        if (message === undefined) home.log.error({ account, id }, 'a kept message is unreadable');
        else session.send(message);
        last = id;
      }
      if (last !== undefined) await spool.removeThrough(account, last);
      if (waiting.length < PAGE || last !== waiting.at(-1)?.id) return;
    }
  };

  return {
    keep(message, account) {
      const worth = worthOf(message);
      if (worth === 'forget') return verdict.drop('nothing that is worth keeping');
      // A temporary account does not come back.
      if (worth === 'refuse' || home.sessions.of(account)[0]?.isAnonymous === true)
        return verdict.pass;
      const added = add(message, account);
      enter(
        account,
        added.then((entry) => entry?.written),
      );
      return added.then((entry) =>
        entry === undefined ? verdict.bounce(FULL) : verdict.settling(entry.written),
      );
    },
    turn(account) {
      const busy = delivering.get(account);
      return busy === undefined ? verdict.pass : busy.then(() => verdict.pass);
    },
    deliver(session) {
      const { account } = session;
      const done = exclusive(account, () => deliver(session)).catch((error: unknown) =>
        home.log.error({ err: error, account }, 'kept messages could not be delivered'),
      );
      delivering.set(account, done);
      return done.finally(() => {
        if (delivering.get(account) === done) delivering.delete(account);
      });
    },
  };
}
