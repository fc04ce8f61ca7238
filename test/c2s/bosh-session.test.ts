/** A BOSH session by its rules of time and number (XEP-0124); test/wire/bosh.test.ts has the rest. */
import { describe, expect, test } from 'vitest';
import type { BoshBody, BoshOpening } from '../../src/c2s/bosh-body.ts';
import { BoshSession } from '../../src/c2s/bosh-session.ts';
import { manualClock } from '../support/clock.ts';

const RID = 100;
const EMPTY = "<body xmlns='http://jabber.org/protocol/httpbind'/>";
const NEWS = "<message xmlns='jabber:client'><body>news</body></message>";
const NOTHING: BoshBody = {
  ...{ rid: RID, sid: undefined, payloads: '', ack: undefined, pause: undefined },
  ...{ isTerminate: false, isRestart: false, key: undefined, newkey: undefined },
  ...{ to: 'capulet.example', from: undefined, lang: undefined },
};

/** What is answered by the end of this turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A session whose stream has begun, at rid 100; `ask` answers what that request is told later. */
async function begun(terms: Partial<BoshOpening> = {}, ack?: number) {
  const clock = manualClock();
  const seen = { isOver: false };
  const session = new BoshSession({
    clock,
    opening: { wait: 60, hold: 1, ver: '1.6', version: '1.0', content: 'text/xml', ...terms },
    body: { ...NOTHING, ack },
    intakeBytes: 10_000,
    onOver: () => {
      seen.isOver = true;
    },
  });
  session.stream.on('error', () => {}).resume();
  let breakOff = () => {};
  const exchange = (told: string[]) => ({
    answer: ({ text = '' }) => void told.push(text),
    onGone: (task: () => void) => {
      breakOff = task;
    },
  });
  const ask = (rid: number, parts: Partial<BoshBody> = {}): string[] => {
    const told: string[] = [];
    session.take({ ...NOTHING, rid, ...parts }, exchange(told));
    return told;
  };
  session.open(exchange([]));
  session.stream.write('<stream:features/>');
  await turn();
  return { clock, session, ask, seen, breakOff: () => breakOff() };
}

describe('§10 a pause', () => {
  test('is as long as was told, says nothing, and its answer is given once more', async () => {
    const { clock, session, ask, seen } = await begun();
    session.stream.write(NEWS);
    const pause = { pause: 120 };
    expect(ask(RID + 1, pause)).toEqual([EMPTY]);
    expect(ask(RID + 1, pause)).toEqual([EMPTY]);
    clock.advance(119_000);
    const back = ask(RID + 2);
    await turn();
    expect(back).toEqual([expect.stringContaining('news')]);
    clock.advance(30_000); // the pause is over by then
    expect(seen.isOver).toBe(true);
  });

  test('leaves what has come for the next request, if the one before it broke off', async () => {
    const { session, ask, breakOff } = await begun();
    ask(RID + 1);
    breakOff();
    session.stream.write(NEWS);
    await turn();
    expect(ask(RID + 2, { pause: 120 })).toEqual([EMPTY]);
    const back = ask(RID + 3);
    await turn();
    expect(back).toEqual([expect.stringContaining('news')]);
  });

  test('ends a session whose client does not come back', async () => {
    const { clock, ask, seen } = await begun();
    ask(RID + 1, { pause: 120 });
    clock.advance(120_000);
    expect(seen.isOver).toBe(true);
  });
});

test('§17.3 a request whose turn does not come is to be sent again; then the client is missed', async () => {
  const { clock, ask, seen } = await begun();
  const early = ask(RID + 2);
  clock.advance(30_000);
  expect(early).toEqual([expect.stringContaining("type='error'")]);
  expect(seen.isOver).toBe(false);
  clock.advance(30_000);
  expect(seen.isOver).toBe(true);
});

test('§14.3 one that waits may be sent again, but not for ever', async () => {
  const { ask, seen } = await begun();
  ask(RID + 1);
  for (let times = 0; times < 10; times += 1) expect(ask(RID + 1)).toEqual([]);
  expect(ask(RID + 1)).toEqual([expect.stringContaining('policy-violation')]);
  expect(seen.isOver).toBe(true);
});

test('§14.3 an answer is given once more while another request waits', async () => {
  const { session, ask } = await begun();
  session.stream.write(NEWS);
  const first = ask(RID + 1, { payloads: NEWS });
  await turn();
  ask(RID + 2, { payloads: NEWS });
  expect(ask(RID + 1)).toEqual(first);
});

test('§14.3 an answer is given once more though the stream is over, and only then the last one', async () => {
  const { session, ask, seen } = await begun();
  session.stream.write(NEWS);
  await turn();
  expect(ask(RID + 1)).toEqual([]);
  await turn();
  session.stream.write('<message/>');
  session.stream.write('</stream:stream>');
  await turn();
  expect(ask(RID + 1)).toEqual([expect.stringContaining('news')]);
  expect(ask(RID + 1)).toEqual([expect.stringContaining('news')]);
  expect(seen.isOver).toBe(false);
  expect(ask(RID + 2)).toEqual([expect.stringMatching(/type='terminate'.*<message /)]);
  expect(seen.isOver).toBe(true);
});

test('§9.2 what the client lacks is told only after a while: it may be on its way', async () => {
  const { clock, session, ask } = await begun({}, 1);
  session.stream.write(NEWS);
  const lacked = ask(RID + 1, { payloads: NEWS });
  await turn();
  expect(lacked).toEqual([expect.stringContaining('news')]);
  const soon = ask(RID + 2, { payloads: NEWS, ack: RID });
  await turn();
  expect(soon).toEqual([]);
  clock.advance(500);
  ask(RID + 3, { payloads: NEWS, ack: RID });
  await turn();
  expect(soon).toEqual([expect.stringMatching(`report='${RID + 1}' time='500'`)]);
});

test('§9.2 who lacks ever more and never asks for it is not waited for', async () => {
  const { session, ask, seen } = await begun({}, 1);
  const asked: string[][] = [];
  for (let rid = RID + 1; rid <= RID + 40 && !seen.isOver; rid += 1) {
    session.stream.write(NEWS);
    await turn();
    asked.push(ask(rid, { ack: RID, payloads: '<presence/>' }));
    await turn();
  }
  const told = asked.flat();
  expect(told.filter((text) => text.includes('news'))).toHaveLength(33);
  expect(told.at(-1)).toContain("condition='policy-violation'");
  expect(seen.isOver).toBe(true);
});

describe('who asks too often', () => {
  test('§11 as many may wait as were granted, whenever they come; not one more', async () => {
    const { ask } = await begun({ hold: 3 });
    const waiting = [1, 2, 3].map((at) => ask(RID + at));
    await turn();
    expect(waiting).toEqual([[], [], []]);
    expect(ask(RID + 4)).toEqual([expect.stringContaining('policy-violation')]);
  });

  test('§12 who polls may ask at once after he said something, or was told something', async () => {
    const { clock, session, ask } = await begun({ wait: 0, hold: 0 });
    const poll = async (rid: number, parts?: Partial<BoshBody>) => {
      const told = ask(rid, parts);
      await turn();
      return told.join();
    };
    clock.advance(5000);
    expect(await poll(RID + 1, { payloads: NEWS })).toBe(EMPTY);
    expect(await poll(RID + 2)).toBe(EMPTY);
    clock.advance(5000);
    session.stream.write(NEWS);
    expect(await poll(RID + 3)).toContain('news');
    expect(await poll(RID + 4)).toBe(EMPTY);
    expect(await poll(RID + 5)).toContain('policy-violation');
  });
});
