/** XEP-0463: who enters is told what changed in the lists since he was there, and who is there what changes. */
import type { FullJid } from '../../jid/jid.ts';
import { message } from '../../stanza/build.ts';
import { errorElement } from '../../stanza/error.ts';
import { type Element, el } from '../../xml/element.ts';
import { listsFor, listsOf, stepFor, versionElement } from './lists.ts';
import { MUC_USER } from './names.ts';
import { seesJids, userElement } from './presence.ts';
import { type Affiliation, defaultRole, isAtLeast } from './privileges.ts';
import type { Occupant, Room } from './room.ts';
import type { Turn } from './turn.ts';
import {
  type Difference,
  differenceSince,
  type ListChange,
  type Lists,
  versionOf,
} from './versions.ts';

/** How many characters of items one message has; more of them go in several. */
const MAX_ITEMS_SIZE = 32_768;
/** What an item takes beside its JID. */
const ITEM_SIZE = 64;

/** What somebody asks who enters. */
export interface ListsWish {
  /** The version that he has; undefined if he has none. */
  readonly since: string | undefined;
}

/** Answers it, before he is sent any presence (§On Join). */
export function sendLists(
  turn: Turn,
  occupant: Occupant,
  to: FullJid,
  { since }: ListsWish,
  id: string | undefined,
): void {
  const { room, terms } = turn;
  const lists = listsOf(room, occupant);
  const found = since === undefined ? WHOLE : differenceOf(room, occupant, lists, since);
  if (lists.size === 0 || found.kind === 'foreign') {
    const error = errorElement({ condition: 'forbidden', by: room.jid });
    turn.send(message({ type: 'error', id, from: room.jid, to, children: [error] }));
    return;
  }
  if (found.kind === 'current') return;
  const items = found.kind === 'since' ? found.items : wholeOf(room, lists);
  const until = versionOf(room, lists);
  const pages = pagesOf(items.map(([jid, affiliation]) => el('item', { jid, affiliation })));
  let from = found.kind === 'since' ? since : undefined;
  pages.forEach((page, index) => {
    // Who has not read all of them comes back with a version that nobody knows.
    const next = index === pages.length - 1 ? until : `${until}.${index}`;
    const x = el('x', { xmlns: MUC_USER }, versionElement(next, from), ...page);
    turn.send(message({ id: terms.newId(), from: room.jid, to, children: [x] }));
    from = next;
  });
}

const WHOLE: Difference = { kind: 'whole' };

function differenceOf(room: Room, { account, role }: Occupant, lists: Lists, since: string) {
  const { affiliates, config } = room;
  const now = affiliates.get(account)?.affiliation ?? 'none';
  return differenceSince(room, since, {
    account,
    affiliates,
    lists,
    listsOf(affiliation: Affiliation) {
      const usual = defaultRole(affiliation, config);
      // Who could not have been there had no version; else he had the role that he has.
      if (usual === 'none') return new Set();
      return listsFor(config, { affiliation, role: affiliation === now ? role : usual });
    },
  });
}

const wholeOf = ({ affiliates }: Room, lists: Lists) =>
  [...affiliates].flatMap(([jid, { affiliation }]) =>
    lists.has(affiliation) ? [[jid, affiliation] as const] : [],
  );

/** The items in messages, of which there is one at least. */
function pagesOf(items: readonly Element[]): readonly (readonly Element[])[] {
  const pages: Element[][] = [[]];
  let size = 0;
  for (const item of items) {
    size += ITEM_SIZE + (item.attrs['jid']?.length ?? 0);
    if (size > MAX_ITEMS_SIZE) {
      pages.push([]);
      size = 0;
    }
    pages.at(-1)?.push(item);
  }
  return pages;
}

/**
 * Tells a change of which no presence tells: to those who may get the lists, and of owners and admins to
 * all who see JIDs (XEP-0045 §10.3 to §10.7). `own` has heard of it by his own presence.
 */
export function tellLists(turn: Turn, change: ListChange, own: Occupant | undefined): void {
  const { room, terms } = turn;
  const { account, before, now } = change;
  const isOfAdmins = isAtLeast(before, 'admin') || isAtLeast(now, 'admin');
  const audiences = new Map<string, { readonly x: Element; readonly to: FullJid[] }>();
  for (const each of room.occupants.values()) {
    if (each.nick === own?.nick) continue;
    const step = stepFor(room, each, change);
    if (step === undefined && !(isOfAdmins && seesJids(room, each.role))) continue;
    const key = step?.until ?? '';
    const item = { affiliation: step?.affiliation ?? now, jid: account, role: 'none' } as const;
    const version = step && versionElement(step.until, step.since);
    const audience = audiences.get(key) ?? { x: userElement(item, [], version), to: [] };
    audiences.set(key, audience);
    for (const { jid } of each.sessions) audience.to.push(jid);
  }
  for (const { x, to } of audiences.values()) {
    const notice = message({ id: terms.newId(), from: room.jid, to: room.jid, children: [x] });
    turn.sendAll(notice, to);
  }
}
