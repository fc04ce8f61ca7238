/** Pictures in vCards (XEP-0054) and in nodes (XEP-0084). */
import { createHash } from 'node:crypto';
import { childOf, childrenOf, type Element, el, isNamed, textOf } from '../../xml/element.ts';

/** XEP-0084: the node of pictures, and the namespace of their payload. */
export const DATA = 'urn:xmpp:avatar:data';
/** The node of what is said of them. */
export const METADATA = 'urn:xmpp:avatar:metadata';
/** XEP-0054. */
const VCARD = 'vcard-temp';

/** A picture. */
export interface Photo {
  /** Such as `image/png`. */
  readonly type: string;
  readonly bytes: Buffer;
}

/** SHA-1 in hexadecimal digits: the id of a picture (XEP-0084 §4.1, XEP-0153 §3). */
export const hashOf = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex');

/** The bytes of Base64 with whitespace in it; undefined if it is none, or there are none. */
function decode(text: string): Buffer | undefined {
  const plain = text.replace(/\s+/g, '');
  if (plain === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(plain)) return undefined;
  const bytes = Buffer.from(plain, 'base64');
  return bytes.length === 0 ? undefined : bytes;
}

/** How pictures begin, for those of which nobody says what they are. */
const SIGNATURES: readonly (readonly [type: string, start: string])[] = [
  ['image/png', '89504e47'],
  ['image/jpeg', 'ffd8ff'],
  ['image/gif', '474946'],
  ['image/webp', '52494646'],
];

function typeOf(stated: string, bytes: Buffer): string {
  if (/^image\/[\w.+-]{1,60}$/.test(stated)) return stated;
  const start = bytes.subarray(0, 4).toString('hex');
  return SIGNATURES.find(([, signature]) => start.startsWith(signature))?.[0] ?? 'image/png';
}

/** The picture of a vCard; undefined if it has none that is valid. */
export function photoIn(card: Element): Photo | undefined {
  const photo = childOf(card, 'PHOTO', VCARD);
  const value = photo === undefined ? undefined : childOf(photo, 'BINVAL', VCARD);
  const bytes = value === undefined ? undefined : decode(textOf(value));
  if (photo === undefined || bytes === undefined) return undefined;
  const type = childOf(photo, 'TYPE', VCARD);
  return { type: typeOf(type === undefined ? '' : textOf(type).trim(), bytes), bytes };
}

/** A vCard with another picture, or without one; undefined if nothing is left. */
export function withPhoto(
  card: Element | undefined,
  photo: Photo | undefined,
): Element | undefined {
  const others =
    card === undefined ? [] : childrenOf(card).filter((child) => !isNamed(child, 'PHOTO', VCARD));
  if (others.length === 0 && photo === undefined) return undefined;
  return el(
    'vCard',
    { xmlns: VCARD },
    ...others,
    photo &&
      el(
        'PHOTO',
        undefined,
        el('TYPE', undefined, photo.type),
        el('BINVAL', undefined, photo.bytes.toString('base64')),
      ),
  );
}

/** The picture that metadata names as one that is in the node of pictures (XEP-0398 §3.1). */
export function infoIn(
  metadata: Element,
): { readonly id: string; readonly type: string } | undefined {
  for (const info of childrenOf(metadata)) {
    if (!isNamed(info, 'info', METADATA) || info.attrs['url'] !== undefined) continue;
    const { id = '', type = '' } = info.attrs;
    if (/^[0-9a-f]{40}$/i.test(id)) return { id: id.toLowerCase(), type };
  }
  return undefined;
}

/** The picture in the payload of the node; undefined if it is none, or another one than its id says. */
export function dataIn(data: Element, id: string, type: string): Photo | undefined {
  if (!isNamed(data, 'data', DATA)) return undefined;
  const bytes = decode(textOf(data));
  if (bytes === undefined || hashOf(bytes) !== id) return undefined;
  return { type: typeOf(type, bytes), bytes };
}

/** The payload of the node of pictures. */
export const dataElement = ({ bytes }: Photo): Element =>
  el('data', { xmlns: DATA }, bytes.toString('base64'));

/** The payload of the node of what is said of them; without a picture it says that there is none. */
export const metadataElement = (photo: Photo | undefined): Element =>
  el(
    'metadata',
    { xmlns: METADATA },
    photo && el('info', { bytes: photo.bytes.length, id: hashOf(photo.bytes), type: photo.type }),
  );
