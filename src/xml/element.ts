/**
 * Trees of XML, built, read and written. Namespaces follow the house's convention: `xmlns` stands
 * only where it differs from the parent's, and the stream's content namespace is not written at all.
 */
import { type Attributes, Element } from 'ltx';

export { type Attributes, Element };

/** What {@link nsOf} answers for an element that is explicitly in no namespace (`xmlns=''`). */
export const NO_NAMESPACE = 'urn:rtcd:no-namespace';

/** What {@link el} takes as a child; undefined and false are left out. */
export type Child = Element | string | undefined | false;

/** What {@link el} takes as attributes; undefined ones are left out. */
export type AttributeValues = Readonly<Record<string, string | number | undefined>>;

/**
 * Builds an element. A child that already stands in another tree is copied, so that one tree never
 * takes a branch out of another; `attrs` may set `xmlns`, which the children then inherit.
 */
export function el(name: string, attrs?: AttributeValues, ...children: Child[]): Element {
  const element = new Element(name);
  if (attrs !== undefined) {
    for (const key in attrs) {
      const value = attrs[key];
      if (value !== undefined) {
        setAttribute(element, key, typeof value === 'string' ? value : String(value));
      }
    }
  }
  for (const child of children) {
    if (child === undefined || child === false || child === '') continue;
    append(element, typeof child === 'string' || child.parent === null ? child : clone(child));
  }
  return element;
}

/**
 * The same element with other attributes, as the root of its own tree. The children are shared: they
 * keep their parent, which must be in the same namespace, and neither tree is changed any more.
 */
export function withAttributes(element: Element, attrs: Attributes): Element {
  const copy = new Element(element.name);
  return Object.assign(copy, { attrs, children: element.children });
}

/** Adds a node that stands in no tree yet as the last child. For trees that are being built only. */
export function append(parent: Element, node: Element | string): void {
  parent.children.push(node);
  if (typeof node !== 'string') node.parent = parent;
}

/** Sets an attribute, whatever its name. For trees that are being built only. */
export function setAttribute(element: Pick<Element, 'attrs'>, name: string, value: string): void {
  // A legal XML name, yet an assignment to it would be swallowed by the prototype's setter.
  if (name === '__proto__') {
    const property = { value, enumerable: true, configurable: true, writable: true };
    Object.defineProperty(element.attrs, name, property);
  } else {
    element.attrs[name] = value;
  }
}

/** The namespace of an element, found upwards: '' for the stream's content namespace. */
export function nsOf(element: Element): string {
  for (let at: Element | null = element; at !== null; at = at.parent) {
    const ns = at.attrs.xmlns;
    if (ns !== undefined) return ns === '' ? NO_NAMESPACE : ns;
  }
  return '';
}

/** Whether an element has this name in this namespace ('' is the content namespace). */
export function isNamed(element: Element, name: string, ns: string): boolean {
  return element.name === name && nsOf(element) === ns;
}

/** The first child of this name in this namespace ('' is the content namespace). */
export function childOf(element: Element, name: string, ns = ''): Element | undefined {
  for (const child of element.children) {
    if (typeof child !== 'string' && isNamed(child, name, ns)) return child;
  }
  return undefined;
}

/** The children that are elements. */
export function childrenOf(element: Element): Element[] {
  const elements: Element[] = [];
  for (const child of element.children) if (typeof child !== 'string') elements.push(child);
  return elements;
}

/** The element's own text: that of its children is not part of it. */
export function textOf(element: Element): string {
  let text = '';
  for (const child of element.children) if (typeof child === 'string') text += child;
  return text;
}

/** A copy that stands alone: it names the namespace that the original inherited. */
export function clone(element: Element): Element {
  const copy = copyOf(element);
  const ns = inheritedNs(element);
  if (ns !== undefined) copy.attrs.xmlns = ns;
  const open: Array<readonly [from: Element, to: Element]> = [[element, copy]];
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [from, to] = pair;
    for (const child of from.children) {
      const node = typeof child === 'string' ? child : copyOf(child);
      append(to, node);
      if (typeof child !== 'string' && typeof node !== 'string') open.push([child, node]);
    }
  }
  return copy;
}

function copyOf(element: Element): Element {
  const copy = new Element(element.name);
  for (const name in element.attrs) {
    const value = element.attrs[name];
    if (value !== undefined) setAttribute(copy, name, value);
  }
  return copy;
}

/** The `xmlns` that a branch must carry to mean the same when it stands alone. */
function inheritedNs(element: Element): string | undefined {
  if (element.parent === null || element.attrs.xmlns !== undefined) return undefined;
  const ns = nsOf(element);
  if (ns === '') return undefined;
  return ns === NO_NAMESPACE ? '' : ns;
}

/**
 * The element as XML text, which stands alone: a branch names the namespace that it inherited.
 * What XML cannot carry (control characters, lone surrogates) is written as U+FFFD.
 */
export function serialise(element: Element): string {
  const ns = inheritedNs(element);
  const head = `<${element.name}${ns === undefined ? '' : ` xmlns="${escapeAttribute(ns)}"`}`;
  return writeRest(head, element);
}

/** The attributes as they stand in a start tag, each with a space before it; one may be left out. */
export function serialiseAttributes(attrs: Attributes, without?: string): string {
  let text = '';
  for (const name in attrs) {
    const value = attrs[name];
    if (value !== undefined && name !== without) text += ` ${name}="${escapeAttribute(value)}"`;
  }
  return text;
}

/** The children as XML text, without the element's own tags ('' when there are none). */
export function serialiseChildren(element: Element): string {
  let text = '';
  for (const child of element.children) {
    text += typeof child === 'string' ? escapeText(child) : writeRest(`<${child.name}`, child);
  }
  return text;
}

/** Writes what follows `<name`. Without recursion, so that no depth of a tree ends the stack. */
function writeRest(head: string, element: Element): string {
  let text = head + serialiseAttributes(element.attrs);
  if (element.children.length === 0) return `${text}/>`;
  text += '>';
  const above: Array<{ element: Element; next: number }> = [];
  let at = element;
  let next = 0;
  for (;;) {
    const child = at.children[next++];
    if (child === undefined) {
      text += `</${at.name}>`;
      const parent = above.pop();
      if (parent === undefined) return text;
      ({ element: at, next } = parent);
    } else if (typeof child === 'string') {
      text += escapeText(child);
    } else {
      text += `<${child.name}${serialiseAttributes(child.attrs)}`;
      if (child.children.length === 0) {
        text += '/>';
      } else {
        text += '>';
        above.push({ element: at, next });
        at = child;
        next = 0;
      }
    }
  }
}

// What may not stand as it is, named by its complement. The first test of each pair is the fast one:
// it also stops at a proper surrogate pair, which the second then leaves alone.
const SPECIAL_IN_TEXT = /[^\t\n -%'-;=?-\ud7ff\ue000-\ufffd]/;
const EACH_IN_TEXT = /[^\t\n -%'-;=?-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const SPECIAL_IN_ATTRIBUTE = /[^ !#-%(-;=?-\ud7ff\ue000-\ufffd]/;
const EACH_IN_ATTRIBUTE = /[^ !#-%(-;=?-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

const REFERENCES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
  // Written as they are, these would be normalised away by the next parser (XML 1.0 §2.11, §3.3.3).
  ['\t', '&#9;'],
  ['\n', '&#10;'],
  ['\r', '&#13;'],
]);

const referenceOf = (character: string) => REFERENCES.get(character) ?? '\ufffd';

/** Text as it stands between tags. */
export function escapeText(text: string): string {
  return SPECIAL_IN_TEXT.test(text) ? text.replace(EACH_IN_TEXT, referenceOf) : text;
}

/** Text as it stands in an attribute, between quotes of either kind. */
export function escapeAttribute(value: string): string {
  return SPECIAL_IN_ATTRIBUTE.test(value) ? value.replace(EACH_IN_ATTRIBUTE, referenceOf) : value;
}
