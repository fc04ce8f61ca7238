/** What a message of DNS says to a question: records, none, or that the name is an alias. */
import {
  type MessageBody,
  type QueryType,
  RCODE,
  type RecordData,
  TYPE_NUMBERS,
} from './dns-message.ts';

/** The answer as it stands in one message. `ttl` in seconds, the shortest on the way. */
export type Followed =
  | {
      readonly kind: 'records';
      readonly records: readonly RecordData[QueryType][];
      readonly ttl: number;
    }
  | { readonly kind: 'none'; readonly isNameKnown: boolean; readonly ttl: number }
  /** The message ends with an alias: the rest is to be asked for. */
  | {
      readonly kind: 'alias';
      readonly name: string;
      readonly aliases: number;
      readonly ttl: number;
    };

/** More records of one name and type than this are not kept. */
const MAX_KEPT = 64;

/**
 * Follows the aliases within a message.
 * @param name lower case
 * @returns undefined when there are more than `maxAliases`, as in a circle
 */
export function follow(
  name: string,
  type: number,
  rcode: number,
  { answers, negativeTtl }: MessageBody,
  maxAliases: number,
): Followed | undefined {
  let current = name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let aliases = 0; aliases <= maxAliases; aliases += 1) {
    const here = answers.filter((each) => each.name === current && each.data !== undefined);
    const wanted = here.filter((each) => each.type === type);
    if (wanted.length > 0) {
      const kept = wanted.slice(0, MAX_KEPT);
      const records = kept.flatMap(({ data }) => data ?? []);
      return { kind: 'records', records, ttl: Math.min(ttl, ...kept.map((each) => each.ttl)) };
    }
    const alias = here.find((each) => each.type === TYPE_NUMBERS.CNAME);
    if (typeof alias?.data !== 'string') {
      // RFC 2308 §5: without a SOA it is not to be remembered.
      const none = { ttl: Math.min(ttl, negativeTtl ?? 0) };
      if (rcode === RCODE.noSuchName) return { kind: 'none', isNameKnown: false, ...none };
      if (aliases > 0 && negativeTtl === undefined)
        return { kind: 'alias', name: current, aliases, ttl };
      return { kind: 'none', isNameKnown: true, ...none };
    }
    current = alias.data;
    ttl = Math.min(ttl, alias.ttl);
  }
  return undefined;
}
