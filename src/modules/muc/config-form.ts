/** The configuration of a room as the form that its owners fill in: XEP-0045 §10.1.3, §10.2, §15.5.3. */
import { type BareJid, bareOf, parseJid } from '../../jid/jid.ts';
import {
  type FieldType,
  type Form,
  type FormField,
  formElement,
  valuesOf,
} from '../../stanza/form.ts';
import type { Element } from '../../xml/element.ts';
import { ROOM_CONFIG } from './names.ts';
import type { Room } from './room.ts';
import { MAX_OCCUPANTS, MAX_PAUSE, type RoomConfig, roomConfig } from './room-config.ts';

/** One field: how it is shown, and how an answer changes the configuration. */
export interface ConfigField {
  readonly name: string;
  readonly type: FieldType;
  readonly label: string;
  readonly options?: readonly { readonly label: string; readonly value: string }[];
  readonly range?: { readonly min: number; readonly max: number };
  get(config: RoomConfig): readonly string[];
  /** What the values change; undefined when they are none for this field. */
  set(values: readonly string[]): Draft | undefined;
}

/** Changes of a configuration that are checked as a whole. */
type Draft = { readonly [K in keyof RoomConfig]?: unknown } & { readonly isProtected?: boolean };

type Of<T> = {
  [K in keyof RoomConfig]: RoomConfig[K] extends T ? K : never;
}[keyof RoomConfig];

const text = (name: string, key: Of<string>, label: string): ConfigField => ({
  name,
  type: 'text-single',
  label,
  get: (config) => [String(config[key])],
  set: ([value = '']) => ({ [key]: value.trim() }),
});

const flag = (name: string, key: Of<boolean>, label: string): ConfigField => ({
  name,
  type: 'boolean',
  label,
  get: (config) => [config[key] ? '1' : '0'],
  set([value]) {
    if (value === '1' || value === 'true') return { [key]: true };
    return value === '0' || value === 'false' ? { [key]: false } : undefined;
  },
});

const number = (name: string, key: Of<number>, label: string): ConfigField => ({
  name,
  type: 'text-single',
  label,
  get: (config) => [String(config[key])],
  set: ([value = '']) => (/^\d{1,6}$/.test(value.trim()) ? { [key]: Number(value) } : undefined),
});

const oneOf = (
  name: string,
  key: 'privateMessages' | 'whois',
  label: string,
  options: readonly (readonly [label: string, value: string])[],
): ConfigField => ({
  name,
  type: 'list-single',
  label,
  options: options.map(([each, value]) => ({ label: each, value })),
  get: (config) => [config[key]],
  set: ([value = '']) => ({ [key]: value }),
});

const roles = (name: string, key: 'presenceOf' | 'memberListFor', label: string): ConfigField => ({
  name,
  type: 'list-multi',
  label,
  options: [
    { label: 'Moderator', value: 'moderator' },
    { label: 'Participant', value: 'participant' },
    { label: 'Visitor', value: 'visitor' },
  ],
  get: (config) => config[key],
  set: (values) => ({ [key]: [...new Set(values)] }),
});

const ROUND = [10, 20, 50, 100, 200, 500, 1000];

const maxUsers: ConfigField = {
  name: 'muc#roomconfig_maxusers',
  type: 'list-single',
  label: 'Maximum Number of Occupants',
  options: [
    ...ROUND.map((most) => ({ label: String(most), value: String(most) })),
    { label: 'None', value: 'none' },
  ],
  get: ({ maxOccupants }) => [maxOccupants === 0 ? 'none' : String(maxOccupants)],
  set([value = '']) {
    if (value === 'none' || value === '') return { maxOccupants: 0 };
    const most = /^\d{1,6}$/.test(value) ? Number(value) : 0;
    return most > 0 ? { maxOccupants: Math.min(most, MAX_OCCUPANTS) } : undefined;
  },
};

/** XEP-0500 §5.1. */
const SLOW_MODE = 'muc#roomconfig_slow_mode_duration';

/** All fields but the lists of owners and admins, in the order in which they are shown. */
export const CONFIG_FIELDS: readonly ConfigField[] = [
  text('muc#roomconfig_roomname', 'name', 'Natural-Language Room Name'),
  text('muc#roomconfig_roomdesc', 'description', 'Short Description of Room'),
  text('muc#roomconfig_lang', 'language', 'Natural Language for Room Discussions'),
  flag('muc#roomconfig_enablelogging', 'isLogged', 'Tell Occupants That the Room Is Logged?'),
  flag('muc#roomconfig_changesubject', 'canChangeSubject', 'Allow Occupants to Change Subject?'),
  flag('muc#roomconfig_allowinvites', 'canInvite', 'Allow Members to Invite Others?'),
  oneOf('muc#roomconfig_allowpm', 'privateMessages', 'Who Can Send Private Messages?', [
    ['Anyone', 'anyone'],
    ['Anyone with Voice', 'participants'],
    ['Moderators Only', 'moderators'],
    ['Nobody', 'none'],
  ]),
  maxUsers,
  roles(
    'muc#roomconfig_presencebroadcast',
    'presenceOf',
    'Roles for which Presence is Broadcasted',
  ),
  roles('muc#roomconfig_getmemberlist', 'memberListFor', 'Roles that May Retrieve Member List'),
  flag('muc#roomconfig_publicroom', 'isPublic', 'Make Room Publicly Searchable?'),
  flag('muc#roomconfig_persistentroom', 'isPersistent', 'Make Room Persistent?'),
  flag('muc#roomconfig_moderatedroom', 'isModerated', 'Make Room Moderated?'),
  flag('muc#roomconfig_membersonly', 'isMembersOnly', 'Make Room Members-Only?'),
  {
    name: 'muc#roomconfig_passwordprotectedroom',
    type: 'boolean',
    label: 'Password Required to Enter?',
    get: ({ password }) => [password === '' ? '0' : '1'],
    set([value]) {
      if (value === '1' || value === 'true') return { isProtected: true };
      return value === '0' || value === 'false' ? { isProtected: false } : undefined;
    },
  },
  {
    name: 'muc#roomconfig_roomsecret',
    type: 'text-private',
    label: 'Password',
    get: ({ password }) => [password],
    set: ([value = '']) => ({ password: value }),
  },
  oneOf('muc#roomconfig_whois', 'whois', 'Who May Discover Real JIDs?', [
    ['Moderators Only', 'moderators'],
    ['Anyone', 'anyone'],
  ]),
  number(
    'muc#maxhistoryfetch',
    'historyMost',
    'Maximum Number of History Messages Returned by Room',
  ),
  text('muc#roomconfig_pubsub', 'pubsub', 'XMPP URI of Associated Publish-Subscribe Node'),
  flag('{urn:rtcd:muc}archive', 'isArchived', 'Archive What Is Said for Those Who May Enter?'),
  flag('{urn:rtcd:muc}lock_nicks', 'areNicksLocked', 'Members Use Their Registered Nick Only?'),
  flag('{urn:rtcd:muc}registration', 'canRegister', 'May Anyone Register as a Member?'),
  {
    ...number(SLOW_MODE, 'pause', 'Slow Mode: Seconds Between Two Messages of a Participant'),
    range: { min: 0, max: MAX_PAUSE },
  },
];

const OWNERS = 'muc#roomconfig_roomowners';
const ADMINS = 'muc#roomconfig_roomadmins';

/** The form with the room as it is. */
export function configForm(room: Room): Element {
  const named = (affiliation: 'owner' | 'admin') =>
    [...room.affiliates].filter(([, each]) => each.affiliation === affiliation).map(([jid]) => jid);
  const fields: FormField[] = CONFIG_FIELDS.map(({ name, type, label, options, range, get }) => ({
    name,
    type,
    label,
    values: get(room.config).filter((value) => value !== ''),
    options,
    range,
  }));
  return formElement({
    type: 'form',
    formType: ROOM_CONFIG,
    title: `Configuration of ${room.jid}`,
    instructions: ['Complete this form to change the configuration of your room.'],
    fields: [
      ...fields,
      { name: ADMINS, type: 'jid-multi', label: 'Room Admins', values: named('admin') },
      { name: OWNERS, type: 'jid-multi', label: 'Room Owners', values: named('owner') },
    ],
  });
}

/** What an owner wants. */
export interface ConfigWish {
  readonly config: RoomConfig;
  /** The full lists, where the form has them (§10.6, §10.8: not the changes). */
  readonly owners: readonly BareJid[] | undefined;
  readonly admins: readonly BareJid[] | undefined;
}

/** Reads a form; what it leaves out stays as it is. A text tells what cannot be. */
export function readConfigForm(form: Form, before: RoomConfig): ConfigWish | string {
  let draft: Record<string, unknown> = {};
  for (const field of CONFIG_FIELDS) {
    const values = valuesOf(form, field.name);
    if (values === undefined) continue;
    const change = field.set(values);
    if (change === undefined) return `${field.name} cannot be that.`;
    draft = { ...draft, ...change };
  }
  const owners = readJids(valuesOf(form, OWNERS));
  const admins = readJids(valuesOf(form, ADMINS));
  if (owners === 'bad' || admins === 'bad') return 'An address in the form is not a valid one.';
  const { isProtected, ...changed } = draft;
  const merged = { ...before, ...changed };
  if (isProtected === false) merged.password = '';
  if (isProtected === true && merged.password === '') return 'The password is empty.';
  const config = roomConfig.safeParse(merged);
  if (!config.success) {
    const [issue] = config.error.issues;
    return `${issue?.path.join('.') ?? 'The form'}: ${issue?.message ?? 'is wrong'}`;
  }
  return { config: config.data, owners, admins };
}

function readJids(values: readonly string[] | undefined): readonly BareJid[] | undefined | 'bad' {
  if (values === undefined) return undefined;
  const jids = new Set<BareJid>();
  for (const value of values) {
    if (value.trim() === '') continue;
    const parsed = parseJid(value.trim());
    if (!parsed.ok) return 'bad';
    jids.add(bareOf(parsed.value));
  }
  return [...jids];
}
