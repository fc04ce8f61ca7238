import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createStory, type StoryKeeper } from '../../src/core/story.ts';
import type { Line } from '../../src/core/story-line.ts';
import {
  createStoryLog,
  type StoryBounds,
  type StoryLog,
  storyMigrations,
} from '../../src/core/story-log.ts';
import { findTales } from '../../src/core/story-search.ts';
import type { Step } from '../../src/core/story-steps.ts';
import { bareOf, type Jid, parseJid } from '../../src/jid/jid.ts';
import { createLog } from '../../src/kit/log.ts';
import { addressedTo } from '../../src/stanza/address.ts';
import { iqGet, message, presence } from '../../src/stanza/build.ts';
import { delayed } from '../../src/stanza/delay.ts';
import { errorReply } from '../../src/stanza/error.ts';
import type { Message, MessageType } from '../../src/stanza/stanza.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { el } from '../../src/xml/element.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { parse } from '../support/scene.ts';

const SECRET = 'meet me at dawn';

function jid(raw: string): Jid {
  const parsed = parseJid(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

const phone = jid('joe@falcot.com/phone');
const joe = bareOf(phone);
const ann = bareOf(jid('ann@falcot.com'));
const eve = bareOf(jid('eve@example.org'));
const kept: Step = { kind: 'kept', account: ann };

/** A message of joe's to ann, with these children or a body. */
function write(options: { to?: Jid; type?: MessageType; id?: string; xml?: string } = {}): Message {
  const { to = ann, type = 'chat', id, xml } = options;
  const children = xml === undefined ? [el('body', {}, SECRET)] : parse(`<m>${xml}</m>`).children;
  return message({ from: phone, to, type, id, children });
}

const read = (text: string) => {
  const [at, serial, nature, from, to, type, ids, error, steps] = JSON.parse(text) as Line;
  return { at, serial, nature, from, to, type, ids, error, steps };
};

const quiet = createLog({ level: 'silent' }).area('story');

describe('notes', () => {
  let clock: ManualClock;
  /** The lines of each block. */
  let written: string[][];
  let lost: number;
  let fails: boolean;
  let story: StoryKeeper;

  beforeEach(() => {
    clock = manualClock();
    written = [];
    lost = 0;
    fails = false;
    story = createStory({
      clock,
      log: quiet,
      async write(blocks) {
        if (fails) throw new Error('the disk is full');
        written.push(...blocks.map(({ text }) => text.split('\n')));
      },
      lost: (count) => {
        lost += count;
      },
    });
  });

  test('they are off until somebody switches them on', () => {
    expect(story.isOn).toBe(false);
  });

  test('they are written together, seconds later', async () => {
    story.note(write(), kept);
    clock.advance(1500);
    story.note(write(), kept);
    await Promise.resolve();
    expect(written).toEqual([]);
    clock.advance(500);
    await story.flush();
    expect(written.map((lines) => lines.length)).toEqual([2]);
    expect(read(written[0]?.[1] ?? '').at).toBe(clock.now() - 500);
  });

  test('many are written at once, in groups', async () => {
    for (let index = 0; index < 1100; index += 1) story.note(write(), kept);
    await story.flush();
    expect(written.map((lines) => lines.length)).toEqual([500, 500, 100]);
  });

  test('a database that takes nothing costs steps, never memory', async () => {
    fails = true;
    for (let index = 0; index < 20_007; index += 1) story.note(write(), kept);
    await story.flush();
    expect(lost).toBe(20_007);
    fails = false;
    story.note(write(), kept);
    await story.flush();
    expect(written.flat()).toHaveLength(1);
    expect(lost).toBe(20_007);
  });

  test('only messages have a story; headlines, and what rooms say to each, have none', async () => {
    story.note(presence({ from: phone }), kept);
    story.note(iqGet({ from: phone, to: ann, payload: el('ping', { xmlns: 'x' }) }), kept);
    story.note(write({ type: 'headline' }), kept);
    story.note(write({ type: 'groupchat', to: jid('ann@falcot.com/phone') }), kept);
    story.about(write({ type: 'headline' }))(kept);
    await story.flush();
    expect(written).toEqual([]);
  });

  test('a step that comes much later is noted without the message', async () => {
    const tell = story.about(write({ id: 'a' }));
    tell({ kind: 'pushed', service: 'push.example.org', answer: 'published' });
    await story.flush();
    expect(written[0]?.map(read)).toMatchObject([
      { ids: ['a'], steps: [[0, 'pushed', 'push.example.org', 'published']] },
    ]);
  });

  test('a message keeps its number in another form; one that answers it has its own', async () => {
    const first = write();
    const late = delayed(first, { from: ann, stamp: 0 });
    const answer = errorReply(first, { condition: 'service-unavailable', text: 'Nobody.' });
    if (answer === undefined) throw new Error('no error');
    const other = addressedTo(first, eve);
    for (const each of [first, late, answer, other]) story.note(each, kept);
    await story.flush();
    const heads = (written[0] ?? []).map(read);
    expect(heads[0]?.serial).toBe(first.serial);
    expect(heads[0]?.steps).toHaveLength(2);
    expect(new Set(heads.map(({ serial }) => serial)).size).toBe(3);
    expect(heads[1]).toMatchObject({
      from: ann,
      to: phone,
      type: 'error',
      error: { condition: 'service-unavailable', text: 'Nobody.' },
    });
  });

  test.each([
    ['text', '<body>hi</body><active xmlns="http://jabber.org/protocol/chatstates"/>'],
    ['encrypted', '<encrypted xmlns="urn:xmpp:omemo:2"><payload/></encrypted><body/>'],
    ['encrypted', '<body>fallback</body><encryption xmlns="urn:xmpp:eme:0"/>'],
    ['signal', '<composing xmlns="http://jabber.org/protocol/chatstates"/><thread>t</thread>'],
    ['signal', '<received xmlns="urn:xmpp:receipts" id="1"/>'],
    ['signal', '<displayed xmlns="urn:xmpp:chat-markers:0"/><store xmlns="urn:xmpp:hints"/>'],
    ['other', '<propose xmlns="urn:xmpp:jingle-message:0"/><store xmlns="urn:xmpp:hints"/>'],
    ['other', '<subject>news</subject>'],
  ])('what kind of thing it says: %s %s', async (nature, xml) => {
    story.note(write({ xml }), kept);
    await story.flush();
    expect(written[0]?.map(read)).toMatchObject([{ nature }]);
  });

  test('XEP-0359 its origin-id is one of its ids, and long ids are cut', async () => {
    const origin = '<body/><origin-id xmlns="urn:xmpp:sid:0" id="o"/>';
    story.note(write({ id: 'a', xml: origin }), kept);
    story.note(write({ id: 'o', xml: origin }), kept);
    story.note(write({ id: 'x'.repeat(10_000) }), kept);
    story.note(write(), kept);
    await story.flush();
    const ids = (written[0] ?? []).map((line) => read(line).ids);
    expect(ids).toEqual([['a', 'o'], ['o'], ['x'.repeat(200)], []]);
  });
});

describe('their table', () => {
  let clock: ManualClock;
  let store: Store;
  let bounds: StoryBounds;
  let table: StoryLog;
  let story: StoryKeeper;

  beforeEach(async () => {
    clock = manualClock();
    bounds = { keepFor: 3_600_000, maxRows: 1000 };
    store = await openStore({
      file: ':memory:',
      clock,
      log: quiet,
      migrations: [{ owner: 'story', migrations: storyMigrations }],
    });
    table = createStoryLog(store, clock, () => bounds);
    story = createStory({ clock, log: quiet, write: table.write, lost: () => {} });
  });
  afterEach(() => store.close());

  const note = async (...notes: readonly (readonly [Message, Step])[]) => {
    for (const [each, step] of notes) story.note(each, step);
    await story.flush();
  };
  const find = async (query: object = {}) =>
    findTales(store, { jid: joe, signals: false, limit: 10, ...query });
  const idsFound = async (query: object = {}) =>
    (await find(query)).tales.map(({ ids }) => ids[0] ?? '');
  interface Blocks {
    story_blocks: { id: number; told: string };
  }
  const readBlocks = () =>
    store.read(store.tables<Blocks>().selectFrom('story_blocks').selectAll());
  const rows = async () => (await readBlocks()).flatMap(({ told }) => told.split('\n')).length;

  test('a message is put together from what was noted at several times', async () => {
    const sent = write({ id: 'a' });
    await note(
      [sent, { kind: 'received', from: phone, stream: 's1', remote: '192.0.2.1:5' }],
      [write({ id: 'b' }), kept],
      [sent, { kind: 'archived', account: joe, id: 'stanza-1' }],
      [sent, kept],
    );
    clock.advance(60_000);
    await note([sent, { kind: 'fetched', account: ann }]);
    expect(await rows()).toBe(4); // the block of the first writing has two lines of it
    expect(await idsFound({ id: 'stanza-1' })).toEqual(['a']);
    const { tales } = await find();
    expect(tales).toHaveLength(2);
    expect(tales[0]).toEqual({
      serial: sent.serial,
      from: phone,
      to: ann,
      type: 'chat',
      nature: 'text',
      ids: ['a', 'stanza-1'],
      steps: [
        {
          at: clock.now() - 60_000,
          step: { kind: 'received', from: phone, stream: 's1', remote: '192.0.2.1:5' },
        },
        {
          at: clock.now() - 60_000,
          step: { kind: 'archived', account: joe, id: 'stanza-1' },
        },
        { at: clock.now() - 60_000, step: kept },
        { at: clock.now(), step: { kind: 'fetched', account: ann } },
      ],
    });
  });

  test('what people write is nowhere in it', async () => {
    const sent = write({ id: 'a' });
    const answer = errorReply(sent, { condition: 'service-unavailable' });
    if (answer?.kind !== 'message') throw new Error('no error');
    await note([sent, kept], [answer, kept]);
    expect(JSON.stringify(await readBlocks())).not.toContain(SECRET);
  });

  test('it is searched by sender and recipient, the other one, id, time and nature', async () => {
    await note([write({ id: 'a' }), kept], [write({ id: 'b', to: eve }), kept]);
    clock.advance(60_000);
    await note(
      [message({ from: eve, to: phone, id: 'c', children: [el('body', {}, 'x')] }), kept],
      [write({ id: 'd', xml: '<active xmlns="http://jabber.org/protocol/chatstates"/>' }), kept],
      [message({ from: eve, to: ann, id: 'e', children: [el('body', {}, 'x')] }), kept],
      [write({ id: 'f" , "g' }), { kind: 'archived', account: joe, id: 'stanza-f' }],
    );
    expect(await idsFound()).toEqual(['a', 'b', 'c', 'f" , "g']);
    expect(await idsFound({ signals: true })).toEqual(['a', 'b', 'c', 'd', 'f" , "g']);
    expect(await idsFound({ with: eve })).toEqual(['b', 'c']);
    expect(await idsFound({ jid: eve })).toEqual(['b', 'c', 'e']);
    expect(await idsFound({ since: clock.now() - 1000 })).toEqual(['c', 'f" , "g']);
    expect(await idsFound({ id: 'b' })).toEqual(['b']);
    expect(await idsFound({ id: 'stanza-f' })).toEqual(['f" , "g']);
    expect(await idsFound({ id: 'f" , "g' })).toEqual(['f" , "g']);
    expect(await idsFound({ id: 'f' })).toEqual([]);
  });

  test('pages lead to what is older, each message once', async () => {
    const slow = write({ id: 'slow' });
    await note([slow, { kind: 'queued', domain: 'example.org' }]);
    for (let index = 0; index < 20; index += 1) await note([write({ id: `m${index}` }), kept]);
    await note([slow, { kind: 'accepted', domain: 'example.org' }]);
    const seen: string[] = [];
    let before: number | undefined;
    for (let hasMore = true; hasMore; ) {
      const page = await find({ limit: 4, before });
      ({ hasMore } = page);
      before = page.tales[0]?.serial;
      seen.unshift(...page.tales.map(({ ids }) => ids[0] ?? ''));
    }
    expect(seen).toEqual(['slow', ...Array.from({ length: 20 }, (_, index) => `m${index}`)]);
    expect((await find({ id: 'slow' })).tales[0]?.steps).toHaveLength(2);
  });

  test('a long table is looked through in parts, and a message is told whole', async () => {
    bounds = { keepFor: 3_600_000, maxRows: 100_000 };
    const first = write({ id: 'first' });
    await note([first, { kind: 'queued', domain: 'example.org' }], [write({ id: 'other' }), kept]);
    const strange = () => message({ from: eve, to: ann, children: [el('body', {}, 'x')] });
    for (let index = 0; index < 4500; index += 1) story.note(strange(), kept);
    clock.advance(1000);
    await note([write({ id: 'last' }), kept], [first, { kind: 'accepted', domain: 'example.org' }]);
    expect(await rows()).toBe(4504);
    expect((await find()).tales.map(({ ids, steps }) => [ids[0], steps.length])).toEqual([
      ['first', 2],
      ['other', 1],
      ['last', 1],
    ]);
    expect(await find({ limit: 2 })).toMatchObject({
      tales: [{ ids: ['other'] }, { ids: ['last'] }],
      hasMore: true,
    });
    expect((await find({ id: 'first' })).tales[0]?.steps).toHaveLength(2);
    expect(await idsFound({ since: clock.now() })).toEqual(['first', 'last']);
  });

  test('what is too old goes, with the next write or by itself', async () => {
    await note([write({ id: 'a' }), kept]);
    clock.advance(3_600_001);
    await note([write({ id: 'b' }), kept]);
    expect(await idsFound()).toEqual(['b']);
    clock.advance(3_600_001);
    await table.prune();
    expect(await rows()).toBe(0);
  });

  test('no more rows are kept than may be, however many come; the oldest go, a block at a time', async () => {
    bounds = { keepFor: 3_600_000, maxRows: 1200 };
    for (let index = 0; index < 2500; index += 1) story.note(write({ id: `m${index}` }), kept);
    await story.flush();
    expect(await rows()).toBe(1000);
    bounds = { keepFor: 3_600_000, maxRows: 600 };
    await table.prune();
    expect(await rows()).toBe(500);
    expect(await idsFound()).toEqual(Array.from({ length: 10 }, (_, index) => `m${2490 + index}`));
  });

  test('a table that was closed and opened again goes on', async () => {
    await note([write({ id: 'a' }), kept]);
    table = createStoryLog(store, clock, () => bounds);
    story = createStory({ clock, log: quiet, write: table.write, lost: () => {} });
    await note([write({ id: 'b' }), kept]);
    expect(await idsFound()).toEqual(['a', 'b']);
  });

  test('a message that goes on and on has a bounded row, and a bounded text', async () => {
    const sent = write();
    const text = 'x'.repeat(100_000);
    story.note(sent, { kind: 'bounced', by: 's2s', condition: 'gone', text });
    story.note(sent, { kind: 'dropped', by: 's2s', why: text });
    for (let index = 0; index < 400; index += 1) story.note(sent, { kind: 'resent', to: phone });
    await story.flush();
    const { tales } = await find();
    expect(tales[0]?.steps).toHaveLength(150);
    expect(JSON.stringify(tales).length).toBeLessThan(20_000);
  });

  test('a step of another version of the program is left out', async () => {
    await note([write({ id: 'a' }), kept]);
    const steps = [
      [0, 'teleported', 'mars'],
      [5, 'kept', ann],
    ];
    const told = JSON.stringify([1, 1, 'text', phone, ann, 'chat', ['a'], null, steps]);
    await store.write(store.tables<Blocks>().updateTable('story_blocks').set({ told }));
    const { tales } = await find();
    expect(tales[0]?.steps.map(({ step }) => step.kind)).toEqual(['kept']);
  });
});
