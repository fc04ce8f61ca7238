import { describe, expect, test } from 'vitest';
import { Utf8 } from '../../src/kit/utf8.ts';

/** What comes of bytes in chunks of a size; undefined from the first that is no text. */
function read(bytes: Buffer, size: number): string | undefined {
  const utf8 = new Utf8();
  let text = '';
  for (let at = 0; at < bytes.length; at += size) {
    const decoded = utf8.decode(bytes.subarray(at, at + size));
    if (decoded === undefined) return undefined;
    text += decoded.text;
  }
  return text;
}

describe('UTF-8 in chunks', () => {
  const text = 'aé€😀z ü\u{10FFFF}\uFEFF';
  test.each([1, 2, 3, 4, 5, 7, 100])('a character may be cut anywhere: chunks of %i', (size) => {
    expect(read(Buffer.from(text), size)).toBe(text);
  });

  test('a byte order mark at the beginning is none of the text', () => {
    for (const size of [1, 2, 3, 100])
      expect(read(Buffer.from('\uFEFF<a/>\uFEFF'), size)).toBe('<a/>\uFEFF');
  });

  test.each([
    ['a byte that begins nothing', [0x61, 0xff]],
    ['the middle of a character alone', [0x61, 0x80, 0x61]],
    ['a character that is not finished', [0xe2, 0x82, 0x61]],
    ['a surrogate', [0xed, 0xa0, 0x80, 0x61]],
    ['an overlong form', [0xc0, 0xaf, 0x61]],
    ['another one', [0xe0, 0x80, 0x80, 0x61]],
    ['what is above all planes', [0xf4, 0x90, 0x80, 0x80, 0x61]],
  ])('refuses %s', (_, bytes) => {
    for (const size of [1, 2, 100]) expect(read(Buffer.from(bytes), size)).toBeUndefined();
  });

  test('tells what is ASCII', () => {
    const utf8 = new Utf8();
    expect(utf8.decode(Buffer.from('abc'))).toEqual({ text: 'abc', isAscii: true });
    expect(utf8.decode(Buffer.from('ä'))).toEqual({ text: 'ä', isAscii: false });
    expect(utf8.decode(Buffer.from([0xc3]))).toEqual({ text: '', isAscii: true });
  });
});
