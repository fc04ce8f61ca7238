/** Contacts that come from another server: XEP-0227 §4.4, and §4.9 for those who wait for an answer. */
import type { Intake, Newcomer, PassedOver, Portion } from '../../core/intake.ts';
import type { Home } from '../../core/module.ts';
import { type BareJid, bareOf, domainOf, type Jid, parseJid } from '../../jid/jid.ts';
import { childrenOf, type Element, el, isNamed, serialise, textOf } from '../../xml/element.ts';
import type { RosterApi, RosterLimits } from './api.ts';
import { type RosterItem, strangerOf } from './item.ts';
import { ROSTER } from './payloads.ts';
import { faultOf } from './requests.ts';
import type { Decision, Roster } from './rosters.ts';

/** What becomes of contacts. */
type Decided = Decision & { readonly after: RosterItem };

/** Takes them in; undefined for what is no contact. */
export async function importedContacts(
  home: Pick<Home<RosterLimits>, 'configOf'>,
  api: RosterApi,
  newcomer: Newcomer,
  { within, elements }: Portion,
): Promise<Intake | undefined> {
  if (within.length > 0 || !elements.every((each) => isRoster(each) || isRequest(each)))
    return undefined;
  const limits = home.configOf(domainOf(newcomer.account));
  const passed: PassedOver[] = [];
  let taken = 0;
  const decide = (roster: Roster): readonly Decided[] => {
    const decided = new Map<BareJid, Decided>();
    let room = limits.maxItems - [...roster.items.values()].filter((each) => each.isListed).length;
    const pass = (what: string, why: string) => void passed.push({ what, why });
    const now = (contact: BareJid) => decided.get(contact)?.after ?? roster.items.get(contact);
    const put = (read: Read, before: RosterItem | undefined) => {
      const isAdded = read.after.isListed && before?.isListed !== true;
      if (isAdded && room <= 0)
        return pass(read.after.contact, `a roster has at most ${limits.maxItems} contacts`);
      if (isAdded) room -= 1;
      const request = read.request ?? decided.get(read.after.contact)?.request;
      const { after } = read;
      decided.set(after.contact, request === undefined ? { after } : { after, request });
      taken += 1;
    };
    for (const [what, read] of readAll(elements, newcomer.account, limits)) {
      if (typeof read === 'string') {
        pass(what, read);
        continue;
      }
      const before = now(read.contact);
      const isHere = roster.items.get(read.contact)?.isListed === true;
      if (!newcomer.isNew && isHere) pass(read.contact, 'the contact is in the roster already');
      else put(read.onto(before ?? strangerOf(read.contact)), before);
    }
    return newcomer.isDry ? [] : [...decided.values()];
  };
  await api.fill(newcomer.account, decide);
  return { kind: 'contacts', taken, passed };
}

const isRoster = (element: Element) => isNamed(element, 'query', ROSTER);
const isRequest = (element: Element) =>
  isNamed(element, 'presence', '') && element.attrs['type'] === 'subscribe';

interface Read {
  readonly after: RosterItem;
  readonly request?: string;
}

/** A contact as the file has it, laid onto what is known of him. */
interface Contact {
  readonly contact: BareJid;
  onto(before: RosterItem): Read;
}

/** All contacts, each with how it is called where it cannot be taken, and why. */
function* readAll(
  elements: readonly Element[],
  account: BareJid,
  limits: RosterLimits,
): Generator<readonly [string, Contact | string]> {
  for (const element of elements) {
    if (isRequest(element)) yield [element.attrs['from'] ?? '', requestIn(element, account)];
    else
      for (const item of childrenOf(element))
        if (isNamed(item, 'item', ROSTER))
          yield [item.attrs['jid'] ?? '', itemIn(item, account, limits)];
  }
}

function contactOf(raw: string | undefined, account: BareJid): BareJid | { readonly why: string } {
  const jid = parseJid(raw ?? '');
  if (!jid.ok) return { why: jid.why };
  const contact = bareOf(jid.value satisfies Jid);
  return contact === account ? { why: 'an account is no contact of its own' } : contact;
}

function itemIn(item: Element, account: BareJid, limits: RosterLimits): Contact | string {
  const contact = contactOf(item.attrs['jid'], account);
  if (typeof contact !== 'string') return contact.why;
  const groups = childrenOf(item)
    .filter((child) => isNamed(child, 'group', ROSTER))
    .map((child) => textOf(child))
    .filter((group) => group !== '');
  const { name, subscription = 'none', ask, approved } = item.attrs;
  if (!isSubscription(subscription)) return `its subscription is '${subscription}'`;
  const told = { name: name === '' ? undefined : name, groups: [...new Set(groups)] };
  const fault = faultOf(told, limits);
  if (fault !== undefined) return fault.text ?? fault.condition;
  return {
    contact,
    onto: (before) => ({
      after: {
        ...before,
        ...told,
        to: subscription === 'to' || subscription === 'both',
        from: subscription === 'from' || subscription === 'both',
        pendingOut: ask === 'subscribe',
        approved: approved === 'true' || approved === '1',
        isListed: true,
      },
    }),
  };
}

const isSubscription = (text: string) => ['none', 'to', 'from', 'both'].includes(text);

/** §4.9: somebody waits for an answer; his words are kept with it. */
function requestIn(presence: Element, account: BareJid): Contact | string {
  const contact = contactOf(presence.attrs['from'], account);
  if (typeof contact !== 'string') return contact.why;
  presence.attrs['from'] = contact;
  presence.attrs['to'] = account;
  return {
    contact,
    onto: (before) =>
      before.from
        ? { after: before }
        : { after: { ...before, pendingIn: true }, request: textOfRequest(presence) },
  };
}

/** What is kept of the words of a request, at most. */
const MOST_REQUEST_BYTES = 8192;

function textOfRequest(presence: Element): string {
  const text = serialise(presence);
  if (Buffer.byteLength(text) <= MOST_REQUEST_BYTES) return text;
  const { from, to } = presence.attrs;
  return serialise(el('presence', { type: 'subscribe', from, to }));
}
