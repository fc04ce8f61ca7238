import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHeader } from '../../src/xml/header.ts';
import { HEADER, LIMITS, reading } from './reading.ts';

const STREAMS = "xmlns:stream='http://etherx.jabber.org/streams'";
const REST = "<iq id='1'/><!-- -->";

/** All that is heard of a stream that comes in chunks. */
function heard(chunks: readonly Buffer[], limits = LIMITS) {
  const { parser, headers, log, faults } = reading(limits);
  for (const chunk of chunks) parser.write(chunk);
  return { headers, log, faults };
}

const whole = (source: string) => heard([Buffer.from(source)]);
/** Byte by byte, which never gives a whole header at once: that is how saxes reads it. */
const bySaxes = (source: string) =>
  heard(Array.from(Buffer.from(source), (byte) => Buffer.from([byte])));

const PLAIN = [
  HEADER,
  `<stream:stream ${STREAMS} xmlns="jabber:client" from='joe@falcot.com' to="falcot.com" xml:lang='en'>`,
  `<?xml version="1.0" encoding="UTF-8"?>\n<stream:stream\n  ${STREAMS}\n  id='a>b' version='1.0' >`,
  `<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' ${STREAMS} version='1.0'>`,
  "<stream xmlns='http://etherx.jabber.org/streams' to='falcot.com'>",
  '<stream>',
  "<a:b xmlns:a='urn:a' xmlns:constructor='urn:b'>",
];

describe('a plain header is read as saxes reads it', () => {
  test.each(PLAIN)('%s', (source) => {
    expect(readHeader(`${source}${REST}`, LIMITS.maxAttributes)?.end).toBe(source.length);
    expect(whole(source + REST)).toEqual(bySaxes(source + REST));
  });
});

describe('one that is not is left to saxes', () => {
  test.each([
    '',
    'text',
    ' <stream>',
    `<?xml version='1.1'?><stream:stream ${STREAMS}>`,
    `<?xml version='1.0' encoding='latin1'?><stream:stream ${STREAMS}>`,
    `<?xml version='1.0' standalone='yes'?><stream:stream ${STREAMS}>`,
    '<!DOCTYPE a><stream>',
    `<stream:stream ${STREAMS}/>`,
    "<stream:stream to='falcot.com'>",
    `<stream:stream ${STREAMS} to='a' to='b'>`,
    `<stream:stream ${STREAMS} ${STREAMS}>`,
    `<stream:stream ${STREAMS} to='a&amp;b'>`,
    `<stream:stream ${STREAMS} to='münchen.example'>`,
    `<stream:stream ${STREAMS} to='a\nb'>`,
    `<stream:stream ${STREAMS} to='a<b'>`,
    `<stream:stream ${STREAMS} to='a'from='b'>`,
    `<stream:stream ${STREAMS} other='a'>`,
    `<stream:stream ${STREAMS} xml:space='preserve'>`,
    "<stream:stream xmlns:stream=''>",
    "<stream:stream xmlns:stream=' urn:a '>",
    "<stream:stream xmlns:stream='http://www.w3.org/2000/xmlns/'>",
    `<stream:stream ${STREAMS} xmlns:xml='urn:a'>`,
    `<stream:stream ${STREAMS} ${Array.from({ length: 30 }, (_, n) => `xmlns:a${n}='urn:a'`).join(' ')}>`,
    "<xml:stream xmlns='urn:a'>",
  ])('%s', (source) => {
    expect(readHeader(source, LIMITS.maxAttributes)).toBeUndefined();
    expect(whole(source + REST)).toEqual(bySaxes(source + REST));
  });
});

test('one that is too large is a fault, however it comes', () => {
  const source = `<stream:stream ${STREAMS} id='${'x'.repeat(900)}'>`;
  const limits = { ...LIMITS, maxBytes: 900 };
  const { log } = heard([Buffer.from(source)], limits);
  expect(log).toEqual(['fault:policy-violation']);
});

test('whatever is changed in a header, both read the same', () => {
  const pieces = fc.constantFrom(
    ...`<>/='"&;:! \n\tx?é\0`,
    "xmlns='a'",
    ' to="b"',
    '<?xml',
    'xml:',
  );
  fc.assert(
    fc.property(fc.constantFrom(...PLAIN), fc.nat(), fc.nat(2), pieces, (source, at, cut, put) => {
      const from = at % source.length;
      const changed = source.slice(0, from) + put + source.slice(from + cut);
      expect(whole(changed + REST)).toEqual(bySaxes(changed + REST));
    }),
    { numRuns: 2000 },
  );
});
