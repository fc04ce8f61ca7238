/** The commands of users: XEP-0191 §3.2 to §3.5, and XEP-0377 §6. */
import { type IqRequest, type Reply, reply } from '../../core/iq.ts';
import type { Home } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import type { BareJid, Jid } from '../../jid/jid.ts';
import { iqSet } from '../../stanza/build.ts';
import type { PresenceApi } from '../presence/index.ts';
import { isBlockedBy } from './judging.ts';
import type { BlockedJids, BlockLists } from './lists.ts';
import { type BlockItem, itemsIn, readItems } from './payloads.ts';
import type { Reports } from './reports.ts';
import type { BlockingSettings } from './settings.ts';

/** What the commands work with. */
export interface CommandOptions {
  readonly home: Home<BlockingSettings>;
  readonly lists: BlockLists;
  readonly reports: Reports;
  readonly presences: PresenceApi;
  /** The sessions that asked for the list, and so are told of changes. */
  readonly interested: WeakSet<Session>;
}

/** A command of an account's own session. */
type Request = IqRequest<unknown>;

/** The reasons that XEP-0377 §4 defines, by the word for them in figures. */
const REASONS: Readonly<Record<string, string>> = {
  'urn:xmpp:reporting:spam': 'spam',
  'urn:xmpp:reporting:abuse': 'abuse',
};

/** Makes the handlers. */
export function createCommands(options: CommandOptions) {
  const { home, lists, reports, presences, interested } = options;

  const push = (account: BareJid, name: 'block' | 'unblock', jids: Iterable<Jid>) => {
    const payload = itemsIn(name, jids);
    const change = iqSet({ from: account, to: account, payload });
    for (const session of home.sessions.of(account))
      if (interested.has(session)) session.send(change, session.jid);
  };

  return {
    /** §3.2 */
    async list({ session, account }: Request): Promise<Reply> {
      if (session === undefined) return reply.refuse('forbidden');
      const { jids } = await lists.of(account);
      interested.add(session);
      return reply.result(itemsIn('blocklist', jids));
    },

    /** §3.3 */
    async block({ iq, account, host, session }: Request): Promise<Reply> {
      if (session === undefined) return reply.refuse('forbidden');
      if (session.isAnonymous)
        return reply.refuse('not-allowed', 'An anonymous account keeps no list.');
      const read = iq.payload === undefined ? undefined : readItems(iq.payload);
      if (read === undefined) return reply.refuse('bad-request');
      if (!('ok' in read)) return { kind: 'refuse', failure: read };
      const { items } = read;
      if (items.length === 0) return reply.refuse('bad-request', 'Nobody is named to be blocked.');
      const settings = home.configOf(host);
      const most = settings.maxItems;
      const made = reportsIn(items);
      let isTooLong = false;
      const change = await lists.change(
        account,
        ({ jids }) => {
          const next = new Set([...jids, ...items.map(({ jid }) => jid)]);
          isTooLong = next.size > most && next.size > jids.size;
          return isTooLong ? undefined : next;
        },
        reports.keeping({ host, reporter: account, reports: made }, settings),
      );
      if (isTooLong)
        return reply.refuse('policy-violation', `At most ${most} addresses can be blocked.`);
      for (const { reason } of made)
        home.metrics.reports.inc({ reason: REASONS[reason] ?? 'other' });
      const fresh = added(change);
      await presences.hide(account, fresh);
      const isBlocked = fresh.length === 0 ? undefined : isBlockedBy(change.after, account);
      const hooks = home.hosts.get(host)?.dispatch.blocked ?? [];
      if (isBlocked !== undefined) for (const hook of hooks) await hook(account, isBlocked);
      return reply.result(undefined, () =>
        push(
          account,
          'block',
          items.map(({ jid }) => jid),
        ),
      );
    },

    /** §3.4; without an item §3.5. */
    async unblock({ iq, account, session }: Request): Promise<Reply> {
      if (session === undefined) return reply.refuse('forbidden');
      const read = iq.payload === undefined ? undefined : readItems(iq.payload);
      if (read === undefined) return reply.refuse('bad-request');
      if (!('ok' in read)) return { kind: 'refuse', failure: read };
      const named = new Set(read.items.map(({ jid }) => jid));
      const { before, after } = await lists.change(account, ({ jids }) => {
        const left = new Set([...jids].filter((jid) => named.size > 0 && !named.has(jid)));
        return left.size === jids.size ? undefined : left;
      });
      const freed = added({ before: after, after: before });
      return reply.result(undefined, async () => {
        push(account, 'unblock', named);
        await presences.show(account, freed);
      });
    },
  };
}

/** What one list has and the other does not cover. */
function added({ before, after }: Record<'before' | 'after', BlockedJids>): readonly Jid[] {
  return [...after.jids].filter((jid) => !before.has(jid));
}

const reportsIn = (items: readonly BlockItem[]) =>
  items.flatMap(({ jid, report }) => (report === undefined ? [] : [{ ...report, reported: jid }]));
