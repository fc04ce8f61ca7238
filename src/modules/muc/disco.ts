/** What a room says of itself: XEP-0045 §6.4, §6.5, §7.12, §17.1.1. */
import { bareOf } from '../../jid/jid.ts';
import { DATA_FORMS, type FormField, formElement } from '../../stanza/form.ts';
import type { Iq } from '../../stanza/stanza.ts';
import type { Element } from '../../xml/element.ts';
import { DISCO_INFO, DISCO_ITEMS, infoElement, itemsElement } from '../disco/index.ts';
import { MESSAGE_ACTIVITY, messagesPerHour } from './activity.ts';
import { ARCHIVE_FEATURES } from './archiving.ts';
import { CONFIG_FIELDS } from './config-form.ts';
import { COMMANDS, hatCommandsFor } from './hat-commands.ts';
import { hashOf } from './hats.ts';
import { TOMBSTONES } from './moderating.ts';
import {
  HATS,
  MAV,
  MODERATE,
  MUC,
  OCCUPANT_ID,
  RETRACT,
  ROOM_INFO,
  SELF_PING,
  STABLE_ID,
  STANZA_ID,
  VCARD,
} from './names.ts';
import { ownersOf, type Room } from './room.ts';
import type { Turn } from './turn.ts';

/** §7.12: the node at which a user finds the nick that is reserved for him. */
const OWN_NICK = 'x-roomuser-item';
/** §17.1.1: the node at which a room says what it lets pass. */
const TRAFFIC = 'http://jabber.org/protocol/muc#traffic';

/** What every room and the service can do. */
export const COMMON_FEATURES: readonly string[] = [
  DISCO_INFO,
  DISCO_ITEMS,
  MUC,
  STABLE_ID,
  OCCUPANT_ID,
  VCARD,
];

/** The features of a room: what it can do, and of which types it is. */
export function roomFeatures({ config }: Room, hasArchive: boolean): string[] {
  const types = [
    config.password === '' ? 'muc_unsecured' : 'muc_passwordprotected',
    config.isPublic ? 'muc_public' : 'muc_hidden',
    config.isPersistent ? 'muc_persistent' : 'muc_temporary',
    config.isMembersOnly ? 'muc_membersonly' : 'muc_open',
    config.isModerated ? 'muc_moderated' : 'muc_unmoderated',
    config.whois === 'anyone' ? 'muc_nonanonymous' : 'muc_semianonymous',
  ];
  const own = [
    COMMANDS,
    HATS,
    MAV,
    SELF_PING,
    STANZA_ID,
    'jabber:iq:register',
    MODERATE,
    RETRACT,
    TOMBSTONES,
  ];
  return [...COMMON_FEATURES, ...own, ...(hasArchive ? ARCHIVE_FEATURES : []), ...types].sort();
}

/** Somebody asks a room what it is. */
export function info(turn: Turn, iq: Iq, query: Element): void {
  const { room } = turn;
  const { node } = query.attrs;
  const name = room.config.name === '' ? undefined : room.config.name;
  const identity = { category: 'conference', type: 'text', name };
  if (node === undefined)
    return void turn.answer(
      iq,
      infoElement({
        identities: [identity],
        features: roomFeatures(room, turn.terms.hasArchive),
        forms: [roomInfo(room, turn.terms.now)],
      }),
    );
  if (node === OWN_NICK) {
    const nick = room.affiliates.get(bareOf(iq.from))?.nick ?? '';
    const identities = nick === '' ? [] : [{ ...identity, name: nick }];
    return void turn.answer(iq, infoElement({ identities, features: [], forms: [] }, node));
  }
  // §17.1.1: nothing is kept back.
  if (node === TRAFFIC) return void turn.refuse(iq, { condition: 'service-unavailable' });
  const command = hatCommandsFor(room, iq).find((each) => each.node === node);
  if (command === undefined) return void turn.refuse(iq, { condition: 'item-not-found' });
  const identities = [{ category: 'automation', type: 'command-node', name: command.name }];
  const features = [COMMANDS, DATA_FORMS];
  turn.answer(iq, infoElement({ identities, features, forms: [] }, node)); // XEP-0050 §2.3
}

/** Somebody asks who is there: that is nobody's business outside (§6.5, §13.4). */
export function items(turn: Turn, iq: Iq, query: Element): void {
  const { node } = query.attrs;
  const jid = turn.room.jid;
  const commands = node === COMMANDS ? hatCommandsFor(turn.room, iq) : [];
  turn.answer(
    iq,
    itemsElement(
      commands.map((each) => ({ jid, ...each })),
      node,
    ),
  );
}

/** The form of §6.4; the subject is told only where anyone could hear it anyway (§13.4). */
function roomInfo(room: Room, now: number): Element {
  const rate = messagesPerHour(room, now);
  const { config, subject, occupants } = room;
  const isOpen = config.isPublic && !config.isMembersOnly && config.password === '';
  const field = (
    name: string,
    label: string,
    values: readonly string[],
    type?: FormField['type'],
  ): FormField[] =>
    values.length === 0 || values[0] === '' ? [] : [{ name, type, label, values }];
  const configured = (name: string): FormField[] => {
    const found = CONFIG_FIELDS.find((each) => each.name === name);
    return found === undefined ? [] : field(name, found.label, found.get(config));
  };
  const contacts = config.whois === 'anyone' ? ownersOf(room) : [];
  return formElement({
    type: 'result',
    formType: ROOM_INFO,
    fields: [
      ...field('muc#roominfo_description', 'Description', [config.description]),
      ...field('muc#roominfo_contactjid', 'Contact Addresses', contacts),
      ...field('muc#roominfo_subject', 'Current Discussion Topic', [
        isOpen ? (subject?.text ?? '') : '',
      ]),
      ...field('muc#roominfo_subjectmod', 'Participants may change the subject', [
        config.canChangeSubject ? '1' : '0',
      ]),
      ...field('muc#roominfo_occupants', 'Number of occupants', [String(occupants.size)]),
      ...field('muc#roominfo_lang', 'Language of discussion', [config.language]),
      ...field('muc#roominfo_avatarhash', 'Avatar hash', room.pictures, 'text-multi'),
      ...field('hats#hash', 'Hats hash', [hashOf(room.hats) ?? '']),
      ...field('muc#roominfo_slow_mode_duration', 'Slow mode', [String(config.pause)]),
      ...field(MESSAGE_ACTIVITY, 'Messages per hour', rate === undefined ? [] : [rate.toFixed(2)]),
      ...configured('muc#roomconfig_changesubject'),
      ...configured('muc#maxhistoryfetch'),
      ...configured('muc#roomconfig_pubsub'),
    ],
  });
}
