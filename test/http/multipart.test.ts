import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundaryOf, type FormEvent, readForm } from '../../src/http/multipart.ts';

/** A text in pieces of a length. */
async function* pieces(text: string | Buffer, length = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** What a form tells, with the bytes of each part together. */
async function told(source: AsyncIterable<Uint8Array>, boundary = 'b'): Promise<unknown[]> {
  const all: (FormEvent | string)[] = [];
  for await (const event of readForm(source, boundary)) {
    const last = all.at(-1);
    if (event.kind !== 'bytes') all.push(event);
    else if (typeof last === 'string') all[all.length - 1] = last + event.bytes.toString('latin1');
    else all.push(event.bytes.toString('latin1'));
  }
  return all;
}

const field = (name: string, value: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const part = (name: string, filename?: string) => ({ kind: 'part', name, filename });

describe('RFC 7578', () => {
  test('§4.2: fields and files come in their order, also without content', async () => {
    const file =
      '--b\r\ncontent-disposition: form-data; name="file"; filename="a%22b.xml"\r\nContent-Type: text/xml\r\n\r\n<a>\r\n--c</a>\r\n';
    const form = `${field('csrf', 'x')}${field('empty', '')}${file}--b--\r\n`;
    for (const length of [1, 2, 3, 50, 1000])
      expect(await told(pieces(form, length))).toEqual([
        part('csrf'),
        'x',
        part('empty'),
        part('file', 'a"b.xml'),
        '<a>\r\n--c</a>',
        { kind: 'end' },
      ]);
  });

  test('§4.1: whatever is in a file comes as it is, however it is cut', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('\r', '\n', '-', '--b', '\r\n--', 'a', '\r\n'), { maxLength: 40 }),
        fc.integer({ min: 1, max: 40 }),
        async (parts, length) => {
          const content = parts.join('');
          fc.pre(!content.includes('\r\n--b') && !content.startsWith('--b'));
          const expected = [part('f'), ...(content === '' ? [] : [content]), { kind: 'end' }];
          expect(await told(pieces(`${field('f', content)}--b--`, length))).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    ));

  test.each([
    ['nothing', ''],
    ['no delimiter', 'x'.repeat(10_000)],
    ['a part that breaks off', '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nvalue'],
    ['headers without an end', `--b\r\n${'X: y\r\n'.repeat(2000)}`],
    ['a part without a name', '--b\r\nContent-Type: text/xml\r\n\r\nx\r\n--b--'],
    ['another delimiter', '--bc\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--bc--'],
  ])('%s has no end', async (_, form) => {
    expect(await told(pieces(form, 500))).not.toContainEqual({ kind: 'end' });
  });

  test.each([
    ['multipart/form-data; boundary=----WebKitFormBoundaryx1', '----WebKitFormBoundaryx1'],
    ['multipart/form-data; charset=utf-8; boundary="a b"', 'a b'],
    ['Multipart/Form-Data;boundary=x', 'x'],
    ['multipart/mixed; boundary=x', undefined],
    ['multipart/form-data', undefined],
    [`multipart/form-data; boundary=${'x'.repeat(71)}`, undefined],
    [undefined, undefined],
  ])('§4.1: the boundary of %j', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });
});
