/** Checks a value against a schema, with faults that say what is wrong, allowed and may be meant. */
import type { z } from 'zod';
import { closest } from './closest.ts';
import { type ConfigFile, type Fault, keyText } from './document.ts';
import { allowedText, childOf, isMap, keysOf, type Path, schemaAt, unwrap } from './shape.ts';

/** What a check ends with; the value is undefined when there are faults. */
export interface Checked<T> {
  readonly value: T | undefined;
  readonly faults: readonly Fault[];
}

/** Makes a fault at a key of a file. */
export function faultAt(file: ConfigFile, path: Path, message: string): Fault {
  return { ...file.placeOf(path), key: keyText(path), message };
}

/** A fault as one line: `file:line:column key: message`. */
export function formatFault({ file, line, column, key, message }: Fault): string {
  return `${file}:${line}:${column} ${key === '' ? '' : `${key}: `}${message}`;
}

/**
 * Checks a value.
 * @param file where its keys stand
 * @param under the path of the value in that file
 */
export function check<T>(
  schema: z.ZodType<T>,
  value: unknown,
  file: ConfigFile,
  under: Path = [],
): Checked<T> {
  const unknown = unknownKeys(schema, value, under, file);
  const parsed = schema.safeParse(value);
  if (parsed.success)
    return { value: unknown.length === 0 ? parsed.data : undefined, faults: unknown };
  const faults = parsed.error.issues
    .filter((issue) => issue.code !== 'unrecognized_keys' && !isUnknownKey(issue, schema))
    .map((issue) => {
      const at = schemaAt(schema, issue.path);
      const path = asWritten(value, issue.path);
      return faultAt(file, [...under, ...path], explain(issue, valueAt(value, path), at));
    });
  return { value: undefined, faults: [...unknown, ...faults] };
}

/** Whether an issue is about a key that {@link unknownKeys} tells of. */
function isUnknownKey(issue: z.core.$ZodIssue, schema: z.core.$ZodType): boolean {
  if (issue.code !== 'invalid_key') return false;
  const map = schemaAt(schema, issue.path.slice(0, -1));
  return map !== undefined && keysOf(map) !== undefined;
}

/** The message for a key that is not known, with the key that may have been meant. */
export function unknownKey(key: string, known: readonly string[]): string {
  const meant = closest(key, known);
  return meant === undefined
    ? `is not a known key; allowed are ${known.join(', ') || 'none'}`
    : `is not a known key; did you mean ${meant}?`;
}

/** Keys that the schema does not know, at any depth. */
function unknownKeys(
  schema: z.core.$ZodType,
  value: unknown,
  path: Path,
  file: ConfigFile,
): Fault[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => {
      const inner = childOf(schema, index);
      return inner === undefined ? [] : unknownKeys(inner, item, [...path, index], file);
    });
  if (!isMap(value)) return [];
  const known = keysOf(schema);
  return Object.entries(value).flatMap(([key, item]) => {
    if (known !== undefined && !known.includes(key))
      return [faultAt(file, [...path, key], unknownKey(key, known))];
    const inner = childOf(schema, key);
    return inner === undefined ? [] : unknownKeys(inner, item, [...path, key], file);
  });
}

/** The path of an issue as the file has it: a value that stands alone where a list could has no index. */
function asWritten(value: unknown, path: Path): Path {
  return path.filter((key, index) => {
    if (typeof key !== 'number') return true;
    const above = valueAt(value, path.slice(0, index));
    return above === undefined || Array.isArray(above);
  });
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      isMap(at)
        ? at[String(key)]
        : Array.isArray(at) && typeof key === 'number'
          ? at[key]
          : undefined,
    value,
  );
}

/** What is wrong, in words. */
function explain(
  issue: z.core.$ZodIssue,
  raw: unknown,
  schema: z.core.$ZodType | undefined,
): string {
  const allowed = schema === undefined ? '' : allowedText(schema);
  const isSecret = schema !== undefined && unwrap(schema).meta.secret === true;
  const shown = isSecret ? 'what stands here' : show(raw);
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => message).join('; ');
  if (raw === undefined) return allowed === '' ? 'is missing' : `is missing; it must be ${allowed}`;
  if (issue.code === 'custom')
    return allowed === '' ? issue.message : `${issue.message}; allowed: ${allowed}`;
  if (allowed === '') return `${shown} is not allowed here: ${issue.message}`;
  const meant = typeof raw === 'string' ? closest(raw, enumOf(issue)) : undefined;
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `${shown} is not allowed; it must be ${allowed}${hint}`;
}

function enumOf(issue: z.core.$ZodIssue): string[] {
  return issue.code === 'invalid_value' ? issue.values.map(String) : [];
}

/** A value in a message: its kind for maps and lists, itself (cut short) for others. */
function show(raw: unknown): string {
  if (Array.isArray(raw)) return 'a list';
  if (isMap(raw)) return 'a map';
  if (raw === null) return 'an empty value';
  const text = typeof raw === 'string' ? `'${raw}'` : String(raw);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
