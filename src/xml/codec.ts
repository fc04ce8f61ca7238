/**
 * Payloads as typed values. `payload('block', NS, { jids: each('item', jidAttr('jid')) })` gives a
 * decoder, an encoder and the type at once. Decoding answers undefined where the element is not what
 * it should be, and ignores what it does not know; encoding makes a new element.
 */
import { type Jid, parseJid } from '../jid/jid.ts';
import { readDateTime, writeDateTime } from './date-time.ts';
import {
  append,
  childrenOf,
  type Element,
  el,
  isNamed,
  nsOf,
  setAttribute,
  textOf,
} from './element.ts';

const BAD = Symbol('bad');

/** One part of an element: how it is read and written. Children share their parent's namespace. */
export interface Field<V> {
  /** Whether the element is still right when this part is missing. */
  readonly isOptional: boolean;
  /** The value; undefined when it is missing, `BAD` when it is there but wrong. */
  read(element: Element): V | undefined | typeof BAD;
  /** Adds the value to an element that is being built. */
  write(element: Element, value: NonNullable<V>): void;
}

/** The parts of an element by the names that they have in the decoded value. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The value that fields decode to. */
export type Decoded<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer V> ? V : never;
};

/** The value that fields encode: optional parts may be left out. */
export type Encodable<F extends Fields> = {
  readonly [K in keyof F as undefined extends Decoded<F>[K] ? never : K]: Decoded<F>[K];
} & {
  readonly [K in keyof F as undefined extends Decoded<F>[K] ? K : never]?: Decoded<F>[K];
};

/** An element of a certain name and namespace, and what it says. */
export interface Payload<T, E = T> {
  readonly name: string;
  readonly ns: string;
  /** `ns name`, for Maps of handlers. */
  readonly key: string;
  /** The value, or undefined when the element is another one or breaks its own rules. */
  decode(element: Element): T | undefined;
  encode(value: E): Element;
}

/** The codec of an element; `ns` '' is the content namespace. */
export function payload<F extends Fields>(
  name: string,
  ns: string,
  fields: F,
): Payload<Decoded<F>, Encodable<F>> {
  const parts = struct(fields);
  return {
    name,
    ns,
    key: `${ns} ${name}`,
    decode(element) {
      if (!isNamed(element, name, ns)) return undefined;
      const value = parts.read(element);
      return value === BAD ? undefined : value;
    },
    encode(value) {
      const element = el(name, ns === '' ? undefined : { xmlns: ns });
      parts.write(element, value);
      return element;
    },
  };
}

/** Makes a part one that may be missing; one that is there and wrong is still wrong. */
export function optional<V>(field: Field<V>): Field<V | undefined> {
  return { ...field, isOptional: true };
}

/** An attribute, as it stands. */
export const attr = (name: string): Field<string> => attribute(name, (raw) => raw, String);

/** An attribute that may be missing. */
export const optionalAttr = (name: string): Field<string | undefined> => optional(attr(name));

/** An attribute that is a JID (RFC 7622). */
export const jidAttr = (name: string): Field<Jid> => attribute(name, readJid, String);

/** An attribute that is a whole number between two bounds, both included. */
export const integerAttr = (name: string, min = 0, max = Number.MAX_SAFE_INTEGER): Field<number> =>
  attribute(name, (raw) => readInteger(raw, min, max), String);

/** An attribute that is one of some words. */
export const oneOfAttr = <const V extends string>(name: string, ...values: V[]): Field<V> =>
  attribute(name, (raw) => values.find((value) => value === raw), String);

/** An attribute that is a moment (XEP-0082 §3.2), as milliseconds since the epoch. */
export const dateTimeAttr = (name: string): Field<number> =>
  attribute(name, readDateTime, writeDateTime);

/** The element's own text, as it stands; '' is text too. */
export const text: Field<string> = {
  isOptional: false,
  read: textOf,
  write: (element, value) => {
    if (value !== '') append(element, value);
  },
};

/** The text of the first child of a name. */
export const childText = (name: string): Field<string> => ({
  isOptional: false,
  read(element) {
    const first = namesakes(element, name)[0];
    return first === undefined ? undefined : textOf(first);
  },
  write: (element, value) => append(element, el(name, undefined, value)),
});

/** Whether there is a child of a name. */
export const flag = (name: string): Field<boolean> => ({
  isOptional: false,
  read: (element) => namesakes(element, name).length > 0,
  write: (element, value) => {
    if (value) append(element, el(name));
  },
});

/** Every child of a name, in order, each read by one field: `each('item', jidAttr('jid'))`. */
export function each<V>(name: string, field: Field<V>): Field<readonly V[]> {
  return {
    isOptional: false,
    read(element) {
      const values: V[] = [];
      for (const child of namesakes(element, name)) {
        const value = field.read(child);
        if (value === BAD || (value === undefined && !field.isOptional)) return BAD;
        values.push(value as V); // undefined only where V admits it, as just tested
      }
      return values;
    },
    write(element, values) {
      for (const value of values) {
        const child = el(name);
        if (value !== undefined && value !== null) field.write(child, value);
        append(element, child);
      }
    },
  };
}

/** Several parts of one element as one value: `each('item', struct({ jid: …, name: … }))`. */
export function struct<F extends Fields>(
  fields: F,
): {
  readonly isOptional: false;
  read(element: Element): Decoded<F> | typeof BAD;
  write(element: Element, value: Encodable<F>): void;
} {
  const entries = Object.entries(fields);
  return {
    isOptional: false,
    read(element) {
      const value: Record<string, unknown> = {};
      for (const [key, field] of entries) {
        const part: unknown = field.read(element);
        if (part === BAD || (part === undefined && !field.isOptional)) return BAD;
        value[key] = part;
      }
      return value as Decoded<F>; // each key of F was just read by its own field
    },
    write(element, value) {
      const parts: Readonly<Record<string, unknown>> = value;
      for (const [key, field] of entries) {
        const part = parts[key];
        if (part !== undefined && part !== null) field.write(element, part);
      }
    },
  };
}

function attribute<V>(
  name: string,
  read: (raw: string) => V | undefined,
  write: (value: NonNullable<V>) => string,
): Field<V> {
  return {
    isOptional: false,
    read(element) {
      const raw = element.attrs[name];
      return raw === undefined ? undefined : (read(raw) ?? BAD);
    },
    write: (element, value) => setAttribute(element, name, write(value)),
  };
}

function readJid(raw: string): Jid | undefined {
  const parsed = parseJid(raw);
  return parsed.ok ? parsed.value : undefined;
}

function readInteger(raw: string, min: number, max: number): number | undefined {
  const value = /^-?\d{1,16}$/.test(raw) ? Number(raw) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

function namesakes(element: Element, name: string): Element[] {
  const ns = nsOf(element);
  return childrenOf(element).filter((candidate) => isNamed(candidate, name, ns));
}
