/** Parts of a file that are asked for (RFC 9110 §14): a single range of bytes, or all of it. */

/** Bytes from `start` to `end`, both included. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * The part that a `Range` header asks for. Undefined is all of it: there is no header, or one that is
 * not understood or names several parts (§14.2 lets it be ignored). `none` cannot be satisfied.
 */
export function rangeOf(header: string | undefined, size: number): Range | 'none' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const length = Number(to);
    return length === 0 ? 'none' : { start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(from);
  const end = to === '' ? size - 1 : Number(to);
  if (end < start && to !== '') return undefined; // §14.1.1: invalid, so ignored
  return start >= size ? 'none' : { start, end: Math.min(end, size - 1) };
}
