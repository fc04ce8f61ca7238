import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdict } from '../../src/core/hooks.ts';
import { defineModule } from '../../src/core/module.ts';
import type { Parcel, Receipt } from '../../src/core/parcel.ts';
import type { Creditor } from '../../src/core/sessions.ts';
import { type Domain, parseDomain } from '../../src/jid/jid.ts';
import { iqGet, message, presence } from '../../src/stanza/build.ts';
import type { MessageType } from '../../src/stanza/stanza.ts';
import { type Actor, parse, type Scene, startScene } from '../support/scene.ts';

describe('RFC 6120 §10: where a stanza goes', () => {
  let scene: Scene;
  let romeo: Actor;
  let juliet: Actor;
  beforeEach(async () => {
    scene = await startScene({
      modules: [],
      accounts: ['romeo@montague.example', 'juliet@capulet.example'],
    });
    romeo = await scene.connect('romeo@montague.example/orchard');
    juliet = await scene.connect('juliet@capulet.example/balcony');
  });
  afterEach(() => scene.stop());

  test('§10.5.4 a message to a full JID reaches that resource, with a stamped from', async () => {
    await romeo.send(`<message to='${juliet.jid}' id='1'><body>hi</body></message>`);
    const heard = await juliet.next();
    expect(heard.attrs).toMatchObject({ from: romeo.jid, to: juliet.jid, id: '1' });
  });

  test('§10.4 a domain that is not served here is not found', async () => {
    await romeo.send(`<message to='nurse@elsewhere.example' id='2'><body>hi</body></message>`);
    const answer = await romeo.next();
    expect(answer.attrs).toMatchObject({ type: 'error', id: '2' });
    expect(String(answer)).toContain('remote-server-not-found');
  });

  test('§10.4 a domain with a way of its own gets its stanzas, until the way ends', async () => {
    const gateway = domain('irc.montague.example');
    const heard: string[] = [];
    scene.router.useRemote(() => verdict.bounce({ condition: 'remote-server-timeout' }));
    scene.router.useDomain(gateway, ({ to }) => {
      heard.push(to);
      return verdict.handled;
    });
    await romeo.send(`<message to='#verona@${gateway}/x'><body>hi</body></message>`);
    await romeo.send(`<message to='${gateway}'><body>hi</body></message>`);
    await romeo.nothing();
    expect(heard).toEqual([`#verona@${gateway}/x`, gateway]);
    scene.router.useDomain(gateway, undefined);
    await romeo.send(`<message to='${gateway}' id='4'><body>hi</body></message>`);
    expect(String(await romeo.next())).toContain('remote-server-timeout');
  });

  test('§8.4 an IQ that nobody handles is answered exactly once', async () => {
    const answer = await romeo.ask('get', "<query xmlns='urn:unknown'/>", 'montague.example');
    expect(String(answer)).toContain('service-unavailable');
    await romeo.nothing();
  });

  test('§8.2.3 the server asks, and takes the answer of who was asked, with that id', async () => {
    const host = domain('montague.example');
    const asked = iqGet({ from: host, to: juliet.jid, payload: parse("<query xmlns='urn:x'/>") });
    const answer = scene.router.ask(asked, 1000);
    expect((await juliet.next()).attrs).toMatchObject({ type: 'get', id: asked.id, from: host });
    await juliet.send(`<iq type='result' to='${host}' id='another'/>`);
    await romeo.send(`<iq type='result' to='${host}' id='${asked.id}'/>`);
    await juliet.send(`<iq type='error' to='${host}' id='${asked.id}'/>`);
    expect(await answer).toMatchObject({ type: 'error', from: juliet.jid });
  });

  test('§8.2.3 a request of the server to whom cannot be reached, and one without an answer', async () => {
    const from = domain('montague.example');
    const payload = parse("<query xmlns='urn:x'/>");
    const elsewhere = iqGet({ from, to: domain('elsewhere.example'), payload });
    const refused = await scene.router.ask(elsewhere, 1000);
    expect(String(refused?.element)).toContain('remote-server-not-found');
    const silent = scene.router.ask(iqGet({ from, to: juliet.jid, payload }), 1000);
    scene.clock.advance(1000);
    expect(await silent).toBeUndefined();
  });

  test('§8.3.1 an error is never answered', async () => {
    await romeo.send(`<message to='nobody@montague.example' type='error'/>`);
    await romeo.send(`<iq to='nobody@montague.example' type='result' id='3'/>`);
    await romeo.nothing();
  });
});

test('a component belongs to the host whose file names it', async () => {
  const component = domain('irc.montague.example');
  const components = { [component]: { type: 'external', secret: 'x' } } as const;
  const scene = await startScene({
    modules: [],
    accounts: ['romeo@montague.example'],
    host: { components },
  });
  const { hosts } = scene;
  expect(hosts.get(component)).toBeUndefined();
  expect(hosts.ownerOf(component)?.domain).toBe('montague.example');
  expect(hosts.ownerOf(domain('montague.example'))?.domain).toBe('montague.example');
  expect(hosts.ownerOf(domain('capulet.example'))).toBeUndefined();
  await scene.stop();
});

test('what becomes of a message that nobody takes is told: kept, or not', async () => {
  const kept: string[] = [];
  const keeper = defineModule({
    name: 'keeper',
    specs: [],
    setup: () => ({
      hooks: {
        undelivered: async ({ id }) => (id === 'keep' ? verdict.handled : verdict.pass),
        kept: ({ id = '' }) => void kept.push(id),
      },
    }),
  });
  const scene = await startScene({ modules: [keeper], accounts: ['romeo@montague.example'] });
  const romeo = await scene.connect('romeo@montague.example/orchard');
  for (const id of ['keep', 'refuse'])
    await romeo.send(`<message to='romeo@montague.example' id='${id}'><body>hi</body></message>`);
  expect(String(await romeo.next())).toContain('service-unavailable');
  expect(kept).toEqual(['keep']);
  await scene.stop();
});

test('what several could not keep comes back once', async () => {
  const full = () => {
    const settled = Promise.reject(new Error('the disk is full'));
    settled.catch(() => {});
    return settled;
  };
  const archive = defineModule({
    name: 'archive',
    specs: [],
    setup: () => ({
      hooks: {
        fromAccount: (sent) => verdict.passAs(sent, full()),
        toAccount: ({ type }) =>
          type === 'error' ? verdict.pass : { kind: 'pass', settled: full() },
        undelivered: () => verdict.settling(full()),
      },
    }),
  });
  const accounts = ['romeo@montague.example', 'juliet@montague.example'];
  const scene = await startScene({ modules: [archive], accounts });
  const romeo = await scene.connect('romeo@montague.example/orchard');
  for (const id of ['1', '2']) {
    await romeo.send(`<message to='juliet@montague.example' id='${id}'><body>hi</body></message>`);
    const answer = await romeo.next();
    expect(answer.attrs).toMatchObject({ type: 'error', id });
    expect(String(answer)).toContain('internal-server-error');
  }
  await romeo.nothing();
  await scene.stop();
});

describe('DESIGN D1: whoever keeps a message itself is owed', () => {
  let scene: Scene;
  let romeo: Actor;
  beforeEach(async () => {
    scene = await startScene({ modules: [], accounts: ['romeo@montague.example'] });
    romeo = await scene.connect('romeo@montague.example/orchard');
  });
  afterEach(() => scene.stop());

  /** Routes an error to romeo's client; tells whether something is owed still. */
  const keep = async () => {
    const owed: Promise<unknown>[] = [];
    const error = message({
      from: domain('elsewhere.example'),
      to: romeo.jid,
      type: 'error',
      children: [],
    });
    await scene.router.route(error, {
      isWaiting: true,
      isKeeper: true,
      owe: (work) => void owed.push(work),
    });
    const isOwed = async () => {
      const later = new Promise((resolve) => setImmediate(() => resolve(true)));
      return Promise.race([Promise.all(owed).then(() => false), later]);
    };
    return isOwed;
  };
  const receiptsOf = (actor: Actor) => {
    const receipts: Receipt[] = [];
    actor.session.send = (_stanza, _to, receipt) => void receipts.push(receipt ?? expect.fail());
    return receipts;
  };

  test('until a session has it', async () => {
    const receipts = receiptsOf(romeo);
    const isOwed = await keep();
    expect(await isOwed()).toBe(true);
    for (const receipt of receipts) receipt.acknowledged(romeo.session);
    expect(await isOwed()).toBe(false);
  });

  test('until the session is gone, and nobody else is there', async () => {
    const receipts = receiptsOf(romeo);
    const isOwed = await keep();
    await romeo.disconnect();
    for (const receipt of receipts) receipt.returned(romeo.session);
    expect(await isOwed()).toBe(false);
  });

  test('until the next session has it that is at that address', async () => {
    const receipts = receiptsOf(romeo);
    const isOwed = await keep();
    await romeo.disconnect();
    const again = await scene.connect(romeo.jid);
    const later = receiptsOf(again);
    for (const receipt of receipts) receipt.returned(romeo.session);
    expect(await isOwed()).toBe(true);
    for (const receipt of later) receipt.acknowledged(again.session);
    expect(await isOwed()).toBe(false);
  });

  test('nothing when nobody is there', async () => {
    await romeo.disconnect();
    expect(await (await keep())()).toBe(false);
  });
});

describe('RFC 6121 §8.5.3.2.1: what nobody else is given is followed only for those who ask', () => {
  const given: Parcel[] = [];
  const receipts: (Receipt | undefined)[] = [];
  let scene: Scene;
  let romeo: Actor;
  beforeEach(async () => {
    given.length = 0;
    receipts.length = 0;
    const asking = defineModule({
      name: 'asking',
      specs: [],
      setup: () => ({
        hooks: {
          handed(parcel) {
            given.push(parcel);
            parcel.isAsked = parcel.message.id === 'asked';
          },
        },
      }),
    });
    scene = await startScene({ modules: [asking], accounts: ['romeo@montague.example'] });
    romeo = await scene.connect('romeo@montague.example/orchard');
    romeo.session.send = (_stanza, _to, receipt) => void receipts.push(receipt);
  });
  afterEach(() => scene.stop());

  const sent = async (type: MessageType, more: { id?: string } = {}, creditor?: Creditor) => {
    const from = domain('elsewhere.example');
    await scene.router.route(message({ from, to: romeo.jid, type, ...more }), creditor);
    expect(given).toHaveLength(1);
    return receipts.map((receipt) => receipt === given[0]);
  };

  test.each<MessageType>(['groupchat', 'headline'])('%s', async (type) => {
    expect(await sent(type)).toEqual([false]);
    expect(receipts).toEqual([undefined]);
  });
  test('but those that others may have', async () => {
    expect(await sent('chat')).toEqual([true]);
  });
  test('who is to be woken if he has it not', async () => {
    expect(await sent('groupchat', { id: 'asked' })).toEqual([true]);
  });
  test('who keeps it until then', async () => {
    const creditor = { isWaiting: true, isKeeper: true, owe: () => undefined };
    expect(await sent('groupchat', {}, creditor)).toEqual([true]);
  });
});

describe('what comes back when nobody waits for it, while the database fails', () => {
  let scene: Scene;
  let romeo: Actor;
  beforeEach(async () => {
    const fails = () => Promise.reject(new Error('the disk is full'));
    const disk = defineModule({
      name: 'disk',
      specs: [],
      setup: () => ({
        hooks: {
          undelivered: fails,
          toAccount: ({ type }) => (type === 'error' ? fails() : verdict.pass),
        },
      }),
    });
    scene = await startScene({
      modules: [disk],
      accounts: ['romeo@montague.example', 'juliet@capulet.example'],
    });
    romeo = await scene.connect('romeo@montague.example/orchard');
  });
  afterEach(() => scene.stop());

  /** How many bugs were counted, once all that is under way has ended. */
  const mistakes = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    const { values } = await scene.metrics.errors.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.area, value]));
  };

  test('a message whose last session ended', async () => {
    const juliet = await scene.connect('juliet@capulet.example/balcony');
    await juliet.send('<presence/>');
    const receipts: Receipt[] = [];
    juliet.session.send = (_stanza, _to, receipt) => void receipts.push(receipt ?? expect.fail());
    await scene.sessions.setPresence(juliet.session, presence({ from: juliet.jid }));
    await romeo.send("<message to='juliet@capulet.example' type='chat'><body>hi</body></message>");
    await juliet.disconnect();
    for (const receipt of receipts) receipt.returned(juliet.session);
    expect(receipts).toHaveLength(1);
    expect(await mistakes()).toEqual({ router: 1 });
  });

  test('a request that a session took with it', async () => {
    const request = iqGet({
      from: romeo.jid,
      to: romeo.jid,
      payload: parse("<query xmlns='urn:x'/>"),
    });
    await scene.router.returned(request);
    expect(await mistakes()).toEqual({ router: 1 });
  });

  test('what a module promised and could not keep', async () => {
    const failed = Promise.reject(new Error('the disk is full'));
    failed.catch(() => {});
    scene.router.useRemote(() => verdict.settling(failed));
    const { jid: from } = romeo;
    await scene.router.route(message({ from, to: domain('elsewhere.example'), type: 'chat' }));
    expect(await mistakes()).toEqual({ store: 1, router: 1 });
  });
});

function domain(raw: string): Domain {
  const parsed = parseDomain(raw);
  if (!parsed.ok) expect.fail(parsed.why);
  return parsed.value;
}
