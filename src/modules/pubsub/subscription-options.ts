/** What subscribers set of their subscriptions: XEP-0060 §6.3, §12.19, §16.4.2. */
import { z } from 'zod';
import type { StanzaFailure } from '../../stanza/condition.ts';
import {
  type Form,
  type FormField,
  type FormType,
  firstValueOf,
  formElement,
  isTrue,
  valuesOf,
} from '../../stanza/form.ts';
import { readDateTime, writeDateTime } from '../../xml/date-time.ts';
import type { Element } from '../../xml/element.ts';
import { invalidOptions } from './errors.ts';
import { SUBSCRIBE_OPTIONS } from './names.ts';

/** The presence in which somebody may be: what `<show/>` says, or `online` without it. */
export const SHOW_VALUES = ['chat', 'online', 'away', 'xa', 'dnd'] as const;
/** One of {@link SHOW_VALUES}. */
export type ShowValue = (typeof SHOW_VALUES)[number];

/** The schema of what is stored: a key that a later version brings has a default. */
const schema = z.object({
  delivers: z.boolean().default(true),
  includesBody: z.boolean().default(false),
  /** Undefined for any, and for who is not there. */
  shows: z.array(z.enum(SHOW_VALUES)).optional(),
  /** When the lease ends, in ms since the epoch. */
  expire: z.number().optional(),
});

/** The options of a subscription. */
export type SubscriptionOptions = Readonly<z.output<typeof schema>>;

/** Those of who has set none. */
export const DEFAULT_OPTIONS: SubscriptionOptions = schema.parse({});

/** Whether options are those of who has set none, which are not kept. */
export const isDefault = ({ delivers, includesBody, shows, expire }: SubscriptionOptions) =>
  delivers && !includesBody && shows === undefined && expire === undefined;

/** The options of a stored text; those of who has set none where it is not right. */
export function storedOptions(text: string): SubscriptionOptions {
  const read = schema.safeParse(JSON.parse(text));
  return read.success ? read.data : DEFAULT_OPTIONS;
}

/** What the form depends on. */
export interface OptionTerms {
  /** Whether it is known here how the subscriber is available: he is an account of this server. */
  readonly isLocal: boolean;
  /** ms since the epoch. */
  readonly now: number;
}

const LABELS: Readonly<Record<ShowValue, string>> = {
  chat: 'Want to Chat',
  online: 'Available',
  away: 'Away',
  xa: 'Extended Away',
  dnd: 'Do Not Disturb',
};

const flag = (name: string, label: string, value: boolean): FormField => ({
  name,
  type: 'boolean',
  label,
  values: [value ? '1' : '0'],
});

/** The form of some options (§6.3.3). */
export function optionsForm(
  options: SubscriptionOptions,
  { isLocal }: Pick<OptionTerms, 'isLocal'>,
  type: FormType,
): Element {
  const { delivers, includesBody, shows = SHOW_VALUES, expire } = options;
  const fields: FormField[] = [
    flag('pubsub#deliver', 'Enable delivery?', delivers),
    flag('pubsub#include_body', 'Receive message body in addition to payload?', includesBody),
    {
      name: 'pubsub#expire',
      type: 'text-single',
      label: 'When the subscription ends; never if empty',
      values: expire === undefined ? [] : [writeDateTime(expire)],
    },
  ];
  if (isLocal)
    fields.push({
      name: 'pubsub#show-values',
      type: 'list-multi',
      label: 'Select the presence types which are allowed to receive event notifications',
      values: shows,
      options: SHOW_VALUES.map((value) => ({ label: LABELS[value], value })),
    });
  return formElement({ type, formType: SUBSCRIBE_OPTIONS, fields });
}

const KNOWN: ReadonlySet<string> = new Set([
  '',
  'FORM_TYPE',
  'pubsub#deliver',
  'pubsub#digest',
  'pubsub#include_body',
  'pubsub#expire',
  'pubsub#show-values',
]);

/** The options that a form makes of those that are; or why it cannot be taken (§6.3.6.2). */
export function readOptions(
  form: Form,
  before: SubscriptionOptions,
  terms: OptionTerms,
): SubscriptionOptions | StanzaFailure {
  if (form.type !== 'submit' || form.formType !== SUBSCRIBE_OPTIONS)
    return invalidOptions(`A form of ${SUBSCRIBE_OPTIONS} is to be submitted.`);
  const unknown = form.fields.find(({ name }) => !KNOWN.has(name));
  if (unknown !== undefined) return invalidOptions(`There is no ${unknown.name} here.`);
  for (const name of ['pubsub#deliver', 'pubsub#digest', 'pubsub#include_body'])
    if (valuesOf(form, name) !== undefined && isTrue(form, name) === undefined)
      return invalidOptions(`${name} is true or false.`);
  if (isTrue(form, 'pubsub#digest') === true) return invalidOptions('There are no digests here.');
  const shows = showsIn(form, before, terms);
  if (shows !== undefined && 'condition' in shows) return shows;
  const expire = expireIn(form, before, terms);
  if (typeof expire === 'object') return expire;
  return {
    delivers: isTrue(form, 'pubsub#deliver') ?? before.delivers,
    includesBody: isTrue(form, 'pubsub#include_body') ?? before.includesBody,
    shows: shows === undefined ? undefined : [...shows],
    expire,
  };
}

function showsIn(
  form: Form,
  before: SubscriptionOptions,
  { isLocal }: OptionTerms,
): readonly ShowValue[] | undefined | StanzaFailure {
  const values = valuesOf(form, 'pubsub#show-values');
  if (values === undefined) return before.shows;
  if (!isLocal) return invalidOptions('It is not known here how you are available.');
  const chosen = SHOW_VALUES.filter((each) => values.includes(each));
  if (chosen.length === 0 || values.some((each) => !SHOW_VALUES.some((show) => show === each)))
    return invalidOptions(`pubsub#show-values are some of ${SHOW_VALUES.join(', ')}.`);
  return chosen.length === SHOW_VALUES.length ? undefined : chosen;
}

function expireIn(
  form: Form,
  before: SubscriptionOptions,
  { now }: OptionTerms,
): number | undefined | StanzaFailure {
  const raw = firstValueOf(form, 'pubsub#expire');
  if (valuesOf(form, 'pubsub#expire') === undefined) return before.expire;
  if (raw === undefined || raw === '') return undefined;
  const at = readDateTime(raw);
  return at === undefined || at <= now
    ? invalidOptions('pubsub#expire is a date and time to come.')
    : at;
}
