/** Stanzas that were kept as text. */
import { parseJid } from '../jid/jid.ts';
import { parseElement } from '../xml/parse.ts';
import { readStanza, type Stanza } from './stanza.ts';

/**
 * The stanza of a text that was written from one with both addresses; undefined when the text is
 * damaged. A message of which the `serial` is known is still that one.
 */
export function readStored(text: string, serial?: number): Stanza | undefined {
  const parsed = parseElement(text);
  if (!parsed.ok) return undefined;
  const from = parseJid(parsed.element.attrs.from ?? '');
  if (!from.ok) return undefined;
  const read = readStanza(parsed.element, { from: from.value, defaultTo: undefined });
  if (!read.ok) return undefined;
  const { stanza } = read;
  return stanza.kind === 'message' && serial !== undefined ? { ...stanza, serial } : stanza;
}
