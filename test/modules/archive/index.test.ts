/** What is kept of what passes, and how that is told. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdict } from '../../../src/core/hooks.ts';
import { defineModule } from '../../../src/core/module.ts';
import { bareOf, type Jid, parseJid } from '../../../src/jid/jid.ts';
import { type ArchiveApi, archive } from '../../../src/modules/archive/index.ts';
import { message } from '../../../src/stanza/build.ts';
import type { Message } from '../../../src/stanza/stanza.ts';
import { stanzaIdOf, withStanzaId } from '../../../src/stanza/stanza-id.ts';
import { childOf, childrenOf, type Element, el, serialise } from '../../../src/xml/element.ts';
import { type Actor, parse, type Scene } from '../../support/scene.ts';
import {
  archiveScene,
  askArchive,
  bodyOf,
  errorIn,
  JULIET,
  type Neighbours,
  queryElement,
  ROMEO,
  readResult,
  stanzaIdBy,
  takeMessages,
} from './support.ts';

const HINTS = 'urn:xmpp:hints';
const SID = 'urn:xmpp:sid:0';

function jidOf(raw: string): Jid {
  const parsed = parseJid(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

describe('XEP-0313: an account’s archive', () => {
  let scene: Scene;
  let romeo: Actor;
  let juliet: Actor;

  const begin = async (neighbours: Neighbours = {}) => {
    scene = await archiveScene({}, neighbours);
    romeo = await scene.connect(`${ROMEO}/orchard`);
    juliet = await scene.connect(`${JULIET}/balcony`);
    await juliet.send('<presence/>');
    juliet.inbox.splice(0);
  };
  beforeEach(() => begin());
  afterEach(() => scene.stop());

  const send = (content: string, attrs = "type='chat'", to = JULIET, actor = romeo) =>
    actor.send(`<message to='${to}' ${attrs}>${content}</message>`);
  const say = (text: string, to = JULIET, actor = romeo) =>
    send(`<body>${text}</body>`, "type='chat'", to, actor);
  const received = (actor = juliet): Element => {
    const [first] = takeMessages(actor);
    if (first === undefined) expect.fail('no message');
    return first;
  };
  const bodies = async (actor: Actor) => (await askArchive(actor)).bodies;

  describe('§3.5 the id of a message', () => {
    test('Example 1: is told to who receives it, and is that of the archive', async () => {
      await say('Call me but love', `${JULIET}/balcony`);
      const id = stanzaIdBy(received(), JULIET);
      expect(id).toMatch(/^[\w-]{22}$/);
      expect((await askArchive(juliet)).ids).toEqual([id]);
    });

    test('is not told to who may not read that archive', async () => {
      await say('Call me but love');
      const ids = childrenOf(received()).filter(({ name }) => name === 'stanza-id');
      expect(ids.map((each) => each.attrs['by'])).toEqual([JULIET]);
      expect((await askArchive(romeo)).ids).not.toContain(ids[0]?.attrs.id);
      await romeo.nothing();
    });

    test('is of no use in another archive', async () => {
      await say('Call me but love');
      const [id = ''] = (await askArchive(juliet)).ids;
      expect((await askArchive(romeo, { fields: { ids: id } })).error).toBe('item-not-found');
    });

    test('can be asked for as soon as it was seen, though nothing waited for the disk', async () => {
      const sent = say('Call me but love');
      const id = stanzaIdBy(await juliet.next(), JULIET) ?? '';
      expect(await askArchive(juliet, { fields: { ids: id } })).toMatchObject({ ids: [id] });
      await sent;
    });
  });

  describe('XEP-0359 §3 rule 2: ids that are only pretended', () => {
    const spoofed = (by: string) => `<stanza-id xmlns='${SID}' by='${by}' id='spoofed'/>`;

    test('by the recipient are replaced', async () => {
      await send(`<body>x</body>${spoofed(JULIET)}${spoofed('JULIET@capulet.example')}`);
      const ids = childrenOf(received()).filter(({ name }) => name === 'stanza-id');
      expect(ids.map((each) => each.attrs)).toEqual([
        { xmlns: SID, by: JULIET, id: (await askArchive(juliet)).ids[0] },
      ]);
    });

    test('by the sender are deleted, on the way and in the archive', async () => {
      await send(`<body>x</body>${spoofed(ROMEO)}`);
      expect(stanzaIdBy(received(), ROMEO)).toBeUndefined();
      const { results } = await askArchive(romeo);
      expect(results.map((each) => serialise(each.message)).join()).not.toContain('spoofed');
    });

    test('are deleted from what is not archived, too', async () => {
      await send(`<body>x</body><no-store xmlns='${HINTS}'/>${spoofed(JULIET)}${spoofed(ROMEO)}`);
      expect(childrenOf(received()).map(({ name }) => name)).toEqual(['body', 'no-store']);
    });

    test('rule 3: by others stay, as does the id of the origin', async () => {
      await send(`<body>x</body>${spoofed('room@muc.example')}<origin-id xmlns='${SID}' id='o'/>`);
      const came = received();
      expect(stanzaIdBy(came, 'room@muc.example')).toBe('spoofed');
      expect(childOf(came, 'origin-id', SID)?.attrs.id).toBe('o');
    });
  });

  describe('§3 what is in it', () => {
    test('the whole stanza with its addresses, on both sides', async () => {
      const content = "<body>x &lt;&amp;&gt; ☾</body><x xmlns='urn:x'><y a='1'/></x>";
      await send(content, "type='chat' id='m1' xml:lang='it'", `${JULIET}/balcony`);
      for (const actor of [romeo, juliet]) {
        const [found] = (await askArchive(actor)).results;
        if (found === undefined) expect.fail('nothing in the archive');
        expect(found.message.attrs).toMatchObject({
          type: 'chat',
          id: 'm1',
          'xml:lang': 'it',
          from: `${ROMEO}/orchard`,
          to: `${JULIET}/balcony`,
        });
        expect(found.body).toBe('x <&> ☾');
        const other = childOf(found.message, 'x', 'urn:x');
        expect(other && serialise(other)).toBe('<x xmlns="urn:x"><y a="1"/></x>');
      }
    });

    test('OMEMO passes and is kept as it is', async () => {
      const sealed =
        '<encrypted xmlns="eu.siacs.conversations.axolotl"><header sid="27183"><key rid="31415">BASE64</key>' +
        '<iv>BASE64</iv></header><payload>BASE64</payload></encrypted>' +
        '<encryption xmlns="urn:xmpp:eme:0" name="OMEMO" namespace="eu.siacs.conversations.axolotl"/>';
      await send(`${sealed}<body>I sent you an OMEMO encrypted message.</body>`);
      expect(serialise(received())).toContain(sealed);
      const [found] = (await askArchive(juliet)).results;
      expect(found && serialise(found.message)).toContain(sealed);
    });

    test('§3.1 the time at which it came, and the order', async () => {
      const begun = scene.clock.now();
      await say('1');
      await say('2');
      scene.clock.advance(1234);
      await say('3', ROMEO, juliet);
      const { results } = await askArchive(juliet);
      expect(results.map(({ body, at }) => [body, at - begun])).toEqual([
        ['1', 0],
        ['2', 0],
        ['3', 1234],
      ]);
    });

    test('what an account sends to itself is there once', async () => {
      const phone = await scene.connect(`${ROMEO}/phone`);
      await phone.send('<presence/>');
      await say('a note', ROMEO);
      await say('another', `${ROMEO}/phone`);
      expect(takeMessages(phone).map((each) => stanzaIdBy(each, ROMEO))).toEqual(
        (await askArchive(romeo)).ids,
      );
      expect(await bodies(romeo)).toEqual(['a note', 'another']);
      expect((await askArchive(romeo, { fields: { with: ROMEO } })).bodies).toHaveLength(2);
    });

    test('§6.1.1 what several clients receive is there once', async () => {
      const chamber = await scene.connect(`${JULIET}/chamber`);
      await chamber.send('<presence/>');
      await say('x');
      expect(bodyOf(received())).toBe('x');
      expect(bodyOf(received(chamber))).toBe('x');
      expect(await bodies(juliet)).toEqual(['x']);
    });

    test('what came while nobody was there', async () => {
      await juliet.disconnect();
      await say('x');
      expect(errorIn(await romeo.next())).toBe('service-unavailable'); // no module keeps it
      expect(await bodies(await scene.connect(`${JULIET}/chamber`))).toEqual(['x']);
    });

    test('§6.1 not what the account refuses', async () => {
      await scene.stop();
      const blocking = defineModule({
        name: 'blocking',
        specs: [],
        setup: () => ({
          hooks: {
            toAccount: (stanza, account) =>
              stanza.kind === 'message' && account === JULIET
                ? verdict.bounce({ condition: 'not-acceptable' })
                : verdict.pass,
          },
        }),
      });
      await begin({ before: [blocking] });
      await say('x');
      expect(errorIn(await romeo.next())).toBe('not-acceptable');
      expect(await bodies(juliet)).toEqual([]);
      expect(await bodies(romeo)).toEqual(['x']);
    });

    test('§6.1 not what is refused since the resource is gone (RFC 6121 §8.5.3.2.1)', async () => {
      await send('<body>x</body>', "type='normal'", `${JULIET}/gone`);
      expect(errorIn(await romeo.next())).toBe('service-unavailable');
      await send('<body>y</body>', "type='normal'", `${JULIET}/balcony`);
      await say('z', `${JULIET}/gone`);
      expect(await bodies(juliet)).toEqual(['y', 'z']);
    });

    test('XEP-0334 §4 not what must not be stored', async () => {
      for (const hint of ['no-store', 'no-permanent-store'])
        await send(`<body>x</body><${hint} xmlns='${HINTS}'/>`);
      expect(takeMessages(juliet).map((each) => stanzaIdBy(each, JULIET))).toEqual([
        undefined,
        undefined,
      ]);
      expect(await bodies(juliet)).toEqual([]);
      expect(await bodies(romeo)).toEqual([]);
    });

    test('XEP-0085 not a chat state alone', async () => {
      await send("<composing xmlns='http://jabber.org/protocol/chatstates'/>");
      expect(stanzaIdBy(received(), JULIET)).toBeUndefined();
      expect(await bodies(juliet)).toEqual([]);
    });

    test('what went to another domain, and what came from there', async () => {
      const benvolio = 'benvolio@verona.example';
      await say('outward', benvolio);
      takeMessages(romeo);
      const parts = { from: jidOf(`${benvolio}/x`), to: jidOf(ROMEO) };
      await scene.router.route(message({ ...parts, children: [el('body', undefined, 'inward')] }));
      const { bodies: found } = await askArchive(romeo, { fields: { with: benvolio } });
      expect(found).toEqual(['outward', 'inward']);
    });

    test('nothing of guests, who are told that there is nothing', async () => {
      const guest = await scene.connect(`${JULIET}/guest`);
      scene.accounts.addTemporary(guest.session.account);
      for (const { session } of [guest, juliet]) Object.assign(session, { isAnonymous: true });
      await say('x');
      await say('y', ROMEO, guest);
      expect(stanzaIdBy(received(), JULIET)).toBeUndefined();
      expect(await askArchive(guest)).toMatchObject({ bodies: [], isComplete: true, count: 0 });
      expect(await bodies(romeo)).toEqual(['x', 'y']);
    });

    test('nor of a guest whose session is over at this moment', async () => {
      scene.accounts.addTemporary(juliet.session.account);
      const gone = juliet.disconnect();
      await say('x');
      await gone;
      scene.accounts.removeTemporary(juliet.session.account);
      expect(await bodies(await scene.connect(`${JULIET}/again`))).toEqual([]);
    });
  });

  describe('DESIGN D1: what was sent is owed until it is kept', () => {
    test('a message that cannot be kept is bounced', async () => {
      await say('one');
      await scene.store.write(scene.store.tables().schema.dropTable('archive_messages'));
      await send('<body>x</body>', "type='chat' id='m2'");
      const errors = takeMessages(romeo);
      expect(errors.map(errorIn)).toContain('internal-server-error');
      expect(errors.map(({ attrs }) => attrs.id)).toContain('m2');
    });

    test('what is delivered does not wait for it', async () => {
      await say('one');
      takeMessages(juliet);
      let isOwed = true;
      const sent = say('two').then(() => {
        isOwed = false;
      });
      expect(bodyOf(await juliet.next())).toBe('two');
      expect(isOwed).toBe(true);
      await sent;
    });
  });

  describe('what other modules see', () => {
    let api: ArchiveApi;
    const passed: Message[] = [];
    /** Stands behind the archive, as carbons do. */
    const watcher = defineModule({
      name: 'watcher',
      specs: [],
      needs: ['archive'],
      setup(home) {
        api = home.use(archive);
        return {
          hooks: {
            fromAccount(stanza) {
              if (stanza.kind === 'message') passed.push(stanza);
              return verdict.pass;
            },
          },
        };
      },
    });
    beforeEach(async () => {
      await scene.stop();
      passed.splice(0);
      await begin({ behind: [watcher] });
    });

    test('§3.5 of what an account with several sessions sent, the id in its archive', async () => {
      await scene.connect(`${ROMEO}/phone`);
      await say('x');
      await send(`<body>y</body><stanza-id xmlns='${SID}' by='${ROMEO}' id='spoofed'/>`);
      await send(`<body>z</body><no-store xmlns='${HINTS}'/>`);
      const [jid] = [romeo.session.account];
      expect(passed.map((each) => stanzaIdOf(each, jid))).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      const hooks = scene.hosts.get(romeo.session.host)?.dispatch.asSent ?? [];
      const shown = passed.map((each) => hooks.reduce((message, hook) => hook(message), each));
      expect(shown.map((each) => stanzaIdOf(each, jid))).toEqual([
        ...(await askArchive(romeo)).ids,
        undefined,
      ]);
    });

    test('a room can have an archive of its own, with the same questions and answers', async () => {
      const room = bareOf(jidOf('coven@chat.capulet.example'));
      const crone = jidOf(`${room}/firstwitch`);
      const keep = async (body: string) => {
        const place = await api.reserve(room);
        const said = message({
          from: crone,
          to: room,
          type: 'groupchat',
          children: [el('body', undefined, body)],
        });
        const text = withStanzaId(said, room, place.uid).wire.text;
        await api.keep(place, { peer: crone, text, isSearchable: true });
        return place.uid;
      };
      const ids = [await keep("Thrice the brinded cat hath mew'd."), await keep('Thrice and once')];
      const results: Element[] = [];
      const asked = queryElement({ fields: { with: crone }, queryid: 'g27' });
      const answer = await api.answer(room, asked, romeo.jid, (each) =>
        results.push(parse(each.wire.text)),
      );
      expect(answer).toMatchObject({ kind: 'result' });
      expect(results.map(readResult).map(({ id, queryid }) => [id, queryid])).toEqual(
        ids.map((id) => [id, 'g27']),
      );
      expect(results[0]?.attrs).toMatchObject({ from: room, to: romeo.jid });
      expect(serialise(await api.metadata(room))).toContain(`<start id="${ids[0]}"`);
      await api.remove(room);
      expect(childrenOf(await api.metadata(room))).toEqual([]);
    });
  });

  test('§7 support is announced, for accounts', async () => {
    const answer = await romeo.ask(
      'get',
      "<query xmlns='http://jabber.org/protocol/disco#info'/>",
      ROMEO,
    );
    const query = childOf(answer, 'query', 'http://jabber.org/protocol/disco#info');
    const features = (query === undefined ? [] : childrenOf(query)).map(
      (each) => each.attrs['var'],
    );
    expect(features).toEqual(
      expect.arrayContaining([
        'urn:xmpp:mam:2',
        'urn:xmpp:mam:2#extended',
        'urn:xmpp:mam:2#groupchat-field',
        'urn:xmpp:sid:0',
        'urn:xmpp:fulltext:0',
        'urn:xmpp:message-retract:1',
        'http://jabber.org/protocol/rsm',
      ]),
    );
    expect(features).not.toContain('urn:xmpp:mam:2#groupchat-available');
  });
});
