/** UTF-8 that comes in chunks. */
import { isAscii, isUtf8 } from 'node:buffer';

/**
 * Reads chunks as text; a character may begin in one and end in the next. It does what a `TextDecoder`
 * does, for a stream that is there for hours at a tenth of the memory, and mostly has nothing to decode.
 */
export class Utf8 {
  #isBegun = false;
  /** The first bytes of a character of which the rest is to come. */
  #rest: Buffer | undefined;

  /** The characters that are whole by now, without a byte order mark; undefined for other bytes. */
  decode(chunk: Buffer): { readonly text: string; readonly isAscii: boolean } | undefined {
    let bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    const left = begunAtEnd(bytes);
    // A copy, since a chunk may be part of a large buffer.
    this.#rest = left === 0 ? undefined : Buffer.from(bytes.subarray(bytes.length - left));
    if (left > 0) bytes = bytes.subarray(0, bytes.length - left);
    const isPlain = isAscii(bytes);
    if (!isPlain && !isUtf8(bytes)) return undefined;
    const text = bytes.toString(isPlain ? 'latin1' : 'utf8');
    const isMarked = !this.#isBegun && text.startsWith('\uFEFF');
    this.#isBegun ||= text !== '';
    return { text: isMarked ? text.slice(1) : text, isAscii: isPlain };
  }
}

/** How many bytes at the end are the beginning of a character that may become whole. */
function begunAtEnd(bytes: Buffer): number {
  for (let count = 1; count <= 3 && count <= bytes.length; count += 1) {
    const byte = bytes[bytes.length - count] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return lengthBy(byte) > count ? count : 0;
  }
  return 0;
}

/** How many bytes a character has that begins with one; 0 for those with which none does. */
function lengthBy(first: number): number {
  if (first < 0xc2 || first > 0xf4) return 0;
  return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
}
