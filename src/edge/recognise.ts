/** What the first bytes of a connection say it is. */
import type { Found } from '../kit/peek.ts';
import { readHello } from './hello.ts';

/** What comes in clear: TLS with the protocols that it is for, an XMPP stream, or HTTP. */
export type InClear =
  | { readonly kind: 'tls'; readonly alpn: readonly string[] }
  | { readonly kind: Inside };

/** What comes in clear, or inside TLS. */
export type Inside = 'c2s' | 's2s' | 'http';

const TLS_HANDSHAKE = 0x16;
/** Of a method's name, and of a stream's header, no more needs to be seen. */
const LONGEST_METHOD = 20;

/** Recognises what begins in clear. */
export function recognise(bytes: Buffer): Found<InClear> | 'more' | undefined {
  if (bytes[0] === TLS_HANDSHAKE) {
    const hello = readHello(bytes);
    if (hello === undefined || hello === 'more') return hello;
    return { value: { kind: 'tls', alpn: hello.alpn } };
  }
  const inside = recogniseInside(bytes);
  if (inside === undefined || inside === 'more') return inside;
  return { value: { kind: inside.value } };
}

/** Recognises what begins inside TLS, or without it. */
export function recogniseInside(bytes: Buffer): Found<Inside> | 'more' | undefined {
  const text = bytes.toString('latin1').trimStart();
  if (text === '') return 'more';
  if (text.startsWith('<')) return recogniseStream(text);
  if (/^[A-Z]+ /.test(text)) return { value: 'http' };
  return /^[A-Z]+$/.test(text) && text.length < LONGEST_METHOD ? 'more' : undefined;
}

/** RFC 6120 §4.8.2: the content namespace tells clients from servers. */
function recogniseStream(text: string): Found<Inside> | 'more' {
  const [header] = /<(?:[\w.-]+:)?stream[\s>][^>]*>?/.exec(text) ?? [];
  if (header?.endsWith('>') !== true) {
    // Another element: whoever reads it says what is wrong with it.
    const isOther = /<(?!\?)(?:[\w.-]+:)?(?!stream\b)[\w.-]+[\s/>]/.test(text);
    return isOther ? { value: 'c2s' } : 'more';
  }
  return { value: /xmlns\s*=\s*['"]jabber:server['"]/.test(header) ? 's2s' : 'c2s' };
}
