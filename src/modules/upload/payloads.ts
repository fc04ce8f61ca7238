/** The elements of XEP-0363. */
import { readDateTime, writeDateTime } from '../../xml/date-time.ts';
import { childrenOf, type Element, el, isNamed, nsOf } from '../../xml/element.ts';

/** The namespace of upload. */
export const UPLOAD = 'urn:xmpp:http:upload:0';
/** The namespace of purposes. */
export const PURPOSES = 'urn:xmpp:http:upload:purpose:0';

/** What a file is for: how long it is kept follows from it. */
export type Purpose = 'message' | 'profile' | 'ephemeral' | 'permanent';

/** A request for a slot. */
export interface SlotRequest {
  readonly name: string;
  /** In bytes; what is no number of bytes that could be is `Infinity`. */
  readonly size: number;
  /** As the client says it; undefined where it says nothing. */
  readonly type: string | undefined;
  readonly purpose: Purpose;
  /** When the file must be gone, in ms since the epoch; for the purpose `ephemeral`. */
  readonly expires: number | undefined;
}

/** Whether an element asks for a slot. */
export const isSlotRequest = (element: Element): boolean => isNamed(element, 'request', UPLOAD);

/** A media type with parameters (RFC 9110 §8.3.1); parameters are plain words or quoted ones. */
const MEDIA_TYPE =
  /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(?:\s*;\s*[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|"[\w !#$&'()*+,./:;<=>?@[\]^`{|}~-]*"))*$/;
const MOST_TYPE = 255;

/** Whether a text is a media type that can stand in a header. */
export const isMediaType = (text: string): boolean =>
  text.length <= MOST_TYPE && MEDIA_TYPE.test(text);

/** A request; undefined if it is none of XEP-0363. */
export function readSlotRequest(element: Element): SlotRequest | undefined {
  const {
    filename,
    size,
    'content-type': type,
  } = element.attrs as Readonly<Record<string, string | undefined>>;
  if (filename === undefined || filename === '' || size === undefined || !/^\d+$/.test(size))
    return undefined;
  if (type !== undefined && !isMediaType(type)) return undefined;
  const bytes = Number(size);
  if (bytes === 0) return undefined; // the schema: a positive integer
  const chosen = purposeOf(element);
  if (chosen === undefined) return undefined;
  return { name: filename, size: bytes, type, ...chosen };
}

/** The purpose that a request names; undefined for one that is malformed. */
function purposeOf(element: Element): Pick<SlotRequest, 'purpose' | 'expires'> | undefined {
  const named = childrenOf(element).find((child) => nsOf(child) === PURPOSES);
  switch (named?.name) {
    case 'profile':
    case 'permanent':
      return { purpose: named.name, expires: undefined };
    case 'ephemeral': {
      const expires = readDateTime(named.attrs['expire-before'] ?? '');
      return expires === undefined ? undefined : { purpose: 'ephemeral', expires };
    }
    default:
      return { purpose: 'message', expires: undefined };
  }
}

/** The answer to a request. */
export function slotElement(put: string, get: string): Element {
  return el('slot', { xmlns: UPLOAD }, el('put', { url: put }), el('get', { url: get }));
}

/** The condition of a file that is too large. */
export function tooLarge(most: number): Element {
  const size = el('max-file-size', undefined, String(most));
  return el('file-too-large', { xmlns: UPLOAD }, size);
}

/** The condition that tells from when on to try again, in ms since the epoch. */
export function retryAt(ms: number): Element {
  return el('retry', { xmlns: UPLOAD, stamp: writeDateTime(ms) });
}
