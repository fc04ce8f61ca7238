import { describe, expect, test } from 'vitest';
import { nsOf, serialise } from '../../src/xml/element.ts';
import { parseElement } from '../../src/xml/parse.ts';
import { LIMITS } from './reading.ts';

describe('parseElement', () => {
  test.each([
    ['without xmlns', ' <message><body>hi</body></message>\n'],
    ['in jabber:client', "<message xmlns='jabber:client'><body>hi</body></message>"],
  ])('content %s', (_, xml) => {
    const parsed = parseElement(xml);
    expect(parsed.ok && serialise(parsed.element)).toBe('<message><body>hi</body></message>');
    expect(parsed.ok && nsOf(parsed.element)).toBe('');
  });

  test.each([
    ['nothing', ''],
    ['half an element', '<a><b/>'],
    ['two elements', '<a/><b/>'],
    ['text after it', '<a/>b'],
    ['the end of the frame around it', '<a/></stream><stream>'],
    ['the end of that frame alone', '<a/></stream>'],
    ['bytes that are not UTF-8', Buffer.from([0x3c, 0xff])],
    ['the first byte of a character after it', Buffer.from([...Buffer.from('<a/>'), 0xc3])],
    ['a tag that has only begun after it', '<a/><b'],
    ['a comment', '<a><!-- --></a>'],
  ])('refuses %s, of which nothing is left for the next one', (_, source) => {
    expect(parseElement(source).ok).toBe(false);
    const next = parseElement("<p:b xmlns:p='x'/>");
    expect(next.ok && String(next.element)).toBe('<b xmlns="x"/>');
    expect(parseElement('<p:b/>').ok).toBe(false);
  });

  test('limits hold, when there are any', () => {
    const large = `<a>${'x'.repeat(20_000)}</a>`;
    expect(parseElement(large).ok).toBe(true);
    const parsed = parseElement(large, LIMITS);
    expect(!parsed.ok && parsed.fault.condition).toBe('policy-violation');
  });
});
