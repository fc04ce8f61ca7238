/** The input of an operation as a data form (XEP-0004), and the form that comes back as input. */
import type { JsonSchema, OperationDescription } from '../../core/operation-description.ts';
import { type FieldType, type Form, type FormField, isTrue, valuesOf } from '../../stanza/form.ts';

/** What a form offers beyond what the schema says. */
export interface FormContext {
  /** The domains that are served, for fields that name one. */
  readonly domains: readonly string[];
}

/** The schema of a value: of several, the first that says what it is. */
function narrowed(schema: JsonSchema): JsonSchema {
  const { anyOf, ...own } = schema;
  const first = anyOf?.find(({ type }) => type !== 'null');
  return first === undefined ? schema : { ...narrowed(first), ...own };
}

const typeIn = ({ type }: JsonSchema) => (typeof type === 'string' ? type : type?.[0]);

const labelOf = (name: string, { description }: JsonSchema) =>
  description === undefined ? name : description.replace(/\.$/, '');

/** The form of an operation. */
export function formOf(
  { name, summary, input, secret }: OperationDescription,
  context: FormContext,
): Omit<Form, 'type'> {
  const required = new Set(input.required ?? []);
  const fields = Object.entries(input.properties ?? {}).map(([key, schema]) =>
    fieldOf(key, narrowed(schema), required.has(key), secret.includes(key), context),
  );
  return { title: name, instructions: [summary], fields };
}

function fieldOf(
  name: string,
  schema: JsonSchema,
  isRequired: boolean,
  isSecret: boolean,
  { domains }: FormContext,
): FormField {
  const said = schema.default;
  const values = said === undefined ? [] : [said].flat().map(textOf);
  const label = labelOf(name, schema);
  const field = (type: FieldType, options?: readonly string[]): FormField => ({
    name,
    type,
    label,
    isRequired,
    values,
    ...(options === undefined
      ? {}
      : { options: options.map((value) => ({ label: value === '' ? 'all' : value, value })) }),
  });
  const kind = schema['x-kind'];
  if (isSecret || kind === 'new-password') return field('text-private');
  if (kind === 'domain') return field('list-single', isRequired ? domains : ['', ...domains]);
  if (kind === 'file' || kind === 'text') return field('text-multi');
  if (kind === 'jid') return field('jid-single');
  switch (typeIn(schema)) {
    case 'boolean':
      return field('boolean');
    case 'array': {
      const items = narrowed(schema.items ?? {});
      if (items.enum !== undefined) return field('list-multi', items.enum.map(textOf));
      return field(items['x-kind'] === 'jid' ? 'jid-multi' : 'text-multi');
    }
    default: {
      const words = schema.enum?.map(textOf);
      if (words === undefined) return field('text-single');
      return field('list-single', isRequired || said !== undefined ? words : ['', ...words]);
    }
  }
}

const textOf = (value: unknown) =>
  typeof value === 'boolean' ? (value ? '1' : '0') : String(value);

/** The input that a form says; what was left empty is left out, and the operation judges the rest. */
export function inputOf({ input }: OperationDescription, form: Form): Record<string, unknown> {
  const said: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(input.properties ?? {})) {
    const value = readValue(narrowed(schema), form, name, valuesOf(form, name) ?? []);
    if (value !== undefined) said[name] = value;
  }
  return said;
}

function readValue(
  schema: JsonSchema,
  form: Form,
  name: string,
  values: readonly string[],
): unknown {
  const full = values.filter((value) => value !== '');
  const [first] = full;
  if (first === undefined) return undefined;
  const kind = schema['x-kind'];
  if (kind === 'file' || kind === 'text') return values.join('\n');
  switch (typeIn(schema)) {
    case 'boolean':
      return isTrue(form, name) ?? first;
    case 'array':
      return full;
    case 'integer':
    case 'number':
      return /^-?\d{1,15}$/.test(first) ? Number(first) : first;
    default:
      return first;
  }
}
