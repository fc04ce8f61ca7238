/** `muc#owner`: configuring a room and destroying it: XEP-0045 §10.1, §10.2, §10.9. */
import { type BareJid, bareOf, parseJid } from '../../jid/jid.ts';
import { message } from '../../stanza/build.ts';
import { type Form, readForm } from '../../stanza/form.ts';
import type { Iq } from '../../stanza/stanza.ts';
import { childOf, childrenOf, type Element, el, textOf } from '../../xml/element.ts';
import { reasonIn, refusalOfAll } from './admin.ts';
import { type AffiliationChange, affiliate, expel, setRole } from './affiliating.ts';
import { configForm, readConfigForm } from './config-form.ts';
import { destroy } from './leaving.ts';
import { MUC_OWNER, MUC_USER, ROOM_CONFIG } from './names.ts';
import { isShown, seesJids, showRoom, tellOthers } from './presence.ts';
import { type Affiliation, affiliationMay, defaultRole } from './privileges.ts';
import { affiliationOf, everyone, occupantAt, type Room } from './room.ts';
import type { RoomConfig } from './room-config.ts';
import type { Turn } from './turn.ts';

/** The longest password that is passed on with a farewell. */
const MAX_PASSWORD = 256;

/** An owner asks for the form. */
export function getConfig(turn: Turn, iq: Iq): void {
  if (!isOwner(turn.room, iq)) return void turn.refuse(iq, NOT_OWNER);
  turn.answer(iq, el('query', { xmlns: MUC_OWNER }, configForm(turn.room)));
}

const NOT_OWNER = { condition: 'forbidden', text: 'Only owners may do this.' } as const;

const isOwner = (room: Room, iq: Iq) =>
  affiliationMay(affiliationOf(room, bareOf(iq.from)), 'configure');

/** An owner hands in a form, or ends the room. */
export function setConfig(turn: Turn, iq: Iq, query: Element): void {
  if (!isOwner(turn.room, iq)) return void turn.refuse(iq, NOT_OWNER);
  const end = childOf(query, 'destroy', MUC_OWNER);
  if (end !== undefined) return void endRoom(turn, iq, end);
  const x = childrenOf(query)[0];
  const form = x === undefined ? undefined : readForm(x);
  if (form === undefined || (form.type !== 'submit' && form.type !== 'cancel'))
    return void turn.refuse(iq, { condition: 'bad-request' });
  if (form.type === 'cancel') return void cancel(turn, iq);
  if (form.fields.length > 0 && form.formType !== undefined && form.formType !== ROOM_CONFIG)
    return void turn.refuse(iq, { condition: 'bad-request' });
  submit(turn, iq, form);
}

/** §10.1.3: who gives up configuring a new room gives up the room. */
function cancel(turn: Turn, iq: Iq): void {
  if (turn.room.isLocked) destroy(turn, { venue: undefined, password: '', reason: '' });
  turn.answer(iq);
}

function endRoom(turn: Turn, iq: Iq, end: Element): void {
  const raw = end.attrs['jid'];
  const venue = raw === undefined || raw === '' ? undefined : parseJid(raw);
  if (venue?.ok === false) return void turn.refuse(iq, { condition: 'jid-malformed' });
  const password = childOf(end, 'password', MUC_OWNER);
  destroy(turn, {
    venue: venue?.value,
    password: password === undefined ? '' : textOf(password).slice(0, MAX_PASSWORD),
    reason: reasonIn(end, MUC_OWNER),
  });
  turn.answer(iq);
}

function submit(turn: Turn, iq: Iq, form: Form): void {
  const { room } = turn;
  const wish = readConfigForm(form, room.config);
  if (typeof wish === 'string')
    return void turn.refuse(iq, { condition: 'not-acceptable', text: wish, type: 'modify' });
  const changes = [
    ...listChanges(turn, iq, 'owner', wish.owners, wish.admins),
    ...listChanges(turn, iq, 'admin', wish.admins, wish.owners),
  ];
  const failure = refusalOfAll(turn, changes);
  if (failure !== undefined) return void turn.refuse(iq, failure);
  const afterwards = affiliate(turn, changes);
  const wasLocked = room.isLocked;
  turn.room = { ...turn.room, isLocked: false };
  turn.answer(iq);
  configure(turn, wish.config, wasLocked);
  for (const follow of afterwards) follow();
}

/**
 * What a full list in a form changes; who is on neither list any more is a member of old. An owner who is no
 * more is an admin where the form says nothing of these.
 */
function listChanges(
  { room }: Turn,
  iq: Iq,
  to: 'owner' | 'admin',
  listed: readonly BareJid[] | undefined,
  others: readonly BareJid[] | undefined,
): AffiliationChange[] {
  if (listed === undefined) return [];
  const by = bareOf(iq.from);
  const actor = occupantAt(room, iq.from)?.nick;
  const change = (account: BareJid, now: Affiliation) => ({
    account,
    to: now,
    by,
    actor,
    reason: '',
  });
  // Who is on both lists is an owner; who is on the other one is seen to there.
  const isElsewhere = (jid: BareJid) => others?.includes(jid) === true;
  const wanted = new Set(to === 'owner' ? listed : listed.filter((jid) => !isElsewhere(jid)));
  const added = [...wanted].filter((jid) => room.affiliates.get(jid)?.affiliation !== to);
  const removed = [...room.affiliates]
    .filter(([jid, each]) => each.affiliation === to && !wanted.has(jid) && !isElsewhere(jid))
    .map(([jid]) => jid);
  const left = to === 'owner' && others === undefined ? 'admin' : 'member';
  return [...added.map((jid) => change(jid, to)), ...removed.map((jid) => change(jid, left))];
}

/** Takes a configuration: those who may not stay leave, roles follow, and all are told (§10.2.1). */
export function configure(turn: Turn, config: RoomConfig, isFirst = false): void {
  const before = turn.room.config;
  turn.room = { ...turn.room, config };
  if (isFirst && turn.room.occupants.size <= 1) return;
  if (config.isMembersOnly && !before.isMembersOnly) expelStrangers(turn);
  const codes = changeCodes(before, config);
  if (codes.length > 0) tellConfigured(turn, codes);
  if (!config.isModerated && before.isModerated) giveVoice(turn);
  if (config.whois !== before.whois && config.whois === 'anyone') showJids(turn, before);
  showRoles(turn, before);
}

/** §10.2: a room for members has no place for others. */
function expelStrangers(turn: Turn): void {
  for (const occupant of [...turn.room.occupants.values()])
    if (defaultRole(affiliationOf(turn.room, occupant.account), turn.room.config) === 'none')
      expel(turn, occupant, { codes: [322] });
}

/** The codes that tell what was changed (§10.2.1). */
export function changeCodes(before: RoomConfig, now: RoomConfig): number[] {
  const codes: number[] = [];
  if (now.isLogged !== before.isLogged) codes.push(now.isLogged ? 170 : 171);
  if (now.whois !== before.whois) codes.push(now.whois === 'anyone' ? 172 : 173);
  const { isLogged: _, whois: __, ...rest } = now;
  const { isLogged: ___, whois: ____, ...other } = before;
  if (JSON.stringify(rest) !== JSON.stringify(other)) codes.push(104);
  return codes;
}

/** Tells all that the room is configured in another way. */
export function tellConfigured(turn: Turn, codes: readonly number[]): void {
  const { room, terms } = turn;
  const x = el('x', { xmlns: MUC_USER }, ...codes.map((code) => el('status', { code })));
  const notice = message({
    type: 'groupchat',
    id: terms.newId(),
    from: room.jid,
    to: room.jid,
    children: [x],
  });
  turn.sendAll(notice, everyone(room));
}

/** Where there is no moderation, everyone has voice (§5.1.2). */
function giveVoice(turn: Turn): void {
  turn.room = { ...turn.room, roles: new Map() };
  for (const occupant of [...turn.room.occupants.values()])
    if (occupant.role === 'visitor') setRole(turn, occupant, 'participant', {});
}

/** JIDs are no secret any more: those who did not see them do now. */
function showJids(turn: Turn, before: RoomConfig): void {
  for (const occupant of turn.room.occupants.values())
    if (!seesJids({ ...turn.room, config: before }, occupant.role)) showRoom(turn, occupant);
}

/** Roles that are shown now and were not, or the other way round (§7.2.2). */
function showRoles(turn: Turn, before: RoomConfig): void {
  const { room } = turn;
  for (const occupant of room.occupants.values()) {
    const wasShown = before.presenceOf.includes(occupant.role);
    const isNow = isShown(room, occupant.role);
    if (isNow && !wasShown) tellOthers(turn, occupant, {});
    if (wasShown && !isNow) tellOthers(turn, occupant, { type: 'unavailable', role: 'none' });
  }
}
