import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { disco } from '../../../src/modules/disco/index.ts';
import { offline } from '../../../src/modules/offline/index.ts';
import { presence } from '../../../src/modules/presence/index.ts';
import { push } from '../../../src/modules/push/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { childOf, childrenOf, serialise } from '../../../src/xml/element.ts';
import { conditionIn, resultIn } from '../../support/answers.ts';
import { type Actor, parse, type Scene, startScene } from '../../support/scene.ts';
import { type AppServer, openAppServer } from './app-server.ts';

const USER = 'user@example.com';
const JULIET = 'juliet@capulet.example';
const NODE = 'yxs32uqsflafdk3iuqo';
const SERVICE = 'push-5.client.example';

const ENABLE = `<enable xmlns='urn:xmpp:push:0' jid='${SERVICE}' node='${NODE}'/>`;
const OPTIONS = `<x xmlns='jabber:x:data' type='submit'>
    <field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>
    <field var='secret'><value>eruio234vzxc2kla-91</value></field>
  </x>`;
const enabling = (node: string, inner = '', jid = SERVICE) =>
  `<enable xmlns='urn:xmpp:push:0' jid='${jid}' node='${node}'>${inner}</enable>`;
const disabling = (attrs: string) => `<disable xmlns='urn:xmpp:push:0' ${attrs}/>`;

describe('XEP-0357: Push Notifications', () => {
  let scene: Scene;
  let user: Actor;
  let juliet: Actor;
  let app: AppServer;

  const begin = async (settings: Record<string, unknown> = {}) => {
    scene = await startScene({
      modules: [roster, presence, offline, disco, push],
      accounts: [USER, JULIET],
      settings: { push: settings },
    });
    user = await scene.connect(`${USER}/mobile`);
    juliet = await scene.connect(`${JULIET}/balcony`);
    app = openAppServer(scene);
  };
  const again = async (settings: Record<string, unknown>) => {
    await scene.stop();
    await begin(settings);
  };
  beforeEach(() => begin());
  afterEach(() => scene.stop());

  const say = (text = 'Wherefore art thou, Romeo?', to = USER) =>
    juliet.send(`<message to='${to}' type='chat'><body>${text}</body></message>`);

  test('§4.1 the account announces it', async () => {
    const answer = await user.ask('get', "<query xmlns='http://jabber.org/protocol/disco#info'/>");
    expect(resultIn(answer)).toContain('<feature var="urn:xmpp:push:0"/>');
  });

  describe('§5 enabling', () => {
    test('a notification is published for what comes while nobody is there', async () => {
      expect(resultIn(await user.ask('set', ENABLE, USER))).toBe('');
      await user.disconnect();
      await say();
      const request = await app.next();
      expect(request.attrs).toMatchObject({ type: 'set', from: 'example.com', to: SERVICE });
      expect(childrenOf(request).map(serialise)).toEqual([
        serialise(
          parse(
            `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${NODE}'><item>` +
              "<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='submit'>" +
              "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:push:summary</value></field>" +
              "<field var='message-count'><value>1</value></field>" +
              '</x></notification></item></publish></pubsub>',
          ),
        ),
      ]);
    });

    test('none is published for what nobody keeps', async () => {
      await scene.stop();
      scene = await startScene({ modules: [roster, presence, push], accounts: [USER, JULIET] });
      user = await scene.connect(`${USER}/mobile`);
      juliet = await scene.connect(`${JULIET}/balcony`);
      app = openAppServer(scene);
      await user.ask('set', ENABLE);
      await user.disconnect();
      await say();
      expect(conditionIn(await juliet.next())).toBe('service-unavailable');
      await app.nothing();
    });

    test('publish options go along (§7)', async () => {
      await user.ask('set', enabling(NODE, OPTIONS));
      await user.disconnect();
      await say();
      const pubsub = childrenOf(await app.next())[0];
      const options =
        pubsub && childOf(pubsub, 'publish-options', 'http://jabber.org/protocol/pubsub');
      expect(options && childrenOf(options).map(serialise)).toEqual([
        '<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden">' +
          '<value>http://jabber.org/protocol/pubsub#publish-options</value></field>' +
          '<field var="secret"><value>eruio234vzxc2kla-91</value></field></x>',
      ]);
    });

    test('several nodes of a service, each once, with the last options', async () => {
      await user.ask('set', enabling('one', OPTIONS));
      await user.ask('set', enabling('two'));
      await user.ask('set', enabling('one'));
      await user.disconnect();
      await say();
      const requests = [await app.next(), await app.next()].map(serialise);
      expect(requests.filter((each) => each.includes('node="one"'))).toHaveLength(1);
      expect(requests.filter((each) => each.includes('node="two"'))).toHaveLength(1);
      expect(requests.join()).not.toContain('publish-options');
      await app.nothing();
    });

    test('the node may be missing', async () => {
      await user.ask('set', `<enable xmlns='urn:xmpp:push:0' jid='${SERVICE}'/>`);
      await user.disconnect();
      await say();
      expect(serialise(await app.next())).toContain('<publish><item>');
    });

    test.each([
      ['no service', "<enable xmlns='urn:xmpp:push:0' node='n'/>", 'bad-request'],
      ['no address', enabling('n', '', 'a@b@c'), 'jid-malformed'],
      ['oneself', enabling('n', '', USER), 'not-allowed'],
      ['a long node', enabling('n'.repeat(1024)), 'policy-violation'],
      [
        'long options',
        enabling('n', OPTIONS.replace('eruio', 'x'.repeat(4096))),
        'policy-violation',
      ],
      ['a form to fill in', enabling('n', OPTIONS.replace("'submit'", "'form'")), 'bad-request'],
      ['other options', enabling('n', OPTIONS.replace('#publish', '#other')), 'bad-request'],
      ['two forms', enabling('n', OPTIONS + OPTIONS), 'bad-request'],
      ['an empty form', enabling('n', "<x xmlns='jabber:x:data'/>"), 'bad-request'],
      ['disabling no service', disabling("node='n'"), 'bad-request'],
      ['disabling no address', disabling("jid='@'"), 'jid-malformed'],
    ])('%s is refused', async (_, payload, condition) => {
      expect(conditionIn(await user.ask('set', payload))).toBe(condition);
    });

    test('another account is nobody to ask', async () => {
      expect(conditionIn(await juliet.ask('set', ENABLE, USER))).toBe('service-unavailable');
    });

    test('an admin may name the app servers that may be used', async () => {
      await again({ services: ['push.other.example'] });
      expect(conditionIn(await user.ask('set', ENABLE))).toBe('not-allowed');
      const other = enabling(NODE, '', 'push.other.example');
      expect(resultIn(await user.ask('set', other))).toBe('');
    });

    test('the oldest of too many makes room, unless its device is there', async () => {
      await again({ maxRegistrations: 2 });
      const tablet = await scene.connect(`${USER}/tablet`);
      await tablet.ask('set', enabling('tablet'));
      const phone = await scene.connect(`${USER}/phone`);
      await phone.ask('set', enabling('phone'));
      expect(conditionIn(await user.ask('set', enabling('third')))).toBe('resource-constraint');
      await phone.disconnect();
      expect(resultIn(await user.ask('set', enabling('third')))).toBe('');
      for (const each of [tablet, user]) await each.disconnect();
      await say();
      const nodes = [await app.next(), await app.next()].map((each) =>
        /publish node="(\w+)"/.exec(serialise(each))?.at(1),
      );
      expect(nodes.sort()).toEqual(['tablet', 'third']);
      await app.nothing();
    });

    test('whoever enables without end is slowed down', async () => {
      const answers: (string | undefined)[] = [];
      for (let count = 0; count < 40; count += 1)
        answers.push(conditionIn(await user.ask('set', enabling(`n${count}`))));
      expect(answers.filter((each) => each === 'resource-constraint')).toHaveLength(10);
      const list = await scene.store.read(
        scene.store
          .tables<{ push_registrations: { node: string } }>()
          .selectFrom('push_registrations')
          .select('node'),
      );
      expect(list).toHaveLength(10);
    });
  });

  describe('§6 disabling', () => {
    const enableBoth = async () => {
      await user.ask('set', enabling('one'));
      await user.ask('set', enabling('two'));
      await user.ask('set', enabling('one', '', 'push.other.example'));
    };
    const other = () => openAppServer(scene, 'push.other.example');

    test('one node', async () => {
      await enableBoth();
      const second = other();
      const answer = await user.ask('set', disabling(`jid='${SERVICE}' node='one'`), USER);
      expect(resultIn(answer)).toBe('');
      await user.disconnect();
      await say();
      expect(serialise(await app.next())).toContain('node="two"');
      await second.next();
      await app.nothing();
    });

    test('all of a service', async () => {
      await enableBoth();
      const second = other();
      expect(resultIn(await user.ask('set', disabling(`jid='${SERVICE}'`)))).toBe('');
      await user.disconnect();
      await say();
      await second.next();
      await app.nothing();
    });

    test('what is not enabled can be disabled, too', async () => {
      expect(resultIn(await user.ask('set', disabling(`jid='${SERVICE}'`)))).toBe('');
    });

    test('the same node of somebody else stays', async () => {
      await user.ask('set', ENABLE);
      await juliet.ask('set', ENABLE);
      await juliet.ask('set', disabling(`jid='${SERVICE}'`));
      await user.disconnect();
      await say();
      expect(await app.told()).toBe('message-count=1');
    });

    test('MUST NOT publish after it, though something waits', async () => {
      await user.ask('set', ENABLE);
      app.answers = 'wait resource-constraint';
      const laptop = await scene.connect(`${USER}/laptop`);
      await user.disconnect();
      await say();
      await app.next();
      await app.nothing();
      await laptop.ask('set', disabling(`jid='${SERVICE}'`));
      scene.clock.advance(86_400_000);
      await app.nothing();
    });

    test('an account that is removed leaves nothing', async () => {
      await user.ask('set', ENABLE);
      await scene.registry.removeAccount(user.session.account, 'gone');
      await scene.accounts.create(user.session.account, 'secret');
      await say();
      await app.nothing();
    });
  });

  describe('§8 remote disabling', () => {
    const withdraw = (from: string, jid: string, node = NODE, affiliation = 'none') =>
      app.send(
        `<message from='${from}' to='${USER}'><pubsub xmlns='http://jabber.org/protocol/pubsub'` +
          ` node='${node}'><affiliation jid='${jid}' affiliation='${affiliation}'/></pubsub></message>`,
      );

    test.each([
      ['the user', SERVICE, USER, NODE, 'none', true],
      ['the server', SERVICE, 'example.com', NODE, 'outcast', true],
      ['somebody else', SERVICE, JULIET, NODE, 'none', false],
      ['another node', SERVICE, USER, 'other', 'none', false],
      ['a right that is given', SERVICE, USER, NODE, 'publish-only', false],
      ['another app server', 'push.evil.example', USER, NODE, 'none', false],
      ['a user of the app server', `joe@${SERVICE}`, USER, NODE, 'none', false],
    ])('%s', async (_, from, jid, node, affiliation, isOver) => {
      await user.ask('set', ENABLE);
      await withdraw(from, jid, node, affiliation);
      await user.disconnect();
      await say();
      if (isOver) await app.nothing();
      else expect(await app.told()).toBe('message-count=1');
    });

    test('the client hears of it, and can enable anew', async () => {
      await user.ask('set', ENABLE);
      await withdraw(SERVICE, USER);
      await user.send('<presence/>');
      expect(user.inbox.map(serialise).join()).toContain('affiliation="none"');
      await user.ask('set', ENABLE);
      await user.disconnect();
      await say();
      expect(await app.told()).toBe('message-count=1');
    });
  });
});
