import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closest } from '../../src/config/closest.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/config/fields.ts';

describe('durations', () => {
  test.each([
    ['30s', 30_000],
    ['1h30m', 5_400_000],
    ['1d', 86_400_000],
    ['250ms', 250],
    ['0', 0],
  ])('%s is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '5', 's', '-5s', '1.5h', '5 minutes', '5m!', `${'9'.repeat(30)}d`])(
    '%j is none',
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );

  test('what is written is read as the same', () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});

describe('sizes', () => {
  test.each([
    ['10000', 10_000],
    ['256KiB', 262_144],
    ['4 MiB', 4_194_304],
    ['1MB', 1_000_000],
    ['1KB', 1000],
    ['7B', 7],
  ])('%s is %i bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', 'KiB', '-1', '1.5MiB', '3 bananas', '1 kiB'])('%j is none', (text) =>
    expect(parseSize(text)).toBeUndefined(),
  );

  test('what is written is read as the same', () => {
    fc.assert(fc.property(fc.nat(), (bytes) => parseSize(formatSize(bytes)) === bytes));
  });
});

describe('did you mean', () => {
  const known = ['admins', 'certificates', 'limits', 'c2sTls', 'virtualHost'];
  test.each([
    ['admin', 'admins'],
    ['limtis', 'limits'],
    ['c2stls', 'c2sTls'],
    ['virtual_host', 'virtualHost'],
  ])('%s: %s', (word, meant) => expect(closest(word, known)).toBe(meant));

  test.each(['zebra', '', 'x'.repeat(1000)])('%j is near to none', (word) =>
    expect(closest(word, known)).toBeUndefined(),
  );
});
