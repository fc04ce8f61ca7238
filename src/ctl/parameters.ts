/** The arguments and options of a command, derived from the description of its operation. */
import type { OperationFailure } from '../core/operation.ts';
import type { JsonSchema, OperationDescription, ValueKind } from '../core/operation-description.ts';

/**
 * How a field of an input is given: `word` a text, `number` a whole number, `flag` present or not,
 * `list` texts, given several times or with commas (whole ones only several times), `file` the name of a file
 * whose text is meant, `secret` asked for without echo.
 */
export type ParameterForm = 'word' | 'number' | 'flag' | 'list' | 'file' | 'secret';

/** One field of an operation's input. */
export interface Parameter {
  readonly field: string;
  readonly form: ParameterForm;
  /** Whether it stands without a name, in the order of the list. */
  readonly isPositional: boolean;
  readonly isRequired: boolean;
  /** Its option, without dashes; `no-x` for a flag that is on by default. */
  readonly option: string;
  /** What its value is called in help. */
  readonly placeholder: string;
  readonly description: string;
  /** The only values there are; empty when any is allowed. */
  readonly choices: readonly string[];
  /** What it is when it is not given; undefined when nothing. */
  readonly fallback: unknown;
  readonly kind: ValueKind | undefined;
}

/** `keyType` as an option is `key-type`. */
export const kebab = (field: string): string =>
  field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** What a parameter is called in messages: its option, or its name where it has none. */
export const nameOf = ({ isPositional, placeholder, option }: Parameter): string =>
  isPositional ? placeholder : `--${option}`;

/** The faults of fields by the names that these have here; undefined where none is told. */
export function faultsText(
  { fields = {} }: OperationFailure,
  parameters: readonly Parameter[],
): string | undefined {
  const faults = Object.entries(fields).map(([field, fault]) => {
    const known = parameters.find((each) => each.field === field);
    return `${known === undefined ? field : nameOf(known)}: ${fault}`;
  });
  return faults.length === 0 ? undefined : faults.join('; ');
}

/** A positional parameter as help writes it: `<jid>`, `[device]`, or for a list `<accounts...>`. */
export function argumentOf({ placeholder, isRequired, form }: Parameter): string {
  const name = form === 'list' ? `${placeholder}...` : placeholder;
  return isRequired ? `<${name}>` : `[${name}]`;
}

/** The parameters of an operation: positional ones first, in their order. */
export function parametersOf(description: OperationDescription): Parameter[] {
  const { positional, input } = description;
  const fields = Object.keys(input.properties ?? {});
  const ordered = [...positional, ...fields.filter((field) => !positional.includes(field))];
  return ordered.flatMap((field) => {
    const schema = input.properties?.[field];
    return schema === undefined ? [] : [parameterOf(field, schema, description)];
  });
}

function parameterOf(
  field: string,
  schema: JsonSchema,
  { positional, secret, input }: OperationDescription,
): Parameter {
  const form = formOf(schema, secret.includes(field));
  return {
    field,
    form,
    isPositional: positional.includes(field),
    isRequired: (input.required ?? []).includes(field),
    option: form === 'flag' && schema.default === true ? `no-${kebab(field)}` : kebab(field),
    placeholder: form === 'file' ? 'file' : form === 'number' ? 'n' : kebab(field),
    description: schema.description ?? '',
    choices: (schema.enum ?? schema.items?.enum ?? []).map(String),
    fallback: schema.default,
    kind: schema['x-kind'] ?? schema.items?.['x-kind'],
  };
}

function formOf(schema: JsonSchema, isSecret: boolean): ParameterForm {
  if (schema['x-kind'] === 'file') return 'file';
  if (isSecret) return 'secret';
  switch (schema.type) {
    case 'boolean':
      return 'flag';
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return 'list';
    default:
      return 'word';
  }
}

/** The value of a parameter, or the sentence that says what is wrong with what was given. */
export type ReadValue =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly text: string };

/** Reads what was given for a word, number or list. */
export function readValue(parameter: Parameter, given: string | readonly string[]): ReadValue {
  const wrong = (value: string, allowed: string): ReadValue => {
    return { ok: false, text: `${nameOf(parameter)}: '${value}' is not ${allowed}` };
  };
  const allowed = `one of ${parameter.choices.join(', ')}`;
  const isChoice = (value: string) =>
    parameter.choices.length === 0 || parameter.choices.includes(value);
  if (typeof given !== 'string') {
    if (parameter.kind === 'text') return { ok: true, value: given }; // commas are theirs
    const values = given.flatMap((each) => each.split(',')).map((each) => each.trim());
    const stray = values.find((value) => !isChoice(value));
    return stray === undefined ? { ok: true, value: values } : wrong(stray, allowed);
  }
  if (parameter.form === 'number') {
    if (!/^-?\d{1,15}$/.test(given)) return wrong(given, 'a whole number');
    return { ok: true, value: Number(given) };
  }
  return isChoice(given) ? { ok: true, value: given } : wrong(given, allowed);
}
