import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AnyModule } from '../../src/core/module.ts';
import type { Receipt } from '../../src/core/parcel.ts';
import { archive } from '../../src/modules/archive/index.ts';
import { offline } from '../../src/modules/offline/index.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { childOf, serialise, textOf } from '../../src/xml/element.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

const RSM = 'http://jabber.org/protocol/rsm';
const ROMEO = 'romeo@montague.example';
const JULIET = 'juliet@capulet.example';

describe('XEP-0313 §6.1.1: no doubles for clients with an archive', () => {
  let scene: Scene;
  let romeo: Actor;
  const begin = async (modules: readonly AnyModule[] = [archive]) => {
    scene = await startScene({
      modules: [roster, presence, ...modules, offline],
      accounts: [ROMEO, JULIET],
    });
    romeo = await scene.connect(`${ROMEO}/orchard`);
    for (const text of ['one', 'off the record', 'two']) await say(text);
  };
  beforeEach(() => begin());
  afterEach(() => scene.stop());

  const say = async (text: string) => {
    // Kept for who is away, but for no longer (XEP-0334 §4.1).
    const hint = text.startsWith('off') ? "<no-permanent-store xmlns='urn:xmpp:hints'/>" : '';
    const body = `<body>${text}</body>${hint}`;
    await romeo.send(`<message to='${JULIET}' type='chat'>${body}</message>`);
    scene.clock.advance(1000);
  };
  const arrive = (resource: string, isBind2 = false) =>
    scene.connect(`${JULIET}/${resource}`, { isBind2 });
  /** The texts that came; those from the archive are in results, and have none themselves. */
  const heardBy = (actor: Actor) =>
    actor.inbox.splice(0).flatMap((stanza) => {
      const body = childOf(stanza, 'body');
      return stanza.name === 'message' && body !== undefined ? [textOf(body)] : [];
    });
  const available = async (actor: Actor) => {
    await actor.send('<presence/>');
    return heardBy(actor);
  };
  const form = (fields: string, page = '') =>
    "<query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'>" +
    "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>" +
    `${fields}</x>${page}</query>`;
  const paged = (page: string) =>
    `<query xmlns='urn:xmpp:mam:2'><set xmlns='${RSM}'>${page}</set></query>`;
  const field = (name: string, value: string) =>
    `<field var='${name}'><value>${value}</value></field>`;

  test('§6.1 what the archive has is not refused where there is no room for more', async () => {
    await scene.stop();
    scene = await startScene({
      modules: [roster, presence, archive, offline],
      accounts: [ROMEO, JULIET],
      settings: { offline: { maxMessages: 1 } },
    });
    romeo = await scene.connect(`${ROMEO}/orchard`);
    for (const text of ['one', 'two', 'off the record']) await say(text);
    const refused = romeo.inbox.splice(0).map((stanza) => stanza.attrs.type);
    expect(refused).toEqual(['error']); // the one that the archive has not
    const juliet = await arrive('balcony');
    const results = await juliet.ask('set', "<query xmlns='urn:xmpp:mam:2'/>", JULIET);
    expect(serialise(results)).toContain('<count>2</count>');
    juliet.inbox.splice(0);
    expect(await available(juliet)).toEqual([]);
  });

  test('what comes back and finds no room is in the archive once', async () => {
    await scene.stop();
    scene = await startScene({
      modules: [roster, presence, archive, offline],
      accounts: [ROMEO, JULIET],
      settings: { offline: { maxMessages: 0 } },
    });
    romeo = await scene.connect(`${ROMEO}/orchard`);
    const juliet = await arrive('balcony');
    await juliet.send('<presence/>');
    let receipt: Receipt | undefined;
    juliet.session.send = (_stanza, _to, given) => {
      receipt = given;
    };
    const said = say('one');
    await expect.poll(() => receipt).toBeDefined();
    await juliet.disconnect({ kind: 'lost', text: 'the connection broke' });
    receipt?.returned(juliet.session);
    await said;
    await romeo.nothing();
    const again = await arrive('chamber');
    const results = await again.ask('set', "<query xmlns='urn:xmpp:mam:2'/>", JULIET);
    expect(serialise(results)).toContain('<count>1</count>');
  });

  test('without either all is sent', async () => {
    expect(await available(await arrive('balcony'))).toEqual(['one', 'off the record', 'two']);
  });

  test.each([
    ['all of it', "<query xmlns='urn:xmpp:mam:2'/>"],
    ['what came since a time', form(field('start', '2026-01-01T00:00:00Z'))],
    [
      'what came since a time, from the end',
      form(field('start', '2026-01-01T00:00:00Z'), `<set xmlns='${RSM}'><before/></set>`),
    ],
  ])('who asked his archive for %s is sent only what is not there', async (_, query) => {
    const juliet = await arrive('balcony');
    await juliet.ask('set', query);
    const fromArchive = juliet.inbox.map(serialise).join();
    expect(fromArchive).not.toContain('<body>off the record</body>');
    expect(fromArchive).toMatch(/>one<[\s\S]*>two</);
    expect(await available(juliet)).toEqual(['off the record']);
    // It is as if he had acknowledged it: there is nothing left.
    await juliet.disconnect();
    expect(await available(await arrive('chamber'))).toEqual([]);
  });

  test('who asked for what came after a message that he has is not sent the rest', async () => {
    const before = await arrive('chamber');
    await before.ask('set', "<query xmlns='urn:xmpp:mam:2'/>");
    const [, id = ''] = /<result[^>]* id="([^"]+)"/.exec(before.inbox.map(serialise).join()) ?? [];
    await before.disconnect();
    const juliet = await arrive('balcony');
    await juliet.ask('set', form(field('after-id', id)));
    expect(juliet.inbox.map(serialise).join()).not.toContain('>one<');
    expect(await available(juliet)).toEqual(['off the record']);
  });

  test.each([
    ['with one contact', form(field('with', ROMEO))],
    ['with some words', form(field('{urn:xmpp:fulltext:0}fulltext', 'one'))],
    ['before a time', form(field('end', '2026-01-01T00:00:00Z'))],
    ['as a number only', paged('<max>0</max>')],
    ['of the last page only', paged('<max>1</max><before/>')],
    ['from a position on', paged('<index>1</index>')],
    ['of a page that is none', paged('<max>many</max>')],
  ])('who asked it for messages %s is sent all', async (_, query) => {
    const juliet = await arrive('balcony');
    await juliet.ask('set', query);
    expect(await available(juliet)).toEqual(['one', 'off the record', 'two']);
  });

  test('what came after he asked is sent', async () => {
    const juliet = await arrive('balcony');
    await juliet.ask('set', "<query xmlns='urn:xmpp:mam:2'/>");
    await say('three');
    expect(await available(juliet)).toEqual(['off the record', 'three']);
  });

  test('XEP-0386 §3.2 who binds by it is sent what is not in the archive, and what came since', async () => {
    const juliet = await arrive('balcony', true);
    await say('three');
    expect(await available(juliet)).toEqual(['off the record', 'three']);
    await juliet.disconnect();
    expect(await available(await arrive('chamber'))).toEqual([]);
  });

  test('who asked once he was available is sent nothing twice, nor too little', async () => {
    const juliet = await arrive('balcony');
    expect(await available(juliet)).toEqual(['one', 'off the record', 'two']);
    await juliet.ask('set', "<query xmlns='urn:xmpp:mam:2'/>");
    await juliet.disconnect();
    await say('three');
    expect(await available(await arrive('chamber'))).toEqual(['three']);
  });

  test('without an archive here nobody’s word is taken for it', async () => {
    await scene.stop();
    await begin([]);
    const stanzaId = `<stanza-id xmlns='urn:xmpp:sid:0' by='${JULIET}' id='x'/>`;
    await romeo.send(
      `<message to='${JULIET}' type='chat'><body>forged</body>${stanzaId}</message>`,
    );
    scene.clock.advance(1000);
    const juliet = await arrive('balcony', true);
    expect(await available(juliet)).toEqual(['one', 'off the record', 'two', 'forged']);
  });
});
