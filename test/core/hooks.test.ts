/** What several modules say of one stanza (DESIGN D1: what is owed by each of them is owed). */
import { describe, expect, test } from 'vitest';
import { firstVerdict, type Verdict, verdict } from '../../src/core/hooks.ts';
import { parseFull } from '../../src/jid/jid.ts';
import { deferred } from '../../src/kit/deferred.ts';
import { message } from '../../src/stanza/build.ts';
import type { Stanza } from '../../src/stanza/stanza.ts';

const juliet = parseFull('juliet@capulet.example/balcony');
const said = (id: string) => {
  if (!juliet.ok) return expect.fail(juliet.why);
  return message({ id, from: juliet.value, to: juliet.value });
};
const FAILURE = { condition: 'not-allowed' } as const;

/** What comes of hooks that say this one after the other, and which stanza each was shown. */
async function ask(...says: readonly Verdict[]) {
  const shown: (string | undefined)[] = [];
  const hooks = says.map((each, index) => ({
    module: `m${index}`,
    hook: (stanza: Stanza) => {
      shown.push(stanza.id);
      return each;
    },
  }));
  return { sum: await firstVerdict(hooks, said('first')), shown };
}
const settledOf = (sum: Verdict) => ('settled' in sum ? sum.settled : undefined);

test('each is shown what those before it left, and so is whoever comes after', async () => {
  const { sum, shown } = await ask(
    verdict.passAs(said('second')),
    verdict.pass,
    verdict.passAs(said('third')),
    verdict.passOwing(Promise.resolve()),
  );
  expect(shown).toEqual(['first', 'second', 'second', 'third']);
  expect(sum).toMatchObject({ kind: 'pass', stanza: { id: 'third' } });
});

describe('what is owed', () => {
  type Says = (one: Promise<void>, other: Promise<void>) => readonly Verdict[];
  test.each<[string, Says]>([
    ['by two who pass', (one, other) => [verdict.passOwing(one), verdict.passOwing(other)]],
    [
      'by who changes it, too',
      (one, other) => [verdict.passOwing(one), verdict.passAs(said('x'), other)],
    ],
    ['before it is handled', (one, other) => [verdict.passOwing(one), verdict.settling(other)]],
  ])('%s is owed until all is true', async (_, says) => {
    const [one, other] = [deferred<void>(), deferred<void>()];
    const { sum } = await ask(...says(one.promise, other.promise));
    let isSettled = false;
    void settledOf(sum)?.then(() => {
      isSettled = true;
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    other.resolve();
    await turn();
    expect(isSettled).toBe(false);
    one.resolve();
    await turn();
    expect(isSettled).toBe(true);
  });

  test('by one alone is owed, whether it is handled then or passed on', async () => {
    const work = Promise.resolve();
    for (const [kind, ...says] of [
      ['pass', verdict.passOwing(work), verdict.pass],
      ['pass', verdict.passAs(said('x')), verdict.passOwing(work)],
      ['handled', verdict.passOwing(work), verdict.handled],
    ] as const) {
      const { sum } = await ask(...says);
      expect(sum.kind).toBe(kind);
      expect(settledOf(sum)).toBe(work);
    }
  });
});

test.each([
  ['drops', verdict.drop('it is enough')],
  ['bounces', verdict.bounce(FAILURE)],
])('who %s ends its way, whatever was said before, and is named', async (_, last) => {
  const { sum, shown } = await ask(
    verdict.passAs(said('second'), Promise.resolve()),
    last,
    verdict.pass,
  );
  expect(sum).toEqual({ ...last, by: 'm1' });
  expect(shown).toHaveLength(2);
});
