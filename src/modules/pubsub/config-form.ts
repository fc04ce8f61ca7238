/** The configuration of a node as a form: XEP-0060 §7.1.5, §8.2, §16.4.4. */
import { type BareJid, parseJid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { type FieldType, type Form, type FormField, formElement } from '../../stanza/form.ts';
import type { Element } from '../../xml/element.ts';
import {
  BAD_REQUEST,
  invalidOptions,
  notAcceptable,
  preconditionNotMet,
  UNSUPPORTED_ACCESS_MODEL,
} from './errors.ts';
import { META_DATA, NODE_CONFIG, PUBLISH_OPTIONS } from './names.ts';
import { isAccount } from './node.ts';
import {
  ACCESS_MODELS,
  ITEM_REPLY,
  NOTIFICATION_TYPES,
  type NodeConfig,
  nodeConfig,
  PUBLISH_MODELS,
  SEND_LAST,
  WHEN_FULL,
} from './node-config.ts';
import type { PubSubSettings } from './settings.ts';

/** What the form of a node depends on besides its configuration. */
export interface FormTerms {
  readonly service: BareJid;
  readonly settings: PubSubSettings;
  /** The groups in the roster of the account, which a node may be for. */
  readonly groups?: readonly string[];
}

/** Changes of a configuration, checked. */
export type ConfigChanges = Partial<NodeConfig>;

/** Changes, or why a form cannot be taken. */
export type ConfigOutcome =
  | { readonly ok: true; readonly changes: ConfigChanges }
  | { readonly ok: false; readonly failure: StanzaFailure };

/** One field: how it is shown, and what its values change. */
interface ConfigField {
  readonly name: string;
  readonly type: FieldType;
  readonly label: string;
  options?(terms: FormTerms): readonly string[];
  get(config: NodeConfig, terms: FormTerms): readonly string[];
  /** What the values change; undefined when they are none for this field. */
  set(values: readonly string[], terms: FormTerms): Readonly<Record<string, unknown>> | undefined;
}

type KeyOf<T> = {
  [K in keyof NodeConfig]: NodeConfig[K] extends T ? K : never;
}[keyof NodeConfig];

const labelOf = (key: keyof NodeConfig): string => nodeConfig.shape[key].description ?? '';

const text = (name: string, key: KeyOf<string>): ConfigField => ({
  name,
  type: 'text-single',
  label: labelOf(key),
  get: (config) => (config[key] === '' ? [] : [config[key]]),
  set: ([value = '']) => ({ [key]: value }),
});

const flag = (name: string, key: KeyOf<boolean>): ConfigField => ({
  name,
  type: 'boolean',
  label: labelOf(key),
  get: (config) => [config[key] ? '1' : '0'],
  set([value = '']) {
    if (value === '1' || value === 'true') return { [key]: true };
    return value === '0' || value === 'false' ? { [key]: false } : undefined;
  },
});

const choice = (
  name: string,
  key: KeyOf<string>,
  words: readonly string[],
  offered: (terms: FormTerms) => readonly string[] = () => words,
): ConfigField => ({
  name,
  type: 'list-single',
  label: labelOf(key),
  options: offered,
  get: (config) => [config[key]],
  set: ([value = ''], terms) => (offered(terms).includes(value) ? { [key]: value } : undefined),
});

const number = (
  name: string,
  key: KeyOf<number | 'max'>,
  most: (settings: PubSubSettings) => number,
): ConfigField => ({
  name,
  type: 'text-single',
  label: labelOf(key),
  get: (config) => [String(config[key])],
  set([value = ''], { settings }) {
    if (value === 'max') return { [key]: 'max' };
    const read = /^\d{1,15}$/.test(value) ? Number(value) : 0;
    return read >= 1 && read <= most(settings) ? { [key]: read } : undefined;
  },
});

/** The fields, in the order in which they are shown. */
const FIELDS: readonly ConfigField[] = [
  text('pubsub#title', 'title'),
  text('pubsub#description', 'description'),
  text('pubsub#type', 'type'),
  text('pubsub#language', 'language'),
  {
    name: 'pubsub#contact',
    type: 'jid-multi',
    label: labelOf('contact'),
    get: ({ contact }) => contact,
    set(values) {
      const jids = values.flatMap((value) => {
        const parsed = parseJid(value);
        return parsed.ok ? [parsed.value] : [];
      });
      return jids.length === values.length ? { contact: jids } : undefined;
    },
  },
  choice('pubsub#access_model', 'accessModel', ACCESS_MODELS),
  {
    name: 'pubsub#roster_groups_allowed',
    type: 'list-multi',
    label: labelOf('rosterGroups'),
    options: ({ groups = [] }) => groups,
    get: ({ rosterGroups }) => rosterGroups,
    set: (values) => ({ rosterGroups: [...new Set(values)] }),
  },
  choice('pubsub#publish_model', 'publishModel', PUBLISH_MODELS),
  flag('pubsub#persist_items', 'isPersistent'),
  number('pubsub#max_items', 'maxItems', ({ maxItems }) => maxItems),
  choice('pubsub#publish_node_full', 'whenFull', WHEN_FULL),
  // A hundred years are for ever.
  number('pubsub#item_expire', 'itemExpire', () => 3_155_760_000),
  {
    ...number('pubsub#max_payload_size', 'maxPayload', ({ maxPayload }) => maxPayload),
    get: ({ maxPayload }, { settings }) => [
      String(maxPayload === 'max' ? settings.maxPayload : maxPayload),
    ],
  },
  flag('pubsub#subscribe', 'allowsSubscriptions'),
  flag('pubsub#deliver_notifications', 'deliversNotifications'),
  flag('pubsub#deliver_payloads', 'deliversPayloads'),
  choice('pubsub#notification_type', 'notificationType', NOTIFICATION_TYPES),
  // A service at a domain of its own does not see the presence of subscribers.
  choice('pubsub#send_last_published_item', 'sendLast', SEND_LAST, ({ service }) =>
    isAccount(service) ? SEND_LAST : SEND_LAST.slice(0, 2),
  ),
  flag('pubsub#notify_config', 'notifiesConfig'),
  flag('pubsub#notify_delete', 'notifiesDelete'),
  flag('pubsub#notify_retract', 'notifiesRetract'),
  flag('pubsub#notify_sub', 'notifiesSubscribers'),
  choice('pubsub#itemreply', 'itemReply', ITEM_REPLY),
  {
    name: 'pubsub#node_type',
    type: 'list-single',
    label: 'Whether it is a leaf or a collection of nodes.',
    options: () => ['leaf'],
    get: () => ['leaf'],
    set: ([value]) => (value === 'leaf' ? {} : undefined),
  },
];

const BY_NAME: ReadonlyMap<string, ConfigField> = new Map(
  FIELDS.map((field) => [field.name, field]),
);

/** The form of a configuration, to be filled in or (`result`) as it is. */
export function configForm(
  config: NodeConfig,
  terms: FormTerms,
  type: 'form' | 'result' = 'form',
): Element {
  const fields = FIELDS.map((field): FormField => {
    const { name, label } = field;
    const shown = { name, type: field.type, label, values: field.get(config, terms) };
    const options = type === 'form' ? field.options?.(terms) : undefined;
    return options === undefined
      ? shown
      : { ...shown, options: options.map((value) => ({ value })) };
  });
  return formElement({ type, formType: NODE_CONFIG, fields });
}

/** §5.4: the fields of disco#info that come from the configuration. */
const PUBLIC_FIELDS = [
  'pubsub#title',
  'pubsub#description',
  'pubsub#type',
  'pubsub#language',
  'pubsub#contact',
  'pubsub#access_model',
  'pubsub#publish_model',
  'pubsub#max_items',
] as const;

/** The form of disco#info; `automatic` are the fields that do not come from the configuration. */
export function metaDataForm(
  config: NodeConfig,
  terms: FormTerms,
  automatic: readonly FormField[],
): Element {
  const fields = PUBLIC_FIELDS.flatMap((name): FormField[] => {
    const field = BY_NAME.get(name);
    const values = field?.get(config, terms) ?? [];
    if (field === undefined || values.length === 0) return [];
    return [{ name, type: field.type, label: field.label, values }];
  });
  return formElement({ type: 'result', formType: META_DATA, fields: [...fields, ...automatic] });
}

/** What a form of configuration changes (§8.2.4). Fields that are not known are left alone. */
export function readConfigForm(form: Form, terms: FormTerms): ConfigOutcome {
  if (form.type !== 'submit') return { ok: false, failure: BAD_REQUEST };
  if (form.formType !== undefined && form.formType !== NODE_CONFIG)
    return { ok: false, failure: BAD_REQUEST };
  return readFields(form, terms);
}

/** What a publisher takes for granted (§7.1.5); a field that is not known is a fault. */
export function readPublishOptions(form: Form, terms: FormTerms): ConfigOutcome {
  if (form.type !== 'submit' || form.formType !== PUBLISH_OPTIONS)
    return { ok: false, failure: invalidOptions('This is no form of publish-options.') };
  const unknown = form.fields.filter(({ name }) => !BY_NAME.has(name)).map(({ name }) => name);
  if (unknown.length > 0)
    return { ok: false, failure: invalidOptions(`Not known here: ${unknown.join(', ')}.`) };
  return readFields(form, terms);
}

/** What a form of another server says that can be so here (XEP-0227 §4.10.1), and the names of fields that cannot. */
export function readKnownFields(
  form: Form,
  terms: FormTerms,
): { readonly changes: ConfigChanges; readonly refused: readonly string[] } {
  let changes: ConfigChanges = {};
  const refused: string[] = [];
  for (const field of form.fields) {
    if (!BY_NAME.has(field.name) || field.values.length === 0) continue;
    const read = readFields({ ...form, fields: [field] }, terms);
    if (read.ok) changes = { ...changes, ...read.changes };
    else refused.push(field.name);
  }
  return { changes, refused };
}

function readFields(form: Form, terms: FormTerms): ConfigOutcome {
  let changes: Readonly<Record<string, unknown>> = {};
  for (const { name, values } of form.fields) {
    const field = BY_NAME.get(name);
    if (field === undefined) continue;
    const change = field.set(values, terms);
    if (change === undefined) {
      const failure =
        name === 'pubsub#access_model'
          ? UNSUPPORTED_ACCESS_MODEL // §8.1.2
          : notAcceptable(`${name} cannot be '${values.join(', ').slice(0, 100)}' here.`);
      return { ok: false, failure };
    }
    changes = { ...changes, ...change };
  }
  const checked = nodeConfig.partial().safeParse(changes);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const key = String(issue?.path[0] ?? '');
    return { ok: false, failure: notAcceptable(`${key}: ${issue?.message ?? 'is wrong'}`) };
  }
  // The schema fills in defaults of what the form says nothing of.
  const named = Object.entries(checked.data).filter(([key]) => Object.hasOwn(changes, key));
  return { ok: true, changes: Object.fromEntries(named) as ConfigChanges };
}

/** Why a node is not what a publisher takes for granted (§7.1.5); undefined if it is. */
export function refusedPrecondition(
  config: NodeConfig,
  expected: ConfigChanges,
): StanzaFailure | undefined {
  const wrong = Object.entries(expected).filter(
    ([key, value]) => JSON.stringify(config[key as keyof NodeConfig]) !== JSON.stringify(value),
  );
  if (wrong.length === 0) return undefined;
  return preconditionNotMet(wrong.map(([key]) => nameOfKey(key as keyof NodeConfig)));
}

/** The name of the field for a key of the configuration. */
function nameOfKey(key: keyof NodeConfig): string {
  return FIELDS.find(({ label }) => label === labelOf(key))?.name ?? key;
}
