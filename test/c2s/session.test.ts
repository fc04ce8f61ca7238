/** A session between its connections (XEP-0198 §5), with connections that a test holds in its hand. */
import { afterEach, describe, expect, test } from 'vitest';
import { bindResource } from '../../src/c2s/bind.ts';
import type { Link } from '../../src/c2s/link.ts';
import type { C2sServices } from '../../src/c2s/services.ts';
import { ClientSession } from '../../src/c2s/session.ts';
import { verdict } from '../../src/core/hooks.ts';
import { onIq, type Reply, reply } from '../../src/core/iq.ts';
import { defineModule } from '../../src/core/module.ts';
import { parseFull } from '../../src/jid/jid.ts';
import { deferred } from '../../src/kit/deferred.ts';
import { streamManagement } from '../../src/modules/stream-management.ts';
import { message } from '../../src/stanza/build.ts';
import { payload } from '../../src/xml/codec.ts';
import { calm } from '../modules/muc/house.ts';
import { c2sServices } from '../support/c2s.ts';
import { parse, type Scene, startScene } from '../support/scene.ts';

const JULIET = parseFull('juliet@capulet.example/hall');
if (!JULIET.ok) throw new Error(JULIET.why);
const SECURITY = { protocol: 'TLSv1.3', cipher: undefined, mechanism: 'PLAIN' } as const;
const RESUME_MS = 60_000;
const Slow = payload('slow', 'urn:example:slow', {});

let scene: Scene;
afterEach(() => scene.stop());

function connection() {
  const written: string[] = [];
  let position = 0;
  const link: Link = {
    id: 'stream',
    remote: '127.0.0.1',
    lastActive: scene.clock.now(),
    isOver: false,
    get position() {
      return position;
    },
    gone: 0,
    goneByGoodbye: Number.POSITIVE_INFINITY,
    waiting: 0,
    write(text) {
      position += text.length;
      written.push(text);
    },
    allow: () => {},
    end: ({ condition }) => void written.push(`end ${condition}`),
    replaced: () => void written.push('replaced'),
    note: () => {},
  };
  return { link, written };
}

function makeSession(services: C2sServices, link: Link, isNew = true): ClientSession {
  if (!JULIET.ok) throw new Error(JULIET.why);
  const session = new ClientSession(link, services, {
    jid: JULIET.value,
    isAnonymous: false,
    language: undefined,
    security: SECURITY,
    device: undefined,
    isBind2: false,
  });
  if (isNew) services.sessions.add(session);
  return session;
}

const SLOW = "<iq type='get' id='1' to='capulet.example'><slow xmlns='urn:example:slow'/></iq>";

/** A managed session, of which an IQ is being handled until `answer` is called. */
async function busySession(kept = Promise.resolve()) {
  const answered = deferred<Reply>();
  const asleep: string[] = [];
  const slow = defineModule({
    name: 'slow',
    specs: [],
    setup: () => ({
      iq: [onIq('get', ['server'], Slow, () => answered.promise)],
      hooks: {
        fromAccount: ({ kind }) =>
          kind === 'iq' ? verdict.passOwing(kept) : verdict.drop('it is enough to come'),
        sessionAsleep: ({ jid }) => void asleep.push(jid),
      },
    }),
  });
  scene = await startScene({
    modules: [streamManagement, slow],
    accounts: ['juliet@capulet.example'],
  });
  const services = c2sServices(scene, { resumeTimeout: RESUME_MS });
  const first = connection();
  const session = makeSession(services, first.link);
  session.enable(parse("<enable xmlns='urn:xmpp:sm:3' resume='true'/>"));
  void session.receive(parse(SLOW));
  return { session, services, first, asleep, answer: () => answered.resolve(reply.result()) };
}

test('§5 of two that come back at once, one who counts wrongly leaves a session that sleeps', async () => {
  const { session, services, asleep, answer } = await busySession();
  const [first, second] = [connection(), connection()];
  const woken = session.wake(first.link, SECURITY, 0, () => {});
  const refused = session.wake(second.link, SECURITY, 7, () => {});
  answer();
  expect(await woken).toBeUndefined();
  expect(await refused).toMatchObject({ condition: 'undefined-condition' });
  expect(first.written).toContain('replaced');
  expect(session.isAttached).toBe(false);
  expect(asleep, 'whom else it concerns hears of it').toEqual([session.jid]);
  scene.clock.advance(RESUME_MS);
  services.sleepers.expire();
  expect(services.sessions.size).toBe(0);
});

test('§5 a connection that broke while it waited is not given the session, which sleeps on', async () => {
  const { session, services, answer } = await busySession();
  const { link, written } = connection();
  let isOver = false;
  const woken = session.wake(
    {
      ...link,
      get isOver() {
        return isOver;
      },
    },
    SECURITY,
    0,
    () => written.push('resumed'),
  );
  isOver = true;
  answer();
  expect(await woken).toBeUndefined();
  expect(written).toEqual([]);
  expect(session.isAttached).toBe(false);
  scene.clock.advance(RESUME_MS);
  services.sleepers.expire();
  expect(services.sessions.size).toBe(0);
});

describe('§5 a session sleeps as long as it may', () => {
  const HOUR = 3_600_000;
  /** One that sleeps, with nothing under way. */
  const sleeping = async () => {
    const all = await busySession();
    all.answer();
    await new Promise((resolve) => setImmediate(resolve));
    expect(all.session.sleep()).toBe(true);
    return all;
  };

  test.each([
    ['forward', HOUR],
    ['back', -HOUR],
  ])('though the clock is set %s', async (_, by) => {
    const { services } = await sleeping();
    scene.clock.set(scene.clock.now() + by);
    services.sleepers.expire();
    expect(services.sessions.size).toBe(1);
    scene.clock.advance(RESUME_MS);
    services.sleepers.expire();
    expect(services.sessions.size).toBe(0);
  });

  test.each([
    ['was set before it', HOUR, 0],
    ['is set back meanwhile', 0, -HOUR],
  ])('over a restart, though the clock %s', async (_, before, meanwhile) => {
    const { session, services } = await sleeping();
    scene.clock.set(scene.clock.now() + before);
    scene.clock.advance(RESUME_MS / 4);
    const frozen = await session.freeze();
    if (frozen === undefined) expect.fail('it does not sleep');
    expect(frozen.until - scene.clock.now()).toBe((RESUME_MS * 3) / 4);
    await session.remove({ kind: 'lost', text: 'the server goes down' });
    scene.clock.set(scene.clock.now() + meanwhile);
    const again = makeSession(services, connection().link, false);
    again.thaw(frozen);
    scene.clock.advance(RESUME_MS);
    services.sleepers.expire();
    expect(services.sessions.size).toBe(0);
  });
});

test('§4 what is owed for a stanza is not that of one which came over the next connection', async () => {
  const kept = deferred<void>();
  const { session, answer } = await busySession(kept.promise);
  const woken = session.wake(connection().link, SECURITY, 0, () => {});
  scene.clock.advance(5000); // it has waited long enough
  await woken;
  void session.receive(parse("<message to='capulet.example'/>"));
  answer();
  await calm(scene);
  expect(session.handledCount).toBe(1);
  kept.resolve();
  await calm(scene);
  expect(session.handledCount).toBe(1);
});

test('§5 what was not handled when its client came back is sent again, and counts once', async () => {
  const { session, answer } = await busySession();
  const told: number[] = [];
  const woken = session.wake(connection().link, SECURITY, 0, (handled) => void told.push(handled));
  scene.clock.advance(5000); // it has waited long enough
  await woken;
  void session.receive(parse(SLOW));
  answer();
  await calm(scene);
  expect([...told, session.handledCount]).toEqual([0, 1]);
});

test('§5 a session that ends while its client waits to have it back is not resumed', async () => {
  const { session, answer } = await busySession();
  const { link, written } = connection();
  const woken = session.wake(link, SECURITY, 0, () => written.push('resumed'));
  void session.remove({ kind: 'lost', text: 'somebody else needs its place' });
  answer();
  expect(await woken).toMatchObject({ condition: 'reset' });
  expect(written).toEqual([]);
});

test('§4 what is sent to a session that has just ended goes back', async () => {
  scene = await startScene({ modules: [], accounts: ['juliet@capulet.example'] });
  const { link, written } = connection();
  const session = makeSession(c2sServices(scene), link);
  void session.remove({ kind: 'lost', text: 'the connection broke' });
  const told: string[] = [];
  session.send(message({ from: session.account, to: session.jid }), undefined, {
    acknowledged: () => void told.push('acknowledged'),
    returned: () => void told.push('returned'),
    place: undefined,
  });
  expect([told, written]).toEqual([['returned'], []]);
});

test('RFC 6120 §7.6.2.1 where there may be no more sessions, one that sleeps makes room', async () => {
  scene = await startScene({ modules: [streamManagement], accounts: ['juliet@capulet.example'] });
  const services = c2sServices(scene, { resourcesPerAccount: 1, resumeTimeout: RESUME_MS });
  const session = makeSession(services, connection().link);
  session.enable(parse("<enable xmlns='urn:xmpp:sm:3' resume='true'/>"));
  const bind = () => bindResource(session.account, 'phone', services);
  expect(await bind()).toEqual({ ok: false, condition: 'resource-constraint' });
  session.sleep();
  expect(await bind()).toMatchObject({ ok: true });
  expect(services.sessions.size).toBe(0);
});

test('§3 where a host does without it: feature-not-implemented', async () => {
  scene = await startScene({ modules: [], accounts: ['juliet@capulet.example'] });
  const { link, written } = connection();
  const session = makeSession(c2sServices(scene), link);
  void session.receive(parse("<enable xmlns='urn:xmpp:sm:3'/>"));
  expect(written).toEqual([expect.stringContaining('<feature-not-implemented ')]);
  expect(session.isManaged).toBe(false);
});

test('an element that XEP-0198 does not know ends the stream: unsupported-stanza-type', async () => {
  const { session, first } = await busySession();
  void session.receive(parse("<pause xmlns='urn:xmpp:sm:3'/>"));
  expect(first.written).toEqual(['end unsupported-stanza-type']);
});

test('a mistake of ours is answered with internal-server-error, and the stream goes on', async () => {
  const broken = defineModule({
    name: 'broken',
    specs: [],
    setup: () => ({
      hooks: {
        fromAccount: ({ id }) => {
          if (id === 'late') return Promise.reject(new Error('a bug'));
          if (id === 'now') throw new Error('a bug');
          return verdict.handled;
        },
      },
    }),
  });
  scene = await startScene({ modules: [broken], accounts: ['juliet@capulet.example'] });
  const { link, written } = connection();
  const session = makeSession(c2sServices(scene), link);
  for (const id of ['now', 'late', 'well'])
    await session.receive(parse(`<message to='romeo@capulet.example' id='${id}'/>`));
  expect(written).toEqual([
    expect.stringMatching(/id="now".*<internal-server-error /),
    expect.stringMatching(/id="late".*<internal-server-error /),
  ]);
});

describe('who says nothing, and has no stream management', () => {
  async function silent() {
    scene = await startScene({ modules: [], accounts: ['juliet@capulet.example'] });
    const services = c2sServices(scene, { unackedStanzas: 10 });
    const { link, written } = connection();
    const session = makeSession(services, link);
    let acknowledged = 0;
    const receipt = {
      acknowledged: () => {
        acknowledged += 1;
      },
      returned: () => {},
      place: undefined,
    };
    const receive = (count: number) => {
      for (let at = 0; at < count; at += 1)
        session.send(message({ from: session.account, to: session.jid }), undefined, receipt);
    };
    const pings = () => written.filter((text) => text.includes('urn:xmpp:ping')).length;
    return { link, session, receive, pings, had: () => acknowledged };
  }

  test('is asked for a sign of life once it was sent much, and has all when it gives one', async () => {
    const { session, receive, pings, had } = await silent();
    receive(5);
    expect([pings(), had()]).toEqual([0, 0]);
    receive(4);
    expect(pings()).toBe(1);
    session.heard(Number.POSITIVE_INFINITY);
    expect(had()).toBe(9);
    receive(10);
    expect(pings()).toBe(2);
  });

  test('has the older half when it was sent too much, as far as the system took it', async () => {
    const { link, receive, pings, had } = await silent();
    receive(30);
    expect([pings(), had()]).toEqual([1, 0]);
    Object.assign(link, { gone: Number.POSITIVE_INFINITY });
    receive(1);
    expect(had()).toBe(16);
    receive(100);
    expect(had()).toBeGreaterThan(100);
  });
});

describe('§4 who was sent much at once', () => {
  /** A managed session with a limit of 10; `receive` sends it so many, and then tells what is owed at the end of a turn. */
  async function busy() {
    scene = await startScene({
      modules: [streamManagement],
      accounts: ['juliet@capulet.example'],
    });
    const { link, written } = connection();
    const session = makeSession(c2sServices(scene, { unackedStanzas: 10 }), link);
    session.enable(parse("<enable xmlns='urn:xmpp:sm:3' resume='true'/>"));
    const receive = (count: number) => {
      for (let at = 0; at < count; at += 1)
        session.send(message({ from: session.account, to: session.jid }));
      session.trailer();
    };
    const acknowledge = (h: number) =>
      session.receive(parse(`<a xmlns='urn:xmpp:sm:3' h='${h}'/>`));
    const isOver = () => written.includes('end resource-constraint');
    return { link, session, receive, acknowledge, isOver };
  }

  test('has time to acknowledge it', async () => {
    const { receive, acknowledge, isOver } = await busy();
    receive(39);
    scene.clock.advance(9999);
    receive(1);
    await acknowledge(40);
    scene.clock.advance(60_000);
    receive(10);
    expect(isOver()).toBe(false);
  });

  test('ends when he does not, once he has it', async () => {
    const { link, receive, isOver } = await busy();
    receive(11);
    Object.assign(link, { waiting: 100 });
    scene.clock.advance(10_000);
    receive(1);
    expect(isOver()).toBe(false);
    Object.assign(link, { waiting: 0 });
    receive(1);
    expect(isOver()).toBe(true);
  });

  test('ends when it is far too much', async () => {
    const { receive, isOver } = await busy();
    receive(40);
    expect(isOver()).toBe(false);
    receive(1);
    expect(isOver()).toBe(true);
  });

  test('has no more than usual while his session sleeps', async () => {
    const { session, receive } = await busy();
    session.sleep();
    receive(10);
    expect(scene.sessions.size).toBe(1);
    receive(1);
    expect(scene.sessions.size).toBe(0);
  });
});
