/** How a component proves that it knows the secret: XEP-0114 §3. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Element, isNamed, textOf } from '../xml/element.ts';

/** What the handshake on a stream has to say: lower-case hexadecimal digits. */
export function handshakeOf(streamId: string, secret: string): string {
  return createHash('sha1').update(`${streamId}${secret}`).digest('hex');
}

/** Whether an element is the handshake that proves the secret; takes the same time for any guess. */
export function isHandshake(element: Element, streamId: string, secret: string): boolean {
  if (!isNamed(element, 'handshake', '')) return false;
  const given = Buffer.from(textOf(element).trim());
  const right = Buffer.from(handshakeOf(streamId, secret));
  return given.length === right.length && timingSafeEqual(given, right);
}
