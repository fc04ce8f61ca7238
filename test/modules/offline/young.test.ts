import { expect, test } from 'vitest';
import { bareOf, parseJid } from '../../../src/jid/jid.ts';
import { Young } from '../../../src/modules/offline/young.ts';

const account = (name: string) => {
  const parsed = parseJid(`${name}@falcot.com`);
  return parsed.ok ? bareOf(parsed.value) : expect.fail(parsed.why);
};
const joe = account('joe');
const ann = account('ann');

const entry = (name: string, to = joe, isOver = false) => ({ name, account: to, isOver });
const names = (entries: readonly { name: string }[]) => entries.map(({ name }) => name);

function youngOf(...entries: ReturnType<typeof entry>[]) {
  const young = new Young<ReturnType<typeof entry>>();
  for (const each of entries) young.add(each);
  return young;
}

test('what is due takes all with it that came before for the same account, in its order', () => {
  const young = youngOf(entry('1'), entry('2', ann), entry('3'), entry('4'), entry('5', ann));
  expect(names(young.takeDue(({ name }) => name === '3'))).toEqual(['1', '3']);
  expect(names(young.takeDue(() => false))).toEqual([]);
  expect(names(young.take(joe))).toEqual(['4']);
  expect(names(young.takeAll())).toEqual(['2', '5']);
  expect(young.isEmpty).toBe(true);
});

test('what is over is forgotten, and takes nothing with it', () => {
  const young = youngOf(entry('1', joe, true), entry('2', ann), entry('3', ann, true));
  expect(names(young.takeDue(({ name }) => name === '3'))).toEqual([]);
  expect(names(young.takeAll())).toEqual(['2']);
});
