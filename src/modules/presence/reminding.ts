/**
 * RFC 6121 §3.1.2: a request to another domain that nobody has answered is sent again when a resource of
 * the user becomes available, in case it was lost on its way.
 */
import type { BareJid } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import { randomId } from '../../kit/ids.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { presence } from '../../stanza/build.ts';
import type { Presence } from '../../stanza/stanza.ts';
import type { RosterItem } from '../roster/index.ts';

/** Accounts of which it is remembered when they asked last. */
const REMEMBERED = 10_000;
/** Requests that one account sends again at a time. */
const MOST_AGAIN = 50;

/** When accounts asked last. */
export interface Reminding {
  /** An account asks now. */
  asked(account: BareJid): void;
  /** What it sends again, if it last asked some time ago, or before a restart. */
  due(
    account: BareJid,
    items: Iterable<RosterItem>,
    terms: { readonly afterMs: number; isLocal(contact: BareJid): boolean },
  ): readonly Presence[];
}

/** Makes it; it remembers nothing yet. */
export function createReminding(clock: Pick<Clock, 'monotonic'>): Reminding {
  const last = new BoundedMap<BareJid, number>(REMEMBERED);
  const asked = (account: BareJid) => void last.set(account, clock.monotonic());
  return {
    asked,
    due(account, items, { afterMs, isLocal }) {
      const before = last.get(account);
      const isEarly = before !== undefined && clock.monotonic() - before < afterMs;
      if (afterMs === 0 || isEarly) return [];
      const requests: Presence[] = [];
      for (const { contact, pendingOut } of items)
        if (pendingOut && !isLocal(contact) && requests.length < MOST_AGAIN)
          // With an id, so that an error that comes back can be told from others.
          requests.push(
            presence({ type: 'subscribe', from: account, to: contact, id: randomId() }),
          );
      if (requests.length > 0) asked(account);
      return requests;
    },
  };
}
