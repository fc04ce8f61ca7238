/**
 * Streams over HTTP (RFC 7395, XEP-0206): each thing that our stream says stands alone there, without the
 * stream's header around it that declares its namespaces.
 */
import { STREAM_NS } from '../stream/error.ts';
import { escapeAttribute } from '../xml/element.ts';

/** How a stream ends. */
export const GOODBYE = '</stream:stream>';

/** What a client's stream header may say. */
const HEADER_NAMES = ['to', 'from', 'version', 'xml:lang'] as const;

/** A client's stream header that says this, and of an undefined value nothing. */
export function clientHeaderText(
  values: Readonly<Partial<Record<(typeof HEADER_NAMES)[number], string | undefined>>>,
): string {
  const named = HEADER_NAMES.map((name) => {
    const value = values[name];
    return value === undefined ? '' : ` ${name}='${escapeAttribute(value)}'`;
  });
  return `<stream:stream xmlns='jabber:client' xmlns:stream='${STREAM_NS}'${named.join('')}>`;
}

/** Whether a text of our stream is its header. */
export const isHeader = (text: string): boolean => text.startsWith('<?xml');

/** A stanza of our stream with its namespace; anything else as it is. */
export function withContentNs(text: string): string {
  return /^<(?:message|presence|iq)[ />]/.test(text)
    ? declaring(text, "xmlns='jabber:client'")
    : text;
}

/** A text whose first tag declares one more namespace. */
export function declaring(text: string, declaration: string): string {
  const [name = ''] = /^<[\w:]+/.exec(text) ?? [];
  return `${name} ${declaration}${text.slice(name.length)}`;
}
