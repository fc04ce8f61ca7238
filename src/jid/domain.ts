/** Domainparts (RFC 7622 §3.2): internationalised names as U-labels, and IP literals. */
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';
import { isRightToLeft, meetsBidiRule } from './bidi.ts';
import { MAX_PART_BYTES } from './precis.ts';
import { isOfClass } from './precis-classes.ts';

const LDH_NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.(?!$)|$))+$/;
const A_LABEL = /(?:^|\.)xn--/;
const NUMERIC_END = /(?:^|\.)[0-9]+$/;
const OTHER_ASCII = /[\0-,/:-`{-\x7f]/;
const DOTS = /[\u3002\uff0e\uff61]/g; // RFC 3490 §3.1
const IS_ASCII = /^[\0-\x7f]*$/;

/**
 * A domainpart as it is compared: lower case, U-labels, without the dot of the root; `undefined` for
 * what is neither a name nor an IP literal. A name that ends in a number would be taken for an IPv4
 * address (RFC 1123 §2.1), so only a dotted quad may.
 */
export function prepareDomain(raw: string): string | undefined {
  const dotted = raw.replace(DOTS, '.');
  const name = (dotted.endsWith('.') ? dotted.slice(0, -1) : dotted).replace(
    /[A-Z]+/g,
    (capitals) => capitals.toLowerCase(),
  );
  if (name.length > MAX_PART_BYTES) return undefined;
  if (LDH_NAME.test(name) && !A_LABEL.test(name)) {
    return !NUMERIC_END.test(name) || isIPv4(name) ? name : undefined;
  }
  if (name.startsWith('[')) return prepareIPv6(name);
  return OTHER_ASCII.test(name) ? undefined : prepareInternational(name);
}

function prepareIPv6(literal: string): string | undefined {
  if (!/^\[[0-9a-f:.]+\]$/.test(literal) || !isIPv6(literal.slice(1, -1))) return undefined;
  return domainToASCII(literal) || undefined; // the one short form
}

function prepareInternational(name: string): string | undefined {
  const ascii = domainToASCII(name);
  if (!LDH_NAME.test(ascii) || NUMERIC_END.test(ascii)) return undefined;
  const unicode = domainToUnicode(ascii);
  const labels = unicode.split('.');
  const areValid = labels.every(
    (label) => !label.startsWith('xn--') && isOfClass(label, 'identifier'),
  );
  if (!areValid || domainToASCII(unicode) !== ascii) return undefined;
  // RFC 5893 §2: one label that runs right to left binds all.
  if (isRightToLeft(unicode) && !labels.every(meetsBidiRule)) return undefined;
  return Buffer.byteLength(unicode) <= MAX_PART_BYTES ? unicode : undefined;
}

/** A prepared domainpart with A-labels; an IP literal stays as it is. */
export const domainInAscii = (domain: string): string =>
  IS_ASCII.test(domain) ? domain : domainToASCII(domain);
