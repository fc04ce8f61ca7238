/** Connections at the same moment, with modules that take their time. */
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { ClientSession } from '../../src/c2s/session.ts';
import { type Verdict, verdict } from '../../src/core/hooks.ts';
import { onIq, type Reply, reply } from '../../src/core/iq.ts';
import { defineModule } from '../../src/core/module.ts';
import { deferred } from '../../src/kit/deferred.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { streamManagement } from '../../src/modules/stream-management.ts';
import { message } from '../../src/stanza/build.ts';
import { payload } from '../../src/xml/codec.ts';
import { el, serialise } from '../../src/xml/element.ts';
import { calm } from '../modules/muc/house.ts';
import { befriending } from '../support/befriend.ts';
import { c2sServices, Visitor } from '../support/c2s.ts';
import { type Scene, startScene } from '../support/scene.ts';

const BIND =
  "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" +
  '<resource>hall</resource></bind></iq>';

const HEADER =
  "<?xml version='1.0'?><stream:stream to='capulet.example' version='1.0' xmlns='jabber:client'" +
  " xmlns:stream='http://etherx.jabber.org/streams'>";
const Slow = payload('slow', 'urn:example:slow', {});
const BIND2 =
  "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>" +
  `<initial-response>${Buffer.from('\0juliet\0secret').toString('base64')}</initial-response>` +
  "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/><bind xmlns='urn:xmpp:bind:0'/>" +
  '</authenticate>';

let scene: Scene;
afterEach(() => scene.stop());

test('RFC 6120 §7.7.2.2 of two that bind a resource at once the later one has it', async () => {
  const told = deferred<void>();
  const slow = defineModule({
    name: 'slow',
    specs: [],
    setup: () => ({ hooks: { sessionEnded: () => told.promise } }),
  });
  scene = await startScene({ modules: [slow], accounts: ['juliet@capulet.example'] });
  const services = c2sServices(scene);
  const visitors = [new Visitor(services), new Visitor(services), new Visitor(services)] as const;
  for (const visitor of visitors) await visitor.logIn('capulet.example', 'juliet', 'secret');
  const [before, first, second] = visitors;
  before.say(BIND);
  await before.hear(/hall<\/jid>/);
  first.say(BIND);
  await before.hear(/<conflict /); // its modules are not done with it yet
  second.say(BIND);
  told.resolve();
  await first.hear(/<conflict /);
  await second.hear(/hall<\/jid>/);
  expect(second.text).not.toContain('stream:error');
  expect(services.sessions.size).toBe(1);
});

test('RFC 6120 §4.4 who said goodbye does not come back, though the connection broke before the answer', async () => {
  scene = await startScene({ modules: [streamManagement], accounts: ['juliet@capulet.example'] });
  const services = c2sServices(scene);
  const visitor = new Visitor(services);
  await visitor.logIn('capulet.example', 'juliet', 'secret');
  visitor.say(BIND);
  await visitor.hear(/hall<\/jid>/);
  visitor.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
  await visitor.hear(/<enabled /);
  const [session] = services.sessions.all();
  const kept = deferred<void>();
  if (!(session instanceof ClientSession)) throw new Error('no session');
  session.owe(kept.promise);
  visitor.say('</stream:stream>');
  await once(visitor.destroy(), 'close');
  kept.resolve();
  await expect.poll(() => services.sessions.size).toBe(0);
});

describe('a session of which something is still being handled makes room for the same client', () => {
  async function busy() {
    const answered = deferred<Reply>();
    const slow = defineModule({
      name: 'slow',
      specs: [],
      setup: () => ({ iq: [onIq('get', ['self'], Slow, () => answered.promise)] }),
    });
    scene = await startScene({
      modules: [slow, streamManagement],
      accounts: ['juliet@capulet.example'],
    });
    const services = c2sServices(scene);
    const ask = async (visitor: Visitor) => {
      visitor.say("<iq type='get' id='slow'><slow xmlns='urn:example:slow'/></iq>");
      await expect.poll(() => services.metrics.stanzas.in.iq).toBe(1);
    };
    return { services, ask, answer: () => answered.resolve(reply.result()) };
  }

  test.each([
    ['that is connected', false],
    ['whose connection broke', true],
  ])('RFC 6120 §7.7.2.2 one %s', async (_, isBroken) => {
    const { services, ask, answer } = await busy();
    const [before, now] = [new Visitor(services), new Visitor(services)];
    for (const visitor of [before, now]) await visitor.logIn('capulet.example', 'juliet', 'secret');
    before.say(BIND);
    await before.hear(/hall<\/jid>/);
    before.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    await ask(before);
    if (isBroken) await once(before.destroy(), 'close');
    now.say(BIND);
    await now.hear(/hall<\/jid>/);
    answer();
    expect([...services.sessions.all()].map(({ isAttached }) => isAttached)).toEqual([true]);
  });

  test.each([
    ['is over', false, 0],
    ['sleeps', true, 1],
  ])(
    'or without one %s, though that takes longer than anybody waits',
    async (_, isManaged, left) => {
      const { services, ask, answer } = await busy();
      const visitor = new Visitor(services);
      await visitor.logIn('capulet.example', 'juliet', 'secret');
      visitor.say(BIND);
      await visitor.hear(/hall<\/jid>/);
      if (isManaged) visitor.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
      await ask(visitor);
      await once(visitor.destroy(), 'close');
      scene.clock.advance(10_000);
      expect(services.sessions.size).toBe(left);
      expect(services.sleepers.asleep().length).toBe(left);
      answer();
      await calm(scene);
      expect(services.sessions.size).toBe(left);
    },
  );

  test.each([
    ['§4.2.2 and is not available after it is gone', false],
    ['§4.6.3 nor to whom it would have said so', true],
  ])('RFC 6121 %s', async (_, isDirected) => {
    const passed = deferred<Verdict>();
    const slow = defineModule({
      name: 'slow',
      specs: [],
      setup: () => ({
        hooks: {
          fromAccount: ({ kind }, { account }) =>
            kind === 'presence' && account === 'juliet@capulet.example'
              ? passed.promise
              : verdict.pass,
        },
      }),
    });
    const { module: friends, admit } = befriending();
    scene = await startScene({
      modules: [slow, roster, friends, presence],
      accounts: ['juliet@capulet.example', 'romeo@montague.example'],
    });
    const services = c2sServices(scene);
    const romeo = await scene.connect('romeo@montague.example/orchard');
    await romeo.send('<presence/>');
    const [before, now] = [new Visitor(services), new Visitor(services)];
    for (const visitor of [before, now]) await visitor.logIn('capulet.example', 'juliet', 'secret');
    before.say(`${BIND}<presence${isDirected ? ` to='${romeo.jid}'` : ''}/>`);
    await before.hear(/hall<\/jid>/);
    const [session] = [...services.sessions.all()].filter(({ jid }) => jid.startsWith('juliet@'));
    if (session === undefined) throw new Error('no session');
    await admit(session.account, romeo.jid);
    await expect.poll(() => services.metrics.stanzas.in.presence).toBe(1);
    now.say(BIND);
    await now.hear(/hall<\/jid>/);
    romeo.inbox.length = 0;
    passed.resolve(verdict.pass);
    await calm(scene);
    expect(romeo.inbox.map(serialise)).toEqual([]);
  });

  test('XEP-0386 §3.2 the same installation', async () => {
    const { services, ask, answer } = await busy();
    const [before, now] = [new Visitor(services), new Visitor(services)];
    for (const visitor of [before, now]) {
      visitor.say(HEADER);
      await visitor.hear(/<\/stream:features>/);
    }
    before.say(BIND2);
    await before.hear(/<bound /);
    await ask(before);
    now.say(BIND2);
    await now.hear(/<bound /);
    answer();
    expect(services.sessions.size).toBe(1);
  });
});

test('XEP-0198 §5 who forgot what it had acknowledged cannot resume, and begins anew', async () => {
  scene = await startScene({ modules: [streamManagement], accounts: ['juliet@capulet.example'] });
  const services = c2sServices(scene);
  const before = new Visitor(services);
  await before.logIn('capulet.example', 'juliet', 'secret');
  before.say(BIND);
  await before.hear(/hall<\/jid>/);
  before.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
  await before.hear(/enabled (?=.* id=")/);
  const [, id] = / id="([^"]+)"/.exec(before.text) ?? [];
  const [session] = services.sessions.all();
  if (!(session instanceof ClientSession)) throw new Error('no session');
  for (const body of ['1', '2', '3'])
    session.send(
      message({ from: session.account, to: session.jid, children: [el('body', {}, body)] }),
    );
  before.say("<a xmlns='urn:xmpp:sm:3' h='2'/><r xmlns='urn:xmpp:sm:3'/>");
  await before.hear(/<a /);
  await once(before.destroy(), 'close');
  const now = new Visitor(services);
  await now.logIn('capulet.example', 'juliet', 'secret');
  now.say(`<resume xmlns='urn:xmpp:sm:3' previd='${id}' h='1'/>`);
  await now.hear(/<failed xmlns="urn:xmpp:sm:3" h="0"><item-not-found /);
  expect(services.sessions.size).toBe(0);
  now.say(BIND);
  await now.hear(/hall<\/jid>/);
});

test('RFC 6120 §4.4 who says goodbye goes, though what was promised to him does not come true', async () => {
  scene = await startScene({ modules: [], accounts: ['juliet@capulet.example'] });
  const services = c2sServices(scene);
  const visitor = new Visitor(services);
  await visitor.logIn('capulet.example', 'juliet', 'secret');
  visitor.say(BIND);
  await visitor.hear(/hall<\/jid>/);
  const [session] = services.sessions.all();
  session?.owe(deferred<void>().promise);
  visitor.say('</stream:stream>');
  await new Promise((resolve) => setImmediate(resolve));
  scene.clock.advance(10_000);
  await visitor.hear(/<stream:error><resource-constraint .*<\/stream:stream>/);
  await expect.poll(() => services.sessions.size).toBe(0);
});

describe('RFC 6120 §4.6.4 whose clock is set', () => {
  const DAY_MS = 86_400_000;
  async function silent() {
    scene = await startScene({ modules: [], accounts: ['juliet@capulet.example'] });
    const services = c2sServices(scene, { idlePing: 60_000, idleTimeout: 20_000 });
    const visitor = new Visitor(services);
    await visitor.logIn('capulet.example', 'juliet', 'secret');
    visitor.say(BIND);
    await visitor.hear(/hall<\/jid>/);
    const { connection } = visitor;
    return { visitor, connection, clock: scene.clock };
  }

  test.each([DAY_MS, -DAY_MS])(
    'by %i ms: a client is asked for a sign of life as soon as ever, and missed',
    async (ms) => {
      const { visitor, connection, clock } = await silent();
      const look = () => connection.checkIdle(clock.monotonic());
      clock.set(clock.now() + ms);
      clock.advance(59_000);
      look();
      expect(visitor.text).not.toContain('<ping ');
      clock.advance(1000);
      look();
      await visitor.hear(/<ping /);
      clock.set(clock.now() + ms);
      clock.advance(19_000);
      look();
      expect(connection.isOver).toBe(false);
      clock.advance(1000);
      look();
      await visitor.hear(/<connection-timeout /);
    },
  );
});
