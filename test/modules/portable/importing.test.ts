import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseBare } from '../../../src/jid/jid.ts';
import { modules } from '../../../src/modules/index.ts';
import { serialise } from '../../../src/xml/element.ts';
import { type Scene, startScene } from '../../support/scene.ts';
import { give, hostWith, run, take, takeFile } from './support.ts';

const JULIET = 'juliet@capulet.com';
const ADMIN = 'admin@capulet.com';
const bare = (raw: string) => {
  const parsed = parseBare(raw);
  if (!parsed.ok) throw new Error(raw);
  return parsed.value;
};

let scene: Scene;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rtcd-portable-'));
  scene = await startScene({ modules, accounts: [ADMIN] });
});
afterEach(async () => {
  await scene.stop();
  await rm(folder, { recursive: true });
});

describe('XEP-0227: import', () => {
  const rosterOf = async (who: string) => {
    const client = await scene.connect(`${who}/balcony`);
    return serialise(await client.ask('get', "<query xmlns='jabber:iq:roster'/>"));
  };

  test('§4.2 a password is kept as keys of all kinds; an empty one is none', async () => {
    const outcome = await take(
      scene,
      folder,
      hostWith("<user name='juliet' password='s3cr3t'/><user name='nurse'/>"),
    );
    expect(outcome.accounts).toMatchObject({ made: 2, passedOver: 0 });
    expect(outcome.healthy).toBe(false);
    expect(outcome.passed).toEqual([
      expect.objectContaining({
        of: 'nurse@capulet.com',
        why: expect.stringContaining('no password'),
      }),
    ]);
    expect(await scene.accounts.checkPassword(bare(JULIET), 's3cr3t')).toBe(true);
    expect(await scene.accounts.hashesOf(bare(JULIET))).toHaveLength(3);
    expect((await scene.accounts.get(bare(JULIET)))?.isLocked).toBe(false);
    // Who has no keys makes nobody else's log-in another one.
    expect(
      await scene.accounts.hashesOffered(scene.hosts.all()[0]?.domain as never, undefined),
    ).toHaveLength(3);
  });

  describe('§4.7 a picture in a vCard (XEP-0398)', () => {
    const hash = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex');
    const [own, other] = ['89504e470d0a1a0a00ff', '89504e470d0a1a0a0000'].map((hex) =>
      Buffer.from(hex, 'hex'),
    ) as [Buffer, Buffer];
    const card = `<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>${own.toString('base64')}</BINVAL></PHOTO></vCard>`;
    const juliet = (content: string) =>
      hostWith(`<user name='juliet' password='s3cr3t'>${content}</user>`);
    const item = (node: string, payload: string) =>
      `<items node='urn:xmpp:avatar:${node}'><item id='${hash(other)}'>${payload}</item></items>`;
    const nodes = `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${item(
      'data',
      `<data xmlns='urn:xmpp:avatar:data'>${other.toString('base64')}</data>`,
    )}${item(
      'metadata',
      `<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='10' id='${hash(other)}' type='image/png'/></metadata>`,
    )}</pubsub>`;
    const seenBy = async (who: string, node = 'metadata') => {
      const client = await scene.connect(`${who}/balcony`);
      const items = `<items node='urn:xmpp:avatar:${node}'/>`;
      const asked = `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${items}</pubsub>`;
      return serialise(await client.ask('get', asked, JULIET));
    };

    test('is published as if it had been set by vcard-temp', async () => {
      await take(scene, folder, juliet(card), { dryRun: true });
      await take(scene, folder, juliet(card));
      expect(await seenBy(ADMIN)).toContain(`id="${hash(own)}"`);
      expect(await seenBy(JULIET, 'data')).toContain(own.toString('base64'));
    });

    test.each([
      ['before', nodes + card],
      ['after', card + nodes],
    ])('does not stand in the place of one in nodes %s it, nor open these', async (_, content) => {
      await take(scene, folder, juliet(content));
      const seen = await seenBy(JULIET);
      expect(seen).toContain(`id="${hash(other)}"`);
      expect(seen).not.toContain(hash(own));
      expect(await seenBy(ADMIN)).toContain('<error');
    });

    test('of somebody who has one already stays unpublished', async () => {
      await take(scene, folder, juliet(nodes));
      await take(scene, folder, juliet(card), { intoExisting: true });
      expect(await seenBy(JULIET)).toContain(`id="${hash(other)}"`);
    });
  });

  test('§4.3 keys are taken as they are; one of another kind, or that is none, is told', async () => {
    const scram = (mechanism: string, stored = 'Q6qT/SbybblGCZz8e8eSfCJOQic=') =>
      `<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='${mechanism}'><iter-count>100000</iter-count>
      <salt>TmFDbE5hQ2xOYUNsTmFDbE5hQ2xOYUNsTmFDbE5hQ2xOYUNsTmFDbE5hQ2wK</salt>
      <server-key>0pXWGK0GZJ6TR73AIUN3ITYtA1g=</server-key><stored-key>${stored}</stored-key></scram-credentials>`;
    expect(await scene.accounts.hashesOffered('capulet.com' as never, undefined)).toHaveLength(3);
    const outcome = await take(
      scene,
      folder,
      hostWith(
        `<user name='juliet'>${scram('SCRAM-SHA-1')}${scram('SCRAM-SHA3-512')}${scram('SCRAM-SHA-256')}</user>`,
      ),
    );
    expect(outcome.passed.map(({ what }) => what)).toEqual([
      'the key for SCRAM-SHA3-512',
      'the key for SCRAM-SHA-256',
    ]);
    const [keys, ...others] = await scene.accounts.keysOf(bare(JULIET));
    expect(others).toEqual([]);
    expect(keys).toMatchObject({ hash: 'SHA-1', iterations: 100_000 });
    expect(keys?.storedKey.toString('base64')).toBe('Q6qT/SbybblGCZz8e8eSfCJOQic=');
    // Those who do not say who they are are offered what all can do from now on.
    expect(await scene.accounts.hashesOffered('capulet.com' as never, undefined)).toEqual([
      'SHA-1',
    ]);
  });

  test('§4.4, §4.9 contacts with groups and standing, and who waits for an answer', async () => {
    const outcome = await take(
      scene,
      folder,
      hostWith(`<user name='juliet' password='x'><query xmlns='jabber:iq:roster'>
        <item jid='romeo@montague.net' name='Romeo' subscription='both'><group>Friends</group></item>
        <item jid='paris@capulet.com' subscription='from' ask='subscribe'/>
        <item jid='no jid @' subscription='both'/>
        <item jid='juliet@capulet.com' subscription='both'/></query>
        <presence xmlns='jabber:client' type='subscribe' from='mercutio@montague.net'><nick xmlns='http://jabber.org/protocol/nick'>Mercutio</nick></presence>
        <presence type='subscribe' from='tybalt@capulet.com'/></user>`),
    );
    expect(outcome.kinds).toContainEqual({ kind: 'contacts', taken: 4, passed: 2 });
    expect(outcome.passed.map(({ what }) => what)).toEqual(['no jid @', 'juliet@capulet.com']);
    const roster = await rosterOf(JULIET);
    expect(roster).toContain(
      '<item jid="romeo@montague.net" name="Romeo" subscription="both"><group>Friends</group></item>',
    );
    expect(roster).toContain('<item jid="paris@capulet.com" subscription="from" ask="subscribe"/>');
    expect(roster).not.toContain('mercutio');
    const text = await give(scene, folder, { jid: JULIET });
    expect(text).toMatch(
      /<presence xmlns="jabber:client"[^>]*from="mercutio@montague.net"[^>]*><nick/,
    );
    expect(text).toMatch(/<presence xmlns="jabber:client"[^>]*from="tybalt@capulet.com"/);
  });

  test('§4.1 hosts that are not served and addresses that are none are told and passed over', async () => {
    const outcome = await take(
      scene,
      folder,
      `<server-data xmlns='urn:xmpp:pie:0'><host jid='montague.net'><user name='romeo' password='x'/></host>
       <host jid='capulet.com'><user name='ju liet' password='x'/><user password='x'/><user name='juliet' password='x'/></host>
       <more xmlns='urn:example'/></server-data>`,
    );
    expect(outcome.accounts).toMatchObject({ made: 1, passedOver: 3 });
    expect(outcome.passed.map(({ of }) => of)).toEqual([
      'montague.net',
      'ju liet@capulet.com',
      '@capulet.com',
      join(folder, 'import.xml'),
    ]);
  });

  test('an account that is here is left alone, or on request given what it lacks', async () => {
    await scene.accounts.create(bare(JULIET), 'her own');
    const juliet = await scene.connect(`${JULIET}/chamber`);
    await juliet.ask(
      'set',
      "<query xmlns='jabber:iq:roster'><item jid='romeo@montague.net' name='Mine'/></query>",
    );
    await juliet.disconnect();
    const text = hostWith(`<user name='juliet' password='theirs'><query xmlns='jabber:iq:roster'>
      <item jid='romeo@montague.net' name='Theirs' subscription='both'/><item jid='nurse@capulet.com' subscription='both'/></query></user>`);
    const left = await take(scene, folder, text);
    expect(left).toMatchObject({ accounts: { made: 0, passedOver: 1 }, kinds: [], healthy: false });
    const added = await take(scene, folder, text, { intoExisting: true });
    expect(added.accounts).toMatchObject({ made: 0, addedTo: 1 });
    expect(added.kinds).toContainEqual({ kind: 'contacts', taken: 1, passed: 1 });
    const roster = await rosterOf(JULIET);
    expect(roster).toContain('<item jid="romeo@montague.net" name="Mine" subscription="none"/>');
    expect(roster).toContain('nurse@capulet.com');
    expect(await scene.accounts.checkPassword(bare(JULIET), 'her own')).toBe(true);
  });

  test('a dry run changes nothing, and says the same as the run', async () => {
    const text = hostWith(`<user name='juliet' password='x'><query xmlns='jabber:iq:roster'>
      <item jid='romeo@montague.net' subscription='both'/></query><vCard xmlns='vcard-temp'><FN>J</FN></vCard>
      <strange xmlns='urn:example'/></user>`);
    const dry = await take(scene, folder, text, { dryRun: true });
    expect(await scene.accounts.get(bare(JULIET))).toBeUndefined();
    expect(dry.passed).toEqual([
      expect.objectContaining({ of: JULIET, what: '<strange xmlns="urn:example">' }),
    ]);
    expect(await take(scene, folder, text)).toEqual({ ...dry, dryRun: false });
  });

  test('§5 files are included from the same folder only, and each once', async () => {
    await mkdir(join(folder, 'sub/capulet.com'), { recursive: true });
    const xi = "xmlns='urn:xmpp:pie:0' xmlns:xi='http://www.w3.org/2001/XInclude'";
    await writeFile(
      join(folder, 'secret.xml'),
      "<user xmlns='urn:xmpp:pie:0' name='out' password='x'/>",
    );
    await symlink(join(folder, 'secret.xml'), join(folder, 'sub/link.xml'));
    await writeFile(
      join(folder, 'sub/main.xml'),
      `<server-data ${xi}><xi:include href='capulet.com.xml'/><xi:include href='capulet.com.xml'/></server-data>`,
    );
    await writeFile(
      join(folder, 'sub/capulet.com.xml'),
      `<host ${xi} jid='capulet.com'><xi:include href='capulet.com/juliet.xml'/><xi:include href='../secret.xml'/>
       <xi:include href='link.xml'/><xi:include href='file:///etc/passwd'/><xi:include href='/etc/passwd'/>
       <xi:include href='%2e%2e/secret.xml'/><xi:include href='main.xml'/><xi:include href='none.xml'/></host>`,
    );
    await writeFile(
      join(folder, 'sub/capulet.com/juliet.xml'),
      `<user ${xi} name='juliet' password='x'><xi:include href='roster.xml'/><query xmlns='jabber:iq:private'>
       <xi:include href='../../secret.xml'/></query></user>`,
    );
    await writeFile(
      join(folder, 'sub/capulet.com/roster.xml'),
      "<query xmlns='jabber:iq:roster'><item jid='romeo@montague.net' subscription='both'/></query>",
    );
    const outcome = await takeFile(scene, join(folder, 'sub/main.xml'));
    expect(outcome.accounts).toMatchObject({ made: 1 });
    expect(await rosterOf(JULIET)).toContain('romeo@montague.net');
    expect(await scene.accounts.get(bare('out@capulet.com'))).toBeUndefined();
    expect(outcome.passed.map(({ of, why }) => `${of}: ${why}`)).toEqual([
      '../secret.xml: it is outside of the folder of the first file',
      'link.xml: it is outside of the folder of the first file',
      'file:///etc/passwd: capulet.com.xml includes it by an address that is no path',
      '/etc/passwd: capulet.com.xml includes it by an address that is no path',
      '%2e%2e/secret.xml: it is outside of the folder of the first file',
      'main.xml: it is included twice',
      'none.xml: there is no such file',
      'capulet.com.xml: it is included twice',
    ]);
  });

  test('a file that breaks off leaves its last account locked, and a whole one goes on with it', async () => {
    const whole = hostWith(`<user name='nurse' password='x'/><user name='juliet' password='x'>
      <offline-messages><message xmlns='jabber:client' from='romeo@montague.net/orchard' to='${JULIET}' type='chat'><body>Neither</body>
      <delay xmlns='urn:xmpp:delay' from='capulet.com' stamp='2020-07-21T00:32:29Z'>Offline Storage</delay></message></offline-messages>
      <query xmlns='jabber:iq:roster'><item jid='romeo@montague.net' subscription='both'/></query></user>`);
    const broken = await take(
      scene,
      folder,
      whole.slice(0, whole.indexOf("<query xmlns='jabber:iq:roster'")),
    );
    expect(broken.healthy).toBe(false);
    expect((await scene.accounts.get(bare(JULIET)))?.isLocked).toBe(true);
    expect((await scene.accounts.get(bare('nurse@capulet.com')))?.isLocked).toBe(false);
    const outcome = await take(scene, folder, whole);
    expect(outcome.accounts).toMatchObject({ made: 0, completed: 1, passedOver: 1 });
    expect((await scene.accounts.get(bare(JULIET)))?.isLocked).toBe(false);
    const text = await give(scene, folder, { jid: JULIET });
    expect(text.match(/Neither/g)).toHaveLength(1);
    expect(text).toContain('stamp="2020-07-21T00:32:29.000Z"');
  });

  test.each([
    ['a document type', "<!DOCTYPE a [<!ENTITY b 'c'>]><server-data xmlns='urn:xmpp:pie:0'/>"],
    ['no XML', 'nothing of the kind'],
    ['bytes that are no UTF-8', '\uD800'],
    ['another document', '<html/>'],
    [
      'a deep element',
      hostWith(`<user name='juliet'>${'<a>'.repeat(300)}${'</a>'.repeat(300)}</user>`),
    ],
  ])('what is hostile does no harm: %s', async (_, text) => {
    expect((await take(scene, folder, text)).healthy).toBe(false);
  });

  test('files must be whole paths, and are never written over', async () => {
    await expect(run(scene, 'portable.import', { file: 'import.xml' })).rejects.toThrow(
      'whole path',
    );
    const file = join(folder, 'there.xml');
    await writeFile(file, 'mine');
    expect(await run(scene, 'portable.export', { file })).toMatchObject({
      ok: false,
      why: 'conflict',
    });
    expect(await run(scene, 'portable.import', { file: join(folder, 'none') })).toMatchObject({
      why: 'not-found',
    });
  });
});

describe('XEP-0227: import of what modules keep', () => {
  const user = (content: string) => hostWith(`<user name='juliet' password='x'>${content}</user>`);

  test('§4.8 privacy lists, as far as a list of blocked addresses can say it', async () => {
    const outcome = await take(
      scene,
      folder,
      user(`<query xmlns='jabber:iq:privacy'><default name='public'/>
        <list name='public'><item type='jid' value='tybalt@capulet.com' action='deny' order='2'/>
          <item type='jid' value='good@spam.example' action='allow' order='1'/>
          <item type='jid' value='spam.example' action='deny' order='3'/>
          <item type='jid' value='paris@capulet.com' action='deny' order='4'><presence-out/></item>
          <item type='group' value='Foes' action='deny' order='5'/><item action='allow' order='6'/>
          <item type='jid' value='late@capulet.com' action='deny' order='7'/></list>
        <list name='private'><item action='deny' order='1'/></list></query>`),
    );
    expect(outcome.kinds).toContainEqual({ kind: 'blocked addresses', taken: 1, passed: 4 });
    const text = await give(scene, folder, { jid: JULIET });
    expect(text).toContain(
      '<blocklist xmlns="urn:xmpp:blocking"><item jid="tybalt@capulet.com"/></blocklist>',
    );
  });

  test('§4.10 items that come before the word who may read them are for nobody else until then', async () => {
    const items = (node: string) =>
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${node}'><item id='1'><a xmlns='urn:a'/></item></items></pubsub>`;
    const configure = (access: string) =>
      `<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure node='urn:a'><x xmlns='jabber:x:data' type='form'>
       <field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#node_config</value></field>
       <field var='pubsub#access_model'><value>${access}</value></field><field var='pubsub#max_items'><value>7</value></field>
       <field var='x#unknown'><value>1</value></field></x></configure>
       <affiliations node='urn:a'><affiliation jid='nurse@capulet.com' affiliation='member'/></affiliations></pubsub>`;
    const outcome = await take(
      scene,
      folder,
      hostWith(`<user name='juliet' password='x'>${items('urn:a')}${configure('open')}${items('urn:b')}</user>
        <user name='nurse' password='x'>${configure('who knows')}${items('urn:a')}</user>`),
    );
    expect(outcome.kinds).toContainEqual({ kind: 'items of nodes', taken: 3, passed: 0 });
    expect(outcome.passed.map(({ of, what }) => `${of} ${what}`)).toEqual([
      'nurse@capulet.com pubsub#access_model of the node urn:a',
    ]);
    const admin = await scene.connect(`${ADMIN}/tower`);
    const ask = async (whom: string, node: string) =>
      serialise(
        await admin.ask(
          'get',
          `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${node}'/></pubsub>`,
          whom,
        ),
      );
    expect(await ask(JULIET, 'urn:a')).toContain('<a xmlns="urn:a"/>');
    expect(await ask(JULIET, 'urn:b')).toContain('type="error"');
    expect(await ask('nurse@capulet.com', 'urn:a')).toContain('type="error"');
    const text = await give(scene, folder, { jid: JULIET });
    expect(text).toContain('<affiliation jid="nurse@capulet.com" affiliation="member"/>');
    expect(text.match(/<pubsub xmlns="http:\/\/jabber.org\/protocol\/pubsub">/g)).toHaveLength(1);
  });

  test('§4.5 a message that was read does not come again with the file', async () => {
    const text = user(
      `<offline-messages><message xmlns='jabber:client' from='romeo@montague.net' to='${JULIET}' type='chat'><body>Once</body></message></offline-messages>`,
    );
    await take(scene, folder, text);
    const juliet = await scene.connect(`${JULIET}/balcony`);
    await juliet.send('<presence/>');
    expect(juliet.inbox.filter(({ name }) => name === 'message')).toHaveLength(1);
    await juliet.disconnect();
    await take(scene, folder, text, { intoExisting: true });
    const again = await scene.connect(`${JULIET}/balcony`);
    await again.send('<presence/>');
    expect(again.inbox.filter(({ name }) => name === 'message')).toEqual([]);
  });

  test('§4.11 what cannot be in an archive is told', async () => {
    const result = (stamp: string, from: string, more = '') =>
      `<result xmlns='urn:xmpp:mam:2' id='${from}${stamp}'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='${stamp}'/>
       <message xmlns='jabber:client' from='${from}' to='${JULIET}' ${more}><body>Hi</body></message></forwarded></result>`;
    const outcome = await take(
      scene,
      folder,
      user(`<archive xmlns='urn:xmpp:pie:0#mam'>${result('2010-07-10T23:08:25Z', 'romeo@montague.net/orchard')}
        ${result('2999-07-10T23:08:25Z', 'romeo@montague.net')}${result('no time', 'romeo@montague.net')}
        ${result('2010-07-10T23:08:25Z', '@')}${result('2010-07-10T23:08:26Z', 'room@muc.example/x', "type='groupchat'")}<result/></archive>`),
    );
    expect(outcome.kinds).toContainEqual({ kind: 'archived messages', taken: 1, passed: 5 });
  });

  test('files are named by those only who are on the machine', async () => {
    const outcome = await run(scene, 'portable.import', { file: folder }, 'xmpp');
    expect(outcome).toMatchObject({ ok: false, why: 'refused' });
  });
});
