import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defineModule } from '../../src/core/module.ts';
import type { Domain } from '../../src/jid/jid.ts';
import { disco } from '../../src/modules/disco/index.ts';
import { ping } from '../../src/modules/ping.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { version } from '../../src/modules/version.ts';
import { presence } from '../../src/stanza/build.ts';
import { formElement } from '../../src/stanza/form.ts';
import { childrenOf } from '../../src/xml/element.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { befriending } from '../support/befriend.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

const INFO = 'http://jabber.org/protocol/disco#info';
const ITEMS = 'http://jabber.org/protocol/disco#items';
const query = (ns: string, node?: string) =>
  `<query xmlns='${ns}'${node === undefined ? '' : ` node='${node}'`}/>`;

const form = formElement({ type: 'result', formType: 'urn:test:form', fields: [] });
const withForm = defineModule({
  name: 'form',
  specs: [],
  setup: () => ({ serverForms: () => [form] }),
});
const withNode = defineModule({
  name: 'node',
  specs: [],
  needs: ['disco'],
  setup(home) {
    const identity = { category: 'automation', type: 'command-list' };
    home
      .use(disco)
      .addServerNode((_, node) =>
        node === 'http://jabber.org/protocol/commands'
          ? { identities: [identity], features: [INFO], forms: [] }
          : undefined,
      );
    return {};
  },
});

describe('XEP-0030: Service Discovery', () => {
  const { module, admit } = befriending();
  let scene: Scene;
  let romeo: Actor;
  let juliet: Actor;
  beforeEach(async () => {
    scene = await startScene({
      modules: [roster, module, disco, ping, version, withForm, withNode],
      accounts: ['romeo@montague.net', 'juliet@capulet.com'],
      settings: { version: false, disco: { name: 'The Globe' } },
    });
    romeo = await scene.connect('romeo@montague.net/orchard');
    juliet = await scene.connect('juliet@capulet.com/balcony');
  });
  afterEach(() => scene.stop());

  test('§3.1 the server names itself, the features of its modules that are on, and their forms', async () => {
    const answer = await romeo.ask('get', query(INFO), 'montague.net');
    expect(resultIn(answer)).toBe(
      `<query xmlns="${INFO}"><identity category="server" type="im" name="The Globe"/>` +
        `<feature var="${INFO}"/><feature var="${ITEMS}"/><feature var="urn:xmpp:ping"/>` +
        '<x xmlns="jabber:x:data" type="result"><field var="FORM_TYPE" type="hidden">' +
        '<value>urn:test:form</value></field></x></query>',
    );
  });

  test('§4.1 a server without items answers with an empty list', async () => {
    const answer = await romeo.ask('get', query(ITEMS), 'montague.net');
    expect(resultIn(answer)).toBe(`<query xmlns="${ITEMS}"/>`);
  });

  test('§3.2 a node is mirrored in its answer', async () => {
    const node = 'http://jabber.org/protocol/commands';
    const answer = await romeo.ask('get', query(INFO, node), 'montague.net');
    expect(resultIn(answer)).toBe(
      `<query xmlns="${INFO}" node="${node}"><identity category="automation" ` +
        `type="command-list"/><feature var="${INFO}"/></query>`,
    );
  });

  test.each([INFO, ITEMS])('§7 an unknown node of the server is not found: %s', async (ns) => {
    const answer = await romeo.ask('get', query(ns, 'music'), 'montague.net');
    expect(conditionIn(answer)).toBe('item-not-found');
  });

  test('§3.1 an account is registered, with the features of accounts', async () => {
    const answer = await juliet.ask('get', query(INFO));
    expect(resultIn(answer)).toBe(
      `<query xmlns="${INFO}"><identity category="account" type="registered"/>` +
        `<feature var="${INFO}"/><feature var="${ITEMS}"/><feature var="urn:xmpp:ping"/></query>`,
    );
  });

  test('§3.1 whoever receives its presence may ask too', async () => {
    await admit(juliet.jid, romeo.jid);
    const answer = await romeo.ask('get', query(INFO), 'juliet@capulet.com');
    expect(answer.attrs.from).toBe('juliet@capulet.com');
    expect(resultIn(answer)).toContain('<identity category="account" type="registered"/>');
  });

  test('§4.1 the items of a server are its components', async () => {
    const jid = 'irc.montague.net';
    const own = await startScene({
      modules: [roster, disco],
      accounts: ['romeo@montague.net'],
      host: { components: { [jid as Domain]: { type: 'external', secret: 'x' } } },
    });
    const asker = await own.connect('romeo@montague.net/orchard');
    const answer = await asker.ask('get', query(ITEMS), 'montague.net');
    expect(resultIn(answer)).toBe(`<query xmlns="${ITEMS}"><item jid="${jid}"/></query>`);
    await own.stop();
  });

  test('§4.1 the items of an account are its available resources', async () => {
    await admit(juliet.jid, romeo.jid);
    const chamber = await scene.connect('juliet@capulet.com/chamber');
    await scene.sessions.setPresence(chamber.session, presence({ from: chamber.jid }));
    const answer = await romeo.ask('get', query(ITEMS), 'juliet@capulet.com');
    expect(resultIn(answer)).toBe(
      `<query xmlns="${ITEMS}"><item jid="juliet@capulet.com/chamber"/></query>`,
    );
  });

  test('§7 an unknown node of an account is not found by those who may ask', async () => {
    await admit(juliet.jid, romeo.jid);
    for (const asker of [romeo, juliet])
      for (const ns of [INFO, ITEMS]) {
        const answer = await asker.ask('get', query(ns, 'music'), 'juliet@capulet.com');
        expect(conditionIn(answer)).toBe('item-not-found');
      }
  });

  test.each(['juliet@capulet.com', 'nobody@capulet.com'])(
    '§8 strangers do not learn whether there is an account: %s',
    async (to) => {
      // Juliet hears of Romeo, which gives him no right.
      await admit(romeo.jid, juliet.jid);
      await scene.sessions.setPresence(juliet.session, presence({ from: juliet.jid }));
      for (const node of [undefined, 'music']) {
        const info = await romeo.ask('get', query(INFO, node), to);
        expect(conditionIn(info)).toBe('service-unavailable');
        const items = await romeo.ask('get', query(ITEMS, node), to);
        expect(items.attrs).toMatchObject({ type: 'result', from: to });
        expect(childrenOf(items).flatMap(childrenOf)).toEqual([]);
      }
    },
  );

  test('§3.1 a guest has an account of another type', async () => {
    const guest = Object.assign(juliet.session, { isAnonymous: true });
    expect(guest.isAnonymous).toBe(true);
    const answer = await juliet.ask('get', query(INFO));
    expect(resultIn(answer)).toContain('<identity category="account" type="anonymous"/>');
  });

  test('§3.1 a query to a resource is for the client to answer', async () => {
    const answer = romeo.ask('get', query(INFO), juliet.jid);
    const asked = await juliet.next();
    expect(resultIn(asked)).toContain(INFO);
    await juliet.send(`<iq type='result' id='${asked.attrs.id}' to='${romeo.jid}'/>`);
    expect((await answer).attrs.from).toBe(juliet.jid);
  });
});
