/** A stanza's text as an admin may see it: passwords are never shown, other text only if asked for. */
import { type Element, escapeText, serialiseAttributes } from '../xml/element.ts';

const MASK = '[…]';

/** Elements whose text is a secret wherever they stand: SASL, registration, legacy login. */
const SECRET_NAMES = new Set([
  'password',
  'digest',
  'auth',
  'response',
  'challenge',
  'success',
  'key',
]);

/** What may be shown. */
export interface MaskOptions {
  /** Show text (bodies, subjects, names …), all but passwords. */
  readonly withBodies: boolean;
}

/** The XML text of an element with its secrets masked. */
export function maskedText(element: Element, options: MaskOptions): string {
  const isSecretField =
    element.name === 'field' && /password|secret|token/i.test(element.attrs['var'] ?? '');
  const isSecret = isSecretField || SECRET_NAMES.has(element.name);
  const shown = element.children.map((child) => {
    if (typeof child !== 'string') return isSecretField ? MASK : maskedText(child, options);
    if (child.trim() === '') return '';
    return isSecret || !options.withBodies ? MASK : escapeText(child);
  });
  const head = `${element.name}${serialiseAttributes(element.attrs)}`;
  return shown.length === 0 ? `<${head}/>` : `<${head}>${shown.join('')}</${element.name}>`;
}
