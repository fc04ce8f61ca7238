import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GenerationCache } from '../../src/jid/cache.ts';
import { prepareLocal, preparePassword, prepareResource } from '../../src/jid/precis.ts';
import { derivedProperty } from '../../src/jid/precis-classes.ts';

describe('RFC 8265 §3.5: UsernameCaseMapped', () => {
  test.each([
    ['fussball', 'fussball'],
    ['fu\u00dfball', 'fu\u00dfball'],
    ['\u03c0', '\u03c0'],
    ['\u03a3', '\u03c3'],
    ['\u03c3', '\u03c3'],
    ['\u03c2', '\u03c2'],
    ['JULIET', 'juliet'],
    ['J\u00dcRGEN', 'j\u00fcrgen'],
    ['ju\u0308rgen', 'j\u00fcrgen'], // NFC
    ['\uff2a\uff35\uff2c\uff29\uff25\uff34', 'juliet'], // width mapping
    ['\uff76\uff9e', '\u30ac'], // half-width katakana with its voiced mark
    ['\u0130', 'i\u0307'],
    ['\u0410\u041d\u041d\u0410', '\u0430\u043d\u043d\u0430'],
    ['\uac00\ub098', '\uac00\ub098'],
  ])('%j becomes %j', (raw, expected) => {
    expect(prepareLocal(raw)).toBe(expected);
  });

  test.each([
    ['a space', 'foo bar'],
    ['nothing', ''],
    ['a compatibility character', 'henry\u2163'],
    ['a symbol', '\u221e'],
    ['a full-width space', 'foo\u3000bar'],
    ['a full-width separator', 'foo\uff1abar'],
    ['old hangul jamo', '\u1100\u1161\u11a8\ua960'],
    ['an ignorable code point', 'ju\u00adliet'],
    ['a variation selector', 'a\ufe0f'],
    ['an unassigned code point', '\u0378'],
    ['a noncharacter', '\ufdd0'],
    ['a private code point', '\ue000'],
    ['half a surrogate pair', '\ud83d'],
    ['non-ASCII punctuation', 'a\u2014b'],
    ['tatweel', '\u0628\u0640\u0628'],
  ])('%s is refused', (_what, raw) => {
    expect(prepareLocal(raw)).toBeUndefined();
  });
});

describe('RFC 8265 §4.3: OpaqueString', () => {
  test.each([
    ['correct horse battery staple', 'correct horse battery staple'],
    ['Correct Horse Battery Staple', 'Correct Horse Battery Staple'],
    ['\u03c0\u00df\u00e5', '\u03c0\u00df\u00e5'],
    ['Jack of \u2666s', 'Jack of \u2666s'],
    ['foo\u1680bar', 'foo bar'],
    ['foo\u3000\u00a0bar', 'foo  bar'],
    ['re\u0301sume\u0301', 'r\u00e9sum\u00e9'],
  ])('%j becomes %j as a resource and as a password', (raw, expected) => {
    expect(prepareResource(raw)).toBe(expected);
    expect(preparePassword(raw)).toBe(expected);
  });

  test.each(['', 'my cat is a \u0009by', 'a\u007fb', 'a\u0000', '\ue000', '\ufdd0', '\ud800'])(
    '%j is neither',
    (raw) => {
      expect(prepareResource(raw)).toBeUndefined();
      expect(preparePassword(raw)).toBeUndefined();
    },
  );

  test('a resource keeps compatibility characters, width and case', () => {
    expect(prepareResource('\u2163\uff26A')).toBe('\u2163\uff26A');
  });
});

describe('RFC 4013 §3: SASLprep for passwords', () => {
  test.each([
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['\u0007', undefined],
    ['\u00ad', undefined],
    ['\u0627\u0031', '\u06271'], // RFC 8265 §4.2.1 has no rule of direction
    ['\u2764\ufe0f', '\u2764'],
  ])('%j becomes %j', (raw, expected) => {
    expect(preparePassword(raw)).toBe(expected);
  });

  test('at most 1023 octets', () => {
    expect(preparePassword('p'.repeat(1023))).toHaveLength(1023);
    expect(preparePassword('p'.repeat(1024))).toBeUndefined();
    expect(preparePassword('\u00df'.repeat(512))).toBeUndefined();
  });
});

describe('RFC 8264 §8: derived properties', () => {
  test.each([
    ['\u00df', 'valid'],
    ['\u3007', 'valid'],
    ['\u00b7', 'context'],
    ['\u200c', 'context'],
    ['\u302e', 'disallowed'],
    ['\u0378', 'disallowed'],
    ['!', 'valid'],
    [' ', 'freeform'],
    ['\u1100', 'disallowed'],
    ['\u2060', 'disallowed'],
    ['\u0085', 'disallowed'],
    ['\u2163', 'freeform'],
    ['A', 'valid'],
    ['\u01c5', 'freeform'],
    ['\u20ac', 'freeform'],
    ['\u2028', 'disallowed'],
    ['\u{1f600}', 'freeform'],
  ] as const)('%j is %s', (char, expected) => {
    expect(derivedProperty(char)).toBe(expected);
  });
});

describe('RFC 5892 appendix A: context rules', () => {
  test.each([
    ['A.1 after a virama', '\u0915\u094d\u200c\u0937', true],
    ['A.1 between joining letters', '\u0646\u0627\u0645\u0647\u200c\u0627\u06cc', true],
    ['A.1 across a mark', '\u0628\u064e\u200c\u0628', true],
    ['A.1 after a letter that does not join on', '\u0627\u200c\u0628', false],
    ['A.1 before a letter that joins forward only', '\ua840\u200c\ua872', false],
    ['A.1 at the end', '\u0628\u200c', false],
    ['A.1 between Latin letters', 'a\u200cb', false],
    ['A.2 after a virama', '\u0915\u094d\u200d\u0937', true],
    ['A.2 after a nukta', '\u0915\u093c\u200d\u0937', false],
    ['A.2 after a letter', 'a\u200db', false],
    ['A.2 at the start', '\u200da', false],
    ['A.3 between l and l', 'col\u00b7lecci\u00f3', true],
    ['A.3 elsewhere', 'co\u00b7l', false],
    ['A.4 before Greek', '\u0375\u03b1', true],
    ['A.4 before Latin', '\u0375a', false],
    ['A.5 after Hebrew', '\u05d0\u05f3', true],
    ['A.5 after Latin', 'a\u05f3', false],
    ['A.6 after Hebrew', '\u05d0\u05f4\u05d1', true],
    ['A.6 at the start', '\u05f4\u05d0', false],
    ['A.7 with katakana', '\u30fb\u30ab', true],
    ['A.7 with Latin alone', 'a\u30fbb', false],
    ['A.8 Arabic digits', '\u0628\u0661\u0662', true],
    ['A.9 extended Arabic digits', '\u0628\u06f1\u06f2', true],
    ['A.8 both rows', '\u0628\u0661\u06f2', false],
  ])('%s', (_what, raw, isAllowed) => {
    expect(prepareLocal(raw) !== undefined).toBe(isAllowed);
  });
});

describe('RFC 5893 §2: the Bidi Rule', () => {
  test.each([
    ['1 begins right to left', '\u05d0\u05d1\u05d2', true],
    ['1 begins with a digit', '1\u05d0', false],
    ['1 begins with an Arabic digit', '\u0661\u0628', false],
    ['1 begins with a mark', '\u05b0\u05d0', false],
    ['2 no Latin letter within', '\u05d0a\u05d0', false],
    ['2 neutral punctuation within', '\u05d0-.\u05d1', true],
    ['3 ends with a European number', '\u05d01', true],
    ['3 ends with an Arabic number', '\u0628\u0661', true],
    ['3 ends with a mark', '\u05d0\u05b0', true],
    ['3 ends with punctuation', '\u05d0-', false],
    ['4 both kinds of numbers', '\u06281\u0661', false],
    ['5 begins left to right', 'a\u05d0', false],
    ['a text without right-to-left code points is free', '1a-', true],
    ['extended Arabic digits alone are European numbers', '\u06f1\u06f2', true],
    ['Thaana', '\u078b\u07a8\u0788\u07ac\u0780\u07a8', true],
    ['Adlam', '\u{1e922}\u{1e923}', true],
  ])('%s', (_what, raw, isAllowed) => {
    expect(prepareLocal(raw) !== undefined).toBe(isAllowed);
  });
});

describe('fuzz', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  );

  test.each([
    ['prepareLocal', prepareLocal],
    ['prepareResource', prepareResource],
    ['preparePassword', preparePassword],
  ])('%s never throws, and what it made stays as it is', (_name, prepare) => {
    fc.assert(
      fc.property(anyText, (raw) => {
        const prepared = prepare(raw);
        if (prepared !== undefined) expect(prepare(prepared)).toBe(prepared);
      }),
      { numRuns: 3000 },
    );
  });

  test('each single code point is stable, folds with its capital, or is refused', () => {
    for (let code = 0; code <= 0x10ffff; code++) {
      const char = String.fromCodePoint(code);
      const local = prepareLocal(char);
      if (local === undefined) continue;
      if (prepareLocal(local) !== local) expect.fail(`U+${code.toString(16)} is not stable`);
      if (local !== local.toLowerCase()) expect.fail(`U+${code.toString(16)} is not folded`);
    }
  });
});

test('the cache holds at most two generations and keeps what is used', () => {
  const cache = new GenerationCache<number>(10);
  cache.set('used', -1);
  for (let i = 0; i < 1000; i++) {
    cache.set(`key ${i}`, i);
    expect(cache.get('used')).toBe(-1);
    expect(cache.size).toBeLessThanOrEqual(20);
  }
  expect(cache.get('key 0')).toBeUndefined();
});
