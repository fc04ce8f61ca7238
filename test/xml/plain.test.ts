import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { serialise } from '../../src/xml/element.ts';
import { plainEnd, readPlain, TEXT_END } from '../../src/xml/plain.ts';
import { HEADER, LIMITS, readStream } from './reading.ts';

const SCOPE = { contentNs: 'jabber:client', root: 'stream', limits: LIMITS };

/** As it is read byte by byte, which never gives a whole element at once: that is how saxes reads it. */
function bySaxes(source: string): string[] {
  return readStream(Array.from(Buffer.from(source), (byte) => Buffer.from([byte]))).log.slice(1);
}

describe('a plain element is read as saxes reads it', () => {
  test.each([
    "<message to='romeo@montague.example' type=\"chat\" id='1'><body>Wherefore art thou?</body></message>",
    '<presence/>',
    "<iq type='get'\n\tid='a'><query xmlns='jabber:iq:roster' ver='' /></iq>",
    "<a xmlns='urn:a'><b xmlns='jabber:client'><c/></b><b xmlns=''/><c xmlns='urn:a'/></a>",
    "<message xml:lang='de'><body>&lt;&amp;&gt; &quot;é😀&apos;</body>\n\t<x/>tail</message>",
    "<a b='&lt;&apos;' c=\"'>\"/>",
    "<a constructor='1' toString='2'/>",
    `<a>${'<b>text</b>'.repeat(300)}</a>`,
  ])('%s', (source) => {
    const element = readPlain(`  ${source}<next/>`, 2, SCOPE);
    expect(plainEnd()).toBe(2 + source.length);
    expect(element === undefined ? [] : [serialise(element)]).toEqual(bySaxes(source));
  });
});

describe('what is not plain is left to saxes', () => {
  test.each([
    ...[
      '',
      'text',
      '<',
      '<a',
      '<a ',
      '<a b',
      "<a b='",
      "<a b=''",
      '<a>',
      '<a>text',
      '<a></a',
      '<a/',
    ],
    ...[
      '<a></b>',
      '<a></a >',
      "<a b=''c=''/>",
      "<a b='' b=''/>",
      "<a b = ''/>",
      '<a b=c/>',
      '<a / >',
    ],
    ...[
      "<a b='<'/>",
      "<a b='&x;'/>",
      '<a>&#65;</a>',
      '<a>]]></a>',
      '<a><![CDATA[x]]></a>',
      '<a><!----></a>',
    ],
    ...[
      "<p:a xmlns:p='urn:p'/>",
      "<a p:b=''/>",
      "<a xmlns:p='urn:p'/>",
      '<é/>',
      "<a é=''/>",
      '<-a/>',
    ],
    ...[
      "<a b='\n'/>",
      '<a>\r</a>',
      '<a>\0</a>',
      '<a>\ufffe</a>',
      "<a b='\uffff'/>",
      "<a __proto__=''/>",
    ],
    ...[
      "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
      "<a xmlns=' urn:a'/>",
      "<a xmlns='' xmlns=''/>",
    ],
    ...["<a xmlns='urn:é'/>", '<xml/>', '</a>', '<?xml?>', '<stream/>', "<stream xmlns='urn:a'/>"],
    `<a>${'<b>'.repeat(LIMITS.maxDepth)}${'</b>'.repeat(LIMITS.maxDepth)}</a>`,
    `<a>${'<b/>'.repeat(LIMITS.maxElements)}</a>`,
    `<a ${Array.from({ length: LIMITS.maxAttributes + 1 }, (_, at) => `b${at}=''`).join(' ')}/>`,
  ])('%j', (source) => {
    expect(readPlain(source, 0, SCOPE)).toBeUndefined();
  });
});

const part = fc.constantFrom(
  ...[
    '<a>',
    '</a>',
    '<a/>',
    '<b ',
    '<b>',
    '</b>',
    " c='",
    " c='d'",
    '">',
    "'",
    '/>',
    '>',
    '<',
    '</',
  ],
  ...[" xmlns='urn:a'", " xmlns=''", " xmlns='jabber:client'", " xml:lang='en'", '<stream/>'],
  ...[
    'text',
    ' ',
    '\n',
    '&amp;',
    '&lt;',
    '&',
    ']]',
    'é',
    '😀',
    '\ufffe',
    '\u0001',
    '__proto__',
    ':',
  ],
);

test('whatever is read here is what saxes would have read', () => {
  let plain = 0;
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const source = `<a>${parts.join('')}</a>`;
      const element = readPlain(source, 0, SCOPE);
      if (element === undefined) return;
      plain += 1;
      expect([serialise(element)]).toEqual(bySaxes(source.slice(0, plainEnd())));
    }),
    { numRuns: 3000 },
  );
  expect(plain).toBeGreaterThan(100);
});

describe('an element of which the end is not there yet', () => {
  const whole =
    '<message to="a@b" type=\'chat\'><body>é]]</body><x xmlns="urn:x" y="z"/></message>';

  test('is cut wherever that is', () => {
    const ends = Array.from({ length: whole.length - 1 }, (_, index) => index + 1);
    const isCutAt = (end: number) =>
      readPlain(whole.slice(0, end) + TEXT_END, 0, SCOPE) === undefined && plainEnd() === end;
    expect(ends.filter((end) => !isCutAt(end))).toEqual([]);
    expect(readPlain(whole + TEXT_END, 0, SCOPE)).toBeDefined();
    expect(plainEnd()).toBe(whole.length);
  });

  test('is read when the rest is there, behind and before others', () => {
    for (let end = 1; end < whole.length; end += 1) {
      const chunks = [whole + whole.slice(0, end), whole.slice(end) + whole];
      const { log, parser } = readStream(chunks);
      const one = bySaxes(whole)[0];
      expect(log).toEqual(['open', one, one, one]);
      expect(parser.isBetween).toBe(true);
    }
  });

  test('is no stanza between which whitespace may stand', () => {
    const { parser } = readStream([`${whole}<message`]);
    expect(parser.isBetween).toBe(false);
  });

  test.each([
    ['<message><!-- -->', 'restricted-xml'],
    ['<message><?x ?>', 'restricted-xml'],
    ['<message to=a', 'not-well-formed'],
    ['<message to="<', 'not-well-formed'],
    ['<message><body></x>', 'not-well-formed'],
    ['<message>\u0001', 'not-well-formed'],
    ['<message>\0', 'not-well-formed'],
    [`<message to="${'x'.repeat(LIMITS.maxBytes)}`, 'policy-violation'],
  ])('that is wrong already is told at once: %s', (begun, condition) => {
    for (const before of ['', '<presence/>'])
      expect(readStream([before + begun]).log.at(-1)).toBe(`fault:${condition}`);
  });

  test('is forgotten with the stream that it stood in', () => {
    const { parser, log } = readStream(['<message><body>']);
    parser.restart();
    parser.write(Buffer.from(`${HEADER}<presence/>`));
    expect(log).toEqual(['open', 'open', '<presence/>']);
  });
});
