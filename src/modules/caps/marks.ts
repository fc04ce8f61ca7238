/** By what a presence tells the capabilities of its client: XEP-0115 §4 and XEP-0390 §5.3. */
import { createHash } from 'node:crypto';
import type { Presence } from '../../stanza/stanza.ts';
import { childOf, childrenOf, type Element, isNamed, textOf } from '../../xml/element.ts';
import { hashInput, isClear, readInfo, verificationString } from './verification.ts';

/** XEP-0115. */
export const CAPS = 'http://jabber.org/protocol/caps';
/** XEP-0390. */
const CAPS2 = 'urn:xmpp:caps';
/** XEP-0300. */
const HASHES = 'urn:xmpp:hashes:2';

/** Hash functions by their names in XEP-0300 and in the registry of IANA. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  'sha-1': 'sha1',
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
  'sha3-256': 'sha3-256',
  'sha3-512': 'sha3-512',
};

/** How features end that say of which nodes a client wants to be notified (XEP-0060 §9.2). */
export const NOTIFY = '+notify';

/** The most characters of a mark that are looked at. */
const MAX_LENGTH = 1024;

/** The capabilities that a presence claims. Equal marks have equal keys. */
export interface CapsMark {
  readonly key: string;
  /** The node of disco#info at which they are found. */
  readonly node: string;
  /** Whether an answer is what was claimed; undefined where that cannot be told. */
  readonly verify: ((query: Element) => boolean) | undefined;
}

/** The mark of a presence; undefined if it has none. XEP-0390 goes before XEP-0115. */
export function markOf({ element }: Presence): CapsMark | undefined {
  const hashes = childOf(element, 'c', CAPS2);
  const mark = hashes === undefined ? undefined : hashMark(hashes);
  if (mark !== undefined) return mark;
  const c = childOf(element, 'c', CAPS);
  return c === undefined ? undefined : verMark(c);
}

function hashMark(c: Element): CapsMark | undefined {
  for (const hash of childrenOf(c)) {
    if (!isNamed(hash, 'hash', HASHES)) continue;
    const { algo = '' } = hash.attrs as { readonly algo?: string };
    const value = textOf(hash).trim();
    const known = functionNamed(algo);
    if (known === undefined || algo === 'sha-1' || value.length > MAX_LENGTH) continue;
    const node = `${CAPS2}#${algo}.${value}`;
    return {
      key: node,
      node,
      verify(query) {
        const input = hashInput(query);
        if (input === undefined) return false;
        return createHash(known).update(input, 'utf8').digest('base64') === value;
      },
    };
  }
  return undefined;
}

function verMark(c: Element): CapsMark | undefined {
  const { node = '', ver = '', hash } = c.attrs as Readonly<Record<string, string | undefined>>;
  if (node === '' || ver === '' || node.length + ver.length > MAX_LENGTH) return undefined;
  const at = `${node}#${ver}`;
  const known = hash === undefined ? undefined : functionNamed(hash);
  // §5.4: without a hash that can be checked it is true of this one client only.
  if (known === undefined) return { key: `? ${at}`, node: at, verify: undefined };
  return {
    key: `${hash} ${ver}`,
    node: at,
    verify(query) {
      const info = readInfo(query);
      if (info === undefined || !isClear(info, NOTIFY)) return false;
      return verificationString(info, known) === ver;
    },
  };
}

const functionNamed = (name: string): string | undefined =>
  Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
