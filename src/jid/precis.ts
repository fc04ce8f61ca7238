/**
 * The PRECIS profiles that XMPP uses (RFC 7622, RFC 8265), and SASLprep (RFC 4013) for passwords.
 * Each answers `undefined` for a text that it does not allow.
 */
import { isRightToLeft, meetsBidiRule } from './bidi.ts';
import { isOfClass } from './precis-classes.ts';

/** RFC 7622 §3.1: the most octets that each part of a JID may have, in UTF-8. */
export const MAX_PART_BYTES = 1023;

const PLAIN_LOCAL = /^[!#-%(-.0-9;=?A-Z[-~]{1,1023}$/;
const PLAIN_RESOURCE = /^[ -~]{1,1023}$/;
const EXCLUDED_FROM_LOCAL = /["&'/:<>@]/; // RFC 7622 §3.3.1
const WIDE_OR_NARROW = /[\u3000\uff01-\uff9f\uffe0-\uffee]/gu;
const NON_ASCII_SPACE = /[^\P{Zs} ]/gu;

/** RFC 8264 §7: how often a profile may be applied until its output no longer changes. */
const MAX_ROUNDS = 4;

function untilStable(
  text: string,
  profile: (text: string) => string | undefined,
): string | undefined {
  let current = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = profile(current);
    if (next === undefined || next === current) return next;
    current = next;
  }
  return undefined;
}

/**
 * RFC 8265 §3.3 UsernameCaseMapped. The class is checked on what the mappings made, as RFC 8264 §7
 * orders them, so that full-width and upper-case names of older clients meet the ones of today.
 */
function usernameCaseMapped(text: string): string | undefined {
  const mapped = text
    .replace(WIDE_OR_NARROW, (char) => char.normalize('NFKC'))
    .toLowerCase()
    .normalize('NFC');
  if (mapped === '' || !isOfClass(mapped, 'identifier')) return undefined;
  return isRightToLeft(mapped) && !meetsBidiRule(mapped) ? undefined : mapped; // RFC 8265 §3.3.1
}

/** RFC 8265 §4.2 OpaqueString. */
function opaqueString(text: string): string | undefined {
  const mapped = text.replace(NON_ASCII_SPACE, ' ').normalize('NFC');
  return mapped === '' || !isOfClass(mapped, 'freeform') ? undefined : mapped;
}

const fits = (part: string) => Buffer.byteLength(part) <= MAX_PART_BYTES;

/** A localpart as it is compared and stored (RFC 7622 §3.3). */
export function prepareLocal(raw: string): string | undefined {
  if (PLAIN_LOCAL.test(raw)) return raw.toLowerCase();
  const local = untilStable(raw, usernameCaseMapped);
  if (local === undefined || EXCLUDED_FROM_LOCAL.test(local) || !fits(local)) return undefined;
  return local;
}

/** A resourcepart as it is compared (RFC 7622 §3.4). A space may begin or end it (erratum 4560). */
export function prepareResource(raw: string): string | undefined {
  if (PLAIN_RESOURCE.test(raw)) return raw;
  const resource = untilStable(raw, opaqueString);
  return resource === undefined || !fits(resource) ? undefined : resource;
}

const MAPPED_TO_NOTHING =
  /\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200b-\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/gu; // RFC 3454 B.1
const FORBIDDEN_IN_PASSWORD = // RFC 4013 §2.3
  /[\p{Cc}\p{Cs}\p{Co}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u206f\ufff9-\ufffd\u2ff0-\u2ffb\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;

/**
 * A password as SCRAM and PLAIN compare it. RFC 5802 §5.1 asks the client for SASLprep, whose
 * compatibility mapping is therefore applied; wherever that changes nothing, this is OpaqueString
 * (RFC 8265 §4.2). As there, neither direction nor the old repertoire of Unicode 3.2 restricts what
 * a user may choose. An empty password is refused.
 */
export function preparePassword(raw: string): string | undefined {
  if (PLAIN_RESOURCE.test(raw)) return raw;
  if (Buffer.byteLength(raw) > MAX_PART_BYTES) return undefined;
  const mapped = raw.replace(NON_ASCII_SPACE, ' ').replace(MAPPED_TO_NOTHING, '').normalize('NFKC');
  return mapped === '' || FORBIDDEN_IN_PASSWORD.test(mapped) ? undefined : mapped;
}
