/** RFC 6121 §4: who is told that a resource is there, has changed or is gone. */
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, bareOf, type Jid } from '../../jid/jid.ts';
import { addressedTo } from '../../stanza/address.ts';
import { presence } from '../../stanza/build.ts';
import type { Presence } from '../../stanza/stanza.ts';
import type { Roster } from '../roster/index.ts';
import { type Context, probeOf } from './context.ts';
import { deliverRequests } from './subscribing.ts';
import type { Unheard } from './unheard.ts';

/** Presence without an address: available (§4.2.2, §4.4.2) or unavailable (§4.5.2). */
export async function broadcast(
  context: Context,
  stanza: Presence,
  session: Session,
  unheard: Unheard,
): Promise<Verdict> {
  const { sessions } = context.home;
  if (stanza.type === 'unavailable') {
    const wasAvailable = session.presence !== undefined;
    const told = sessions.setPresence(session, undefined);
    await leave(context, session, stanza, wasAvailable);
    await told;
    return verdict.handled;
  }
  if (stanza.type !== 'available') return verdict.drop(`a ${stanza.type} to nobody`);
  if (isOver(context, session)) return OVER;
  const isInitial = session.presence === undefined;
  const told = sessions.setPresence(session, stanza);
  try {
    await tellContacts(context, session.account, stanza);
    for (const own of context.available(session.account)) own.send(stanza, own.jid);
    if (isInitial) await welcome(context, session, unheard);
  } finally {
    await told;
  }
  return verdict.handled;
}

/** Whether a session ended while this was looked at: nobody would hear any more that it is gone. */
const isOver = ({ home }: Context, session: Session): boolean =>
  home.sessions.at(session.jid) !== session;

const OVER = verdict.drop('its session is over');

/** A resource is gone: its contacts, the account's other resources, and whom it met directly hear it. */
export async function leave(
  context: Context,
  session: Session,
  stanza: Presence,
  wasAvailable: boolean,
): Promise<void> {
  const { account } = session;
  const met = context.directed.take(session);
  if (!wasAvailable && met.length === 0) return;
  const told = new Set<BareJid>();
  if (wasAvailable) {
    const { items } = await context.rosters.of(account);
    for (const item of items.values()) if (item.from) told.add(item.contact);
  }
  const targets: Jid[] = [...told];
  // Whoever is subscribed has heard it already; so have the own resources below.
  for (const jid of met)
    if (!told.has(bareOf(jid)) && !(wasAvailable && bareOf(jid) === account)) targets.push(jid);
  const routed = context.routeAll(targets.map((to) => addressedTo(stanza, to)));
  if (wasAvailable) {
    for (const own of context.available(account)) own.send(stanza, own.jid);
    const isBound = context.home.sessions.at(session.jid) === session;
    if (isBound) session.send(stanza, session.jid);
  }
  await routed;
}

async function tellContacts(context: Context, account: BareJid, stanza: Presence): Promise<void> {
  const { items } = await context.rosters.of(account);
  const copies: Presence[] = [];
  for (const item of items.values()) if (item.from) copies.push(addressedTo(stanza, item.contact));
  await context.routeAll(copies);
}

/** What a newly available resource hears of others (§4.2.2, §4.3.1, §3.1.3). */
async function welcome(context: Context, session: Session, unheard: Unheard): Promise<void> {
  const { account } = session;
  for (const other of context.available(account))
    if (other !== session && other.presence !== undefined)
      session.send(other.presence, session.jid);
  const { items } = await context.rosters.of(account);
  const blocks = await context.barrierOf(account)?.of(account);
  const probes: Presence[] = [];
  const looked: Promise<void>[] = [];
  for (const { contact, to } of items.values()) {
    if (!to || blocks?.(contact) === true) continue;
    if (!context.isLocal(contact)) {
      probes.push(probeOf(account, contact));
    } else if (context.available(contact).length > 0) {
      // From the resource, so that only it is answered. Silence says that nobody is there.
      const askUnless = (isShown: boolean) => {
        if (!isShown) probes.push(presence({ type: 'probe', from: session.jid, to: contact }));
      };
      const isShown = show(context, session, contact, blocks);
      if (isShown instanceof Promise)
        looked.push(isShown.then(askUnless, () => askUnless(false))); // routing it tells what is wrong
      else askUnless(isShown);
    }
  }
  await Promise.all(looked);
  await context.routeAll(probes);
  const afterMs = context.home.configOf(session.host).askAgainAfter;
  const { isLocal, reminding } = context;
  await context.routeAll(reminding.due(account, items.values(), { afterMs, isLocal })); // §3.1.2
  await unheard.came(account, afterMs);
  await deliverRequests(context, session);
}

type Blocks = (jid: Jid) => boolean;

/**
 * Shows a session the presence of a contact who is here, by the rules of a probe (§4.3.2): to route one, and
 * what answers it, for each contact is a tenth of a login (bench, `roster-100`). False if the contact
 * does not let itself be seen.
 */
function show(
  context: Context,
  session: Session,
  contact: BareJid,
  blocks: Blocks | undefined,
): MaybePromise<boolean> {
  const tell = ({ items }: Roster, blocking: Blocks | undefined): boolean => {
    if (items.get(session.account)?.from !== true) return false;
    if (blocking?.(session.jid) === true) return true; // he hears nothing
    for (const { jid, presence: said } of context.available(contact))
      if (said !== undefined && blocks?.(jid) !== true) session.send(said, session.jid);
    return true;
  };
  const roster = context.rosters.of(contact);
  const blocking = context.barrierOf(contact)?.of(contact);
  if (roster instanceof Promise || blocking instanceof Promise)
    return Promise.all([roster, blocking]).then(([late, judge]) => tell(late, judge));
  return tell(roster, blocking);
}

/** Answers a probe to an account or its resource (§4.3.2, §4.6.6). */
export async function answerProbe(
  context: Context,
  probe: Presence,
  to: Jid,
  account: BareJid,
): Promise<Verdict> {
  const { from: asker, id } = probe;
  const { items } = await context.rosters.of(account);
  const isAllowed = bareOf(asker) === account || items.get(bareOf(asker))?.from === true;
  const named = context.home.sessions.of(account).find((session) => session.jid === to);
  const answers: Presence[] = [];
  if (isAllowed && to === account) {
    for (const session of context.available(account))
      if (session.presence !== undefined) answers.push(addressedTo(session.presence, asker));
    if (answers.length === 0)
      answers.push(presence({ type: 'unavailable', from: account, to: asker, id }));
  } else if (isAllowed) {
    const isThere = named?.presence !== undefined;
    answers.push(mere(to, asker, isThere ? undefined : id, isThere));
  } else if (named !== undefined && context.directed.has(named, asker)) {
    answers.push(mere(to, asker, undefined, true));
  } else {
    // The bare JID, whatever was asked for: not even that a resource exists is told to strangers.
    answers.push(presence({ type: 'unsubscribed', from: account, to: bareOf(asker), id }));
  }
  await context.routeAll(answers);
  return verdict.handled;
}

/** That a resource is there or not, and nothing else of it. */
function mere(from: Jid, to: Jid, id: string | undefined, isThere: boolean): Presence {
  return presence({ type: isThere ? 'available' : 'unavailable', from, to, id });
}

/** A session sends available or unavailable presence to one address (§4.6.3). */
export function sendDirected(
  context: Context,
  stanza: Presence & { readonly to: Jid },
  session: Session,
): Verdict {
  const { home, directed } = context;
  if (stanza.type === 'unavailable') {
    directed.delete(session, stanza.to);
    return verdict.pass;
  }
  if (isOver(context, session)) return OVER;
  const most = home.configOf(session.host).maxDirected;
  if (directed.add(session, stanza.to, most)) return verdict.pass;
  return verdict.bounce({
    condition: 'policy-violation',
    text: `A session sends its presence directly to at most ${most} addresses.`,
  });
}

/** Somebody tells an account that he is gone, or that presence did not reach him (§4.6.1). */
export function receiveParting(
  { home, directed, rosters }: Context,
  stanza: Presence,
  to: Jid,
  account: BareJid,
): MaybePromise<Verdict> {
  for (const session of home.sessions.of(account)) directed.delete(session, stanza.from);
  if (stanza.type !== 'error' || to !== account) return verdict.pass;
  // Only the server sends from the bare JID: of its requests the user must hear (§3.1.2), of its
  // probes he need not.
  const decide = (isAwaited: boolean | undefined) =>
    isAwaited === true ? verdict.pass : verdict.drop('an error of a probe');
  const roster = rosters.of(account);
  if (roster instanceof Promise)
    return roster.then(({ items }) => decide(items.get(bareOf(stanza.from))?.pendingOut));
  return decide(roster.items.get(bareOf(stanza.from))?.pendingOut);
}
