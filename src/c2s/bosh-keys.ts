/** XEP-0124 §15: keys that follow each other, by which nobody else can put requests into a session. */
import { createHash } from 'node:crypto';

/** What a request says of keys. */
export interface Keyed {
  readonly key: string | undefined;
  readonly newkey: string | undefined;
}

/**
 * The key by which the next request is judged, once this one was found right (§15.4): undefined if the
 * session uses none.
 * @param expected what the former request left
 * @returns `wrong` if the request is not the client's
 */
export function nextKey(
  expected: string | undefined,
  { key, newkey }: Keyed,
): string | 'wrong' | undefined {
  if (expected !== undefined) {
    if (key === undefined) return 'wrong';
    const hash = createHash('sha1').update(key).digest('hex');
    if (hash !== expected.toLowerCase()) return 'wrong';
  }
  return newkey ?? (expected === undefined ? undefined : key);
}
