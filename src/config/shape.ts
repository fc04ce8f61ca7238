/** Reads zod schemas: what kind of value a place holds, its keys, default and meaning. */
import { z } from 'zod';
import { type FieldMeta, formatDuration, formatSize } from './fields.ts';

/** A path of keys into a config. */
export type Path = readonly PropertyKey[];

/** A schema without its wrappers (default, optional, transform …), and what they said. */
export interface Field {
  readonly core: z.core.$ZodTypes;
  readonly meta: FieldMeta;
  /** The default as one would write it; undefined if there is none. */
  readonly fallback: unknown;
  readonly isOptional: boolean;
}

/** Takes the wrappers off a schema. What is said outside wins over what is said inside. */
export function unwrap(schema: z.core.$ZodType): Field {
  // Every schema of zod is one of this union; the base type merely does not say so.
  let core = schema as z.core.$ZodTypes;
  let meta: FieldMeta = {};
  let fallback: unknown;
  let isOptional = false;
  for (;;) {
    meta = { ...metaOf(core), ...meta };
    const def = core._zod.def;
    let inner: z.core.$ZodType;
    switch (def.type) {
      case 'default':
      case 'prefault':
        fallback ??= def.defaultValue;
        isOptional = true;
        inner = def.innerType;
        break;
      case 'optional':
        isOptional = true;
        inner = def.innerType;
        break;
      case 'nullable':
      case 'readonly':
      case 'catch':
      case 'nonoptional':
        inner = def.innerType;
        break;
      case 'pipe':
        inner = isTransform(def.in) ? def.out : def.in;
        break;
      default:
        return { core, meta, fallback, isOptional };
    }
    core = inner as z.core.$ZodTypes;
  }
}

function isTransform(schema: z.core.$ZodType): boolean {
  return schema._zod.def.type === 'transform';
}

function metaOf(schema: z.core.$ZodType): FieldMeta {
  const described = schema as { meta?: () => unknown };
  // Metadata is written by this project's schemas, as FieldMeta or a description.
  return typeof described.meta === 'function'
    ? ((described.meta() as FieldMeta | undefined) ?? {})
    : {};
}

/** The schema of a map's key or a list's item; undefined where there is none. */
export function childOf(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  const def = unwrap(schema).core._zod.def;
  switch (def.type) {
    case 'object':
      return def.shape[String(key)] ?? def.catchall;
    case 'record':
      return def.valueType;
    case 'array':
      return def.element;
    case 'union': {
      const found = def.options.map((option) => childOf(option, key)).filter(isThere);
      const [first, ...others] = found;
      if (first === undefined || others.length === 0) return first;
      const union = z.union(found).describe(unwrap(first).meta.description ?? '');
      const defaults = found.map((each) => unwrap(each).fallback);
      if (defaults.includes(undefined)) return union;
      const defaultText = [...new Set(defaults)].map((each) => `\`${String(each)}\``).join(' or ');
      return union.optional().meta({ defaultText });
    }
    default:
      return undefined;
  }
}

const isThere = (schema: z.core.$ZodType | undefined): schema is z.core.$ZodType =>
  schema !== undefined;

/** The schema at a path; undefined where the schema knows none. */
export function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  return path.reduce<z.core.$ZodType | undefined>(
    (at, key) => (at === undefined ? undefined : childOf(at, key)),
    schema,
  );
}

/** The keys that a map may have; undefined where any key is allowed or it is no map. */
export function keysOf(schema: z.core.$ZodType): string[] | undefined {
  const def = unwrap(schema).core._zod.def;
  switch (def.type) {
    case 'object':
      return def.catchall === undefined || def.catchall._zod.def.type === 'never'
        ? Object.keys(def.shape)
        : undefined;
    case 'record':
      return unwrap(def.keyType).core._zod.def.type === 'enum'
        ? enumValues(unwrap(def.keyType).core).map(String)
        : undefined;
    case 'union': {
      const each = def.options.map(keysOf).filter((keys) => keys !== undefined);
      return each.length === 0 ? undefined : [...new Set(each.flat())];
    }
    default:
      return undefined;
  }
}

function enumValues(core: z.core.$ZodTypes): readonly z.core.util.Primitive[] {
  const def = core._zod.def;
  if (def.type === 'enum') return Object.values(def.entries);
  return def.type === 'literal' ? def.values : [];
}

/** What a value may be, in words, such as `a whole number from 1 to 65535`. */
export function allowedText(schema: z.core.$ZodType): string {
  const { core, meta } = unwrap(schema);
  if (meta.allowed !== undefined) return meta.allowed;
  const def = core._zod.def;
  switch (def.type) {
    case 'string':
      return 'a text';
    case 'number':
      return numberText(core);
    case 'boolean':
      return 'true or false';
    case 'enum':
    case 'literal':
      return enumValues(core).map(String).join(', ');
    case 'array':
      return `a list, each ${allowedText(def.element)}`;
    case 'object':
      return 'a map of keys and values';
    case 'record':
      return `a map, each value ${allowedText(def.valueType)}`;
    case 'union':
      return def.options.map(allowedText).join(', or ');
    default:
      return 'any value';
  }
}

function numberText(core: z.core.$ZodTypes): string {
  if (!(core instanceof z.ZodNumber)) return 'a number';
  const { minValue, maxValue } = core;
  const kind = core.format === 'safeint' ? 'a whole number' : 'a number';
  const isOpen = maxValue === null || maxValue >= Number.MAX_SAFE_INTEGER;
  if (minValue === null || minValue <= Number.MIN_SAFE_INTEGER)
    return isOpen ? kind : `${kind} up to ${maxValue}`;
  return isOpen ? `${kind} from ${minValue} on` : `${kind} from ${minValue} to ${maxValue}`;
}

/** The kind of a value in a word or two, for a table. */
export function typeText(schema: z.core.$ZodType): string {
  const { core, meta } = unwrap(schema);
  if (meta.syntax !== undefined) {
    const kind = meta.syntax === 'jid' ? 'JID' : meta.syntax;
    return meta.bounds === undefined ? kind : `${kind} ${meta.bounds}`;
  }
  const def = core._zod.def;
  switch (def.type) {
    case 'array':
      return `list of ${typeText(def.element)}`;
    case 'enum':
    case 'literal':
      return allowedText(schema);
    case 'object':
      return 'map';
    case 'record':
      return `map of ${typeText(def.valueType)}`;
    case 'string':
      return 'text';
    case 'boolean':
      return 'true, false';
    case 'number':
      return numberText(core).replace(/^a /, '');
    case 'union':
      return [...new Set(def.options.map(typeText))].join(' or ');
    default:
      return 'any';
  }
}

/** Visits each value that is no map or list; `visit` answers what to put in its place. */
export function mapLeaves(
  schema: z.core.$ZodType,
  value: unknown,
  visit: (value: unknown, meta: FieldMeta, path: Path) => unknown,
  path: Path = [],
): unknown {
  const child = (key: PropertyKey, at: unknown): unknown => {
    const inner = childOf(schema, key);
    return inner === undefined ? at : mapLeaves(inner, at, visit, [...path, key]);
  };
  if (Array.isArray(value)) return value.map((item, index) => child(index, item));
  if (isMap(value))
    return Object.fromEntries(Object.entries(value).map(([key, at]) => [key, child(key, at)]));
  return visit(value, unwrap(schema).meta, path);
}

/** Whether a value is a plain map. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as one would write it: durations and sizes with units, secrets masked. */
export function written(value: unknown, meta: FieldMeta): unknown {
  if (value === undefined) return undefined;
  if (meta.secret === true) return '********';
  if (typeof value !== 'number') return value;
  if (meta.syntax === 'duration') return formatDuration(value);
  return meta.syntax === 'size' ? formatSize(value) : value;
}
