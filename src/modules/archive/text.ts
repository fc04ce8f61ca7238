/** The readable part of an archived stanza. */
import { childrenOf, isNamed, textOf } from '../../xml/element.ts';
import { parseElement } from '../../xml/parse.ts';

/** What people see of a message: between whom it went, and its subject and bodies in all languages. */
export interface Readable {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

/** Reads a stanza as it was archived; all is empty if its text is damaged. */
export function readArchived(stanza: string): Readable {
  const parsed = parseElement(stanza);
  if (!parsed.ok) return { from: '', to: '', text: '' };
  const { from = '', to = '' } = parsed.element.attrs;
  const texts = childrenOf(parsed.element)
    .filter((child) => isNamed(child, 'subject', '') || isNamed(child, 'body', ''))
    .map(textOf);
  return { from, to, text: texts.join('\n') };
}
