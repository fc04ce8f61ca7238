import { afterEach, describe, expect, test } from 'vitest';
import type { MaybePromise, Verdict } from '../../src/core/hooks.ts';
import type { Creditor } from '../../src/core/sessions.ts';
import type { Step } from '../../src/core/story-steps.ts';
import type { Jid } from '../../src/jid/jid.ts';
import { parseJid } from '../../src/jid/jid.ts';
import { deferred } from '../../src/kit/deferred.ts';
import { createLog } from '../../src/kit/log.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import type { ServerStream } from '../../src/s2s/connection.ts';
import type { LinkFailure } from '../../src/s2s/failure.ts';
import { Links } from '../../src/s2s/links.ts';
import type { Pair } from '../../src/s2s/pairs.ts';
import type { Passage } from '../../src/s2s/passage.ts';
import type { Spool } from '../../src/s2s/spool.ts';
import type { Reached } from '../../src/s2s/streams.ts';
import { iqGet, message } from '../../src/stanza/build.ts';
import { conditionOf } from '../../src/stanza/error.ts';
import type { Stanza } from '../../src/stanza/stanza.ts';
import { el } from '../../src/xml/element.ts';
import { domain } from '../certs/support.ts';
import { manualClock } from '../support/clock.ts';

const OURS = domain('ours.example');
const THEIRS = domain('theirs.example');

function jid(raw: string): Jid {
  const parsed = parseJid(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}
const ROMEO = jid('romeo@ours.example/hall');
const JULIET = jid('juliet@theirs.example');

let all: Links | undefined;
afterEach(() => all?.prepareToClose());

const PASSING: LinkFailure = {
  condition: 'remote-server-timeout',
  text: 'nobody listens',
  isLasting: false,
};
const LASTING: LinkFailure = {
  condition: 'remote-server-not-found',
  text: 'no such domain',
  isLasting: true,
};

/** A stream as links see it. */
function fakeStream() {
  const sent: string[] = [];
  const passages: Passage[] = [];
  const all: Passage[] = [];
  const fake = {
    sent,
    all,
    isFull: false,
    isOver: false,
    ending: 'broken',
    rejection: undefined as string | undefined,
    accepts: [],
    remoteAddress: '192.0.2.1:5269',
    direction: 'out' as 'in' | 'out',
    sends: [] as Pair[],
    managed: { isResumed: false, kept: undefined as 'ours' | 'theirs' | undefined },
    maySend: () => !fake.isOver,
    sendStanza(passage: Passage) {
      passages.push(passage);
      all.push(passage);
      sent.push(passage.stanza.id ?? '');
    },
    /** The other side has the first ones. */
    acknowledge(count: number) {
      for (const passage of passages.splice(0, count)) passage.arrived();
    },
  };
  return fake;
}

/** A spool that keeps at once. */
function fakeSpool() {
  const kept = new Map<number, string>();
  let id = 0;
  const spool: Spool = {
    keep(passages) {
      for (const passage of passages) {
        if (passage.isOver || passage.spoolId !== undefined) continue;
        id += 1;
        passage.spoolId = id;
        kept.set(id, passage.stanza.id ?? '');
        passage.settle();
      }
    },
    drop: ({ spoolId }) => void kept.delete(spoolId ?? 0),
    load: async () => [],
    flushed: async () => {},
  };
  return { ...spool, kept };
}

/** Links whose tries are answered by the test. */
function scene(
  settings: Partial<Record<'queueStanzas' | 'queueBytes' | 'queueTime', number>> = {},
) {
  const clock = manualClock();
  const bounced: string[] = [];
  const owed: (string | undefined)[] = [];
  const told: string[] = [];
  let refusal: string | undefined;
  const tries: ((reached: Reached) => void)[] = [];
  const changes: string[] = [];
  const spool = fakeSpool();
  let onWay: (creditor: Creditor | undefined) => MaybePromise<void> = () => {};
  const links = new Links({
    // What is not here is not used by links.
    services: {
      clock,
      hosts: { ownerOf: (each: string) => (each === OURS ? {} : undefined) },
      policy: { refusal: () => refusal },
      router: {
        route(stanza: Stanza, creditor?: Creditor) {
          bounced.push(`${stanza.id} ${conditionOf(stanza)}`);
          if (stanza.kind === 'message' && stanza.isOwed === true) owed.push(stanza.id);
          return onWay(creditor);
        },
      },
      metrics: createMetrics({ process: false }),
      story: { isOn: true, note: ({ id }: Stanza, { kind }: Step) => told.push(`${id} ${kind}`) },
      log: createLog({ level: 'silent' }).area('s2s'),
      settings: () => ({ queueStanzas: 5, queueBytes: 10_000, queueTime: 60_000, ...settings }),
    } as never,
    spool,
    reach: () => new Promise((resolve) => tries.push(resolve)),
    changed: ({ remote }, now) => changes.push(`${remote} ${now}`),
  });
  all = links;
  const answer = async (reached: Reached) => {
    tries.shift()?.(reached);
    await settled();
  };
  return {
    clock,
    links,
    bounced,
    owed,
    told,
    changes,
    spool,
    tries,
    refuse: (text: string | undefined) => {
      refusal = text;
    },
    /** What becomes of what comes back. */
    takeBack: (does: typeof onWay) => {
      onWay = does;
    },
    send: (id: string, body = ''): Verdict => {
      const stanza = message({
        from: ROMEO,
        to: JULIET,
        type: 'chat',
        id,
        children: [el('body', undefined, body)],
      });
      return links.route({ ...stanza, to: JULIET }) as Verdict;
    },
    up: async (stream: ReturnType<typeof fakeStream>) =>
      answer({ ok: true, stream: stream as unknown as ServerStream }),
    fail: (failure: LinkFailure) => answer({ ok: false, failure }),
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const isSettled = (said: Verdict) =>
  Promise.race([
    (said.kind === 'handled' ? said.settled : undefined)?.then(() => true),
    settled().then(() => false),
  ]);
const asStream = (stream: ReturnType<typeof fakeStream>) => stream as unknown as ServerStream;
const bounceOf = (verdict: Verdict) =>
  verdict.kind === 'bounce' ? verdict.failure.condition : verdict.kind;

describe('a link', () => {
  test('queues until there is a stream, then sends in order and at once', async () => {
    const { send, up, tries } = scene();
    const first = send('1');
    send('2');
    expect(tries).toHaveLength(1);
    const stream = fakeStream();
    await up(stream);
    expect(stream.sent).toEqual(['1', '2']);
    expect(first).toMatchObject({ kind: 'handled', settled: expect.any(Promise) });
    send('3');
    expect(stream.sent).toEqual(['1', '2', '3']);
  });

  test('tells the story of what waits, and of what comes back', async () => {
    const { send, fail, told } = scene();
    send('1');
    await fail(LASTING);
    expect(told).toEqual(['1 queued', '1 bounced']);
    const other = scene();
    other.send('2');
    const stream = fakeStream();
    await other.up(stream);
    other.send('3');
    expect(other.told).toEqual(['2 queued', '2 sent', '3 sent']);
    stream.isOver = true;
    other.links.lost(stream as unknown as ServerStream);
    expect(other.told.slice(3)).toEqual(['2 queued', '3 queued']);
    stream.acknowledge(1);
    expect(other.told.slice(5)).toEqual(['2 accepted']);
  });

  test('nobody’s goodbye waits long for a request', async () => {
    const { links, clock, spool } = scene();
    const ping = iqGet({ from: ROMEO, to: JULIET, payload: el('ping') });
    const asked = links.route({ ...ping, to: JULIET }) as Verdict;
    expect(await isSettled(asked)).toBe(false);
    clock.advance(1000);
    expect(await isSettled(asked)).toBe(true);
    expect(spool.kept.size).toBe(0);
  });

  test('holds back while the stream is full', async () => {
    const { links, send, up } = scene();
    const stream = fakeStream();
    send('1');
    await up(stream);
    stream.isFull = true;
    send('2');
    expect(stream.sent).toEqual(['1']);
    stream.isFull = false;
    links.drained(stream as unknown as ServerStream);
    expect(stream.sent).toEqual(['1', '2']);
  });

  test('what does not pass soon bounces at once, and so does what follows for a while', async () => {
    const { send, fail, bounced, clock, tries } = scene();
    const first = send('1');
    await fail(LASTING);
    expect(bounced).toEqual(['1 remote-server-not-found']);
    await (first.kind === 'handled' ? first.settled : undefined);
    expect(bounceOf(send('2'))).toBe('remote-server-not-found');
    expect(tries).toHaveLength(0);
    clock.advance(20_000);
    expect(bounceOf(send('3'))).toBe('handled');
    expect(tries).toHaveLength(1);
  });

  test('what may pass is tried again, with more and more patience', async () => {
    const { send, fail, clock, tries, up, bounced } = scene();
    send('1');
    const waits: number[] = [];
    for (let index = 0; index < 4; index += 1) {
      await fail(PASSING);
      let waited = 0;
      while (tries.length === 0) {
        clock.advance(100);
        waited += 100;
      }
      waits.push(waited);
    }
    expect(waits.every((ms, index) => index === 0 || ms > (waits[index - 1] ?? 0))).toBe(true);
    expect(bounced).toEqual([]);
    const stream = fakeStream();
    await up(stream);
    expect(stream.sent).toEqual(['1']);
  });

  test('a stanza waits no longer than it may, and bounces with what was found', async () => {
    const { send, fail, clock, bounced, tries } = scene({ queueTime: 5000 });
    send('1');
    await fail(PASSING);
    clock.advance(4000);
    send('2');
    clock.advance(2100);
    expect(bounced).toEqual(['1 remote-server-timeout']);
    expect(tries.length).toBeGreaterThan(0);
  });

  test.each([
    ['forward', 86_400_000],
    ['back', -86_400_000],
  ])('neither is there a hurry nor a delay when the clock is set %s', async (_, by) => {
    const { links, send, fail, clock, bounced } = scene({ queueTime: 5000 });
    send('1');
    await fail(PASSING);
    clock.set(clock.now() + by);
    expect(links.list()[0]?.retryAt).toBeGreaterThan(clock.now());
    expect(links.list()[0]?.retryAt).toBeLessThan(clock.now() + 2000);
    expect(bounceOf(send('2'))).toBe('handled');
    clock.advance(2000);
    expect(bounced).toEqual([]);
    await fail(PASSING);
    clock.advance(5000);
    expect(bounced).toEqual(['1 remote-server-timeout', '2 remote-server-timeout']);
  });

  test('a try that never ends does not keep a stanza either', () => {
    const { send, clock, bounced } = scene();
    send('1');
    clock.advance(62_000);
    expect(bounced).toEqual(['1 remote-server-timeout']);
  });

  test('a queue is bounded in number and in bytes', () => {
    const { send } = scene();
    for (let index = 0; index < 5; index += 1) expect(bounceOf(send(`${index}`))).toBe('handled');
    expect(bounceOf(send('6'))).toBe('resource-constraint');
    const other = scene();
    expect(bounceOf(other.send('1', 'x'.repeat(9000)))).toBe('handled');
    expect(bounceOf(other.send('2', 'x'.repeat(9000)))).toBe('resource-constraint');
  });

  test('a stream that is lost is followed by another; one that dies young, later', async () => {
    const { links, send, up, clock, tries } = scene();
    const stream = fakeStream();
    send('1');
    await up(stream);
    stream.acknowledge(1);
    clock.advance(20_000);
    stream.isOver = true;
    links.lost(stream as unknown as ServerStream);
    send('2');
    clock.advance(1);
    expect(tries).toHaveLength(1);
    const second = fakeStream();
    await up(second);
    expect(second.sent).toEqual(['2']);
    second.acknowledge(1);
    second.isOver = true;
    links.lost(second as unknown as ServerStream);
    send('3');
    clock.advance(1);
    expect(tries).toHaveLength(0);
    clock.advance(2000);
    expect(tries).toHaveLength(1);
  });

  test('a line that breaks again and again sends nothing back without a try', async () => {
    const { links, send, up, fail, clock, tries, bounced } = scene();
    send('0');
    for (let index = 0; index < 10; index += 1) {
      const stream = fakeStream();
      while (tries.length === 0) clock.advance(1000);
      await up(stream);
      stream.acknowledge(1);
      stream.isOver = true;
      links.lost(asStream(stream));
    }
    send('1');
    clock.advance(20_000);
    expect(tries).toHaveLength(1);
    await fail(PASSING);
    expect(bounced).toEqual([]);
    clock.advance(2000);
    const stream = fakeStream();
    await up(stream);
    expect(stream.sent).toEqual(['1']);
    // nor what waits while it breaks
    stream.isOver = true;
    links.lost(asStream(stream));
    clock.advance(20_000);
    expect(tries).toHaveLength(1);
  });

  test('a sign of life of the other domain is reason to try at once', async () => {
    const { links, send, fail, tries } = scene();
    send('1');
    await fail(PASSING);
    await Promise.resolve();
    links.heard(THEIRS);
    expect(tries).toHaveLength(1);
  });

  test('XEP-0288: a stream that is offered is taken, if there is none', async () => {
    const { links, send, up } = scene();
    send('1');
    const offered = fakeStream();
    links.offer(offered as unknown as ServerStream, OURS, THEIRS);
    expect(offered.sent).toEqual(['1']);
    const late = fakeStream();
    await up(late); // the try that was under way
    send('2');
    expect(offered.sent).toEqual(['1', '2']);
    expect(late.sent).toEqual([]);
  });

  test('policy: refused at once, and what waits comes back', () => {
    const { links, send, refuse, bounced } = scene();
    send('1');
    refuse('blocked');
    expect(bounceOf(send('2'))).toBe('not-authorized');
    links.enforce();
    expect(bounced).toEqual(['1 not-authorized']);
  });

  test('the end: what is worth it is kept, the rest comes back, and nothing more is taken', async () => {
    const { links, send, bounced, spool } = scene();
    send('1');
    const ping = iqGet({ from: ROMEO, to: JULIET, id: '2', payload: el('ping') });
    void links.route({ ...ping, to: JULIET });
    await links.close();
    expect(bounced).toEqual(['2 remote-server-timeout']);
    expect([...spool.kept.values()]).toEqual(['1']);
    expect(bounceOf(send('3'))).toBe('remote-server-timeout');
  });

  test('idle links are forgotten', async () => {
    const { links, send, fail, clock } = scene();
    send('1');
    await fail(LASTING);
    expect(links.list()).toHaveLength(1);
    clock.advance(30 * 60_000);
    expect(links.list()).toEqual([]);
  });
});

describe('what was sent', () => {
  test('waits again, before what came later, when its stream breaks', async () => {
    const { links, send, up, clock } = scene();
    const stream = fakeStream();
    for (const id of ['1', '2', '3']) send(id);
    await up(stream);
    stream.acknowledge(1);
    stream.isOver = true;
    links.lost(asStream(stream));
    send('4');
    clock.advance(2000);
    const second = fakeStream();
    await up(second);
    expect(second.sent).toEqual(['2', '3', '4']);
  });

  test('and what is then found to have arrived is not sent again', async () => {
    const { links, send, up, clock } = scene();
    const stream = fakeStream();
    for (const id of ['1', '2', '3']) send(id);
    await up(stream);
    stream.isOver = true;
    links.lost(asStream(stream));
    stream.acknowledge(2); // by what the other side says when it resumes
    clock.advance(2000);
    const second = fakeStream();
    await up(second);
    expect(second.sent).toEqual(['3']);
  });

  test('DESIGN D1: it is settled when the other side has it', async () => {
    const { send, up, spool, clock } = scene();
    const first = send('1');
    const stream = fakeStream();
    await up(stream);
    expect(await isSettled(first)).toBe(false);
    stream.acknowledge(1);
    expect(await isSettled(first)).toBe(true);
    clock.advance(1000);
    expect(spool.kept.size).toBe(0);
  });

  test('DESIGN D1: it is written down when that takes longer, until the other side has it', async () => {
    const { send, up, spool, clock } = scene();
    const stream = fakeStream();
    const first = send('1');
    await up(stream);
    clock.advance(20);
    expect([...spool.kept.values()]).toEqual(['1']);
    expect(await isSettled(first)).toBe(true);
    stream.acknowledge(1);
    expect(spool.kept.size).toBe(0);
  });

  test('comes back when the other side ends its streams for it, and the rest goes on', async () => {
    const { links, send, up, clock, bounced } = scene();
    for (const id of ['1', '2', '3']) send(id);
    const streams = [fakeStream(), fakeStream(), fakeStream()];
    for (const [index, stream] of streams.entries()) {
      await up(stream);
      if (index === 0) stream.acknowledge(1);
      Object.assign(stream, {
        isOver: true,
        ending: 'ended',
        rejection: 'it says policy-violation',
      });
      if (index < 2) links.lost(asStream(stream));
      clock.advance(10_000);
    }
    expect(bounced).toEqual(['2 remote-server-timeout']);
    expect(streams.map(({ sent }) => sent)).toEqual([['1', '2', '3'], ['2', '3'], ['3']]);
  });

  test('counts for the bounds until it has arrived', async () => {
    const { send, up } = scene();
    const stream = fakeStream();
    send('1');
    await up(stream);
    for (const id of ['2', '3', '4', '5']) expect(bounceOf(send(id))).toBe('handled');
    expect(bounceOf(send('6'))).toBe('resource-constraint');
    stream.acknowledge(1);
    expect(bounceOf(send('7'))).toBe('handled');
  });

  test('bounces when it is not acknowledged in time, once', async () => {
    const { send, up, clock, bounced } = scene({ queueTime: 5000 });
    const stream = fakeStream();
    send('1');
    await up(stream);
    clock.advance(7000);
    expect(bounced).toEqual(['1 remote-server-timeout']);
    stream.acknowledge(1);
    expect(bounced).toHaveLength(1);
  });

  test('XEP-0203: what waited tells since when, in our name', async () => {
    const { send, fail, up, clock } = scene();
    send('1');
    await fail(PASSING);
    clock.advance(10_000);
    const stream = fakeStream();
    await up(stream);
    expect(stream.all[0]?.text(clock.now())).toMatch(
      /<delay [^>]*from="ours.example"[^>]*stamp="2026-01-01T00:00:00/,
    );
    send('2');
    expect(stream.all[1]?.text(clock.now())).not.toContain('delay');
  });
});

describe('DESIGN D1: what comes back', () => {
  /** One that is in the spool when there turns out to be no way. */
  async function returned(does: (creditor: Creditor | undefined) => MaybePromise<void>) {
    const all = scene();
    all.takeBack(does);
    all.send('1');
    all.clock.advance(20);
    expect([...all.spool.kept.values()]).toEqual(['1']);
    await all.fail(LASTING);
    expect(all.bounced).toEqual(['1 remote-server-not-found']);
    return all;
  }

  test('stays in the spool until its sender has it', async () => {
    const has = deferred<void>();
    const { spool } = await returned((creditor) => {
      expect(creditor).toMatchObject({ isKeeper: true });
      creditor?.owe(has.promise);
    });
    expect([...spool.kept.values()]).toEqual(['1']);
    has.resolve();
    await settled();
    expect(spool.kept.size).toBe(0);
  });

  test('is owed to the account, if that was told that it is handled', async () => {
    const { send, fail, bounced, owed } = await returned(() => {});
    expect(owed).toEqual(['1']);
    send('2');
    await fail(LASTING);
    expect(bounced).toHaveLength(1); // the link has failed: it came back at once
    const other = scene();
    other.send('3');
    await other.fail(LASTING);
    expect(other.bounced).toEqual(['3 remote-server-not-found']);
    expect(other.owed).toEqual([]);
  });

  test('stays there if that is found out later only', async () => {
    const [looked, has] = [deferred<void>(), deferred<void>()];
    const { spool } = await returned(async (creditor) => {
      await looked.promise;
      creditor?.owe(has.promise);
    });
    for (const { resolve } of [looked, has]) {
      expect([...spool.kept.values()]).toEqual(['1']);
      resolve();
      await settled();
    }
    expect(spool.kept.size).toBe(0);
  });

  test('leaves it at once when nobody is there to have it', async () => {
    const { spool } = await returned(() => {});
    expect(spool.kept.size).toBe(0);
  });

  test.each([
    ['later', () => Promise.reject(new Error('the disk is full'))],
    [
      'at once',
      () => {
        throw new Error('a bug');
      },
    ],
  ])('stays there when it cannot be sent: %s', async (_, does) => {
    const { spool } = await returned(does);
    await settled();
    expect([...spool.kept.values()]).toEqual(['1']);
  });

  test('comes before the word that it is handled', async () => {
    const { send, fail, takeBack } = scene();
    const looked = deferred<void>();
    takeBack(() => looked.promise);
    const first = send('1');
    await fail(LASTING);
    expect(await isSettled(first)).toBe(false);
    looked.resolve();
    expect(await isSettled(first)).toBe(true);
  });
});

describe('a link that broke', () => {
  async function broken(more: Partial<ReturnType<typeof fakeStream>> = {}) {
    const all = scene({ queueTime: 10_000 });
    const stream = fakeStream();
    all.send('1');
    await all.up(stream);
    stream.acknowledge(1);
    all.clock.advance(20_000);
    Object.assign(stream, { isOver: true, ...more });
    all.links.lost(asStream(stream));
    return all;
  }

  test('is made again, though nobody writes; one that was closed is not', async () => {
    const { clock, tries } = await broken();
    clock.advance(1);
    expect(tries).toHaveLength(1);
    const closed = await broken({ ending: 'closed' });
    closed.clock.advance(60_000);
    expect(closed.tries).toHaveLength(0);
  });

  test('XEP-0198 §5: by the one who may resume it, who has a head start', async () => {
    const { clock, tries } = await broken({ managed: { isResumed: false, kept: 'theirs' } });
    clock.advance(4999);
    expect(tries).toHaveLength(0);
    clock.advance(1);
    expect(tries).toHaveLength(1);
  });

  test('XEP-0198 §5: what was sent waits for the one who can tell whether it arrived', async () => {
    const all = scene();
    const stream = fakeStream();
    all.send('1');
    await all.up(stream);
    Object.assign(stream, { isOver: true, managed: { isResumed: false, kept: 'theirs' } });
    all.links.lost(asStream(stream));
    const ours = fakeStream();
    all.links.offer(asStream(ours), OURS, THEIRS);
    expect(ours.sent).toEqual([]);
    all.links.heard(THEIRS); // he proves himself, and resumes next
    expect(all.tries).toHaveLength(0);
    const theirs = Object.assign(fakeStream(), { direction: 'in' as const });
    all.links.offer(asStream(theirs), OURS, THEIRS);
    expect(theirs.sent).toEqual(['1']);

    Object.assign(theirs, { isOver: true, managed: { isResumed: false, kept: 'ours' } });
    all.links.lost(asStream(theirs));
    const other = Object.assign(fakeStream(), { direction: 'in' as const });
    all.links.offer(asStream(other), OURS, THEIRS);
    expect(other.sent).toEqual([]);
    all.clock.advance(5000);
    await all.up(ours);
    expect(ours.sent).toEqual(['1']);
  });

  test('XEP-0198 §5: also if we were looking for a way since before the stream came', async () => {
    const all = scene();
    all.send('1');
    const theirs = Object.assign(fakeStream(), { direction: 'in' as const });
    all.links.offer(asStream(theirs), OURS, THEIRS);
    expect(theirs.sent).toEqual(['1']);
    Object.assign(theirs, { isOver: true, managed: { isResumed: false, kept: 'theirs' } });
    all.links.lost(asStream(theirs));
    const late = fakeStream();
    await all.up(late);
    expect(late.sent).toEqual([]);
    all.clock.advance(5000);
    await all.up(late);
    expect(late.sent).toEqual(['1']);
  });

  test('XEP-0198 §5: one of ours is sought on after a failure, at once when the other side is there', async () => {
    const all = scene();
    all.send('1');
    const ours = Object.assign(fakeStream(), { managed: { isResumed: false, kept: 'ours' } });
    await all.up(ours as ReturnType<typeof fakeStream>);
    ours.isOver = true;
    all.links.lost(ours as unknown as ServerStream);
    all.clock.advance(5000);
    await all.fail(PASSING);
    all.links.heard(THEIRS);
    const theirs = Object.assign(fakeStream(), { direction: 'in' as const });
    all.links.offer(asStream(theirs), OURS, THEIRS);
    expect(theirs.sent).toEqual([]);
    const resumed = fakeStream();
    await all.up(resumed);
    expect(resumed.sent).toEqual(['1']);
  });

  test('XEP-0198 §5: a stream of ours is resumed though the link has another one', async () => {
    const { links, send, up, clock, tries } = scene();
    send('1');
    await up(fakeStream());
    const broken = Object.assign(fakeStream(), {
      sends: [{ from: OURS, to: THEIRS, proof: 'external' }],
      managed: { isResumed: false, kept: 'ours' },
    });
    links.lost(asStream(broken as never));
    clock.advance(500);
    expect(tries).toHaveLength(1);
  });

  test('RFC 6121 §4: the domain is gone when it is not found again in time, and is then back', async () => {
    const { clock, fail, up, changes } = await broken();
    for (let waited = 0; waited < 12_000; waited += 100) {
      clock.advance(100);
      await fail(PASSING);
    }
    expect(changes).toEqual(['theirs.example gone']);
    clock.advance(300_000);
    await up(fakeStream());
    expect(changes).toEqual(['theirs.example gone', 'theirs.example again']);
  });

  test('RFC 6121 §4: one that could not be reached is there, though no stream had broken', async () => {
    const { send, fail, up, changes, clock } = scene();
    send('1');
    await fail(PASSING);
    clock.advance(2000);
    await up(fakeStream());
    expect(changes).toEqual([`${THEIRS} again`]);
  });

  test('RFC 6121 §4: it is back at once, but may have forgotten us; not if it goes on', async () => {
    const other = await broken();
    other.clock.advance(1);
    await other.up(fakeStream());
    expect(other.changes).toEqual(['theirs.example again']);
    const same = await broken();
    same.clock.advance(1);
    await same.up(Object.assign(fakeStream(), { managed: { isResumed: true, kept: undefined } }));
    expect(same.changes).toEqual([]);
  });

  test('by which only they wrote to us is made by us', async () => {
    const { links, clock, tries } = scene();
    const stream = Object.assign(fakeStream(), {
      accepts: [{ from: THEIRS, to: OURS, proof: 'external' }],
    });
    links.lost(asStream(stream as never));
    clock.advance(5000);
    expect(tries).toHaveLength(1);
  });

  const brokenFor = (local: number, address: string, count: number) =>
    Object.assign(fakeStream(), {
      direction: 'in' as const,
      remoteAddress: address,
      accepts: Array.from({ length: count }, (_, index) => ({
        from: domain(`n${index}.evil${local}.example`),
        to: OURS,
        proof: 'certificate',
      })),
    });

  test('of many domains behind one address some are looked for; the others are gone in time', async () => {
    const { links, clock, tries, changes } = scene({ queueTime: 10_000 });
    links.lost(asStream(brokenFor(1, '2001:db8::1', 200) as never));
    links.lost(asStream(brokenFor(2, '2001:db8::2', 200) as never));
    links.lost(asStream(brokenFor(3, '192.0.2.9', 10) as never));
    clock.advance(5000);
    expect(tries).toHaveLength(260);
    for (let waited = 0; waited < 6000; waited += 1000) clock.advance(1000);
    expect(changes).toHaveLength(410);
    clock.advance(2000);
    expect(links.list()).toHaveLength(260);
  });

  test('of those that we connected to as many are looked for, whatever their ports', async () => {
    const { links, clock, tries } = scene({ queueTime: 10_000 });
    for (let index = 0; index < 300; index += 1) {
      const stream = Object.assign(fakeStream(), {
        remoteAddress: `[2001:db8::${index}]:${index}`,
      });
      links.offer(asStream(stream), OURS, domain(`n${index}.evil.example`));
      stream.isOver = true;
      links.lost(asStream(stream));
    }
    clock.advance(5000);
    expect(tries).toHaveLength(250);
  });

  test('policy: a domain that is blocked is gone at once, and looked for when it is allowed', async () => {
    const { links, refuse, changes, clock, tries } = await broken();
    refuse('blocked');
    links.enforce();
    expect(changes).toEqual(['theirs.example gone']);
    clock.advance(60_000);
    expect(tries).toHaveLength(0);
    refuse(undefined);
    links.enforce();
    expect(tries).toHaveLength(1);
  });
});

test('what was on its way before a restart goes on, in order, with its full time', async () => {
  const { links, up, clock, spool, tries, bounced, send } = scene({ queueTime: 5000 });
  const at = clock.now() - 60_000;
  const spooled = ['1', '2'].map((id, index) => {
    const stanza = message({ from: ROMEO, to: JULIET, type: 'chat', id });
    return { id: index + 1, at, stanza: { ...stanza, to: JULIET } };
  });
  spool.load = async () => spooled;
  await links.restore();
  send('3');
  expect(tries).toHaveLength(1);
  clock.advance(3000);
  expect(bounced).toEqual([]);
  const stream = fakeStream();
  await up(stream);
  expect(stream.sent).toEqual(['1', '2', '3']);
  expect(stream.all[0]?.text(clock.now())).toMatch(/<delay [^>]*stamp="2025-12-31T23:59:00/);
});

describe('when there are as many links as may be', () => {
  const pairsOf = (count: number): Pair[] =>
    Array.from({ length: count }, (_, index) => ({
      from: domain(`n${index}.evil.example`),
      to: OURS,
      proof: 'certificate',
    }));

  test('domains that a stranger has us miss do not keep others from being written to', async () => {
    const { links, send, tries, changes } = scene();
    const stream = fakeStream();
    links.lost({ ...stream, accepts: pairsOf(10_001) } as unknown as ServerStream);
    expect(links.list()).toHaveLength(10_000);
    expect(bounceOf(send('1'))).toBe('handled');
    expect(tries).toHaveLength(1);
    expect(links.list()).toHaveLength(10_000);
    expect(changes).toEqual(['n0.evil.example gone']);
  });

  test('nor do those that he writes from on streams that stay', async () => {
    const { links, send, up } = scene();
    const stream = fakeStream();
    for (const { from } of pairsOf(10_000)) links.offer(asStream(stream), OURS, from);
    expect(bounceOf(send('1'))).toBe('handled');
    const other = fakeStream();
    await up(other);
    expect(other.sent).toEqual(['1']);
  });

  test('but what is on its way has its place', () => {
    const { links, send } = scene();
    for (const { from: to } of pairsOf(10_000)) {
      const stanza = message({ from: ROMEO, to, type: 'chat', children: [el('body')] });
      void links.route({ ...stanza, to });
    }
    expect(bounceOf(send('1'))).toBe('resource-constraint');
  });
});
