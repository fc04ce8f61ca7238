/**
 * A short way back from text that `serialise` wrote: what was stored came through the strict parser when it
 * was sent, and need not again, which takes ten times as long (bench, `offline`). Whatever is not in that
 * one form is left to `parseElement`.
 */
import { type Attributes, append, Element, NO_NAMESPACE, nsOf, setAttribute } from './element.ts';

/** A start tag, with no prefix in its name and none but `xml:` in those of its attributes. */
const START = /<([A-Za-z_][\w.-]*)((?: (?:xml:)?[A-Za-z_][\w.-]*="[^"<>\t\n\r]*")*)(\/?)>/y;
const ATTRIBUTE = / ([\w:.-]+)="([^"]*)"/g;
const REFERENCE = /&(?:(amp|lt|gt|quot|apos|#9|#10|#13);)?/g;

const CHARACTERS: ReadonlyMap<string | undefined, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['#9', '\t'],
  ['#10', '\n'],
  ['#13', '\r'],
]);

/** The element of a text that `serialise` wrote, in the content namespace; undefined where that is not sure. */
export function readWritten(text: string): Element | undefined {
  let at: Element | null = null;
  for (let from = 0; from < text.length; ) {
    if (text[from] !== '<') {
      const next = text.indexOf('<', from);
      const characters = next < 0 ? undefined : charactersOf(text.slice(from, next));
      if (at === null || characters === undefined) return undefined;
      append(at, characters);
      from = next;
      continue;
    }
    if (text[from + 1] === '/') {
      const end: string = `</${at?.name}>`;
      if (at === null || !text.startsWith(end, from)) return undefined;
      from += end.length;
    } else {
      START.lastIndex = from;
      const [tag, name = '', attributes = '', slash] = START.exec(text) ?? [];
      if (tag === undefined) return undefined;
      const element: Element = new Element(name);
      if (!readAttributes(element.attrs, attributes, at)) return undefined;
      if (at !== null) append(at, element);
      at = element;
      from += tag.length;
      if (slash === '') continue;
    }
    if (at.parent === null) return from === text.length ? at : undefined;
    at = at.parent;
  }
  return undefined;
}

/** Fills in attributes; false where there is something that `serialise` would not have written. */
function readAttributes(attrs: Attributes, text: string, parent: Element | null): boolean {
  for (const [, name = '', raw = ''] of text.matchAll(ATTRIBUTE)) {
    const value = charactersOf(raw);
    if (value === undefined || Object.hasOwn(attrs, name)) return false;
    if (name === 'xmlns' && !isPlainNamespace(value, parent)) return false;
    setAttribute({ attrs }, name, value);
  }
  return true;
}

/** Whether a namespace stands where it has to, and is none that XML reserves. */
function isPlainNamespace(xmlns: string, parent: Element | null): boolean {
  if (parent === null || xmlns.startsWith('http://www.w3.org/')) return false;
  const around = nsOf(parent) || 'jabber:client';
  return (xmlns === '' ? NO_NAMESPACE : xmlns) !== around;
}

/** Text without references; undefined where there is one that `serialise` does not write. */
function charactersOf(text: string): string | undefined {
  if (text.includes('\r')) return undefined;
  if (!text.includes('&')) return text;
  let isSound = true;
  const read = text.replace(REFERENCE, (_, name?: string) => {
    const character = CHARACTERS.get(name);
    if (character === undefined) isSound = false;
    return character ?? '';
  });
  return isSound ? read : undefined;
}
