/**
 * Kinds of values that config schemas are made of: durations, sizes, addresses, paths. Each marks
 * itself in its metadata, so that faults, the reference and `config show` can name and print it.
 */
import { z } from 'zod';
import { type BareJid, type JidOutcome, localOf, parseBare, parseDomain } from '../jid/jid.ts';

/** What a schema says of itself beyond its description. */
export interface FieldMeta {
  /** The kind of value, as a person writes it. */
  readonly syntax?: 'duration' | 'size' | 'jid' | 'domain' | 'path' | 'uri' | 'interface';
  /** What is allowed, as the end of a sentence. */
  readonly allowed?: string;
  /** The bounds of a quantity, such as `from 1s to 10m`. */
  readonly bounds?: string;
  /** The value is never shown. */
  readonly secret?: boolean;
  /** A change takes effect only when the server is started again. */
  readonly restart?: boolean;
  /** The default in words, where it is not a fixed value. */
  readonly defaultText?: string;
  readonly description?: string;
}

/** Milliseconds per unit of a duration, largest first. */
const DURATION_UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
/** Bytes per unit of a size, largest first. */
const SIZE_UNITS = { GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, GB: 1e9, MB: 1e6, kB: 1e3, B: 1 };

/** Reads `30s`, `5m`, `1h30m`, `0`; undefined for anything else. Answers milliseconds. */
export function parseDuration(text: string): number | undefined {
  if (text.trim() === '0') return 0;
  if (!/^(?:\d+(?:ms|[dhms])\s*)+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|[dhms])/g))
    total += Number(amount) * DURATION_UNITS[unit as keyof typeof DURATION_UNITS];
  return Number.isSafeInteger(total) ? total : undefined;
}

/** Writes milliseconds as {@link parseDuration} reads them. */
export function formatDuration(ms: number): string {
  return format(ms, DURATION_UNITS);
}

/** Reads `256KiB`, `4 MiB`, `10000`; undefined for anything else. Answers bytes. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit] = /^(\d+)\s*([KMG]iB|[kKMG]B|B)?$/.exec(text.trim()) ?? [];
  if (amount === undefined) return undefined;
  const name = unit === undefined ? 'B' : unit.replace('KB', 'kB');
  const total = Number(amount) * SIZE_UNITS[name as keyof typeof SIZE_UNITS];
  return Number.isSafeInteger(total) ? total : undefined;
}

/** Writes bytes as {@link parseSize} reads them. */
export function formatSize(bytes: number): string {
  return bytes < 1024 ? String(bytes) : format(bytes, SIZE_UNITS).replace(/B?$/, 'B');
}

/** A whole amount of the largest unit that divides it. */
function format(amount: number, units: Readonly<Record<string, number>>): string {
  if (amount === 0) return '0';
  for (const [unit, worth] of Object.entries(units))
    if (amount % worth === 0) return `${amount / worth}${unit}`;
  return String(amount);
}

interface Bounds {
  readonly min?: string;
  readonly max?: string;
}

/** A quantity with a unit: read by `parse`, kept within bounds that are written the same way. */
function quantity(
  meta: FieldMeta,
  parse: (text: string) => number | undefined,
  examples: string,
  range: Bounds,
) {
  const { min, max } = range;
  const least = min === undefined ? 0 : (parse(min) ?? 0);
  const most = max === undefined ? Number.MAX_SAFE_INTEGER : (parse(max) ?? 0);
  const bounds = [min && `at least ${min}`, max && `at most ${max}`].filter(Boolean).join(', ');
  const allowed = bounds === '' ? examples : `${examples}; ${bounds}`;
  return z
    .union([z.string(), z.number()])
    .transform((raw, context) => {
      const value = parse(String(raw));
      if (value !== undefined && value >= least && value <= most) return value;
      context.addIssue({
        code: 'custom',
        message: value === undefined ? `is not a ${meta.syntax}` : 'is out of range',
      });
      return z.NEVER;
    })
    .meta({ ...meta, allowed, ...boundsOf(range) });
}

/** In the words of whole numbers (`typeText`). */
function boundsOf({ min, max }: Bounds): Pick<FieldMeta, 'bounds'> {
  if (min === undefined) return max === undefined ? {} : { bounds: `up to ${max}` };
  return { bounds: max === undefined ? `from ${min} on` : `from ${min} to ${max}` };
}

/** A duration such as `30s`; the value is in milliseconds. */
export function duration(fallback: string, bounds: Bounds = {}) {
  const examples = 'a number with a unit (ms, s, m, h, d), such as 30s or 1h30m, or 0';
  return quantity({ syntax: 'duration' }, parseDuration, examples, bounds).prefault(fallback);
}

/** An amount of bytes such as `256KiB`; the value is in bytes. */
export function size(fallback: string, bounds: Bounds = {}) {
  const examples = 'bytes, plain or with a unit (KiB, MiB, GiB, kB, MB, GB), such as 256KiB';
  return quantity({ syntax: 'size' }, parseSize, examples, bounds).prefault(fallback);
}

/** A whole number within bounds. */
export function count(fallback: number, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}) {
  return z.int().min(min).max(max).default(fallback);
}

/** Of an address that is a domain alone, that for `core/operation-faults.ts`: it may be a name that lacks its domain. */
export const loneOf = (raw: string, parsed: JidOutcome<BareJid>) =>
  parsed.ok && localOf(parsed.value) === '' ? { params: { lone: raw.trim() } } : {};

/** The bare JID of an account, such as `joe@falcot.com`. */
export function accountJid() {
  return z
    .string()
    .transform((raw, context) => {
      const parsed = parseBare(raw);
      if (parsed.ok && raw.includes('@')) return parsed.value;
      const why = parsed.ok ? 'it has no part before an @' : parsed.why;
      const message = `is not the address of an account: ${why}`;
      context.addIssue({ code: 'custom', message, ...loneOf(raw, parsed) });
      return z.NEVER;
    })
    .meta({ syntax: 'jid', allowed: 'an address such as joe@falcot.com' } satisfies FieldMeta);
}

/** A domain, such as `falcot.com`. */
export function domain() {
  return z
    .string()
    .transform((raw, context) => {
      const parsed = parseDomain(raw);
      if (parsed.ok) return parsed.value;
      context.addIssue({ code: 'custom', message: `is not a domain: ${parsed.why}` });
      return z.NEVER;
    })
    .meta({ syntax: 'domain', allowed: 'a domain such as falcot.com' } satisfies FieldMeta);
}

/**
 * The path of a file or folder. The loader makes it absolute: relative to the folder of `rtcd.yaml`,
 * with `~/` for the home folder.
 */
export function path() {
  return z
    .string()
    .min(1)
    .meta({ syntax: 'path', allowed: 'the path of a file or folder' } satisfies FieldMeta);
}

/** A URI of one of some schemes. */
export function uri(schemes: readonly string[]) {
  const allowed = `a URI with ${schemes.map((scheme) => `${scheme}:`).join(', ')}`;
  return z
    .string()
    .refine((raw) => URL.canParse(raw) && schemes.includes(new URL(raw).protocol.slice(0, -1)), {
      message: 'is not such a URI',
    })
    .meta({ syntax: 'uri', allowed } satisfies FieldMeta);
}

/** A text that is never shown, such as a password of another service. */
export function secret() {
  return z
    .string()
    .min(1)
    .meta({ secret: true, allowed: 'a text' } satisfies FieldMeta);
}

/** One value or a list of them; the value is always a list. */
export function oneOrMore<T extends z.ZodType>(item: T) {
  return z.preprocess(
    (raw) => (Array.isArray(raw) || raw === undefined ? raw : [raw]),
    z.array(item),
  );
}
