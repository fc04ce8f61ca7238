import { expect, test } from 'vitest';
import { createGate } from '../../src/s2s/gate.ts';

test('a gate lets so many in at once, keeps the order of those who wait, and refuses more', async () => {
  const gate = createGate(2, 2);
  const said: string[] = [];
  const come = (name: string) =>
    void gate.enter().then((isIn) => said.push(`${name} ${isIn ? 'in' : 'away'}`));
  for (const name of ['a', 'b', 'c', 'd', 'e']) come(name);
  await new Promise(setImmediate);
  expect(said).toEqual(['a in', 'b in', 'e away']);
  gate.leave();
  gate.leave();
  await new Promise(setImmediate);
  expect(said.slice(3)).toEqual(['c in', 'd in']);
  gate.leave();
  come('f');
  await new Promise(setImmediate);
  expect(said.at(-1)).toBe('f in');
});
