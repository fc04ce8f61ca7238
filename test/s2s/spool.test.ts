import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLog } from '../../src/kit/log.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import { isWorthKeeping } from '../../src/s2s/keeping.ts';
import { Passage } from '../../src/s2s/passage.ts';
import { createSpool, type Spool } from '../../src/s2s/spool.ts';
import { s2sMigrations } from '../../src/s2s/tables.ts';
import { readStored } from '../../src/stanza/stored.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { manualClock } from '../support/clock.ts';

const log = createLog({ level: 'silent' }).area('s2s');
const clock = manualClock();
const metrics = createMetrics({ process: false });
let store: Store;
let spool: Spool;
const open = () => createSpool({ store, log, metrics });
beforeEach(async () => {
  store = await openStore({
    file: ':memory:',
    clock,
    log,
    migrations: [{ owner: 's2s', migrations: s2sMigrations }],
  });
  spool = open();
});
afterEach(() => store.close().catch(() => {}));

const PARTIES = "from='romeo@ours.example/hall' to='juliet@theirs.example'";
const stanzaOf = (xml: string) => {
  const stanza = readStored(xml);
  if (stanza?.to === undefined) return expect.fail(xml);
  return { ...stanza, to: stanza.to };
};
const passage = (id: string, at = 1000) =>
  new Passage({
    since: 0,
    stanza: stanzaOf(`<message ${PARTIES} type='chat' id='${id}'><body>${id}</body></message>`),
    at,
    arrived() {},
  });
const kept = async () => (await open().load()).map(({ stanza, at }) => [stanza.id, at]);

describe('the spool', () => {
  test('settles what is on the disk, and has it in order after a restart', async () => {
    const passages = ['1', '2', '3'].map((id, index) => passage(id, 1000 + index));
    spool.keep(passages);
    await Promise.all(passages.map(({ settled }) => settled));
    expect(await kept()).toEqual([
      ['1', 1000],
      ['2', 1001],
      ['3', 1002],
    ]);
  });

  test('a message is still the same one, so that its story goes on', async () => {
    const one = passage('1');
    spool.keep([one]);
    await spool.flushed();
    const [found] = await open().load();
    const serialIn = (stanza: object | undefined) =>
      stanza !== undefined && 'serial' in stanza ? stanza.serial : undefined;
    expect(serialIn(found?.stanza)).toBe(serialIn(one.stanza));
    expect(serialIn(one.stanza)).toBeGreaterThan(0);
  });

  test('goes on behind what is there', async () => {
    spool.keep([passage('1')]);
    await spool.flushed();
    const next = open();
    const [first] = await next.load();
    next.keep([passage('2')]);
    await next.flushed();
    expect((await kept()).map(([id]) => id)).toEqual(['1', '2']);
    next.drop(
      new Passage({
        since: 0,
        stanza: stanzaOf(`<iq type='result' id='x' ${PARTIES}/>`),
        at: 0,
        spoolId: first?.id ?? 0,
        arrived() {},
      }),
    );
    await next.flushed();
    expect((await kept()).map(([id]) => id)).toEqual(['2']);
  });

  test('what comes in the moment in which all is written is written, too', async () => {
    const [first, second] = [passage('1'), passage('2')];
    const then = first.settled.then(() => spool.keep([second]));
    spool.keep([first]);
    await then;
    await spool.flushed();
    expect((await kept()).map(([id]) => id)).toEqual(['1', '2']);
  });

  test('has so many rows at most, whatever was over before it was written', async () => {
    spool = createSpool({ store, log, metrics, maxRows: 2 });
    const [under, over, ...others] = ['1', '2', '3', '4', '5'].map((id) => passage(id));
    if (under === undefined || over === undefined) return expect.fail();
    spool.keep([under]);
    spool.keep([over]);
    for (const each of [under, over]) {
      each.isOver = true;
      spool.drop(each);
    }
    await spool.flushed();
    spool.keep(others);
    await spool.flushed();
    expect((await kept()).map(([id]) => id)).toEqual(['3', '4']);
  });

  test('has no place for what is over, before it is written or while it is', async () => {
    const [before, during] = [passage('1'), passage('2')];
    before.isOver = true;
    spool.keep([before, during]);
    during.isOver = true;
    spool.drop(during);
    await spool.flushed();
    expect(await kept()).toEqual([]);
  });

  test('many are written together, and nothing is written twice', async () => {
    const passages = Array.from({ length: 1200 }, (_, index) => passage(`${index}`));
    const { writes } = store.stats();
    spool.keep(passages);
    spool.keep(passages);
    await spool.flushed();
    expect(store.stats().writes - writes).toBe(3);
    expect(await kept()).toHaveLength(1200);
  });

  test('a disk that fails settles nothing', async () => {
    const one = passage('1');
    await store.close();
    spool.keep([one]);
    await spool.flushed();
    const settled = Promise.race([one.settled.then(() => true), Promise.resolve(false)]);
    expect(await settled).toBe(false);
    expect(one.spoolId).toBeUndefined();
  });

  test('what could not be removed while the disk failed is removed with what comes later', async () => {
    const [one, two] = [passage('1'), passage('2')];
    spool.keep([one]);
    await spool.flushed();
    const write = store.write.bind(store);
    Object.assign(store, { write: () => Promise.reject(new Error('the disk is full')) });
    one.isOver = true;
    spool.drop(one);
    await spool.flushed();
    Object.assign(store, { write });
    expect((await kept()).map(([id]) => id)).toEqual(['1']);
    spool.keep([two]);
    await spool.flushed();
    expect((await kept()).map(([id]) => id)).toEqual(['2']);
  });

  test('what could not be removed is removed at the end at the latest', async () => {
    const one = passage('1');
    spool.keep([one]);
    await spool.flushed();
    const write = store.write.bind(store);
    Object.assign(store, { write: () => Promise.reject(new Error('the disk is full')) });
    one.isOver = true;
    spool.drop(one);
    await new Promise((resolve) => setImmediate(resolve));
    Object.assign(store, { write });
    await spool.flushed();
    expect(await kept()).toEqual([]);
  });

  test('what is unreadable is passed over, and removed', async () => {
    spool.keep([passage('1')]);
    await spool.flushed();
    const db = store.tables<{ s2s_spool: { id: number; at: number; stanza: string } }>();
    await store.write(db.insertInto('s2s_spool').values({ id: 2, at: 0, stanza: '<broken' }));
    const next = open();
    expect(await next.load()).toHaveLength(1);
    await next.flushed();
    expect(await store.read(db.selectFrom('s2s_spool').selectAll())).toHaveLength(1);
  });
});

test.each([
  ['a chat message', "<message type='chat' P><body>x</body></message>", true],
  ['a normal message', '<message P><body>x</body></message>', true],
  ['a receipt', "<message P><received xmlns='urn:xmpp:receipts' id='1'/></message>", true],
  [
    'a chat state',
    "<message type='chat' P><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
    false,
  ],
  [
    'XEP-0334: what is not to be stored',
    "<message P><body>x</body><no-store xmlns='urn:xmpp:hints'/></message>",
    false,
  ],
  ['a room', "<message type='groupchat' P><body>x</body></message>", true],
  ['an error', "<message type='error' P><body>x</body></message>", false],
  ['a subscription', "<presence type='subscribe' P/>", true],
  ['an approval', "<presence type='subscribed' P/>", true],
  ['a presence', '<presence P/>', false],
  ['a probe', "<presence type='probe' P/>", false],
  ['a request', "<iq type='get' id='1' P><ping xmlns='urn:xmpp:ping'/></iq>", false],
])('is %s worth keeping?', (_, xml, isIt) => {
  expect(isWorthKeeping(stanzaOf(xml.replace('P', PARTIES)))).toBe(isIt);
});
