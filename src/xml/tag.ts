/** From a parsed tag to an element: namespaces as the house writes them (see `element.ts`). */
import type { SaxesTagNS } from 'saxes';
import { Element, NO_NAMESPACE, setAttribute } from './element.ts';

const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';

/** How the content namespace is named where it must be named: below a foreign element. */
const CONTENT_INSIDE_FOREIGN = 'jabber:client';

/**
 * The namespace of a tag as `nsOf` will tell it: '' for the content namespace as long as all above
 * is content too. Below a foreign element (such as XEP-0297's `<forwarded/>`) content is named, and
 * always `jabber:client`, so that the text means the same in any stream.
 *
 * @param uri the namespace that the tag resolves to
 * @param parentNs what this function answered for the parent, '' for a top-level element
 */
export function namespaceInTree(uri: string, contentNs: string, parentNs: string): string {
  // `<xml:a/>` keeps its prefix: nothing may make XML's own namespace the default one.
  if (uri === XML_NAMESPACE) return parentNs;
  if (uri === contentNs) return parentNs === '' ? '' : CONTENT_INSIDE_FOREIGN;
  return uri === '' ? NO_NAMESPACE : uri;
}

/**
 * The element of a tag: its prefix is gone, and `xmlns` stands where it differs from the parent's.
 * A prefixed attribute keeps its prefix, which the element then declares.
 *
 * @returns undefined when there are more attributes than `maxAttributes`
 */
export function elementOf(
  tag: SaxesTagNS,
  ns: string,
  parentNs: string,
  maxAttributes: number,
): Element | undefined {
  const element = new Element(tag.prefix === 'xml' ? tag.name : tag.local);
  if (ns !== parentNs) element.attrs.xmlns = ns === NO_NAMESPACE ? '' : ns;
  const { attributes } = tag;
  let count = 0;
  for (const name in attributes) {
    const attribute = attributes[name];
    if (attribute === undefined) continue;
    if (++count > maxAttributes) return undefined;
    const { prefix } = attribute;
    if (prefix === 'xmlns' || name === 'xmlns') continue;
    setAttribute(element, name, attribute.value);
    if (prefix !== '' && prefix !== 'xml') setAttribute(element, `xmlns:${prefix}`, attribute.uri);
  }
  return element;
}
