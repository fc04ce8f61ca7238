import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attributeOf, Splitter } from '../../bench/load/splitter.ts';

const STANZAS = [
  "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
  "<message from='a@b/c'><body>one &lt; two</body><x><x/></x></message>",
  "<presence from='a@b/c'/>",
  '<iq type="result" id="7"></iq>',
];
const STREAM = `<?xml version='1.0'?><stream:stream id='1'>${STANZAS.join('\n ')}</stream:stream>`;

describe('the splitter of the load generator', () => {
  test('finds the same stanzas, however the stream is cut', () => {
    const cuts = fc.array(fc.nat(STREAM.length), { maxLength: 20 });
    fc.assert(
      fc.property(cuts, (places) => {
        const found: string[] = [];
        const splitter = new Splitter({
          stanza: (text) => found.push(text),
          end: () => found.push('end'),
        });
        const bounds = [0, ...places, STREAM.length].sort((a, b) => a - b);
        for (const [at, from] of bounds.entries())
          splitter.write(STREAM.slice(from, bounds[at + 1] ?? STREAM.length));
        expect(found).toEqual([...STANZAS, 'end']);
      }),
    );
  });

  test('an attribute is read from the first tag, in either kind of quotes', () => {
    const stanza = `<iq id="7" from='a@b'><query id='8' to='c@d'/></iq>`;
    expect(['id', 'from', 'to'].map((name) => attributeOf(stanza, name))).toEqual([
      '7',
      'a@b',
      undefined,
    ]);
  });
});
