import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { lifeOf } from '../../src/admin/pages/certificate-life.ts';
import {
  agoText,
  countText,
  durationText,
  plural,
  sizeText,
  timeText,
} from '../../src/admin/text.ts';

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1.0 KiB'],
  [148_000_000, '141 MiB'],
  [2 ** 50, '1024 TiB'],
])('%i bytes are %s', (bytes, text) => expect(sizeText(bytes)).toBe(text));

test.each([
  [-5, '0 s'],
  [0.4, '0 s'],
  [59, '59 s'],
  [61, '1 min 1 s'],
  [3600, '1 h'],
  [93_784, '1 d 2 h'],
])('%f seconds are %s', (seconds, text) => expect(durationText(seconds)).toBe(text));

test('moments and counts', () => {
  expect(agoText(1000, 5000)).toBe('just now');
  expect(agoText(0, 754_000)).toBe('12 min ago');
  expect(timeText(Date.UTC(2026, 2, 1, 14, 5))).toBe('2026-03-01 14:05');
  expect(timeText(Number.NaN)).toBe('');
  expect(countText(1_234_567)).toBe('1\u202f234\u202f567');
  expect([plural(1, 'user'), plural(0, 'user')]).toEqual(['1 user', '0 users']);
});

describe('the life of a certificate', () => {
  const DAY = 86_400_000;
  const NOW = Date.UTC(2026, 0, 1);
  const certificate = (from: number, until: number, selfSigned = false) => ({
    source: 'imported',
    issuer: 'An authority',
    names: [],
    notBefore: NOW + from * DAY,
    notAfter: NOW + until * DAY,
    fingerprint: '',
    publicKeySha256: '',
    selfSigned,
    keyType: 'EC P-256',
    certificateFile: '',
    problems: [],
  });

  test.each([
    ['none', undefined, 'error', 'No certificate', true],
    ['one that is over', certificate(-90, -1), 'error', 'Expired', true],
    ['one of the future', certificate(1, 90), 'error', 'Not valid yet', true],
    ['one that ends soon', certificate(-80, 10), 'warning', 'Expires in 10 d', true],
    ['a self-signed one', certificate(-1, 700, true), 'warning', 'Self-signed', false],
    ['a good one', certificate(-1, 89), 'ok', 'Valid for 89 days', false],
  ])('%s', (_what, given, tone, word, needsCare) => {
    expect(lifeOf(given, NOW)).toMatchObject({ tone, word, needsCare });
  });
});

describe('the colours', () => {
  const css = readFileSync(new URL('../../src/admin/assets/tokens.css', import.meta.url), 'utf8');
  const [light = '', dark = ''] = css.split('@media');
  const read = (text: string) =>
    new Map(
      [...text.matchAll(/--([\w-]+): (#[0-9a-f]{3,6});/g)].map(([, name, hex]) => [name, hex]),
    );
  const lightColours = read(light);
  const schemes = { light: lightColours, dark: new Map([...lightColours, ...read(dark)]) };

  /** Relative luminance (WCAG 2.2). */
  const luminance = (hex: string) => {
    const digits = hex.length === 4 ? hex.replace(/[0-9a-f]/g, '$&$&') : hex;
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(digits.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one: string, other: string) => {
    const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const TEXT: readonly (readonly [string, string])[] = [
    ...['paper', 'surface', 'sunken'].flatMap((back) =>
      ['ink', 'ink-soft', 'accent'].map((text) => [text, back] as const),
    ),
    ...['ok', 'warning', 'error', 'info'].flatMap(
      (tone) =>
        [
          [tone, `${tone}-back`],
          ['ink', `${tone}-back`],
        ] as const,
    ),
    ['error', 'surface'],
    ['on-accent', 'accent'],
    ['on-accent', 'accent-strong'],
    ['deep-ink', 'deep'],
    ['deep-soft', 'deep'],
    ['deep-ink', 'deep-raised'],
    ['deep-soft', 'deep-raised'],
    ['signal', 'deep-raised'],
  ];
  const EDGES = [
    ['line-strong', 'surface'],
    ['focus', 'paper'],
    ['focus', 'surface'],
    ['signal', 'deep'],
  ] as const;

  test.each(['light', 'dark'] as const)(
    'of the %s scheme can be read (WCAG 1.4.3, 1.4.11)',
    (name) => {
      const colour = (token: string) => schemes[name].get(token) ?? expect.fail(`no --${token}`);
      const below = (pairs: readonly (readonly [string, string])[], least: number) =>
        pairs
          .map(([front, back]) => [front, back, contrast(colour(front), colour(back))] as const)
          .filter(([, , ratio]) => ratio < least);
      expect(below(TEXT, 4.5)).toEqual([]);
      expect(below(EDGES, 3)).toEqual([]);
    },
  );
});
