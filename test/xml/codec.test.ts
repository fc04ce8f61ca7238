import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  attr,
  childText,
  dateTimeAttr,
  each,
  flag,
  integerAttr,
  jidAttr,
  oneOfAttr,
  optional,
  optionalAttr,
  payload,
  struct,
  text,
} from '../../src/xml/codec.ts';
import { readDateTime, writeDateTime } from '../../src/xml/date-time.ts';
import { serialise } from '../../src/xml/element.ts';
import { parseElement } from '../../src/xml/parse.ts';

const NS = 'urn:example:book';
const Book = payload('book', NS, {
  title: attr('title'),
  subtitle: optionalAttr('subtitle'),
  year: optional(integerAttr('year', 0, 3000)),
  cover: optional(oneOfAttr('cover', 'hard', 'soft')),
  bought: optional(dateTimeAttr('bought')),
  note: optional(childText('note')),
  isLent: flag('lent'),
  readers: each('reader', jidAttr('jid')),
  chapters: each('chapter', struct({ name: optionalAttr('name'), body: text })),
});

function decode(xml: string) {
  const parsed = parseElement(xml);
  if (!parsed.ok) throw new Error(parsed.fault.text);
  return Book.decode(parsed.element);
}

const nothing = { subtitle: undefined, year: undefined, cover: undefined, bought: undefined };

describe('payload', () => {
  test('what is encoded is decoded', () => {
    const xml = serialise(
      Book.encode({
        title: 'Romeo & Juliet',
        year: 1597,
        cover: 'soft',
        bought: 0,
        note: 'a "play"',
        isLent: true,
        readers: [],
        chapters: [{ name: 'one', body: 'It was the lark' }],
      }),
    );
    expect(xml).toBe(
      '<book xmlns="urn:example:book" title="Romeo &amp; Juliet" year="1597" cover="soft" ' +
        'bought="1970-01-01T00:00:00.000Z"><note>a "play"</note><lent/>' +
        '<chapter name="one">It was the lark</chapter></book>',
    );
    expect(decode(xml)).toEqual({
      title: 'Romeo & Juliet',
      subtitle: undefined,
      year: 1597,
      cover: 'soft',
      bought: 0,
      note: 'a "play"',
      isLent: true,
      readers: [],
      chapters: [{ name: 'one', body: 'It was the lark' }],
    });
    expect(Book.key).toBe('urn:example:book book');
  });

  test('optional parts may be missing, and what is unknown is passed over', () => {
    const value = decode(
      `<book xmlns='${NS}' title='' x='1'><reader jid='Romeo@Example.com'/><reader xmlns='urn:x'/><y/></book>`,
    );
    expect(value).toEqual({
      ...nothing,
      title: '',
      note: undefined,
      isLent: false,
      readers: ['romeo@example.com'],
      chapters: [],
    });
  });

  test.each([
    ['another name', `<brook xmlns='${NS}' title=''/>`],
    ['another namespace', "<book xmlns='urn:other' title=''/>"],
    ['content', "<book title=''/>"],
    ['a required part that is missing', `<book xmlns='${NS}'/>`],
    ['a number that is none', `<book xmlns='${NS}' title='' year='1e3'/>`],
    ['a number out of bounds', `<book xmlns='${NS}' title='' year='3001'/>`],
    ['another word', `<book xmlns='${NS}' title='' cover='none'/>`],
    ['a moment that is none', `<book xmlns='${NS}' title='' bought='yesterday'/>`],
    ['a JID that is none', `<book xmlns='${NS}' title=''><reader jid='@'/></book>`],
    ['a list with a part missing', `<book xmlns='${NS}' title=''><reader/></book>`],
  ])('%s decodes to undefined', (_, xml) => {
    expect(decode(xml)).toBeUndefined();
  });

  test('content payloads have no namespace', () => {
    const Body = payload('body', '', { text });
    expect(serialise(Body.encode({ text: 'hi' }))).toBe('<body>hi</body>');
    const parsed = parseElement('<body>hi</body>');
    expect(parsed.ok && Body.decode(parsed.element)).toEqual({ text: 'hi' });
  });
});

describe('XEP-0082 §3.2', () => {
  test.each([
    ['2002-09-10T23:08:25Z', 1_031_699_305_000],
    ['2002-09-10T23:08:25.5Z', 1_031_699_305_500],
    ['2002-09-10T17:08:25-06:00', 1_031_699_305_000],
  ])('%s', (raw, ms) => {
    expect(readDateTime(raw)).toBe(ms);
    expect(readDateTime(writeDateTime(ms))).toBe(ms);
  });

  test('a moment of any day is written to the millisecond', () => {
    const moment = fc.oneof(
      fc.integer({ min: 0, max: 4_102_444_800_000 }),
      fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }),
      fc.double({ min: 0, max: 4_102_444_800_000, noNaN: true }),
    );
    fc.assert(
      fc.property(moment, (ms) => {
        expect(writeDateTime(ms)).toBe(new Date(ms).toISOString());
      }),
    );
  });

  test.each([
    '2002-09-10',
    '20020910T23:08:25',
    '2002-13-10T23:08:25Z',
    '2002-09-10T24:08:25Z',
    '',
  ])('not %s', (raw) => {
    expect(readDateTime(raw)).toBeUndefined();
  });
});
