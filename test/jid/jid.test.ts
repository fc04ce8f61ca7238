import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bareOf,
  domainOf,
  domainToAscii,
  isBare,
  isFull,
  localOf,
  makeBare,
  parseBare,
  parseDomain,
  parseFull,
  parseJid,
  resourceOf,
  withResource,
} from '../../src/jid/jid.ts';

const prepared = (raw: string) => {
  const outcome = parseJid(raw);
  if (!outcome.ok) throw new Error(`${JSON.stringify(raw)}: ${outcome.why}`);
  return outcome.value;
};

describe('RFC 7622 §3.5 table 1: addresses', () => {
  test.each([
    ['juliet@example.com', 'juliet', 'example.com', ''],
    ['juliet@example.com/foo', 'juliet', 'example.com', 'foo'],
    ['juliet@example.com/foo bar', 'juliet', 'example.com', 'foo bar'],
    ['juliet@example.com/foo@bar', 'juliet', 'example.com', 'foo@bar'],
    ['foo\\20bar@example.com', 'foo\\20bar', 'example.com', ''],
    ['fussball@example.com', 'fussball', 'example.com', ''],
    ['fu\u00dfball@example.com', 'fu\u00dfball', 'example.com', ''],
    ['\u03c0@example.com', '\u03c0', 'example.com', ''],
    ['\u03a3@example.com/foo', '\u03c3', 'example.com', 'foo'],
    ['\u03c3@example.com/foo', '\u03c3', 'example.com', 'foo'],
    ['\u03c2@example.com/foo', '\u03c2', 'example.com', 'foo'],
    ['king@example.com/\u265a', 'king', 'example.com', '\u265a'],
    ['example.com', '', 'example.com', ''],
    ['example.com/foobar', '', 'example.com', 'foobar'],
    ['a.example.com/b@example.net', '', 'a.example.com', 'b@example.net'],
    // Erratum 4560: table 2 lists a leading space, which OpaqueString allows.
    ['juliet@example.com/ foo', 'juliet', 'example.com', ' foo'],
  ])('%j', (raw, local, domain, resource) => {
    const jid = prepared(raw);
    expect([localOf(jid), domainOf(jid), resourceOf(jid)]).toEqual([local, domain, resource]);
    expect(bareOf(jid)).toBe(local === '' ? domain : `${local}@${domain}`);
    expect([isFull(jid), isBare(jid)]).toEqual([resource !== '', resource === '']);
    expect(parseJid(jid)).toEqual({ ok: true, value: jid });
  });
});

describe('RFC 7622 §3.5 table 2 and its like: not addresses', () => {
  test.each([
    '"juliet"@example.com',
    'foo bar@example.com',
    '@example.com/',
    'henry\u2163@example.com',
    '\u265a@example.com',
    'juliet@',
    '/foobar',
    '',
    '@',
    '/',
    '@/',
    '@example.com',
    'juliet@example.com/',
    'juliet@/foo',
    'a@b@example.com',
    'juliet@example.com\u0000',
    'juliet\u0000@example.com',
    'juliet@example.com/a\u0007b',
    'juliet@example.com/\ud800',
    '\udc00@example.com',
    'a&b@example.com',
    "a'b@example.com",
    'a:b@example.com',
    'a<b@example.com',
    'a>b@example.com',
    'a\uff20b@example.com', // full-width @ becomes the separator's character
    'a\uff0fb@example.com',
    ' juliet@example.com',
    'juliet @example.com',
    'juliet@ example.com',
  ])('%j', (raw) => {
    expect(parseJid(raw)).toMatchObject({ ok: false, why: expect.any(String) });
  });
});

describe('RFC 7622 §3.1: lengths', () => {
  test('each part has from 1 to 1023 octets', () => {
    const longDomain = `${'a.'.repeat(510)}abc`;
    expect(longDomain).toHaveLength(1023);
    const longest = `${'l'.repeat(1023)}@${longDomain}/${'r'.repeat(1023)}`;
    expect(prepared(longest)).toBe(longest);
    expect(parseJid(`${'l'.repeat(1024)}@example.com`).ok).toBe(false);
    expect(parseJid(`l@a${longDomain}`).ok).toBe(false);
    expect(parseJid(`l@example.com/${'r'.repeat(1024)}`).ok).toBe(false);
  });

  test('octets are counted, not characters', () => {
    expect(parseJid(`${'\u00e4'.repeat(511)}@example.com`).ok).toBe(true);
    expect(parseJid(`${'\u00e4'.repeat(512)}@example.com`).ok).toBe(false);
    expect(parseJid(`a@example.com/${'\u265a'.repeat(341)}`).ok).toBe(true);
    expect(parseJid(`a@example.com/${'\u265a'.repeat(342)}`).ok).toBe(false);
  });

  test('a megabyte is refused at once', () => {
    expect(parseJid('\u00c4'.repeat(1 << 20))).toEqual({
      ok: false,
      why: 'the address is too long',
    });
  });
});

describe('RFC 7622 §3.2: domainparts', () => {
  test.each([
    ['EXAMPLE.Com', 'example.com', 'example.com'],
    ['example.com.', 'example.com', 'example.com'],
    ['localhost', 'localhost', 'localhost'],
    ['B\u00dcCHER.example', 'b\u00fccher.example', 'xn--bcher-kva.example'],
    ['bu\u0308cher.example', 'b\u00fccher.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'b\u00fccher.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'b\u00fccher.example', 'xn--bcher-kva.example'],
    ['fa\u00df.de', 'fa\u00df.de', 'xn--fa-hia.de'],
    ['\uff25\uff38\uff21\uff2d\uff30\uff2c\uff25\u3002com', 'example.com', 'example.com'],
    ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['[::1]', '[::1]', '[::1]'],
    ['[2001:DB8:0:0:0:0:0:1]', '[2001:db8::1]', '[2001:db8::1]'],
    ['\u05d0\u05d1.example', '\u05d0\u05d1.example', 'xn--4dbc.example'],
    ['4chan.example', '4chan.example', '4chan.example'],
  ])('%s is %s, in DNS %s', (raw, expected, ascii) => {
    const outcome = parseDomain(raw);
    expect(outcome).toEqual({ ok: true, value: expected });
    if (outcome.ok) expect(domainToAscii(outcome.value)).toBe(ascii);
    expect(parseDomain(expected)).toEqual(outcome);
  });

  test.each([
    '.',
    'a..b',
    '.a',
    'a.b..',
    '-a.example',
    'a-.example',
    'a_b.example',
    'exa mple.com',
    'a%41.example',
    'example.com:5222',
    '1.2.3',
    '256.1.1.1',
    '1.2.3.4.5',
    '0x7f.1',
    '\uff11.2.3.4',
    'example.1',
    '::1',
    '[::1',
    '[1.2.3.4]',
    '[fe80::1%eth0]',
    'xn--a.example',
    '\u2603.example',
    'a\u2026b.example',
    'a\uff0fb.example',
    '9abc.\u05d0\u05d1\u05d2',
    `${'a'.repeat(64)}.example`,
    `${'\u00e4'.repeat(62)}.example`,
  ])('%j is none', (raw) => {
    expect(parseDomain(raw).ok).toBe(false);
  });
});

describe('kinds of addresses', () => {
  test('parseBare, parseDomain and parseFull refuse the others', () => {
    const accepts = (raw: string) => [parseBare(raw).ok, parseDomain(raw).ok, parseFull(raw).ok];
    expect(accepts('falcot.com')).toEqual([true, true, false]);
    expect(accepts('joe@falcot.com')).toEqual([true, false, false]);
    expect(accepts('joe@falcot.com/home')).toEqual([false, false, true]);
    expect(accepts('falcot.com/home')).toEqual([false, false, true]);
    expect(accepts('joe@')).toEqual([false, false, false]);
  });

  test('makeBare prepares both parts and lets neither reach into the other', () => {
    expect(makeBare('JOE', 'Falcot.COM')).toEqual({ ok: true, value: 'joe@falcot.com' });
    expect(makeBare('', 'falcot.com').ok).toBe(false);
    expect(makeBare('joe@evil.example/', 'falcot.com').ok).toBe(false);
    expect(makeBare('joe', 'evil.example/falcot.com').ok).toBe(false);
    expect(makeBare('joe', 'a@falcot.com').ok).toBe(false);
  });

  test('withResource prepares the resourcepart', () => {
    const bare = parseBare('joe@falcot.com');
    if (!bare.ok) throw new Error(bare.why);
    expect(withResource(bare.value, 'at\u00a0home')).toEqual({
      ok: true,
      value: 'joe@falcot.com/at home',
    });
    expect(withResource(bare.value, '').ok).toBe(false);
    expect(withResource(bare.value, 'r'.repeat(1024)).ok).toBe(false);
  });
});

describe('fuzz', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.string(),
    fc.constantFrom(
      '@',
      '/',
      '.',
      'xn--',
      '[',
      ']',
      '\ud800',
      '\u200d',
      '\u3002',
      '\uff20',
      '\u0130',
    ),
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const likely = fc
    .tuple(fc.string({ unit: 'grapheme' }), piece, piece)
    .map(([local, domain, resource]) => `${local}@${domain}.example/${resource}`);

  test('parseJid never throws, and a prepared address is its own preparation', () => {
    fc.assert(
      fc.property(fc.oneof(text, likely), (raw) => {
        const outcome = parseJid(raw);
        expect(parseJid(raw)).toEqual(outcome);
        if (!outcome.ok) return;
        const { value } = outcome;
        expect(parseJid(value)).toEqual({ ok: true, value });
        for (const part of [localOf(value), domainOf(value), resourceOf(value)]) {
          expect(Buffer.byteLength(part)).toBeLessThanOrEqual(1023);
        }
        expect(Buffer.from(value).toString()).toBe(value);
      }),
      { numRuns: 5000 },
    );
  });
});
