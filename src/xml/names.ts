/** Names and namespaces, of which streams repeat the same few: each is kept as one string. */

/** Slots of the table: a power of two. What a stranger makes up displaces others, and takes no more room. */
const SLOTS = 1024;
/** Longer ones are not kept. */
const LONGEST = 64;

const table: string[] = new Array<string>(SLOTS).fill('');

/** The hash of a text that one more character follows. */
export function hashOn(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0;
}

/**
 * A part of a text, as one string for all that are equal. It is no slice of the text, which would keep the
 * whole of it in memory.
 * @param hash of the part, by {@link hashOn}
 */
export function nameIn(text: string, start: number, end: number, hash: number): string {
  const length = end - start;
  if (length > LONGEST) return text.slice(start, end);
  const slot = (hash ^ (hash >>> 10)) & (SLOTS - 1);
  const known = table[slot] ?? '';
  if (known.length === length && text.startsWith(known, start)) return known;
  // As a key of an object it becomes V8's own copy, which it finds and compares without looking inside.
  const [name = ''] = Object.keys({ [text.slice(start, end)]: true });
  table[slot] = name;
  return name;
}
