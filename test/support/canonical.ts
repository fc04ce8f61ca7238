/** XML that means the same, as the same text: for the examples of specifications. */
import { type Element, el, serialise } from '../../src/xml/element.ts';
import { parse } from './scene.ts';

/** Attributes in the order of their names, text without the whitespace around it. */
export function canonical(xml: string | Element): string {
  return serialise(tidy(typeof xml === 'string' ? parse(xml) : xml));
}

function tidy({ name, attrs, children }: Element): Element {
  const sorted = Object.entries(attrs).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const content = children.map((child) => (typeof child === 'string' ? child.trim() : tidy(child)));
  return el(name, Object.fromEntries(sorted), ...content);
}
