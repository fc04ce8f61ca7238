/** XEP-0004: Data Forms, as far as one form of single fields goes. */
import { type Jid, parseJid } from '../jid/jid.ts';
import { childOf, childrenOf, type Element, el, isNamed, textOf } from '../xml/element.ts';

/** The namespace of data forms. */
export const DATA_FORMS = 'jabber:x:data';

/** The form of a server's contact addresses (XEP-0157), which names its node (XEP-0485), too. */
export const CONTACT_FORM = 'http://jabber.org/network/serverinfo';

/** XEP-0122. */
const VALIDATION = 'http://jabber.org/protocol/xdata-validate';

/** §3.1: asked (`form`), answered (`submit`), given up (`cancel`), or a report (`result`). */
export const FORM_TYPES = ['form', 'submit', 'cancel', 'result'] as const;
/** One of {@link FORM_TYPES}. */
export type FormType = (typeof FORM_TYPES)[number];

/** §3.3. */
export const FIELD_TYPES = [
  'boolean',
  'fixed',
  'hidden',
  'jid-multi',
  'jid-single',
  'list-multi',
  'list-single',
  'text-multi',
  'text-private',
  'text-single',
] as const;
/** One of {@link FIELD_TYPES}. */
export type FieldType = (typeof FIELD_TYPES)[number];

/** One field. `name` is its `var`, '' for a `fixed` one that has none. */
export interface FormField {
  readonly name: string;
  /** Undefined where it was left out (§3.2: `text-single` is meant) or is not a defined one. */
  readonly type?: FieldType | undefined;
  readonly label?: string | undefined;
  readonly isRequired?: boolean | undefined;
  readonly values: readonly string[];
  /** What a list field offers. */
  readonly options?:
    | readonly { readonly label?: string | undefined; readonly value: string }[]
    | undefined;
  /** It is an integer within these bounds (XEP-0122 §3.2.2). */
  readonly range?: { readonly min: number; readonly max: number } | undefined;
}

/** A form. `FORM_TYPE` (XEP-0068) is not among the fields. */
export interface Form {
  readonly type: FormType;
  readonly formType?: string | undefined;
  readonly title?: string | undefined;
  readonly instructions?: readonly string[] | undefined;
  readonly fields: readonly FormField[];
}

/** Builds the `<x/>` of a form. */
export function formElement(form: Form): Element {
  const { type, formType, title, instructions = [], fields } = form;
  const identity: readonly FormField[] =
    formType === undefined ? [] : [{ name: 'FORM_TYPE', type: 'hidden', values: [formType] }];
  return el(
    'x',
    { xmlns: DATA_FORMS, type },
    title !== undefined && el('title', undefined, title),
    ...instructions.map((line) => el('instructions', undefined, line)),
    ...[...identity, ...fields].map(fieldElement),
  );
}

function fieldElement(field: FormField): Element {
  const { name, type, label, isRequired = false, values, options = [], range } = field;
  return el(
    'field',
    { var: name === '' ? undefined : name, type, label },
    isRequired && el('required'),
    range !== undefined &&
      el('validate', { xmlns: VALIDATION, datatype: 'xs:integer' }, el('range', { ...range })),
    ...values.map((value) => el('value', undefined, value)),
    ...options.map((option) =>
      el('option', { label: option.label }, el('value', undefined, option.value)),
    ),
  );
}

/**
 * The form that an element is; undefined when it is none, or breaks §3: a form type that is not defined,
 * a field without `var` that is not `fixed`, the same `var` twice.
 */
export function readForm(element: Element): Form | undefined {
  if (!isNamed(element, 'x', DATA_FORMS)) return undefined;
  const type = memberOf(FORM_TYPES, element.attrs.type);
  if (type === undefined) return undefined;
  const fields: FormField[] = [];
  const names = new Set<string>();
  for (const child of namesakes(element, 'field')) {
    const field = readField(child);
    if (field === undefined || (field.name !== '' && names.has(field.name))) return undefined;
    names.add(field.name);
    fields.push(field);
  }
  const title = childOf(element, 'title', DATA_FORMS);
  const identity = fields.find((field) => field.name === 'FORM_TYPE');
  return {
    type,
    formType: identity?.values[0],
    title: title === undefined ? undefined : textOf(title),
    instructions: namesakes(element, 'instructions').map(textOf),
    fields: fields.filter((field) => field !== identity),
  };
}

function readField(element: Element): FormField | undefined {
  const { var: name = '', label } = element.attrs;
  const type = memberOf(FIELD_TYPES, element.attrs.type);
  if (name === '' && type !== 'fixed') return undefined;
  return {
    name,
    type,
    label,
    isRequired: childOf(element, 'required', DATA_FORMS) !== undefined,
    values: namesakes(element, 'value').map(textOf),
    options: namesakes(element, 'option').map((option) => {
      const { label: optionLabel } = option.attrs;
      const value = childOf(option, 'value', DATA_FORMS);
      return { label: optionLabel, value: value === undefined ? '' : textOf(value) };
    }),
  };
}

/**
 * Reports (`result`) with those of the same `FORM_TYPE` made one, with the fields of all (XEP-0485 §8.2): two
 * would make disco#info ill-formed (XEP-0115 §5.4). Of fields with one name the first stays.
 */
export function mergedReports(elements: readonly Element[]): readonly Element[] {
  const byType = new Map<string, Element[]>();
  for (const element of elements) {
    const type = readForm(element)?.formType ?? '';
    byType.set(type, [...(byType.get(type) ?? []), element]);
  }
  return [...byType].flatMap(([formType, alike]) => {
    if (formType === '' || alike.length === 1) return alike;
    const fields = new Map<string, FormField>();
    for (const field of alike.flatMap((element) => readForm(element)?.fields ?? []))
      if (!fields.has(field.name)) fields.set(field.name, field);
    return [formElement({ type: 'result', formType, fields: [...fields.values()] })];
  });
}

/** The values of a field; undefined when the form has no such field. */
export function valuesOf(form: Form, name: string): readonly string[] | undefined {
  return form.fields.find((field) => field.name === name)?.values;
}

/** The first value of a field; undefined when there is none. */
export function firstValueOf(form: Form, name: string): string | undefined {
  return valuesOf(form, name)?.[0];
}

/** The value of a boolean field (§3.3); undefined when it has none or another one. */
export function isTrue(form: Form, name: string): boolean | undefined {
  const value = firstValueOf(form, name);
  if (value === '1' || value === 'true') return true;
  return value === '0' || value === 'false' ? false : undefined;
}

/** The JIDs of a field; undefined when there is no such field or a value is no JID. */
export function jidsOf(form: Form, name: string): readonly Jid[] | undefined {
  const jids: Jid[] = [];
  for (const value of valuesOf(form, name) ?? [undefined]) {
    const parsed = value === undefined ? undefined : parseJid(value);
    if (parsed === undefined || !parsed.ok) return undefined;
    jids.push(parsed.value);
  }
  return jids;
}

function namesakes(element: Element, name: string): Element[] {
  return childrenOf(element).filter((child) => isNamed(child, name, DATA_FORMS));
}

function memberOf<T extends string>(words: readonly T[], raw: string | undefined): T | undefined {
  return words.find((word) => word === raw);
}
