import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  append,
  childrenOf,
  clone,
  type Element,
  el,
  nsOf,
  serialise,
} from '../../src/xml/element.ts';
import { parseElement } from '../../src/xml/parse.ts';
import { HEADER, LIMITS, reading, readStream } from './reading.ts';

/** Pieces of which broken and unbroken streams are made. */
const fragment = fc.constantFrom(
  ...['<', '>', '/', '=', "'", '"', '&', ';', '!', '?', '-', '--', ']]>', '<![CDATA[', ' ', '\n'],
  ...['<a', '<a>', '</a>', '<a/>', "<a b='c'>", 'xmlns', ':', "xmlns:p='urn:p'", '<p:a>', '</p:a>'],
  ...[
    '<xml:a/>',
    "<p:a p:b='' p:c=''/>",
    "<a xmlns=''/>",
    "<a xmlns=' urn:a '>",
    "<a xml:lang='en'/>",
  ],
  ...['<?xml', '?>', '<!--', '-->', '<!DOCTYPE', '[', ']', '&amp;', '&#', '&#x41;', '&lol;', '%'],
  ...['\0', '\ufffe', 'é', '😀', '\r', '__proto__', '</stream:stream>', HEADER],
);

const name = fc.constantFrom('a', 'b', 'item', 'x-1', '_', 'é', '__proto__', 'constructor');
const namespace = fc.constantFrom(undefined, 'urn:a', 'urn:b', 'urn:"&\'<>', 'jabber:server');
const legal = fc
  .string({ unit: 'binary', maxLength: 30 })
  .map((text) => text.replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?'));

const { tree } = fc.letrec<{ tree: Element }>((tie) => ({
  tree: fc
    .tuple(
      name,
      namespace,
      fc.dictionary(name, legal, { maxKeys: 4 }),
      fc.array(fc.oneof({ maxDepth: 4 }, legal, tie('tree')), { maxLength: 4 }),
    )
    .map(([own, xmlns, attrs, children]) => el(own, { ...attrs, xmlns }, ...children)),
}));

/** Which of several faults is seen first may depend on the cuts. */
const unnamed = (entry: string) => entry.replace(/^fault:.*/, 'fault');

/** Cuts bytes at some places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length];
  ends.sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

describe('any input', () => {
  test('serialise and parse are inverse', () => {
    fc.assert(
      fc.property(tree, (element) => {
        const parsed = parseElement(serialise(element));
        if (!parsed.ok) throw new Error(parsed.fault.text);
        expect(meaningOf(parsed.element)).toEqual(meaningOf(element));
        const branch = childrenOf(parsed.element)[0];
        if (branch === undefined) return;
        for (const alone of [
          parseElement(serialise(branch)),
          { ok: true, element: clone(branch) } as const,
        ]) {
          if (!alone.ok) throw new Error(alone.fault.text);
          expect(meaningOf(alone.element)).toEqual(meaningOf(branch));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a stream means the same wherever it is cut', () => {
    const places = fc.array(fc.nat(100_000), { maxLength: 30 });
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 5 }), places, (elements, cuts) => {
        const bytes = Buffer.from(`${elements.map(serialise).join(' \n')} </stream:stream>`);
        const whole = readStream([bytes], { ...LIMITS, maxBytes: 1e6 });
        const parts = readStream(cut(bytes, cuts), { ...LIMITS, maxBytes: 1e6 });
        expect(parts.log).toEqual(whole.log);
        expect(whole.log.at(-1)).toBe('close');
        expect(whole.log).toHaveLength(elements.length + 2);
        expect(parts.parser.keepalives).toBe(whole.parser.keepalives);
      }),
      { numRuns: 300 },
    );
  });

  test('a stream means the same when it is cut at every byte', () => {
    const xml =
      `${HEADER}<message to='é@example.com'>\r\n<body>😀 &amp; &#x1F600;<![CDATA[]]]]></body></message>` +
      "\r\n <p:iq xmlns:p='jabber:client' id='1'><p:x xmlns:p='urn:x' p:a='1'/></p:iq></stream:stream>";
    const whole = reading();
    whole.parser.write(Buffer.from(xml));
    const bytes = reading();
    for (const byte of Buffer.from(xml)) bytes.parser.write(Buffer.from([byte]));
    expect(whole.log).toHaveLength(4);
    expect(bytes.log).toEqual(whole.log);
  });

  test('a broken stream breaks after the same elements wherever it is cut', () => {
    const input = fc.array(fragment, { maxLength: 20 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(input, fc.array(fc.nat(1000), { maxLength: 10 }), (xml, cuts) => {
        const bytes = Buffer.from(xml);
        const whole = readStream([bytes]);
        const parts = readStream(cut(bytes, cuts));
        expect(parts.log.map(unnamed)).toEqual(whole.log.map(unnamed));
      }),
      { numRuns: 2000 },
    );
  });

  test('pausing changes nothing but the time', () => {
    const input = fc.array(fragment, { maxLength: 20 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(input, fc.nat(3), (xml, rhythm) => {
        const straight = readStream([xml]);
        let count = 0;
        const pausing = reading(LIMITS, {
          element: () => count++ % (rhythm + 1) === 0 && pausing.parser.pause(),
        });
        pausing.parser.write(Buffer.from(HEADER));
        pausing.parser.write(Buffer.from(xml));
        while (pausing.parser.isPaused) pausing.parser.resume();
        expect(pausing.log).toEqual(straight.log);
      }),
      { numRuns: 500 },
    );
  });

  test('no bytes make the parser throw, and a fault is the last thing it tells', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.from(raw)),
      fc.array(fragment, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(bytes, fc.boolean(), (input, isInStream) => {
        const { parser, log, elements } = isInStream ? readStream([]) : reading();
        parser.write(input);
        parser.write(input);
        const ends = log.filter((entry) => entry === 'close' || entry.startsWith('fault'));
        expect(ends.length).toBeLessThanOrEqual(1);
        if (ends.length === 1) expect(log.at(-1)).toBe(ends[0]);
        // What one may send, another can read: nobody's stream breaks over it.
        for (const element of elements) {
          const parsed = parseElement(serialise(element));
          expect(parsed.ok && meaningOf(parsed.element)).toEqual(meaningOf(element));
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('known attacks', () => {
  test('billion laughs, as a DTD before and in the stream', () => {
    const dtd =
      '<!DOCTYPE lolz [<!ENTITY lol "lol">' +
      '<!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>';
    const before = reading();
    before.parser.write(Buffer.from(`<?xml version='1.0'?>${dtd}<lolz>&lol1;</lolz>`));
    expect(before.log).toEqual(['fault:restricted-xml']);
    expect(readStream([`${dtd}<message>&lol1;</message>`]).log).toEqual([
      'open',
      'fault:restricted-xml',
    ]);
  });

  test('a million attributes in one chunk', () => {
    const attributes = Array.from({ length: 1e6 }, (_, i) => `a${i}=''`).join(' ');
    const { log } = readStream([`<message ${attributes}/>`]);
    expect(log).toEqual(['open', 'fault:policy-violation']);
  });

  test('a hundred thousand levels in one chunk', () => {
    expect(readStream(['<a>'.repeat(1e5)]).log).toEqual(['open', 'fault:policy-violation']);
  });

  test('a tree of a hundred thousand levels is written without a stack', () => {
    let tree = el('a');
    for (let i = 0; i < 1e5; i++) {
      const parent = el('a');
      append(parent, tree);
      tree = parent;
    }
    expect(serialise(tree)).toHaveLength(1e5 * 7 + 4);
  });
});

/** What a tree says, however it is written. */
function meaningOf(element: Element): unknown {
  const runs: unknown[] = [];
  for (const child of element.children) {
    const last = runs.at(-1);
    if (typeof child !== 'string') runs.push(meaningOf(child));
    else if (typeof last === 'string') runs[runs.length - 1] = last + child;
    else runs.push(child);
  }
  const attributes = Object.entries(element.attrs).filter(([key]) => key !== 'xmlns');
  return [element.name, nsOf(element), attributes.sort(), runs];
}
