/** Single values as a person reads them. */
import type { JsonSchema } from '../core/operation-description.ts';
import { harmless, type Style } from './style.ts';

/** What stands where there is nothing. */
const NOTHING = '-';

const two = (part: number) => String(part).padStart(2, '0');

/** A moment in local time: `2026-05-01 14:03:22`. */
export function timeText(ms: number): string {
  const at = new Date(ms);
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  return `${day} ${clockText(ms)}`;
}

/** The time of day: `14:03:22`. */
export function clockText(ms: number): string {
  const at = new Date(ms);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** A duration by its two largest units: `3 d 4 h`. */
export function durationText(seconds: number): string {
  let left = Math.floor(seconds);
  const parts = UNITS.map(([unit, worth]) => {
    const amount = Math.floor(left / worth);
    left -= amount * worth;
    return { amount, unit };
  });
  const first = parts.findIndex(({ amount }) => amount > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(({ amount }) => amount > 0)
    .map(({ amount, unit }) => `${amount} ${unit}`)
    .join(' ');
}

/** A size: `12.3 MiB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[unit] ?? ''}`;
}

/** A value, painted by its kind. */
export function valueText(value: unknown, schema: JsonSchema | undefined, style: Style): string {
  if (value === undefined || value === null || value === '') return style.dim(NOTHING);
  const kind = kindOf(schema);
  if (typeof value === 'number') {
    if (kind === 'time') return timeText(value);
    if (kind === 'seconds') return durationText(value);
    return kind === 'bytes' ? sizeText(value) : String(value);
  }
  if (typeof value === 'boolean') return value ? 'yes' : style.dim('no');
  if (typeof value === 'string')
    return kind === 'level' ? levelText(value, style) : harmless(value, kind === 'text');
  if (Array.isArray(value)) {
    if (value.length === 0) return style.dim(NOTHING);
    return value.map((each) => valueText(each, schema?.items, style)).join(', ');
  }
  return visibleEntries(value, schema)
    .filter(([, inner]) => inner !== '' && inner !== null && inner !== undefined)
    .map(([, inner, of]) => valueText(inner, of, style))
    .join(', ');
}

function levelText(level: string, style: Style): string {
  if (level === 'ok') return style.good(level);
  if (level === 'skipped') return style.dim(level);
  return level === 'warning' ? style.careful(level) : style.bad(harmless(level));
}

/** A field of a map, with its value and schema. */
export type Entry = readonly [field: string, value: unknown, schema: JsonSchema | undefined];

/** The fields of a map that people are shown, in the order of its schema. */
export function visibleEntries(value: object, schema: JsonSchema | undefined): Entry[] {
  const known = schema === undefined ? undefined : propertiesOf(schema);
  const given = new Map<string, unknown>(Object.entries(value));
  const names = known === undefined ? [...given.keys()] : Object.keys(known);
  return names
    .filter((name) => known?.[name]?.['x-hidden'] !== true)
    .map((name) => [name, given.get(name), known?.[name]] as const);
}

/** What a value is, also where it may be null. */
export const kindOf = (schema: JsonSchema | undefined) =>
  schema?.['x-kind'] ?? schema?.anyOf?.find((each) => each['x-kind'] !== undefined)?.['x-kind'];

/** The properties of a schema, or of the map among the alternatives of one that may be null. */
function propertiesOf(schema: JsonSchema): JsonSchema['properties'] {
  return schema.properties ?? schema.anyOf?.find((each) => each.properties)?.properties;
}

/** A field's name in words: `lastActive` is `last active`, and its unit is left to the value. */
export function labelOf(field: string, schema: JsonSchema | undefined): string {
  const words = field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return ['seconds', 'bytes'].includes(kindOf(schema) ?? '')
    ? words.replace(/ (?:seconds|bytes)$/, '')
    : words;
}
