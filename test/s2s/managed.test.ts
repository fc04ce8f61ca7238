/** XEP-0198 on one stream between servers, as values: what comes, what is said, what arrives. */
import { describe, expect, test } from 'vitest';
import type { Creditor } from '../../src/core/sessions.ts';
import { Managed } from '../../src/s2s/managed.ts';
import { Passage } from '../../src/s2s/passage.ts';
import { Pings } from '../../src/s2s/pings.ts';
import { Resumptions } from '../../src/s2s/resumptions.ts';
import { readStored } from '../../src/stanza/stored.ts';
import type { StreamFailure } from '../../src/stream/error.ts';
import { domain } from '../certs/support.ts';
import { manualClock } from '../support/clock.ts';
import { parse } from '../support/scene.ts';

const OURS = domain('ours.example');
const THEIRS = domain('theirs.example');
const PAIR = { local: OURS, remote: THEIRS };
const SM = "xmlns='urn:xmpp:sm:3'";

/** What the streams of a test share. */
function makeWorld() {
  const clock = manualClock();
  return { clock, pings: new Pings(), resumptions: new Resumptions(clock) };
}

/** A stream that has proved its pair, or none, or has several. */
function open(
  direction: 'in' | 'out',
  world = makeWorld(),
  parties: typeof PAIR | 'several' = PAIR,
  isProved = true,
) {
  const said: string[] = [];
  const ends: (StreamFailure | string)[] = [];
  const held: Promise<void>[] = [];
  let opened = 0;
  let isFlushed = true;
  let heardAt = 0;
  const managed: Managed = new Managed({
    ...world,
    direction,
    parties: () => (parties === 'several' ? undefined : parties),
    isProved: () => isProved,
    heardAt: () => heardAt,
    isFlushed: () => isFlushed,
    patience: () => 30_000,
    write: (text) => void said.push(text),
    end: (failure) => void ends.push(failure),
    giveUp: (why) => void ends.push(why),
    replaced: () => void ends.push('replaced'),
    hold: (work) => void held.push(work),
    opened() {
      opened += 1;
    },
  });
  const arrived: string[] = [];
  return {
    ...world,
    managed,
    arrived,
    ends,
    isOpened: () => opened > 0,
    flush(flushed: boolean) {
      isFlushed = flushed;
    },
    /** Something comes, whatever it is. */
    hears() {
      heardAt = world.clock.monotonic();
    },
    /** Takes all that was said since. */
    said: () => said.splice(0),
    comes: (xml: string) => managed.receive(parse(xml)),
    /** A stanza goes out, and the turn of the loop ends. */
    send(...ids: string[]) {
      for (const id of ids) {
        const passage: Passage = new Passage({
          since: 0,
          stanza: stanzaOf(id),
          at: 0,
          arrived() {
            passage.isOver = true;
            arrived.push(id);
          },
        });
        managed.add(passage);
      }
      const trailer = managed.trailer();
      if (trailer !== '') said.push(trailer);
    },
    settled: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.all(held);
    },
  };
}

function stanzaOf(id: string) {
  const stanza = readStored(
    `<message from='romeo@${OURS}/x' to='juliet@${THEIRS}' type='chat' id='${id}'><body>${id}</body></message>`,
  );
  if (stanza?.to === undefined) return expect.fail(id);
  return { ...stanza, to: stanza.to };
}

type Opened = ReturnType<typeof open>;

/** Stanzas come that are handled at once. */
const take = ({ managed }: Opened, count: number) => {
  for (let index = 0; index < count; index += 1) void managed.take(() => undefined);
};
const conditionOf = (stream: Opened) => {
  const [end] = stream.ends;
  return typeof end === 'object' ? end.condition : end;
};
const ENABLE = `<enable ${SM} resume='true'/>`;

/** A stream that came, and is managed; answers the name by which it may be resumed. */
function enabled(stream: Opened): string {
  stream.comes(ENABLE);
  return /id="([^"]+)"/.exec(stream.said().join(''))?.[1] ?? '';
}

describe('XEP-0198 §3: enabling, as the one who was connected to', () => {
  test('a stream that may be resumed has a name and a time', () => {
    const stream = open('in');
    stream.comes(ENABLE);
    expect(stream.said()[0]).toMatch(
      /^<enabled xmlns="urn:xmpp:sm:3" id="[\w-]{24}" resume="true" max="300"\/>$/,
    );
    expect(stream.managed.level).toBe('resumable');
  });

  test('the time is no longer than the other side wants', () => {
    const stream = open('in');
    stream.comes(`<enable ${SM} resume='1' max='60'/>`);
    expect(stream.said()[0]).toContain('max="60"');
  });

  test.each([
    ['it does not ask for it', PAIR, `<enable ${SM}/>`],
    ['the stream is for several pairs', 'several', ENABLE],
  ] as const)('it is not resumed when %s', (_, parties, request) => {
    const stream = open('in', makeWorld(), parties);
    stream.comes(request);
    expect(stream.said()).toEqual(['<enabled xmlns="urn:xmpp:sm:3"/>']);
    expect(stream.managed.level).toBe('acks');
  });

  test.each([ENABLE, `<resume ${SM} previd='x' h='0'/>`])(
    '§3, §5: before anything is proved: %s',
    (request) => {
      const stream = open('in', makeWorld(), PAIR, false);
      stream.comes(request);
      expect(stream.said()).toEqual([
        '<failed xmlns="urn:xmpp:sm:3"><unexpected-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>',
      ]);
      expect(stream.ends).toEqual([]);
    },
  );

  test.each([ENABLE, `<resume ${SM} previd='x' h='0'/>`])('§3: a second attempt: %s', (request) => {
    const stream = open('in');
    enabled(stream);
    stream.comes(request);
    expect(stream.said()[0]).toContain('<unexpected-request ');
    expect(conditionOf(stream)).toBe('policy-violation');
  });

  test.each(['enable', 'resume'])('§3: <%s/> where we connected', (name) => {
    const stream = open('out');
    stream.comes(`<${name} ${SM} previd='x' h='0'/>`);
    expect(conditionOf(stream)).toBe('policy-violation');
  });
});

describe('XEP-0198 §4: what came', () => {
  test('is counted from the request on, and told when asked for', async () => {
    const stream = open('in');
    take(stream, 2);
    enabled(stream);
    take(stream, 3);
    stream.comes(`<r ${SM}/>`);
    await stream.settled();
    expect(stream.said()).toEqual(['<a xmlns="urn:xmpp:sm:3" h="3"/>']);
  });

  test('one answer is for all requests of a moment', async () => {
    const stream = open('in');
    enabled(stream);
    for (let count = 0; count < 100; count += 1) stream.comes(`<r ${SM}/>`);
    await stream.settled();
    expect(stream.said()).toHaveLength(1);
  });

  test('DESIGN D1: is handled when what was promised of it is true', async () => {
    const stream = open('in');
    enabled(stream);
    let settle = () => {};
    const promised = new Promise<void>((resolve) => {
      settle = resolve;
    });
    void stream.managed.take((creditor: Creditor) => creditor.owe(promised));
    take(stream, 1);
    stream.comes(`<r ${SM}/>`);
    await stream.settled();
    expect(stream.said()).toEqual([]);
    settle();
    await stream.settled();
    expect(stream.said()).toEqual(['<a xmlns="urn:xmpp:sm:3" h="2"/>']);
  });

  test('an answer waits a second, and then says what is', async () => {
    const stream = open('in');
    enabled(stream);
    take(stream, 1);
    void stream.managed.take((creditor) => creditor.owe(new Promise(() => {})));
    stream.comes(`<r ${SM}/>`);
    stream.clock.advance(1000);
    expect(stream.said()).toEqual(['<a xmlns="urn:xmpp:sm:3" h="1"/>']);
  });

  test.each([
    ['at once', (owed: Promise<void>) => void owed],
    ['later', async () => {}],
  ])('while a thousand wait for the disk nothing more is read: handled %s', async (_, handle) => {
    const stream = open('in');
    const owed = new Promise<void>(() => {});
    const take = () =>
      stream.managed.take((creditor) => {
        creditor.owe(owed);
        return handle(owed);
      });
    for (let index = 0; index < 1000; index += 1) await take();
    let isRead = false;
    void Promise.resolve(take()).then(() => {
      isRead = true;
    });
    await stream.settled();
    expect(isRead).toBe(false);
    stream.clock.advance(2000);
    await stream.settled();
    expect(isRead).toBe(true);
  });

  test('without stream management nothing is told', async () => {
    const stream = open('in');
    stream.comes(`<r ${SM}/>`);
    stream.comes(`<a ${SM} h='7'/>`);
    await stream.settled();
    expect(stream.said()).toEqual([]);
    expect(stream.ends).toEqual([]);
  });

  test('is told before the stream ends', async () => {
    const stream = open('in');
    enabled(stream);
    take(stream, 5);
    await stream.managed.farewell();
    expect(stream.said()).toEqual(['<a xmlns="urn:xmpp:sm:3" h="5"/>']);
  });
});

describe('XEP-0198 §4: what went', () => {
  const begun = () => {
    const stream = open('out');
    stream.managed.begin(PAIR);
    expect(stream.said()).toEqual(['<enable xmlns="urn:xmpp:sm:3" resume="true"/>']);
    expect(stream.isOpened()).toBe(true);
    stream.send('1', '2');
    expect(stream.said()).toEqual([]); // nothing is asked before the other side agrees
    stream.comes(`<enabled ${SM} id='s1' resume='true'/>`);
    return stream;
  };

  test('counts from our request on, and arrives when it is acknowledged', () => {
    const stream = begun();
    expect(stream.said()).toEqual(['<r xmlns="urn:xmpp:sm:3"/>']);
    expect(stream.managed.level).toBe('resumable');
    stream.send('3'); // one request is under way
    expect(stream.said()).toEqual([]);
    stream.comes(`<a ${SM} h='2'/>`);
    expect(stream.arrived).toEqual(['1', '2']);
    expect(stream.said()).toEqual(['<r xmlns="urn:xmpp:sm:3"/>']);
    stream.comes(`<a ${SM} h='3'/>`);
    expect(stream.arrived).toEqual(['1', '2', '3']);
    expect(stream.managed.unacknowledged).toBe(0);
    expect(stream.said()).toEqual([]);
  });

  test('§6: more than was sent, or less than before, ends the stream', () => {
    const stream = begun();
    stream.comes(`<a ${SM} h='3'/>`);
    expect(stream.ends[0]).toMatchObject({ condition: 'undefined-condition' });
    expect(`${(stream.ends[0] as StreamFailure).app}`).toBe(
      '<handled-count-too-high xmlns="urn:xmpp:sm:3" h="3" send-count="2"/>',
    );
    const other = begun();
    other.comes(`<a ${SM} h='2'/>`);
    other.comes(`<a ${SM} h='1'/>`);
    expect(conditionOf(other)).toBe('undefined-condition');
  });

  test.each(['', "h='-1'", "h='4294967296'", "h='x'"])(
    'a counter that is none: %s',
    (attribute) => {
      const stream = begun();
      stream.comes(`<a ${SM} ${attribute}/>`);
      expect(conditionOf(stream)).toBe('bad-format');
    },
  );

  test('a request without an answer: the other side is gone', () => {
    const stream = begun();
    stream.clock.advance(29_000);
    expect(stream.ends).toEqual([]);
    stream.clock.advance(3000);
    expect(stream.ends[0]).toBe('it does not acknowledge what it was sent');
  });

  test('a sign of life that is asked for has to come soon', () => {
    const stream = begun();
    stream.comes(`<a ${SM} h='2'/>`);
    stream.said();
    stream.managed.probe();
    expect(stream.said()).toEqual(['<r xmlns="urn:xmpp:sm:3"/>']);
    stream.clock.set(stream.clock.now() - 3_600_000); // which is none
    stream.hears();
    stream.clock.advance(5000);
    expect(stream.ends).toEqual([]);
    stream.managed.probe();
    stream.clock.advance(5000);
    expect(stream.ends).toEqual(['it gives no sign of life']);
  });

  test('what is refused is sought by pings', () => {
    const stream = open('out');
    stream.managed.begin(PAIR);
    stream.send('1');
    stream.said();
    stream.comes(
      `<failed ${SM}><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`,
    );
    stream.clock.advance(1000);
    expect(stream.said()[0]).toContain('<ping ');
    expect(stream.managed.level).toBe('none');
  });

  test('there is software that says it may be resumed, and gives no name', () => {
    const stream = open('out');
    stream.managed.begin(PAIR);
    stream.comes(`<enabled ${SM} resume='true'/>`);
    expect(stream.managed.level).toBe('acks');
  });

  test('what is sent before the other side asks for management arrives with its first answer', () => {
    const stream = open('in');
    stream.send('0');
    enabled(stream);
    stream.send('1');
    stream.said();
    stream.comes(`<a ${SM} h='0'/>`);
    expect(stream.arrived).toEqual(['0']);
    stream.comes(`<a ${SM} h='1'/>`);
    expect(stream.arrived).toEqual(['0', '1']);
  });
});

describe('XEP-0198 §5: resumption, as the one who was connected to', () => {
  /** A stream on which two stanzas came and three went, of which one was acknowledged; it broke. */
  function broken(world = makeWorld()) {
    const stream = open('in', world);
    const id = enabled(stream);
    take(stream, 2);
    stream.send('1', '2', '3');
    stream.comes(`<a ${SM} h='1'/>`);
    stream.managed.end(true);
    return { world, id, stream };
  }
  const resume = (id: string, h: number | string) => `<resume ${SM} previd='${id}' h='${h}'/>`;

  test('says what came, and takes what arrived', async () => {
    const { world, id, stream } = broken();
    expect(stream.managed.kept).toBe('theirs');
    const next = open('in', world);
    next.managed.expect(PAIR);
    expect(next.managed.isBusy).toBe(true);
    next.comes(resume(id, 2));
    await next.settled();
    expect(next.said()).toEqual([`<resumed xmlns="urn:xmpp:sm:3" previd="${id}" h="2"/>`]);
    expect(stream.arrived).toEqual(['1', '2']);
    expect(next.isOpened()).toBe(true);
    expect(next.managed.isBusy).toBe(false);
    expect(next.managed.isResumed).toBe(true);
    // The counters go on: what is sent again is the third one.
    next.send('3');
    expect(next.said()).toEqual(['<r xmlns="urn:xmpp:sm:3"/>']);
    next.comes(`<a ${SM} h='3'/>`);
    expect(next.arrived).toEqual(['3']);
    take(next, 1);
    await next.managed.farewell();
    expect(next.said()).toEqual(['<a xmlns="urn:xmpp:sm:3" h="3"/>']);
  });

  test('and again, by the same name', async () => {
    const { world, id } = broken();
    for (const h of [1, 1, 1]) {
      const next = open('in', world);
      next.comes(resume(id, h));
      await next.settled();
      expect(next.said()[0]).toContain('<resumed ');
      next.managed.end(true);
    }
  });

  test('waits for what is being handled, for a while', async () => {
    const world = makeWorld();
    const stream = open('in', world);
    const id = enabled(stream);
    let settle = () => {};
    void stream.managed.take((creditor) =>
      creditor.owe(
        new Promise<void>((resolve) => {
          settle = resolve;
        }),
      ),
    );
    stream.managed.end(true);
    const next = open('in', world);
    next.comes(resume(id, 0));
    expect(next.said()).toEqual([]);
    settle();
    await next.settled();
    expect(next.said()[0]).toContain('h="1"');
  });

  test('the old connection is replaced if it is still open', async () => {
    const world = makeWorld();
    const stream = open('in', world);
    const id = enabled(stream);
    stream.send('1');
    const next = open('in', world);
    next.comes(resume(id, 1));
    expect(stream.ends).toEqual(['replaced']);
    // Who sends by the old one waits for the new one, which may take until all is handled that came.
    expect(stream.managed.kept).toBe('theirs');
    await next.settled();
    expect(stream.arrived).toEqual(['1']);
    stream.managed.end(false);
    next.managed.end(true);
    const third = open('in', world);
    third.comes(resume(id, 1));
    await third.settled();
    expect(third.said()[0]).toContain('<resumed ');
  });

  test.each([
    ['an unknown name', 'nobody', PAIR],
    ['the name of another pair', undefined, { local: OURS, remote: domain('evil.example') }],
    [
      'the name of another of our domains',
      undefined,
      { local: domain('a.example'), remote: THEIRS },
    ],
    ['a stream for several pairs', undefined, 'several'],
  ] as const)('§8: %s: item-not-found, and no count', async (_, name, parties) => {
    const { world, id, stream } = broken();
    const next = open('in', world, parties);
    next.comes(resume(name ?? id, 3));
    await next.settled();
    expect(next.said()).toEqual([
      '<failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>',
    ]);
    expect(next.ends).toEqual([]);
    expect(stream.arrived).toEqual(['1']);
    const owner = open('in', world);
    owner.comes(resume(id, 2));
    await owner.settled();
    expect(owner.said()[0]).toContain('<resumed ');
  });

  test('who may not resume may begin anew', async () => {
    const stream = open('in');
    stream.comes(resume('nobody', 0));
    stream.comes(ENABLE);
    expect(stream.said()[1]).toContain('<enabled ');
  });

  test('one that was resumed cannot be by another connection at the same time', async () => {
    const { world, id } = broken();
    const [one, two] = [open('in', world), open('in', world)];
    one.comes(resume(id, 2));
    two.comes(resume(id, 2));
    await one.settled();
    await two.settled();
    expect(one.said()[0]).toContain('<resumed ');
    expect(two.said()[0]).toContain('<item-not-found ');
  });

  test.each(["previd='x'", "h='1'", "previd='x' h='-1'"])('%s: bad-request', (attributes) => {
    const stream = open('in');
    stream.comes(`<resume ${SM} ${attributes}/>`);
    expect(stream.said()[0]).toContain('<bad-request ');
  });

  test('§6: a count that is too high ends the connection that tries', async () => {
    const { world, id } = broken();
    const next = open('in', world);
    next.comes(resume(id, 4));
    await next.settled();
    expect(conditionOf(next)).toBe('undefined-condition');
  });

  test('after its time it is unknown, but how much was handled is not', async () => {
    const { world, id } = broken();
    world.clock.advance(300_000);
    world.resumptions.expire();
    const next = open('in', world);
    next.comes(resume(id, 1));
    await next.settled();
    expect(next.said()[0]).toMatch(/^<failed xmlns="urn:xmpp:sm:3" h="2"><item-not-found /);
  });

  test('§7: a stream that was closed is over', async () => {
    const world = makeWorld();
    const stream = open('in', world);
    const id = enabled(stream);
    stream.managed.end(false);
    const next = open('in', world);
    next.comes(resume(id, 0));
    await next.settled();
    expect(next.said()[0]).toContain('<item-not-found ');
  });

  test('who does not come back keeps nobody waiting', async () => {
    const { world } = broken();
    const next = open('in', world);
    next.managed.expect(PAIR);
    expect(next.managed.isBusy).toBe(true);
    let isKnown = false;
    const known = next.managed.whenOpen().then(() => {
      isKnown = true;
    });
    await next.settled();
    expect(isKnown).toBe(false);
    world.clock.advance(3000);
    await known;
    expect(next.managed.isBusy).toBe(false);
    expect(next.isOpened()).toBe(true);
  });

  test('streams that are kept are bounded: one for each pair, and some hundreds', () => {
    const world = makeWorld();
    const ids: string[] = [];
    for (let count = 0; count < 600; count += 1) {
      const parties = { local: OURS, remote: domain(`d${count}.example`) };
      const stream = open('in', world, parties);
      ids.push(enabled(stream));
      stream.managed.end(true);
    }
    const isKept = (index: number) =>
      world.resumptions.isAwaited({ local: OURS, remote: domain(`d${index}.example`) });
    expect(ids.filter((_, index) => isKept(index))).toHaveLength(500);
    expect(isKept(0)).toBe(false);
    expect(isKept(599)).toBe(true);
    const again = open('in', world, { local: OURS, remote: domain('d599.example') });
    enabled(again); // it begins anew: the old one is of no use
    expect(isKept(599)).toBe(false);
  });
});

describe('XEP-0198 §5: resumption, as the one who connected', () => {
  function broken(world = makeWorld()) {
    const stream = open('out', world);
    stream.managed.begin(PAIR);
    stream.comes(`<enabled ${SM} id='s&apos;1' resume='true'/>`);
    take(stream, 2);
    stream.send('1', '2', '3');
    stream.managed.end(true);
    return { world, stream };
  }

  test('goes on where the other side says', async () => {
    const { world, stream } = broken();
    const next = open('out', world);
    next.managed.begin(PAIR);
    await next.settled();
    expect(next.said()).toEqual([
      `<resume xmlns="urn:xmpp:sm:3" h="2" previd="s'1"/>`.replace("'", '&apos;'),
    ]);
    expect(next.managed.isBusy).toBe(true);
    next.comes(`<resumed ${SM} h='2' previd='s&apos;1'/>`);
    await next.managed.whenOpen();
    expect(stream.arrived).toEqual(['1', '2']);
    expect(next.managed.isResumed).toBe(true);
    next.send('3');
    next.comes(`<a ${SM} h='3'/>`);
    expect(next.arrived).toEqual(['3']);
  });

  test('or begins anew, without what the other side has all the same', async () => {
    const { world, stream } = broken();
    const next = open('out', world);
    next.managed.begin(PAIR);
    await next.settled();
    next.said();
    next.comes(
      `<failed ${SM} h='1'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`,
    );
    expect(stream.arrived).toEqual(['1']);
    expect(next.said()).toEqual(['<enable xmlns="urn:xmpp:sm:3" resume="true"/>']);
    expect(next.managed.isBusy).toBe(false);
    expect(next.managed.isResumed).toBe(false);
  });

  test('a connection that breaks before that may be followed by another try', async () => {
    const { world } = broken();
    const next = open('out', world);
    next.managed.begin(PAIR);
    await next.settled();
    next.managed.end(true);
    const third = open('out', world);
    third.managed.begin(PAIR);
    await third.settled();
    expect(third.said()[0]).toContain('<resume ');
  });

  test('who never says whether it resumes is given up, and not asked again', async () => {
    const { world } = broken();
    const next = open('out', world);
    next.managed.begin(PAIR);
    await next.settled();
    world.clock.advance(30_000);
    expect(next.ends).toEqual(['it does not say whether it resumes']);
    next.managed.end(true);
    const third = open('out', world);
    third.managed.begin(PAIR);
    expect(third.said()[0]).toContain('<enable ');
  });

  test.each([
    ["h='4' previd='s&apos;1'", 'undefined-condition'],
    ["h='1' previd='another'", 'bad-format'],
    ["previd='s&apos;1'", 'bad-format'],
  ])('<resumed %s/>', async (attributes, condition) => {
    const { world } = broken();
    const next = open('out', world);
    next.managed.begin(PAIR);
    await next.settled();
    next.comes(`<resumed ${SM} ${attributes}/>`);
    expect(conditionOf(next)).toBe(condition);
  });

  test('what nobody asked for means nothing', () => {
    const stream = open('out');
    for (const name of ['enabled', 'resumed', 'failed'])
      stream.comes(`<${name} ${SM} id='x' resume='true' previd='x' h='3'/>`);
    expect(stream.managed.level).toBe('none');
    expect(stream.ends).toEqual([]);
  });

  test('a stream for several pairs is not resumed', () => {
    const world = makeWorld();
    const stream = open('out', world, 'several');
    stream.managed.begin(PAIR);
    stream.comes(`<enabled ${SM} id='s1' resume='true'/>`);
    stream.managed.end(true);
    const next = open('out', world);
    next.managed.begin(PAIR);
    expect(next.said()[0]).toContain('<enable ');
  });
});

describe('without XEP-0198: pings', () => {
  const idOf = (text: string | undefined) => / id="([^"]+)"/.exec(text ?? '')?.[1] ?? '';
  const answer = (id: string, from: string = THEIRS, type = 'result') => {
    const stanza = readStored(`<iq type='${type}' id='${id}' from='${from}' to='${OURS}'/>`);
    return stanza ?? expect.fail(id);
  };

  test('the answer says that all before it has arrived, also an error', () => {
    for (const type of ['result', 'error']) {
      const stream = open('out');
      stream.send('1', '2');
      const [ping] = stream.said();
      expect(ping).toMatch(
        /^<iq type="get" id="p[^"]+" from="ours.example" to="theirs.example"><ping /,
      );
      stream.send('3');
      expect(stream.said()).toEqual([]); // one at a time
      expect(stream.pings.take(answer(idOf(ping), THEIRS, type))).toBe(true);
      expect(stream.arrived).toEqual(['1', '2']);
      stream.clock.advance(1000);
      expect(stream.pings.take(answer(idOf(stream.said()[0])))).toBe(true);
      expect(stream.arrived).toEqual(['1', '2', '3']);
    }
  });

  test('nobody else’s answer means anything, nor a second one', () => {
    const stream = open('out');
    stream.send('1');
    const id = idOf(stream.said()[0]);
    expect(stream.pings.take(answer(id, 'evil.example'))).toBe(false);
    expect(stream.pings.take(answer(id, `juliet@${THEIRS}`))).toBe(false);
    expect(stream.arrived).toEqual([]);
    expect(stream.pings.take(answer(id))).toBe(true);
    expect(stream.pings.take(answer(id))).toBe(false);
  });

  test('who never answers is believed to have what the system took', () => {
    const stream = open('out');
    stream.flush(false);
    stream.send('1');
    stream.clock.advance(35_000);
    expect(stream.arrived).toEqual([]);
    stream.flush(true);
    stream.clock.advance(1000);
    expect(stream.arrived).toEqual(['1']);
    expect(stream.ends).toEqual([]);
  });

  test('who did answer and does no more is gone', () => {
    const stream = open('out');
    stream.send('1');
    stream.pings.take(answer(idOf(stream.said()[0])));
    stream.send('2');
    stream.clock.advance(40_000);
    expect(stream.arrived).toEqual(['1']);
    expect(stream.ends[0]).toMatch(/does not answer to pings/);
  });

  test('what is of the moment has arrived when the system took it', () => {
    const stream = open('out');
    const iq = readStored(
      `<iq type='get' id='q' from='romeo@${OURS}/x' to='${THEIRS}'><x xmlns='urn:x'/></iq>`,
    );
    if (iq?.to === undefined) return expect.fail('no stanza');
    let hasArrived = false;
    const passage = new Passage({
      since: 0,
      stanza: { ...iq, to: iq.to },
      at: 0,
      arrived(each) {
        each.isOver = true;
        hasArrived = true;
      },
    });
    stream.managed.add(passage);
    expect(stream.managed.trailer()).toBe('');
    stream.flush(false);
    stream.clock.advance(1000);
    expect(hasArrived).toBe(false);
    stream.flush(true);
    stream.clock.advance(1000);
    expect(hasArrived).toBe(true);
    expect(stream.managed.unacknowledged).toBe(0);
  });
});
