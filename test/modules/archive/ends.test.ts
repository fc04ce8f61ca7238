import { expect, test } from 'vitest';
import { createEndsMemory } from '../../../src/modules/archive/ends.ts';
import type { Ends } from '../../../src/modules/archive/messages.ts';

const endsAt = (serial: number): Ends => ({
  first: { serial: 1, at: 1, uid: null },
  last: { serial, at: serial, uid: null },
});

/** A memory over an archive that is read when the test says so. */
function memory() {
  const reads: ((found: Ends | undefined | Error) => void)[] = [];
  const ends = createEndsMemory(
    () =>
      new Promise((resolve, reject) => {
        reads.push((found) => (found instanceof Error ? reject(found) : resolve(found)));
      }),
  );
  return { ends, reads };
}

test('the ends of an archive are read once, also where there are none', async () => {
  const { ends, reads } = memory();
  const [one, two] = [ends.of(7), ends.of(7)];
  reads[0]?.(undefined);
  expect(await Promise.all([one, two, ends.of(7)])).toEqual([undefined, undefined, undefined]);
  expect(reads).toHaveLength(1);
});

test('they are read anew when a message came or went, of this archive alone', async () => {
  const { ends, reads } = memory();
  void ends.of(7);
  void ends.of(8);
  reads[0]?.(endsAt(1));
  reads[1]?.(endsAt(1));
  ends.stir(7);
  const anew = ends.of(7);
  reads[2]?.(endsAt(2));
  expect(await anew).toEqual(endsAt(2));
  expect(await ends.of(8)).toEqual(endsAt(1));
  expect(reads).toHaveLength(3);
});

test('what was read while a message came is not remembered', async () => {
  const { ends, reads } = memory();
  const before = ends.of(7);
  ends.stir(7);
  reads[0]?.(endsAt(1));
  await before;
  const after = ends.of(7);
  reads[1]?.(endsAt(2));
  expect(await after).toEqual(endsAt(2));
});

test('a read that fails is tried again', async () => {
  const { ends, reads } = memory();
  const failed = ends.of(7);
  reads[0]?.(new Error('no disk'));
  await expect(failed).rejects.toThrow('no disk');
  const again = ends.of(7);
  reads[1]?.(endsAt(1));
  expect(await again).toEqual(endsAt(1));
});
