import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHttpServer } from '../../../src/http/server.ts';
import { bareOf } from '../../../src/jid/jid.ts';
import { systemClock } from '../../../src/kit/clock.ts';
import { modules } from '../../../src/modules/index.ts';
import { LINK_MS, portable } from '../../../src/modules/portable/index.ts';
import { childrenOf, type Element, nsOf, serialise } from '../../../src/xml/element.ts';
import { type Actor, parse, type Scene, startScene } from '../../support/scene.ts';

const JULIET = 'juliet@capulet.com';
const ROMEO = 'romeo@montague.net';

describe('XEP-0227: Portable Import/Export Format', () => {
  let scene: Scene;
  let juliet: Actor;
  beforeEach(async () => {
    scene = await startScene({ modules, accounts: [JULIET, ROMEO] });
    juliet = await scene.connect(`${JULIET}/balcony`);
  });
  afterEach(() => scene.stop());

  const link = () => new URL(scene.registry.apiOf(portable).link(bareOf(juliet.jid)));
  const get = async ({ pathname }: URL, method = 'GET') => {
    for (const { app } of scene.registry.web) {
      const answer = await app.request(pathname, { method });
      if (answer.status !== 404) return answer;
    }
    return new Response(null, { status: 404 });
  };
  const document = async (): Promise<Element> => {
    const text = await (await get(link())).text();
    expect(text).toMatch(/^<\?xml version='1\.0' encoding='UTF-8'\?>\n/);
    return parse(text.replace(/^<\?xml[^>]*>\n/, ''));
  };
  const inUser = (root: Element) => {
    const [host] = childrenOf(root);
    const [user] = host === undefined ? [] : childrenOf(host);
    if (host === undefined || user === undefined) expect.fail(serialise(root));
    expect([root.name, nsOf(root)]).toEqual(['server-data', 'urn:xmpp:pie:0']);
    expect([host.attrs['jid'], user.attrs['name']]).toEqual(['capulet.com', 'juliet']);
    return childrenOf(user);
  };

  test('§4 all that is kept of an account, and no password', async () => {
    const romeo = await scene.connect(`${ROMEO}/orchard`);
    await juliet.ask(
      'set',
      `<query xmlns='jabber:iq:roster'><item jid='${ROMEO}' name='Romeo &amp; more'><group>Friends</group></item></query>`,
    );
    await juliet.ask('set', "<vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN></vCard>");
    await juliet.ask(
      'set',
      "<query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'><nick>J</nick></exodus></query>",
    );
    await juliet.ask(
      'set',
      "<block xmlns='urn:xmpp:blocking'><item jid='tybalt@capulet.com'/></block>",
    );
    await juliet.ask(
      'set',
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='http://jabber.org/protocol/nick'>
        <item id='current'><nick xmlns='http://jabber.org/protocol/nick'>Jule</nick></item></publish></pubsub>`,
    );
    await romeo.send(`<presence to='${JULIET}' type='subscribe'/>`);
    await romeo.send(
      `<message to='${JULIET}' type='chat'><body>Neither, fair saint</body></message>`,
    );
    const parts = inUser(await document());
    const found = parts.map((part) => `${nsOf(part)} ${part.name}`);
    expect(found).toEqual(
      expect.arrayContaining([
        'jabber:iq:roster query',
        'jabber:client presence',
        'urn:xmpp:blocking blocklist',
        'http://jabber.org/protocol/pubsub#owner pubsub',
        'http://jabber.org/protocol/pubsub pubsub',
        'urn:xmpp:pie:0#mam archive',
        'urn:xmpp:pie:0 offline-messages',
        'jabber:iq:private query',
        'vcard-temp vCard',
      ]),
    );
    const text = parts.map(serialise).join('\n');
    expect(text).toContain(`jid="${ROMEO}" name="Romeo &amp; more"`);
    expect(text).toMatch(/<result xmlns="urn:xmpp:mam:2" id="[^"]+"><forwarded[\s\S]*fair saint/);
    expect(text).toMatch(
      /<offline-messages[^>]*>\s*<message xmlns="jabber:client"[\s\S]*fair saint/,
    );
    expect(text).toContain('<items node="http://jabber.org/protocol/nick">\n<item id="current">');
    expect(text).not.toMatch(/scram|secret/i);
  });

  test('an account without anything is a document, too', async () => {
    expect(inUser(await document()).map(({ name }) => name)).toEqual([
      'archive',
      'offline-messages',
    ]);
  });

  test('a long archive comes whole, in its order', async () => {
    for (let index = 0; index < 230; index += 1)
      await juliet.send(`<message to='${JULIET}' type='chat'><body>line ${index}</body></message>`);
    const text = serialise(await document());
    const lines = [...text.matchAll(/<result[\s\S]*?<body>line (\d+)</g)].map(([, at]) =>
      Number(at),
    );
    expect(lines).toEqual(Array.from({ length: 230 }, (_, index) => index));
  });

  test('over HTTP it comes in pieces, and who leaves early ends the reading', async () => {
    for (let index = 0; index < 120; index += 1)
      await juliet.send(`<message to='${JULIET}' type='chat'><body>line ${index}</body></message>`);
    const http = createHttpServer({ log: scene.log.area('http'), clock: systemClock });
    for (const { app, ownBodies } of scene.registry.web) http.mount('/', app, ownBodies);
    const { port } = await http.listen({ host: '127.0.0.1', port: 0 });
    const at = ({ pathname }: URL) => `http://127.0.0.1:${port}${pathname}`;
    const left = await fetch(at(link()));
    await left.body?.cancel();
    const answer = await fetch(at(link()));
    expect(answer.headers.get('content-type')).toBe('application/xml; charset=utf-8');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await answer.text()).toMatch(/line 119[\s\S]*<\/server-data>\n$/);
    await http.close();
  });

  test('a link works once, for a while, and only the last one does', async () => {
    const first = link();
    const second = link();
    expect((await get(first)).status).toBe(404);
    expect((await get(second, 'HEAD')).status).toBe(404);
    const answer = await get(second);
    expect(answer.headers.get('content-disposition')).toBe(
      "attachment; filename*=UTF-8''juliet%40capulet.com.xml",
    );
    expect(answer.headers.get('cache-control')).toBe('no-store');
    await answer.text();
    expect((await get(second)).status).toBe(404);
    const late = link();
    scene.clock.advance(LINK_MS);
    expect((await get(late)).status).toBe(404);
    const locked = link();
    await scene.accounts.setLocked(bareOf(juliet.jid), true);
    expect((await get(locked)).status).toBe(404);
    expect((await get(new URL('https://capulet.com/export/guess'))).status).toBe(404);
  });

  test('a link does not outlive its account: who has the name next is somebody else', async () => {
    const account = bareOf(juliet.jid);
    const old = link();
    expect(await scene.registry.removeAccount(account, 'The account was removed.')).toBe(true);
    await scene.accounts.create(account, 'another secret');
    expect((await get(old)).status).toBe(404);
  });
});
