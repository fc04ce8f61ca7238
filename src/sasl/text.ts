/** The encodings of SASL messages, read strictly. */

/** More than any honest message has: names and passwords are of 1023 octets at most. */
const MAX_MESSAGE_BYTES = 8192;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A message as text; `undefined` if it is not UTF-8 or is longer than any honest one. */
export function decodeText(data: Buffer): string | undefined {
  if (data.length > MAX_MESSAGE_BYTES) return undefined;
  try {
    return utf8.decode(data);
  } catch {
    return undefined;
  }
}

/** Octets from base64 (RFC 4648 §4); `undefined` unless it is padded and the one right spelling. */
export function decodeBase64(text: string): Buffer | undefined {
  const data = Buffer.from(text, 'base64');
  return text !== '' && data.toString('base64') === text ? data : undefined;
}

/** Octets from base64 as XML carries it: with space around it, and possibly none (RFC 6120 §13.9.1). */
export function readBase64(text: string): Buffer | undefined {
  const trimmed = text.trim();
  if (trimmed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(trimmed)) return undefined;
  return Buffer.from(trimmed, 'base64');
}
