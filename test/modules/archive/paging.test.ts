/** XEP-0313 §4, XEP-0059: whatever is asked, the pages are those of a simple model. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Actor, Scene } from '../../support/scene.ts';
import { type Answer, archiveScene, askArchive, JULIET, type Result } from './support.ts';

const PEERS = [
  'romeo@montague.example/orchard',
  'romeo@montague.example/phone',
  'nurse@capulet.example/x',
  'coven@chat.example/hecate',
] as const;
const MESSAGES = 120;

/** What is known of a message beside its place. */
interface Known {
  readonly id: string;
  readonly at: number;
  readonly peer: string;
  readonly body: string;
}

/** What the query asks for; ids are places in the archive. */
interface Filter {
  readonly with?: string | undefined;
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  readonly afterId?: number | undefined;
  readonly beforeId?: number | undefined;
  readonly ids?: readonly number[] | undefined;
  readonly words?: string | undefined;
}

describe('pages of an archive', () => {
  let scene: Scene;
  let juliet: Actor;
  /** The archive in its order. */
  let model: readonly Known[];

  beforeAll(async () => {
    scene = await archiveScene({ archive: { maxPage: 60 } });
    juliet = await scene.connect(`${JULIET}/balcony`);
    const said: { peer: string; body: string; at: number }[] = [];
    for (let count = 0; count < MESSAGES; count += 1) {
      // Several in the same millisecond, and long silences.
      if (count % 3 === 0) scene.clock.advance(count % 7 === 0 ? 60_000 : 1);
      const peer = PEERS[(count * 7) % PEERS.length] ?? PEERS[0];
      const body = `m${count} ${count % 4 === 0 ? 'lark' : 'nightingale'}`;
      said.push({ peer, body, at: scene.clock.now() });
      await juliet.send(`<message to='${peer}' type='chat'><body>${body}</body></message>`);
    }
    juliet.inbox.splice(0);
    const ids = await idsOfAll();
    model = said.map((each, index) => ({ ...each, id: ids[index] ?? '' }));
  });
  afterAll(() => scene.stop());

  async function idsOfAll(): Promise<readonly string[]> {
    const ids: string[] = [];
    for (;;) {
      const after = ids.at(-1);
      const page = await askArchive(juliet, { set: after === undefined ? {} : { after } });
      ids.push(...page.ids);
      if (page.isComplete) return ids;
    }
  }

  const matches = (filter: Filter) => (known: Known, place: number) =>
    (filter.with === undefined ||
      known.peer === filter.with ||
      known.peer.startsWith(`${filter.with}/`)) &&
    (filter.start === undefined || known.at >= filter.start) &&
    (filter.end === undefined || known.at <= filter.end) &&
    (filter.afterId === undefined || place > filter.afterId) &&
    (filter.beforeId === undefined || place < filter.beforeId) &&
    (filter.ids === undefined || filter.ids.includes(place)) &&
    (filter.words === undefined || known.body.includes(filter.words));

  const idAt = (place: number) => model[place]?.id ?? '';
  const fieldsOf = (filter: Filter): Record<string, string | string[]> => ({
    ...(filter.with === undefined ? {} : { with: filter.with }),
    ...(filter.start === undefined ? {} : { start: new Date(filter.start).toISOString() }),
    ...(filter.end === undefined ? {} : { end: new Date(filter.end).toISOString() }),
    ...(filter.afterId === undefined ? {} : { 'after-id': idAt(filter.afterId) }),
    ...(filter.beforeId === undefined ? {} : { 'before-id': idAt(filter.beforeId) }),
    ...(filter.ids === undefined ? {} : { ids: filter.ids.map(idAt) }),
    ...(filter.words === undefined ? {} : { '{urn:xmpp:fulltext:0}fulltext': filter.words }),
  });

  const place = fc.integer({ min: 0, max: MESSAGES - 1 });
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) =>
    fc.option(arbitrary, { nil: undefined, freq: 2 });
  const peers = [...PEERS, ...PEERS.map((peer) => peer.split('/')[0] ?? ''), 'nobody@x.example'];
  const moment = place.chain((at) =>
    fc.integer({ min: -1, max: 1 }).map((shift) => ({ at, shift })),
  );
  type Moment = { readonly at: number; readonly shift: number };
  type Drawn = Omit<Filter, 'start' | 'end'> & {
    start: Moment | undefined;
    end: Moment | undefined;
  };
  const filters: fc.Arbitrary<Drawn> = fc.record({
    with: maybe(fc.constantFrom(...peers)),
    start: maybe(moment),
    end: maybe(moment),
    afterId: maybe(place),
    beforeId: maybe(place),
    ids: maybe(fc.array(place, { minLength: 1, maxLength: 20 })),
    words: maybe(fc.constantFrom('lark', 'nightingale', 'm11')),
  });
  const filterOf = ({ start, end, ...rest }: Drawn): Filter => {
    const ms = (of: typeof start) =>
      of === undefined ? undefined : (model[of.at]?.at ?? 0) + of.shift;
    return { ...rest, start: ms(start), end: ms(end) };
  };
  const bodiesOf = (rows: readonly (Known | Result)[]) => rows.map(({ body }) => body);
  const checkEnds = (page: Answer, rows: readonly Known[]) => {
    expect([page.first, page.last]).toEqual([rows[0]?.id, rows.at(-1)?.id]);
  };

  test('paged through in either direction: all that match, once, in their order', async () => {
    await fc.assert(
      fc.asyncProperty(
        filters,
        fc.integer({ min: 1, max: 70 }),
        fc.boolean(),
        fc.boolean(),
        async (drawn, max, isBackwards, flip) => {
          const filter = filterOf(drawn);
          const expected = model.filter(matches(filter));
          const fields = fieldsOf(filter);
          const size = Math.min(max, 60);
          let left = [...expected];
          let edge: string | undefined;
          for (;;) {
            const set = isBackwards
              ? { max, before: edge ?? '' }
              : { max, ...(edge === undefined ? {} : { after: edge }) };
            const page = await askArchive(juliet, { fields, set, flip });
            expect(page.error).toBeUndefined();
            const wanted = isBackwards ? left.slice(-size) : left.slice(0, size);
            left = isBackwards ? left.slice(0, -size) : left.slice(size);
            const rows = flip ? [...page.results].reverse() : page.results;
            expect(bodiesOf(rows)).toEqual(bodiesOf(wanted));
            expect(rows.map(({ at }) => at)).toEqual(wanted.map(({ at }) => at));
            checkEnds(page, wanted);
            expect(page.isComplete).toBe(left.length === 0);
            if (page.count !== undefined) expect(page.count).toBe(expected.length);
            if (page.isComplete) return;
            edge = isBackwards ? page.first : page.last;
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('asked for from anywhere: by any id of the archive, by a position, or the count alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        filters,
        fc.integer({ min: 0, max: 30 }),
        fc.oneof(
          fc.record({ after: place }),
          fc.record({ before: place }),
          fc.record({ index: fc.integer({ min: 0, max: MESSAGES }) }),
        ),
        async (drawn, max, from: { after?: number; before?: number; index?: number }) => {
          const filter = filterOf(drawn);
          const { after, before, index } = from;
          const matching = model
            .map((known, at) => ({ known, at }))
            .filter(({ known, at }) => matches(filter)(known, at));
          const set = {
            max,
            ...(after === undefined ? {} : { after: idAt(after) }),
            ...(before === undefined ? {} : { before: idAt(before) }),
            ...(index === undefined ? {} : { index }),
          };
          const page = await askArchive(juliet, { fields: fieldsOf(filter), set });
          expect(page.error).toBeUndefined();
          if (max === 0) {
            expect(page).toMatchObject({ bodies: [], count: matching.length });
            return;
          }
          const rest = matching
            .slice(index ?? 0)
            .filter(
              ({ at }) =>
                (after === undefined || at > after) && (before === undefined || at < before),
            )
            .map(({ known }) => known);
          const wanted = before === undefined ? rest.slice(0, max) : rest.slice(-max);
          expect(page.bodies).toEqual(bodiesOf(wanted));
          checkEnds(page, wanted);
          expect(page.isComplete).toBe(rest.length <= max);
          if (page.index !== undefined && wanted[0] !== undefined)
            expect(page.index).toBe(matching.findIndex(({ known }) => known === wanted[0]));
        },
      ),
      { numRuns: 120 },
    );
  });
});
