/**
 * The first tag of a stream. Nearly all are written alike, in ASCII and without references: these are read
 * here at a tenth of what saxes needs (a login has up to three of them: bench, `logins`). Whatever is less
 * plain, or wrong, is left to saxes.
 */
import type { SaxesTagNS } from 'saxes';
import type { StreamHeader } from './events.ts';

/** What a stream's first tag declares, by prefix, and its name as it is written. */
export type Declaring = Pick<SaxesTagNS, 'name' | 'ns'>;

/** A plain header. */
export interface PlainHeader extends Declaring {
  readonly header: StreamHeader;
  /** Behind its `>`. */
  readonly end: number;
}

const HEADER_ATTRIBUTES = ['to', 'from', 'version', 'id', 'xml:lang'] as const;
type HeaderAttribute = (typeof HEADER_ATTRIBUTES)[number];

const isOfHeader = (name: string): name is HeaderAttribute =>
  HEADER_ATTRIBUTES.some((each) => each === name);

const NAME = '[A-Za-z][A-Za-z0-9.-]*';
const ATTRIBUTE = `[ \\n]+(?:${NAME}:)?${NAME}=(?:'[ !-%(-;=-~]*'|"[ !#-%'-;=-~]*")`;
const DECLARATION = `<\\?xml version=(?:'1\\.0'|"1\\.0")(?: encoding=(?:'utf-8'|"utf-8"|'UTF-8'|"UTF-8"))? ?\\?>[ \\n]*`;
/** A tag whose values have neither quotation marks of their own nor references. */
const TAG = new RegExp(
  `^(?:${DECLARATION})?<((?:${NAME}:)?${NAME})((?:${ATTRIBUTE})*)[ \\n]*>`,
  'i',
);
const PAIR = /([^ \n=]+)=(?:'([^']*)'|"([^"]*)")/g;

/** More than that is no usual header. */
const LONGEST = 1024;
/** XML's own names and namespaces, which may be declared in few ways only. */
const OF_XML = /^xml|^http:\/\/www\.w3\.org\//i;
const NAMESPACE = /^[!-~]+$/;

/**
 * The namespaces of nearly all streams. What V8 cuts out of a text keeps the whole of it, and a parser keeps
 * its stream's namespaces: these are not cut out of the header.
 */
const USUAL_NAMESPACES = ['jabber:client', 'jabber:server', 'http://etherx.jabber.org/streams'];

/**
 * The header with which a text begins; undefined where saxes has to look.
 * @param most attributes that it may have, declarations included
 */
export function readHeader(text: string, most: number): PlainHeader | undefined {
  const [whole, name = '', written = ''] = TAG.exec(text.slice(0, LONGEST)) ?? [];
  if (whole === undefined) return undefined;
  const ns: Record<string, string> = {};
  const attrs: Partial<Record<HeaderAttribute, string>> = {};
  let count = 0;
  for (const [, key = '', single, double = ''] of written.matchAll(PAIR)) {
    const value = single ?? double;
    count += 1;
    if (isOfHeader(key)) {
      if (attrs[key] !== undefined) return undefined;
      attrs[key] = value;
      continue;
    }
    const prefix = key === 'xmlns' ? '' : declaredBy(key);
    if (prefix === undefined || Object.hasOwn(ns, prefix)) return undefined;
    if (OF_XML.test(prefix) || OF_XML.test(value) || !NAMESPACE.test(value)) return undefined;
    ns[prefix] = value;
  }
  const [local = '', prefix = ''] = name.split(':').reverse();
  if (count > most || OF_XML.test(name) || (prefix !== '' && !Object.hasOwn(ns, prefix)))
    return undefined;
  const header = headerOf({ prefix, local, uri: ns[prefix] ?? '', ns }, (key) => attrs[key]);
  return { name, ns, header, end: whole.length };
}

const usual = (ns: string) => USUAL_NAMESPACES.find((each) => each === ns) ?? ns;

/** The prefix that an attribute declares; undefined if it declares none. */
const declaredBy = (key: string): string | undefined =>
  key.startsWith('xmlns:') ? key.slice('xmlns:'.length) : undefined;

/** The header of a tag. */
export function headerOf(
  { prefix, local, uri, ns }: Pick<SaxesTagNS, 'prefix' | 'local' | 'uri' | 'ns'>,
  attribute: (name: HeaderAttribute) => string | undefined,
): StreamHeader {
  const attrs: Partial<Record<HeaderAttribute, string>> = {};
  for (const name of HEADER_ATTRIBUTES) {
    const value = attribute(name);
    if (value !== undefined) attrs[name] = value;
  }
  return {
    name: local,
    prefix,
    ns: usual(uri),
    contentNs: usual(ns[''] ?? ''),
    declared: Object.values(ns),
    attrs,
  };
}
