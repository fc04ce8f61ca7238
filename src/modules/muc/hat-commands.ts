/** The commands by which admins of a room manage hats (XEP-0317 §3.2 to §3.7, by XEP-0050). */
import { type BareJid, bareOf, localOf, parseJid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import {
  type Form,
  type FormField,
  firstValueOf,
  formElement,
  readForm,
} from '../../stanza/form.ts';
import type { Iq } from '../../stanza/stanza.ts';
import { childrenOf, type Element, el } from '../../xml/element.ts';
import { type Hat, type Hats, hatsOf, putOn, takenOff, withHat, withoutHat } from './hats.ts';
import { tellConfigured } from './owner.ts';
import { announce } from './presence.ts';
import { isAtLeast } from './privileges.ts';
import { affiliationOf, occupantAt, type Room } from './room.ts';
import type { Turn } from './turn.ts';

/** The namespace of commands (XEP-0050), and its feature. */
export const COMMANDS = 'http://jabber.org/protocol/commands';

const FORM = 'urn:xmpp:hats:commands';
const MAX_HATS = 50;
const MAX_WEARERS = 1000;
const MAX_WORN = 10;
const MAX_TITLE = 100;
const MAX_URI = 500;

interface HatCommand {
  readonly name: string;
  /** What is asked; undefined for a command that only shows something. */
  readonly fields?: (hats: Hats) => readonly FormField[];
  readonly isForAll?: boolean;
  /** Does it: the hats as they are then, a form to be shown, or why it cannot be done. */
  run(hats: Hats, form: Form | undefined): Hats | Element | StanzaFailure;
}

const text = (name: string, label: string, isRequired = true): FormField => ({
  name,
  type: 'text-single',
  label,
  isRequired,
  values: [],
});
const hatField = ({ known }: Hats): FormField => ({
  name: 'hats#uri',
  type: 'list-single',
  label: 'The hat',
  isRequired: true,
  values: [],
  options: [...known.values()].map(({ uri, title }) => ({ label: title, value: uri })),
});
const wearer: FormField = {
  name: 'hats#jid',
  type: 'jid-single',
  label: 'User Address',
  isRequired: true,
  values: [],
};

const BAD: StanzaFailure = {
  condition: 'bad-request',
  app: el('bad-payload', { xmlns: COMMANDS }),
};
const TOO_MANY: StanzaFailure = { condition: 'resource-constraint' };
const UNKNOWN: StanzaFailure = { condition: 'item-not-found', text: 'There is no such hat.' };

/** The commands by their nodes. */
const HAT_COMMANDS: Readonly<Record<string, HatCommand>> = {
  [`${FORM}:create`]: {
    name: 'Create or change a hat',
    fields: () => [
      text('hats#title', 'Hat Title'),
      text('hats#uri', 'Hat URI'),
      text('hats#hue', 'Hat Hue', false),
    ],
    run(hats, form) {
      const hat = form && readHat(form);
      if (hat === undefined) return BAD;
      if (!hats.known.has(hat.uri) && hats.known.size >= MAX_HATS) return TOO_MANY;
      return withHat(hats, hat);
    },
  },
  [`${FORM}:destroy`]: {
    name: 'Destroy a hat',
    fields: (hats) => [hatField(hats)],
    run(hats, form) {
      const uri = form && firstValueOf(form, 'hats#uri');
      if (uri === undefined) return BAD;
      return hats.known.has(uri) ? withoutHat(hats, uri) : UNKNOWN;
    },
  },
  [`${FORM}:list`]: {
    name: 'List hats',
    isForAll: true,
    run: ({ known }) =>
      listForm('Hats List', ['hats#title', 'hats#uri', 'hats#hue'], [...known.values()].map(rowOf)),
  },
  [`${FORM}:assign`]: {
    name: 'Assign a hat',
    fields: (hats) => [wearer, hatField(hats)],
    run(hats, form) {
      const asked = form && readWearing(form);
      if (asked === undefined) return BAD;
      const { account, uri } = asked;
      if (!hats.known.has(uri)) return UNKNOWN;
      const own = hats.worn.get(account) ?? [];
      if (own.length >= MAX_WORN || (own.length === 0 && hats.worn.size >= MAX_WEARERS))
        return TOO_MANY;
      return putOn(hats, account, uri);
    },
  },
  [`${FORM}:unassign`]: {
    name: 'Remove a hat',
    fields: (hats) => [wearer, hatField(hats)],
    run(hats, form) {
      const asked = form && readWearing(form);
      if (asked === undefined) return BAD;
      const { account, uri } = asked;
      return hats.worn.get(account)?.includes(uri) === true
        ? takenOff(hats, account, uri)
        : UNKNOWN;
    },
  },
  [`${FORM}:list-assigned`]: {
    name: 'List assigned hats',
    run: (hats) =>
      listForm(
        'Assigned Hats List',
        ['hats#jid', 'hats#uri', 'hats#title', 'hats#hue'],
        [...hats.worn.keys()].flatMap((jid) =>
          hatsOf(hats, jid).map((hat) => ({ 'hats#jid': jid, ...rowOf(hat) })),
        ),
      ),
  },
};

/** The commands that somebody has, for disco#items (XEP-0050 §2.2). */
export function hatCommandsFor(room: Room, iq: Iq): { readonly node: string; name: string }[] {
  const isAdmin = mayManage(room, iq);
  return Object.entries(HAT_COMMANDS)
    .filter(([, { isForAll }]) => isAdmin || isForAll === true)
    .map(([node, { name }]) => ({ node, name }));
}

const mayManage = (room: Room, { from }: Iq) =>
  isAtLeast(affiliationOf(room, bareOf(from)), 'admin');

/** Carries a command out: without a form it is asked for, with one it is done at once (§3.3). */
export function runHatCommand(turn: Turn, iq: Iq, request: Element): void {
  const { room, terms } = turn;
  const {
    node = '',
    sessionid = terms.newId(),
    action,
  } = request.attrs as Partial<Record<string, string>>;
  const command = Object.hasOwn(HAT_COMMANDS, node) ? HAT_COMMANDS[node] : undefined;
  if (command === undefined) return void turn.refuse(iq, { condition: 'item-not-found' });
  const isPresent = occupantAt(room, iq.from) !== undefined;
  if (!mayManage(room, iq) && !(command.isForAll === true && isPresent))
    return void turn.refuse(iq, { condition: 'forbidden' });
  const answer = (status: 'executing' | 'completed' | 'canceled', form?: Element) =>
    turn.answer(iq, el('command', { xmlns: COMMANDS, node, sessionid, status }, form));
  if (action === 'cancel') return void answer('canceled');
  const x = childrenOf(request).find(({ name }) => name === 'x');
  if (x === undefined && command.fields !== undefined)
    return void answer('executing', asking(command.name, command.fields(room.hats)));
  const form = x && readForm(x);
  if (x !== undefined && (form?.type !== 'submit' || form.formType !== FORM))
    return void turn.refuse(iq, BAD);
  const done = command.run(room.hats, form);
  if ('condition' in done) return void turn.refuse(iq, done);
  if (!('known' in done)) return void answer('completed', done);
  answer('completed');
  wear(turn, done);
}

const asking = (title: string, fields: readonly FormField[]): Element =>
  formElement({ type: 'form', formType: FORM, title, fields });

/** The room takes other hats: all hear of the list, and see those whose hats are others now. */
function wear(turn: Turn, hats: Hats): void {
  const before = turn.room.hats;
  turn.room = { ...turn.room, hats };
  if (before.known !== hats.known) tellConfigured(turn, [104]); // §3.2
  for (const occupant of turn.room.occupants.values()) {
    const own = hatsOf(hats, occupant.account);
    const old = hatsOf(before, occupant.account);
    const isSame = own.length === old.length && own.every((hat, index) => hat === old[index]);
    if (!isSame) announce(turn, occupant);
  }
}

function readHat(form: Form): Hat | undefined {
  const title = (firstValueOf(form, 'hats#title') ?? '').trim();
  const uri = (firstValueOf(form, 'hats#uri') ?? '').trim();
  const hue = (firstValueOf(form, 'hats#hue') ?? '').trim();
  const isHue = hue === '' || (/^\d{1,3}(\.\d{1,12})?$/.test(hue) && Number(hue) <= 360);
  const isUri = /^[a-z][a-z0-9+.-]*:\S+$/i.test(uri) && uri.length <= MAX_URI;
  return title === '' || title.length > MAX_TITLE || !isUri || !isHue
    ? undefined
    : { title, uri, hue };
}

function readWearing(form: Form): { readonly account: BareJid; readonly uri: string } | undefined {
  const jid = parseJid(firstValueOf(form, 'hats#jid') ?? '');
  const uri = firstValueOf(form, 'hats#uri');
  if (!jid.ok || uri === undefined || localOf(jid.value) === '') return undefined;
  return { account: bareOf(jid.value), uri };
}

type Row = Readonly<Record<string, string>>;

const rowOf = ({ title, uri, hue }: Hat): Row => ({
  'hats#title': title,
  'hats#uri': uri,
  ...(hue === '' ? {} : { 'hats#hue': hue }),
});

/** A report of several items (XEP-0004 §3.4). */
function listForm(title: string, names: readonly string[], rows: readonly Row[]): Element {
  const x = formElement({ type: 'result', title, fields: [] });
  const items = rows.map((row) =>
    el(
      'item',
      undefined,
      ...names.flatMap((name) => {
        const value = row[name];
        return value === undefined
          ? []
          : [el('field', { var: name }, el('value', undefined, value))];
      }),
    ),
  );
  const reported = el('reported', undefined, ...names.map((name) => el('field', { var: name })));
  return el('x', { ...x.attrs }, ...x.children, reported, ...items);
}
