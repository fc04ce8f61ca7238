import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modules } from '../../../src/modules/index.ts';
import { serialise } from '../../../src/xml/element.ts';
import { type Scene, startScene } from '../../support/scene.ts';
import { give, take } from './support.ts';

const JULIET = 'juliet@capulet.com';
const ROMEO = 'romeo@montague.net';
const BOOKMARKS = 'urn:xmpp:bookmarks:1';
const PUBSUB = 'http://jabber.org/protocol/pubsub';

const publish = (node: string, item: string, options = '') =>
  `<pubsub xmlns='${PUBSUB}'><publish node='${node}'>${item}</publish>${options}</pubsub>`;
const conference = (room: string) =>
  `<item id='${room}'><conference xmlns='${BOOKMARKS}' name='The Play' autojoin='true'><nick>Jule</nick></conference></item>`;

/** All that a user can leave on a server. */
async function live(scene: Scene): Promise<void> {
  const juliet = await scene.connect(`${JULIET}/balcony`);
  const romeo = await scene.connect(`${ROMEO}/orchard`);
  await juliet.ask(
    'set',
    `<query xmlns='jabber:iq:roster'><item jid='${ROMEO}' name='R &amp; J'><group>Friends</group></item></query>`,
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
    publish(
      'http://jabber.org/protocol/nick',
      "<item id='current'><nick xmlns='http://jabber.org/protocol/nick'>Jule</nick></item>",
    ),
  );
  const closed = `<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>
    <value>${PUBSUB}#publish-options</value></field><field var='pubsub#access_model'><value>whitelist</value></field>
    <field var='pubsub#max_items'><value>max</value></field></x></publish-options>`;
  for (const room of ['theplay@conference.shakespeare.lit', 'orchard@conference.shakespeare.lit'])
    await juliet.ask('set', publish(BOOKMARKS, conference(room), closed));
  await romeo.send(`<presence to='${JULIET}' type='subscribe'/>`);
  // More than one page, and many in one millisecond.
  for (let line = 0; line < 130; line += 1) {
    if (line % 50 === 0) scene.clock.advance(1000);
    await juliet.send(
      `<message to='${ROMEO}' type='chat' id='m${line}'><body>line ${line}</body></message>`,
    );
  }
  await juliet.disconnect();
  await romeo.send(
    `<message to='${JULIET}' type='chat'><body>Neither, fair saint</body></message>`,
  );
  await romeo.disconnect();
}

describe('XEP-0227: there and back', () => {
  let folder: string;
  let old: Scene;
  let next: Scene;
  let exported: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rtcd-round-trip-'));
    old = await startScene({ modules, accounts: [JULIET, ROMEO] });
    next = await startScene({ modules, accounts: ['admin@capulet.com', 'admin@montague.net'] });
    next.clock.advance(60_000);
    await live(old);
    exported = await give(old, folder, { credentials: true });
  });
  afterAll(async () => {
    await old.stop();
    await next.stop();
    await rm(folder, { recursive: true });
  });
  const again = async () =>
    `${await give(next, folder, { jid: JULIET, credentials: true })}${await give(next, folder, { jid: ROMEO, credentials: true })}`;
  const original = async () =>
    `${await give(old, folder, { jid: JULIET, credentials: true })}${await give(old, folder, { jid: ROMEO, credentials: true })}`;

  test('an export, imported on an empty server, is exported as it was', async () => {
    const outcome = await take(next, folder, exported);
    expect(outcome).toMatchObject({ passed: [], healthy: true, accounts: { made: 2 } });
    expect(Object.fromEntries(outcome.kinds.map(({ kind, taken }) => [kind, taken]))).toMatchObject(
      {
        contacts: 3,
        'archived messages': 262,
        'blocked addresses': 1,
        'items of nodes': 3,
        'offline messages': 131,
        'private elements': 1,
        vCards: 1,
      },
    );
    expect(await again()).toBe(await original());
  });

  test('again into the same accounts, nothing is there twice', async () => {
    const outcome = await take(next, folder, exported, { intoExisting: true });
    expect(outcome.accounts).toMatchObject({ made: 0, addedTo: 2 });
    expect(await again()).toBe(await original());
  });

  test('§4.3 without being asked, no keys leave the server', async () => {
    expect(exported).toContain('urn:xmpp:pie:0#scram');
    expect(await give(old, folder)).not.toMatch(/scram/i);
  });

  test('§4.11 an archive goes on from the ids that clients know, and is searched', async () => {
    const juliet = await next.connect(`${JULIET}/chamber`);
    const ids = [...exported.matchAll(/<result xmlns="urn:xmpp:mam:2" id="([^"]+)"/g)].map(
      ([, id]) => id,
    );
    const text = (max: number, after: string) =>
      `<query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>${max}</max><after>${after}</after></set></query>`;
    const page = await juliet.ask('set', text(2, ids[100] ?? ''));
    const fin = serialise(page);
    expect(fin).toContain(ids[101]);
    expect(fin).toContain(ids[102]);
    const words = (word: string) =>
      `<query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>
       <field var='{urn:xmpp:fulltext:0}fulltext'><value>${word}</value></field></x></query>`;
    expect(serialise(await juliet.ask('set', words('saint')))).toContain('<count>1</count>');
    // What comes in between the old messages is found, too.
    await take(
      next,
      folder,
      exported
        .replaceAll('fair saint', 'fair sinner')
        .replaceAll(/(<result xmlns="urn:xmpp:mam:2" id=")/g, '$1x'),
      { intoExisting: true },
    );
    expect(serialise(await juliet.ask('set', words('sinner')))).toContain('<count>1</count>');
    await juliet.disconnect();
  });

  test('bookmarks of a private list are there for clients that know XEP-0402 only', async () => {
    await take(
      next,
      folder,
      `<server-data xmlns='urn:xmpp:pie:0'><host jid='capulet.com'><user name='nurse' password='x'><query xmlns='jabber:iq:private'>
       <storage xmlns='storage:bookmarks'><conference jid='theplay@conference.shakespeare.lit' name='The Play' autojoin='true'><nick>N</nick></conference></storage>
       </query></user></host></server-data>`,
    );
    const nurse = await next.connect('nurse@capulet.com/hall');
    const found = await nurse.ask(
      'get',
      `<pubsub xmlns='${PUBSUB}'><items node='${BOOKMARKS}'/></pubsub>`,
    );
    expect(serialise(found)).toContain('id="theplay@conference.shakespeare.lit"');
  });
});
