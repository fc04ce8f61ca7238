/** What stands between an account and whom it blocks (XEP-0191), as far as presence goes. */
import type { MaybePromise, Verdict } from '../../core/hooks.ts';
import {
  type BareJid,
  bareOf,
  type Domain,
  domainOf,
  isFull,
  type Jid,
  localOf,
} from '../../jid/jid.ts';
import { presence } from '../../stanza/build.ts';
import type { Presence, Stanza } from '../../stanza/stanza.ts';
import type { Roster } from '../roster/index.ts';
import type { Abroad } from './abroad.ts';
import type { Context } from './context.ts';

/** Judges presence, and knows whom an account blocks. */
export interface Barrier {
  /** Whether it stands on a host. */
  isOn(host: Domain): boolean;
  outbound(stanza: Stanza, account: BareJid): MaybePromise<Verdict>;
  inbound(stanza: Stanza, account: BareJid): MaybePromise<Verdict>;
  /** What an account blocks; undefined if nothing. */
  of(account: BareJid): MaybePromise<((jid: Jid) => boolean) | undefined>;
}

/** An account has blocked addresses: those who may see it see it go, and it sees them go (XEP-0191 §3.3). */
export async function hide(
  context: Context,
  abroad: Abroad,
  account: BareJid,
  blocked: readonly Jid[],
): Promise<void> {
  const { home, directed } = context;
  const roster = await context.rosters.of(account);
  const goodbyes: Presence[] = [];
  const sessions = context.available(account);
  for (const jid of blocked)
    for (const to of concerned(roster, jid, 'from'))
      for (const session of sessions)
        goodbyes.push(presence({ type: 'unavailable', from: session.jid, to }));
  for (const session of home.sessions.of(account))
    for (const to of directed.list(session)) {
      if (!blocked.some((jid) => covers(jid, to))) continue;
      directed.delete(session, to);
      goodbyes.push(presence({ type: 'unavailable', from: session.jid, to }));
    }
  // By the straight way: the barrier stands already.
  for (const goodbye of goodbyes) await home.route(goodbye);

  // XEP-0016 §2.10, by XEP-0191 §4.
  for (const jid of blocked)
    for (const contact of concerned(roster, jid, 'to')) {
      abroad.conceal(account, contact);
      for (const other of context.available(bareOf(contact))) {
        if (isFull(contact) && other.jid !== contact) continue;
        const gone = presence({ type: 'unavailable', from: other.jid, to: account });
        for (const session of sessions) session.send(gone, session.jid);
      }
    }
}

/** An account blocks addresses no more: those who may see it see it, and it sees them (XEP-0191 §3.4). */
export async function reveal(
  context: Context,
  account: BareJid,
  freed: readonly Jid[],
): Promise<void> {
  if (context.available(account).length === 0) return;
  const roster = await context.rosters.of(account);
  for (const jid of freed) {
    for (const to of concerned(roster, jid, 'from')) await context.sendPresence(account, to);
    const contacts = concerned(roster, jid, 'to').filter(
      (contact) => !context.isLocal(contact) || context.available(bareOf(contact)).length > 0,
    );
    await context.routeAll(
      contacts.map((to) => presence({ type: 'probe', from: account, to: bareOf(to) })),
    );
  }
}

/** Addresses that a blocked one stands for, and with which there is a subscription in a direction. */
function concerned({ items }: Roster, jid: Jid, direction: 'from' | 'to'): Jid[] {
  if (localOf(jid) !== '' || isFull(jid))
    return items.get(bareOf(jid))?.[direction] === true ? [jid] : [];
  return [...items.values()]
    .filter((item) => item[direction] && covers(jid, item.contact))
    .map(({ contact }) => contact);
}

/** Whether a blocked address blocks another one (§5). */
const covers = (blocked: Jid, jid: Jid) =>
  blocked === jid || blocked === bareOf(jid) || blocked === domainOf(jid);
