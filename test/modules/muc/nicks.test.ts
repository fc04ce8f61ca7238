import { describe, expect, test } from 'vitest';
import { keyOf } from '../../../src/modules/muc/nicks.ts';

describe('XEP-0045 §13.6: nicks that look alike are one', () => {
  test.each([
    ['ALICE', 'case'],
    ['ａlice', 'width'],
    ['alice ', 'space at the end'],
    ['аliсе', 'Cyrillic letters'],
    ['αlıce', 'Greek and dotless letters'],
    ['al\u200Dice', 'a joiner'],
    ['\u202Ealice', 'a mark of direction'],
    ['ali\u00ADce', 'a soft hyphen'],
  ])('%s (%s)', (other) => {
    expect(keyOf(other)).toBe(keyOf('alice'));
  });

  test('spaces inside count once', () => {
    expect(keyOf('first  witch')).toBe(keyOf('first\u00A0witch'));
    expect(keyOf('firstwitch')).not.toBe(keyOf('first witch'));
  });

  test.each(['bob', 'alicе2', 'älice', '爱丽丝'])('%s is another one', (other) => {
    expect(keyOf(other)).not.toBe(keyOf('alice'));
  });

  test('names in one script stay apart', () => {
    const names = ['иван', 'ирина', 'олег', 'ольга', 'νίκος', 'ニコラ', 'σοφία'];
    expect(new Set(names.map(keyOf)).size).toBe(names.length);
  });
});
