import { describe, expect, test } from 'vitest';
import { createExclusive } from '../../src/kit/exclusive.ts';

describe('exclusive work', () => {
  test('runs in turn for one key, and at once for another', async () => {
    const exclusive = createExclusive<string>();
    const seen: string[] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = exclusive('a', async () => {
      await held;
      seen.push('first');
    });
    const second = exclusive('a', async () => void seen.push('second'));
    await exclusive('b', async () => void seen.push('other'));
    expect(seen).toEqual(['other']);
    release();
    await Promise.all([first, second]);
    expect(seen).toEqual(['other', 'first', 'second']);
  });

  test('a failure is for its caller, not for the next', async () => {
    const exclusive = createExclusive<string>();
    const failing = exclusive('a', () => Promise.reject(new Error('no')));
    const next = exclusive('a', async () => 'yes');
    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe('yes');
  });
});
