import { describe, expect, test } from 'vitest';
import { childOf, nsOf, textOf } from '../../src/xml/element.ts';
import { conditionsOf, HEADER, LIMITS, reading, readStream } from './reading.ts';

/** The conditions that a stream's very first bytes lead to. */
function first(...chunks: (string | Buffer)[]): string[] {
  const { parser, faults } = reading();
  for (const chunk of chunks) parser.write(Buffer.from(chunk));
  return faults.map((fault) => fault.condition);
}

describe('the stream', () => {
  test('the header is delivered as it was sent', () => {
    const { parser, headers } = reading();
    parser.write(
      Buffer.from(
        "<?xml version='1.0'?><s:stream xmlns:s='http://etherx.jabber.org/streams' " +
          "xmlns='jabber:server' to='b' from='a' version='1.0' id='7' xml:lang='de' other='x'>",
      ),
    );
    expect(headers).toEqual([
      {
        name: 'stream',
        prefix: 's',
        ns: 'http://etherx.jabber.org/streams',
        contentNs: 'jabber:server',
        declared: ['http://etherx.jabber.org/streams', 'jabber:server'],
        attrs: { to: 'b', from: 'a', version: '1.0', id: '7', 'xml:lang': 'de' },
      },
    ]);
  });

  test('children come whole, then the end', () => {
    const { log } = readStream([
      '<message><bo',
      'dy>hi</body></message><presence/></stream:stream>',
    ]);
    expect(log).toEqual(['open', '<message><body>hi</body></message>', '<presence/>', 'close']);
  });

  test('a header that is empty opens and closes', () => {
    const { parser, log } = reading();
    parser.write(Buffer.from("<stream xmlns='jabber:client'/>"));
    expect(log).toEqual(['open', 'close']);
  });

  test('nothing follows the end', () => {
    const { log, parser } = readStream(['</stream:stream><presence/>garbage &']);
    parser.write(Buffer.from('<presence/>'));
    expect(log).toEqual(['open', 'close']);
  });

  test('RFC 6120 §4.6.1 whitespace between elements is counted, and nothing else', () => {
    const { parser, log } = readStream([
      '<presence/>',
      ' ',
      '\n',
      '  <presence> </presence>\t',
      ' ',
    ]);
    expect(log).toEqual(['open', '<presence/>', '<presence> </presence>']);
    expect(parser.keepalives).toBe(6);
  });

  test('whitespace for ever is no element that grows', () => {
    const { parser, log } = readStream(['<presence/>']);
    for (let i = 0; i < 50; i++) parser.write(Buffer.alloc(10_000, '\n'));
    parser.write(Buffer.from('<presence/>'));
    expect(log).toEqual(['open', '<presence/>', '<presence/>']);
    expect(parser.keepalives).toBe(500_000);
  });

  test.each([
    ['after an element', ['<presence/>hello']],
    ['before an element', ['hello<presence/>']],
    ['after whitespace', ['<presence/>  ', '  hello']],
    ['after whitespace and before an element', ['<presence/>  hello<presence/>']],
    ['as a reference', ['&#32;']],
    ['as CDATA', ['<![CDATA[ ]]>']],
  ])('text in the stream is bad-format: %s', (_, chunks) => {
    expect(readStream(chunks).log.at(-1)).toBe('fault:bad-format');
  });
});

describe('namespaces', () => {
  const roundOf = (xml: string) => readStream([xml]).log[1];

  test.each([
    ['the content namespace is erased', "<message xmlns='jabber:client'><body/></message>"],
    ['whatever its prefix', "<c:message xmlns:c='jabber:client'><c:body/></c:message>"],
  ])('%s', (_, xml) => {
    const { elements } = readStream([xml]);
    expect(roundOf(xml)).toBe('<message><body/></message>');
    expect(elements.map(nsOf)).toEqual(['']);
  });

  test('xmlns stands where it differs from the parent', () => {
    expect(
      roundOf("<iq><query xmlns='urn:q'><item xmlns='urn:q'/><x xmlns='urn:x'/></query></iq>"),
    ).toBe('<iq><query xmlns="urn:q"><item/><x xmlns="urn:x"/></query></iq>');
  });

  test('prefixes of elements are normalised away', () => {
    expect(roundOf("<iq xmlns:q='urn:q'><q:query><q:item/></q:query></iq>")).toBe(
      '<iq><query xmlns="urn:q"><item/></query></iq>',
    );
  });

  test('prefixed attributes keep their prefix, declared where they stand', () => {
    expect(roundOf("<message xmlns:p='urn:p'><body p:a='1' xml:lang='en' a='2'/></message>")).toBe(
      '<message><body p:a="1" xmlns:p="urn:p" xml:lang="en" a="2"/></message>',
    );
  });

  test('content below a foreign element is named jabber:client, on any stream (XEP-0297)', () => {
    const forwarded = (ns: string) =>
      `<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='${ns}'><body/></message></forwarded>`;
    const expected =
      '<message><forwarded xmlns="urn:xmpp:forward:0">' +
      '<message xmlns="jabber:client"><body/></message></forwarded></message>';
    expect(roundOf(`<message>${forwarded('jabber:client')}</message>`)).toBe(expected);
    const server = reading();
    server.parser.write(Buffer.from(HEADER.replace('jabber:client', 'jabber:server')));
    server.parser.write(Buffer.from(`<message>${forwarded('jabber:server')}</message>`));
    expect(server.log[1]).toBe(expected);
  });

  test('a client stanza on a server stream is not content', () => {
    const server = reading();
    server.parser.write(Buffer.from(HEADER.replace('jabber:client', 'jabber:server')));
    server.parser.write(Buffer.from("<message xmlns='jabber:client'/>"));
    expect(server.elements.map(nsOf)).toEqual(['jabber:client']);
  });

  test('no namespace is not the content namespace', () => {
    const { elements, log } = readStream([
      "<message xmlns=''/><message><body xmlns=''/></message>",
    ]);
    expect(elements[0] && nsOf(elements[0])).not.toBe('');
    expect(elements[1] && childOf(elements[1], 'body')).toBeUndefined();
    expect(log[2]).toBe('<message><body xmlns=""/></message>');
  });

  test('stream errors and features are known by their namespace', () => {
    const { elements } = readStream(['<stream:features/><stream:error/>']);
    expect(elements.map((element) => [element.name, nsOf(element)])).toEqual([
      ['features', 'http://etherx.jabber.org/streams'],
      ['error', 'http://etherx.jabber.org/streams'],
    ]);
  });

  test("XML's own prefix is not taken for a default namespace", () => {
    expect(roundOf('<message><xml:a/></message>')).toBe('<message><xml:a/></message>');
  });
});

describe('RFC 6120 §11', () => {
  test.each([
    ['§11.1 a comment', '<!-- hi -->', 'restricted-xml'],
    ['§11.1 a comment in an element', '<message><!-- hi --></message>', 'restricted-xml'],
    ['§11.1 a processing instruction', '<?php echo ?>', 'restricted-xml'],
    ['§11.1 a DTD in the stream', '<!DOCTYPE x>', 'restricted-xml'],
    ['§11.1 an entity', '<message>&nbsp;</message>', 'restricted-xml'],
    ['§11.1 an entity in an attribute', "<message a='&foo;'/>", 'restricted-xml'],
    ['§11.3 a wrong end tag', '<message><body></message>', 'not-well-formed'],
    ['§11.3 an end tag too many', '<message/></message>', 'not-well-formed'],
    ['§11.3 an attribute twice', "<message a='1' a='2'/>", 'not-well-formed'],
    [
      '§11.3 an attribute twice by its namespace',
      "<message xmlns:a='urn:a' xmlns:b='urn:a' a:x='1' b:x='2'/>",
      'not-well-formed',
    ],
    ['§11.3 an attribute without quotes', '<message a=1/>', 'not-well-formed'],
    ['§11.3 an attribute without value', '<message a/>', 'not-well-formed'],
    ['§11.3 attributes without a space', "<message a='1'b='2'/>", 'not-well-formed'],
    ['§11.3 < in an attribute', "<message a='<'/>", 'not-well-formed'],
    ['§11.3 a bare ampersand', '<message>a & b;</message>', 'not-well-formed'],
    ['§11.3 ]]> in text', '<message>]]></message>', 'not-well-formed'],
    ['§11.3 a bad name', '<1message/>', 'not-well-formed'],
    ['§11.3 two colons in a name', '<a:b:c/>', 'not-well-formed'],
    ['§11.3 NUL', '<message>\0</message>', 'not-well-formed'],
    ['§11.3 NUL as a reference', '<message>&#0;</message>', 'not-well-formed'],
    ['§11.3 a control character', '<message>\x0c</message>', 'not-well-formed'],
    ['§11.3 a control character as a reference', '<message>&#x1F;</message>', 'not-well-formed'],
    ['§11.3 a surrogate as a reference', '<message>&#xD800;</message>', 'not-well-formed'],
    ['§11.3 U+FFFE', '<message>\ufffe</message>', 'not-well-formed'],
    ['§11.3 a reference beyond Unicode', '<message>&#x110000;</message>', 'not-well-formed'],
    ['§11.3 an unbound prefix of an element', '<x:message/>', 'not-well-formed'],
    ['§11.3 an unbound prefix of an attribute', "<message x:a='1'/>", 'not-well-formed'],
    ['§11.3 a prefix for nothing', "<message xmlns:x=''/>", 'not-well-formed'],
    ['§11.3 the xml prefix bound elsewhere', "<message xmlns:xml='urn:x'/>", 'not-well-formed'],
    [
      '§11.3 the xmlns namespace as default',
      "<message xmlns='http://www.w3.org/2000/xmlns/'/>",
      'not-well-formed',
    ],
    ['§11.3 an XML declaration in the stream', "<?xml version='1.0'?>", 'not-well-formed'],
    ['§4.9.3.1 a second header', HEADER.slice(HEADER.indexOf('<stream:')), 'bad-format'],
  ])('%s', (_, xml, condition) => {
    expect(conditionsOf(xml)).toEqual([condition]);
    expect(conditionsOf(...xml)).toEqual([condition]); // character by character
  });

  test.each([
    ['§11.1 a DTD', `<!DOCTYPE foo [<!ENTITY a "b">]>${HEADER}`, 'restricted-xml'],
    ['§11.1 a DTD after the declaration', "<?xml version='1.0'?><!DOCTYPE foo>", 'restricted-xml'],
    ['§11.1 a comment', '<!-- hi -->', 'restricted-xml'],
    ['§11.1 a processing instruction', '<?foo bar?>', 'restricted-xml'],
    ['§11.3 no XML', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
    ['§11.3 a declaration that is not first', "\n<?xml version='1.0'?>", 'not-well-formed'],
    ['§11.3 two declarations', "<?xml version='1.0'?><?xml version='1.0'?>", 'not-well-formed'],
    ['§11.3 a declaration without version', '<?xml ?>', 'not-well-formed'],
    ['§4.9.3.2 an unbound prefix of the stream', '<stream:stream>', 'bad-namespace-prefix'],
    [
      '§11.6 another encoding by declaration',
      "<?xml version='1.0' encoding='ISO-8859-1'?>",
      'unsupported-encoding',
    ],
  ])('before the stream: %s', (_, xml, condition) => {
    expect(first(xml)).toEqual([condition]);
    expect(first(...xml)).toEqual([condition]);
  });

  test.each([
    ['UTF-16', Buffer.from(`\ufeff${HEADER}`, 'utf16le')],
    ['Latin-1', Buffer.from("<s to='é'>", 'latin1')],
    ['overlong', Buffer.from([0x3c, 0xc0, 0xaf])],
    ['a surrogate', Buffer.from([0x3c, 0xed, 0xa0, 0x80])],
    ['beyond Unicode', Buffer.from([0x3c, 0xf5, 0x80, 0x80, 0x80])],
  ])('§11.6 bytes that are not UTF-8 are unsupported-encoding: %s', (_, bytes) => {
    expect(first(bytes)).toEqual(['unsupported-encoding']);
  });

  test('§11.6 a declared encoding of UTF-8, in any case, and a byte order mark are right', () => {
    const { parser, log } = reading();
    const declared = HEADER.replace("'1.0'?", "'1.0' encoding='utf-8'?");
    parser.write(Buffer.from(`\ufeff${declared}`));
    expect(log).toEqual(['open']);
  });

  test('XML 1.1 is read by the rules of 1.0', () => {
    const { parser, faults } = reading();
    parser.write(Buffer.from(`${HEADER.replace("'1.0'?", "'1.1'?")}<message>&#1;</message>`));
    expect(faults.map((fault) => fault.condition)).toEqual(['not-well-formed']);
  });

  test('§11.1 the five entities, character references and CDATA are text', () => {
    const { elements } = readStream([
      '<body>&lt;&gt;&amp;&quot;&apos;&#x41;&#66;&#x1F600;<![CDATA[<b>&amp;]]]]>é</body>',
    ]);
    expect(elements.map(textOf)).toEqual(['<>&"\'AB😀<b>&amp;]]é']);
    expect(elements[0]?.children).toHaveLength(1);
  });
});

describe('limits', () => {
  const faultsOf = (limits: Partial<typeof LIMITS>, ...chunks: string[]) =>
    readStream(chunks, { ...LIMITS, ...limits }).faults;
  const violation = (text: string) => [{ condition: 'policy-violation', text }];

  test('the bytes of an element, to the byte', () => {
    const fits = `<a>${'x'.repeat(493)}</a>`;
    expect(faultsOf({ maxBytes: 500 }, fits, `${fits} ${fits}`)).toEqual([]);
    expect(faultsOf({ maxBytes: 499 }, fits)).toEqual(
      violation('An element may have at most 499 bytes.'),
    );
  });

  test('bytes, not characters', () => {
    const xml = `<a>${'é'.repeat(200)}</a>`;
    expect(faultsOf({ maxBytes: 407 }, xml, `${xml}${xml}`)).toEqual([]);
    expect(faultsOf({ maxBytes: 406 }, xml)).toHaveLength(1);
    const { parser, faults } = readStream([], { ...LIMITS, maxBytes: 406 });
    for (const byte of Buffer.from(xml)) parser.write(Buffer.from([byte]));
    expect(faults).toHaveLength(1);
  });

  test('an element that is too large is found behind others in one chunk', () => {
    const small = '<a/>'.repeat(200);
    const { log } = readStream([`${small}<b>${'x'.repeat(500)}</b>`], { ...LIMITS, maxBytes: 300 });
    expect(log).toHaveLength(202);
    expect(log.at(-1)).toBe('fault:policy-violation');
  });

  test.each([
    ['text', '<a>', 'x'],
    ['whitespace in an element', '<a>', ' '],
    ['a name', '<a', 'x'],
    ['an attribute', "<a b='", 'x'],
    ['an attribute name', '<a ', 'x'],
    ['whitespace in a tag', '<a ', ' '],
    ['an entity', '<a>&', 'x'],
    ['a comment', '<!--', 'x'],
    ['an instruction', '<?', 'x'],
    ['CDATA', '<a><![CDATA[', 'x'],
    ['children', '<a>', '<b/>'],
  ])('%s without end is a violation soon', (_, start, more) => {
    const { parser, faults } = readStream([start], { ...LIMITS, maxElements: 1e9 });
    let written = 0;
    while (faults.length === 0 && written < 100_000) {
      parser.write(Buffer.from(more.repeat(100)));
      written += 100 * more.length;
    }
    expect(faults).toEqual(violation('An element may have at most 10000 bytes.'));
    expect(written).toBeLessThan(LIMITS.maxBytes + 1000);
  });

  test('the header has the limit too', () => {
    const { parser, faults } = reading();
    for (let i = 0; i < 50; i++) parser.write(Buffer.from(` a${i}='${'x'.repeat(300)}'`));
    expect(faults.length).toBe(1);
    const spaces = reading();
    spaces.parser.write(Buffer.from('<s'));
    for (let i = 0; i < 200; i++) spaces.parser.write(Buffer.from(' '.repeat(100)));
    expect(spaces.faults).toEqual(violation('The stream header may have at most 10000 bytes.'));
  });

  test('the depth', () => {
    const nested = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth);
    expect(faultsOf({ maxDepth: 5 }, nested(5))).toEqual([]);
    expect(faultsOf({ maxDepth: 5 }, nested(6))).toEqual(
      violation('An element may have at most 5 levels.'),
    );
  });

  test('the attributes, of elements and of the header', () => {
    const tag = (count: number) =>
      `<a ${Array.from({ length: count }, (_, i) => `a${i}=''`).join(' ')}>`;
    expect(faultsOf({ maxAttributes: 7 }, `${tag(7)}</a>`)).toEqual([]);
    const expected = violation('An element may have at most 7 attributes.');
    expect(faultsOf({ maxAttributes: 7 }, tag(8))).toEqual(expected);
    const { parser, faults } = reading({ ...LIMITS, maxAttributes: 7 });
    parser.write(Buffer.from(tag(8)));
    expect(faults).toEqual(expected);
  });

  test('the elements in one, counted anew for each', () => {
    const xml = `<a>${'<b/>'.repeat(9)}</a>`;
    expect(faultsOf({ maxElements: 10 }, xml, xml)).toEqual([]);
    expect(faultsOf({ maxElements: 9 }, xml)).toEqual(
      violation('An element may have at most 9 elements in it.'),
    );
  });

  test('new limits hold from then on', () => {
    const { parser, faults, log } = readStream([], { ...LIMITS, maxBytes: 200 });
    parser.limits = LIMITS;
    parser.write(Buffer.from(`<a>${'x'.repeat(1000)}</a>`));
    parser.limits = { ...LIMITS, maxBytes: 10 };
    parser.write(Buffer.from('<a>0123456789</a>'));
    expect(log).toHaveLength(3);
    expect(faults).toHaveLength(1);
  });
});

describe('the parser in the hands of a session', () => {
  const more = Buffer.from(`${HEADER}<a/><b/><c/></stream:stream>`);

  test('after stop() nothing comes, even from the same chunk', () => {
    const { parser, log } = reading(LIMITS, { element: () => parser.stop() });
    parser.write(more);
    parser.write(Buffer.from('<d/>'));
    expect(log).toEqual(['open', '<a/>']);
  });

  test('after a fault nothing comes', () => {
    const { parser, log } = readStream(['<a/><b></c><d/>']);
    parser.write(Buffer.from('<e/>'));
    parser.restart();
    parser.write(Buffer.from(HEADER));
    expect(log).toEqual(['open', '<a/>', 'fault:not-well-formed']);
  });

  test('what is before a fault in the same chunk is delivered', () => {
    expect(readStream(['<a/><b/>&x;']).log).toEqual([
      'open',
      '<a/>',
      '<b/>',
      'fault:restricted-xml',
    ]);
    expect(readStream(['<a/><b>]]></b>']).log).toEqual(['open', '<a/>', 'fault:not-well-formed']);
    expect(readStream(['<a/><![CDATA[]]>']).log).toEqual(['open', '<a/>', 'fault:bad-format']);
  });

  test('an end tag of the wrong name ends nothing, not even the stream', () => {
    expect(readStream(['<a/></stream>']).log).toEqual(['open', '<a/>', 'fault:not-well-formed']);
    expect(readStream(['<a><b></a>']).log).toEqual(['open', 'fault:not-well-formed']);
  });

  test('restart() in a handler discards the rest and expects a header', () => {
    const { parser, log } = reading(LIMITS, {
      element: (element) => element.name === 'a' && parser.restart(),
    });
    parser.write(more);
    parser.write(Buffer.from(`${HEADER}<d/>`));
    expect(log).toEqual(['open', '<a/>', 'open', '<d/>']);
  });

  test('restart() forgets half a character and half an element', () => {
    const { parser, log } = readStream([Buffer.from('<a>é').subarray(0, 4)]);
    parser.restart();
    parser.write(Buffer.from(`${HEADER}<d/>`));
    expect(log).toEqual(['open', 'open', '<d/>']);
  });

  test('pause() holds back, resume() goes on in order', () => {
    const { parser, log } = reading(LIMITS, { element: () => parser.pause() });
    parser.write(more);
    expect(log).toEqual(['open', '<a/>']);
    expect(parser.isPaused).toBe(true);
    parser.write(Buffer.from('ignored after the end'));
    parser.resume();
    expect(log).toEqual(['open', '<a/>', '<b/>']);
    parser.resume();
    parser.resume();
    expect(log).toEqual(['open', '<a/>', '<b/>', '<c/>', 'close']);
    expect(parser.isPaused).toBe(false);
  });

  test('what is written while paused is only queued', () => {
    const { parser, log } = readStream([]);
    parser.pause();
    parser.write(Buffer.from('<a/><b>'));
    parser.write(Buffer.from('</b><c></d>'));
    expect(log).toEqual(['open']);
    parser.resume();
    expect(log).toEqual(['open', '<a/>', '<b/>', 'fault:not-well-formed']);
  });

  test('restart() while paused discards what is queued', () => {
    const { parser, log } = reading(LIMITS, {
      element: (element) => element.name === 'a' && parser.pause(),
    });
    parser.write(more);
    parser.write(Buffer.from('<d/>'));
    parser.restart();
    parser.resume();
    parser.write(Buffer.from(`${HEADER}<e/>`));
    expect(log).toEqual(['open', '<a/>', 'open', '<e/>']);
  });

  test('pause() and resume() within one handler change nothing', () => {
    const { parser, log } = reading(LIMITS, {
      element() {
        parser.pause();
        parser.resume();
      },
    });
    parser.write(more);
    expect(log).toEqual(['open', '<a/>', '<b/>', '<c/>', 'close']);
  });

  test("a handler's own error comes out, and the parser has stopped", () => {
    const { parser, log } = reading(LIMITS, {
      element() {
        throw new Error('a bug');
      },
    });
    expect(() => parser.write(more)).toThrow('a bug');
    parser.write(Buffer.from('<b/>'));
    expect(log).toEqual(['open', '<a/>']);
  });
});

describe('after many plain elements', () => {
  const HEAD =
    "<?xml version='1.0'?><s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' " +
    "xmlns:p='urn:&quot;p' to='example.com'>";
  const LONG_HEAD = HEAD.replace("to='", `xmlns:q='${'q'.repeat(600)}' to='`);
  const told = (texts: readonly string[]) => {
    const { parser, log, faults } = reading();
    for (const text of texts) parser.write(Buffer.from(text));
    return [...log, ...faults];
  };
  const plain = '<a>b</a>'.repeat(5);

  test.each([
    ['one with a prefix that the stream declares', ["<p:a p:b=''/>", '<a/>']],
    ['one in the content namespace', ['<a>&#65;<b/></a>']],
    ['plain ones again, and none', [plain, '<p:a/>', plain, '<p:b/><c/>', plain]],
    ['the end', ['</s:stream>']],
    ['an end of another name', ['</s:strea>']],
    ['the end of another element', ['</a>']],
    ['a prefix that nothing declares', ['<q:a/>']],
    ['a second header', ['<s:stream/>']],
    ['text', ['text', '<a/>']],
    ['a comment', ['<!-- -->']],
    ['much', [`<p:a>${'x'.repeat(9980)}</p:a>`, '<a/>']],
    ['too much', [`<p:a>${'x'.repeat(9990)}</p:a>`, '<a/>']],
    ['too much in parts', ['<p:a>', 'é'.repeat(5000), '</p:a>']],
  ])('%s is read as if they had not been', (_, rest) => {
    for (const head of [HEAD, LONG_HEAD])
      for (const texts of [rest, rest.flatMap((text) => [...text])])
        expect(told([head, plain, ...texts]).slice(6)).toEqual(told([head, ...texts]).slice(1));
  });
});
