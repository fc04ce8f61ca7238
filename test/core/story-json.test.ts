import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StoryBlock } from '../../src/core/story-block.ts';
import { JsonBytes } from '../../src/core/story-json.ts';
import type { Step } from '../../src/core/story-steps.ts';
import { type Jid, parseJid } from '../../src/jid/jid.ts';

/** What is written by these, in so small a room that it has to grow. */
function written(...steps: readonly ((json: JsonBytes) => void)[]): string {
  const json = new JsonBytes(4);
  for (const step of steps) step(json);
  return json.toString();
}

describe('JSON as bytes', () => {
  test.each([
    '',
    'joe@falcot.com/☾',
    '"',
    '\\',
    'a\nb',
    '\u0000',
    '\u007f',
    '\u0080',
    '\u2028',
    '😀',
    '\ud83d',
    ' !#[]~',
  ])('a string: %j', (text) => {
    expect(written((json) => json.string(text))).toBe(JSON.stringify(text));
  });

  test('any string, behind another', () => {
    const units = fc.nat(0xffff).map((code) => String.fromCharCode(code));
    const strings = fc.string({ unit: units, maxLength: 40 });
    fc.assert(
      fc.property(strings, strings, (one, other) => {
        const text = written(
          (json) => json.string(one),
          (json) => json.raw(','),
          (json) => json.string(other),
        );
        expect(text).toBe(`${JSON.stringify(one)},${JSON.stringify(other)}`);
      }),
    );
  });

  test.each([
    0,
    9,
    10,
    99,
    100,
    999_999_999,
    1_000_000_000,
    1_000_000_001,
    1_795_786_804_895,
    999_999_999_999_999,
    1_000_000_000_000_000,
    Number.MAX_SAFE_INTEGER,
    -1,
    -1_795_786_804_895,
  ])('an integer: %d', (value) => {
    expect(written((json) => json.integer(value))).toBe(String(value));
  });

  test('any safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(written((json) => json.integer(value))).toBe(String(value));
      }),
    );
  });

  test('a value of any other kind', () => {
    const value = { condition: 'gone', text: '☾' };
    expect(written((json) => json.value(value))).toBe(JSON.stringify(value));
  });

  test('it begins anew when it is cleared', () => {
    const json = new JsonBytes(4);
    json.raw('[1,2,3]');
    json.clear();
    json.integer(7);
    expect(json.toString()).toBe('7');
  });
});

describe('a block', () => {
  const parsed = parseJid('joe@falcot.com/phone');
  if (!parsed.ok) throw new Error(parsed.why);
  const joe: Jid = parsed.value;
  const step: Step = { kind: 'acknowledged', by: joe };
  const head = (serial: number) =>
    ({
      serial,
      from: joe,
      to: joe,
      type: 'chat',
      nature: 'text',
      ids: [],
      error: undefined,
    }) as const;
  const serialsIn = (block: StoryBlock) =>
    block.text.split('\n').map((line) => (JSON.parse(line) as number[])[1]);

  test('knows its messages, wherever their serials lie', () => {
    const block = new StoryBlock();
    const serials = [7, 1007, 2007, 999, 1999, Number.MAX_SAFE_INTEGER];
    for (const serial of serials) {
      expect(block.has(serial)).toBe(false);
      block.begin(1, head(serial), step);
      expect(block.has(serial)).toBe(true);
    }
    for (const serial of serials) {
      expect(block.has(serial)).toBe(true);
      block.add(2, serial, step);
    }
    expect(block.messages).toBe(serials.length);
    expect(block.greatest).toBe(Number.MAX_SAFE_INTEGER);
    const [last] = serials.slice(-1);
    expect(serialsIn(block)).toEqual([...serials, ...serials.slice(0, -1), last]);
  });

  test('leaves out what is too much of one message', () => {
    const block = new StoryBlock();
    block.begin(1, head(5), step);
    for (let index = 0; index < 300; index += 1) block.add(1, 5, step);
    expect(block.steps).toBe(150);
  });

  test('forgets all of them when it is cleared', () => {
    const block = new StoryBlock();
    for (let serial = 1; !block.isFull; serial += 1) block.begin(1, head(serial), step);
    expect(block.messages).toBe(500);
    block.clear();
    expect(block.has(1)).toBe(false);
    expect([block.steps, block.messages, block.greatest, block.latest]).toEqual([0, 0, 0, 0]);
    block.begin(3, head(500), step);
    expect(serialsIn(block)).toEqual([500]);
  });
});
