/** A stanza's text as an admin may see it: passwords are never shown, other text only if asked for. */
import { type Attributes, type Element, escapeText, serialiseAttributes } from '../xml/element.ts';

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

/** Names of attributes and of fields whose value is a secret. */
const TELLS_SECRETS = /password|secret|token/i;

/** What may be shown. */
export interface MaskOptions {
  /** Show text (bodies, subjects, names …), all but passwords. */
  readonly withBodies: boolean;
}

/** The XML text of an element with its secrets masked. */
export function maskedText(element: Element, options: MaskOptions): string {
  const { attrs } = element;
  const isSecretField =
    element.name === 'field' &&
    (attrs.type === 'text-private' || TELLS_SECRETS.test(attrs['var'] ?? ''));
  const isSecret = isSecretField || SECRET_NAMES.has(element.name);
  const shown = element.children.map((child) => {
    if (typeof child !== 'string') return isSecretField ? MASK : maskedText(child, options);
    if (child.trim() === '') return '';
    return isSecret || !options.withBodies ? MASK : escapeText(child);
  });
  const head = `${element.name}${serialiseAttributes(maskedAttributes(attrs))}`;
  return shown.length === 0 ? `<${head}/>` : `<${head}>${shown.join('')}</${element.name}>`;
}

/** With what stands in an attribute, as the password of a room (XEP-0249) and of a relay (XEP-0215) do. */
function maskedAttributes(attrs: Attributes): Attributes {
  const entries = Object.entries(attrs);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, TELLS_SECRETS.test(name) ? MASK : value]),
  );
}
