import { afterEach, describe, expect, test } from 'vitest';
import type { Verdict } from '../../src/core/hooks.ts';
import type { Step } from '../../src/core/story-steps.ts';
import type { Jid } from '../../src/jid/jid.ts';
import { parseJid } from '../../src/jid/jid.ts';
import { createLog } from '../../src/kit/log.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import type { ServerStream } from '../../src/s2s/connection.ts';
import type { LinkFailure } from '../../src/s2s/failure.ts';
import { createHistory } from '../../src/s2s/history.ts';
import { Links } from '../../src/s2s/links.ts';
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
afterEach(() => all?.close());

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
  const fake = {
    sent,
    isFull: false,
    isOver: false,
    maySend: () => !fake.isOver,
    sendStanza: (stanza: Stanza) => void sent.push(stanza.id ?? ''),
  };
  return fake;
}

/** Links whose tries are answered by the test. */
function scene(
  settings: Partial<Record<'queueStanzas' | 'queueBytes' | 'queueTime', number>> = {},
) {
  const clock = manualClock();
  const bounced: string[] = [];
  const told: string[] = [];
  let refusal: string | undefined;
  const tries: ((reached: Reached) => void)[] = [];
  const links = new Links({
    // What is not here is not used by links.
    services: {
      clock,
      hosts: { ownerOf: (each: string) => (each === OURS ? {} : undefined) },
      policy: { refusal: () => refusal },
      router: {
        route: (stanza: Stanza) => void bounced.push(`${stanza.id} ${conditionOf(stanza)}`),
      },
      metrics: createMetrics({ process: false }),
      story: { isOn: true, note: ({ id }: Stanza, { kind }: Step) => told.push(`${id} ${kind}`) },
      log: createLog({ level: 'silent' }).area('s2s'),
      settings: () => ({ queueStanzas: 5, queueBytes: 10_000, queueTime: 60_000, ...settings }),
    } as never,
    reach: () => new Promise((resolve) => tries.push(resolve)),
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
    told,
    tries,
    refuse: (text: string | undefined) => {
      refusal = text;
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
    expect(send('3')).toEqual({ kind: 'handled' });
    expect(stream.sent).toEqual(['1', '2', '3']);
  });

  test('tells the story of what waits, and of what comes back', async () => {
    const { send, fail, told } = scene();
    send('1');
    await fail(LASTING);
    expect(told).toEqual(['1 queued', '1 bounced']);
  });

  test('nobody’s goodbye waits for a request', () => {
    const { links } = scene();
    const ping = iqGet({ from: ROMEO, to: JULIET, payload: el('ping') });
    expect(links.route({ ...ping, to: JULIET })).toEqual({ kind: 'handled' });
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
    send('3');
    expect(stream.sent).toEqual(['1']);
    links.drained(stream as unknown as ServerStream);
    expect(stream.sent).toEqual(['1', '2', '3']);
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
    clock.advance(20_000);
    stream.isOver = true;
    links.lost(stream as unknown as ServerStream);
    send('2');
    clock.advance(1);
    expect(tries).toHaveLength(1);
    const second = fakeStream();
    await up(second);
    expect(second.sent).toEqual(['2']);
    second.isOver = true;
    links.lost(second as unknown as ServerStream);
    send('3');
    clock.advance(1);
    expect(tries).toHaveLength(0);
    clock.advance(2000);
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

  test('the end: what waits comes back, and nothing more is taken', () => {
    const { links, send, bounced } = scene();
    send('1');
    links.close();
    expect(bounced).toEqual(['1 remote-server-timeout']);
    expect(bounceOf(send('2'))).toBe('resource-constraint');
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

describe('history', () => {
  test('the latest first; the same thing is counted', () => {
    const clock = manualClock(1000);
    const history = createHistory(clock);
    const failed = { host: OURS, direction: 'out', outcome: 'failed' } as const;
    history.note(THEIRS, { ...failed, text: 'refused' });
    clock.advance(10);
    history.note(THEIRS, { ...failed, text: 'no answer' });
    clock.advance(10);
    history.note(THEIRS, { ...failed, text: 'refused' });
    expect(history.of(THEIRS)).toMatchObject([
      { text: 'refused', count: 2, first: 1000, last: 1020 },
      { text: 'no answer', count: 1, first: 1010, last: 1010 },
    ]);
    expect(history.of(OURS)).toEqual([]);
  });

  test('it is bounded', () => {
    const history = createHistory(manualClock());
    for (let index = 0; index < 100; index += 1)
      history.note(THEIRS, { host: OURS, direction: 'out', outcome: 'failed', text: `${index}` });
    expect(history.of(THEIRS)).toHaveLength(30);
  });
});
