import { expect, test } from 'vitest';
import { deferred } from '../../src/kit/deferred.ts';
import { createPending } from '../../src/kit/pending.ts';

test('work that nobody waits for is waited for at the end, also what it brings and what fails', async () => {
  const pending = createPending();
  await pending.settled();
  const seen: string[] = [];
  const way = deferred<void>();
  const later = async () => {
    await Promise.resolve();
    seen.push('later');
  };
  pending.add(
    way.promise.then(() => {
      seen.push('first');
      pending.add(later());
    }),
  );
  pending.add(Promise.reject(new Error('no')));
  const over = pending.settled().then(() => seen.push('over'));
  way.resolve();
  await over;
  expect(seen).toEqual(['first', 'later', 'over']);
});
