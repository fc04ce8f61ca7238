/** XEP-0398: pictures in nodes (XEP-0084), in vCards (XEP-0054), and in presence (XEP-0153). */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { avatars } from '../../../src/modules/avatars/index.ts';
import { vcard } from '../../../src/modules/vcard.ts';
import { childrenOf, serialise } from '../../../src/xml/element.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import {
  ask,
  befriend,
  calm,
  connectClient,
  errorOf,
  expectDone,
  heard,
  idsIn,
  MODULES,
  openHouse,
  publish,
} from '../pubsub/house.ts';

const DATA = 'urn:xmpp:avatar:data';
const METADATA = 'urn:xmpp:avatar:metadata';
const PICTURE = Buffer.from('89504e470d0a1a0a00ff', 'hex');
const OTHER = Buffer.from('ffd8ffe000104a46', 'hex');
const hashOf = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex');
const ROMEO = 'romeo@montague.tld';

let scene: Scene;
let romeo: Actor;
let juliet: Actor;
let paris: Actor;
const data = (bytes: Buffer, id = hashOf(bytes)) =>
  `<item id='${id}'><data xmlns='${DATA}'>${bytes.toString('base64')}</data></item>`;
const metadata = (bytes: Buffer, more = '') =>
  `<item id='${hashOf(bytes)}'><metadata xmlns='${METADATA}'>${more}<info bytes='${bytes.length}' id='${hashOf(bytes)}' type='image/png'/></metadata></item>`;
const publishPicture = async (bytes: Buffer, access = 'open') => {
  expectDone(await publish(romeo, DATA, data(bytes), { access_model: access }));
  expectDone(await publish(romeo, METADATA, metadata(bytes), { access_model: access }));
};
const card = async (actor: Actor, to?: string) =>
  serialise(await actor.ask('get', "<vCard xmlns='vcard-temp'/>", to));
const photo = (bytes: Buffer, type = 'image/png') =>
  `<PHOTO><TYPE>${type}</TYPE><BINVAL>${bytes.toString('base64')}</BINVAL></PHOTO>`;
const setCard = (inner: string) =>
  romeo.ask('set', `<vCard xmlns='vcard-temp'><FN>Romeo</FN>${inner}</vCard>`);
const presences = (actor: Actor) =>
  actor.inbox
    .splice(0)
    .filter(({ name }) => name === 'presence')
    .map((each) => childrenOf(each).map(serialise).join(''));
const update = (inner: string) => `<x xmlns='vcard-temp:x:update'>${inner}</x>`;
const told = (bytes: Buffer) =>
  `<x xmlns="vcard-temp:x:update"><photo>${hashOf(bytes)}</photo></x>`;

const open = async (settings = {}) => {
  scene = await openHouse([ROMEO, 'juliet@capulet.tld', 'paris@capulet.tld'], settings, {
    modules: [...MODULES, vcard, avatars],
  });
  await befriend(scene, ROMEO, 'juliet@capulet.tld');
  romeo = await scene.connect(`${ROMEO}/garden`);
  juliet = await connectClient(scene, 'juliet@capulet.tld/balcony', [METADATA]);
  paris = await connectClient(scene, 'paris@capulet.tld/street', []);
};
beforeEach(() => open());
afterEach(() => scene.stop());

test('§2 the account says that pictures are converted', async () => {
  const info = await romeo.ask(
    'get',
    "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    ROMEO,
  );
  expect(serialise(info)).toContain('<feature var="urn:xmpp:pep-vcard-conversion:0"/>');
});

describe('§3.1 from the node to the vCard', () => {
  test('a picture is seen by all who may read the node', async () => {
    await publishPicture(PICTURE);
    for (const actor of [juliet, paris])
      expect(await card(actor, ROMEO)).toContain(
        `<vCard xmlns="vcard-temp"><PHOTO><TYPE>image/png</TYPE><BINVAL>${PICTURE.toString('base64')}</BINVAL></PHOTO></vCard>`,
      );
    expect(await card(romeo)).toContain('<PHOTO>');
  });

  test('one that is for contacts is seen by contacts', async () => {
    await setCard(photo(OTHER));
    await publishPicture(PICTURE); // the node is open since the vCard was set
    await ask(
      romeo,
      'set',
      `<configure node='${DATA}'><x xmlns='jabber:x:data' type='submit'><field var='pubsub#access_model'><value>presence</value></field></x></configure>`,
      undefined,
      '#owner',
    );
    expect(await card(juliet, ROMEO)).toContain(PICTURE.toString('base64'));
    const seen = await card(paris, ROMEO);
    expect(seen).toContain('<FN>Romeo</FN>');
    expect(seen).not.toContain('PHOTO');
  });

  test('the one that is elsewhere is passed over, and so is one that is not what it says', async () => {
    const elsewhere = `<info bytes='1' id='${hashOf(OTHER)}' type='image/gif' url='https://a.example/x.gif'/>`;
    expectDone(await publish(romeo, DATA, data(PICTURE), { access_model: 'open' }));
    expectDone(
      await publish(romeo, METADATA, metadata(PICTURE, elsewhere), { access_model: 'open' }),
    );
    expect(await card(juliet, ROMEO)).toContain(PICTURE.toString('base64'));
    await publish(romeo, DATA, data(OTHER, hashOf(PICTURE)));
    expect(await card(juliet, ROMEO)).not.toContain('PHOTO');
  });

  test('XEP-0084 §4.4 a picture that is taken away is gone', async () => {
    await publishPicture(PICTURE);
    await publish(romeo, METADATA, `<item id='x'><metadata xmlns='${METADATA}'/></item>`);
    expect(errorOf(await juliet.ask('get', "<vCard xmlns='vcard-temp'/>", ROMEO))).toBe(
      'cancel service-unavailable',
    );
  });
});

describe('§3.2 from the vCard to the node', () => {
  test('a picture is published, and told', async () => {
    expectDone(await setCard(photo(PICTURE)));
    await calm(scene);
    expect(heard(juliet)).toEqual([`${METADATA} ${hashOf(PICTURE)}`]);
    const items = serialise(await ask(paris, 'get', `<items node='${METADATA}'/>`, ROMEO));
    expect(items).toContain(
      `<info bytes="${PICTURE.length}" id="${hashOf(PICTURE)}" type="image/png"/>`,
    );
    expect(serialise(await ask(paris, 'get', `<items node='${DATA}'/>`, ROMEO))).toContain(
      PICTURE.toString('base64'),
    );
    expectDone(await setCard(photo(PICTURE)));
    await calm(scene);
    expect(heard(juliet)).toEqual([]); // it is the same
  });

  test('a type that is none is found out', async () => {
    await setCard(photo(OTHER, 'text/html'));
    expect(serialise(await ask(paris, 'get', `<items node='${METADATA}'/>`, ROMEO))).toContain(
      'type="image/jpeg"',
    );
  });

  test('what is no picture is not published', async () => {
    await setCard('<PHOTO><TYPE>image/png</TYPE><BINVAL>&lt;script></BINVAL></PHOTO>');
    await setCard('<PHOTO><EXTVAL>https://a.example/</EXTVAL></PHOTO>');
    expect(errorOf(await ask(romeo, 'get', `<items node='${METADATA}'/>`))).toBe(
      'cancel item-not-found',
    );
  });

  test('one that a node does not take is seen in the vCard, not the one before it', async () => {
    await scene.stop();
    await open({ maxPayload: '1KiB' });
    await setCard(photo(PICTURE));
    const large = Buffer.concat([PICTURE, Buffer.alloc(2000)]);
    await setCard(photo(large));
    expect(await card(juliet, ROMEO)).toContain(large.toString('base64'));
    await romeo.send('<presence/>');
    expect(presences(juliet)).toContain(told(large));
  });

  test('a vCard without its picture takes it away', async () => {
    await setCard(photo(PICTURE));
    await setCard('');
    await calm(scene);
    expect(heard(juliet)).toEqual([`${METADATA} ${hashOf(PICTURE)}`, `${METADATA} none`]);
    expect(await card(juliet, ROMEO)).not.toContain('PHOTO');
  });

  test('nodes that are for contacts stay so', async () => {
    await publishPicture(PICTURE, 'presence');
    await setCard(photo(OTHER));
    expect(idsIn(await ask(juliet, 'get', `<items node='${METADATA}'/>`, ROMEO))).toEqual([
      hashOf(OTHER),
    ]);
    expect(errorOf(await ask(paris, 'get', `<items node='${METADATA}'/>`, ROMEO))).toContain(
      'presence-subscription-required',
    );
  });
});

describe('§4 in presence', () => {
  test('nothing is said of who has no picture', async () => {
    await romeo.send('<presence/>');
    expect(presences(juliet)).toEqual(['']);
    await romeo.send(`<presence>${update('')}</presence>`);
    expect(presences(juliet)).toEqual(['<x xmlns="vcard-temp:x:update"/>']);
  });

  test('the hash is added, also to what goes to one alone', async () => {
    await publishPicture(PICTURE);
    juliet.inbox.length = 0;
    await romeo.send('<presence><show>away</show></presence>');
    expect(presences(juliet)).toEqual([`<show>away</show>${told(PICTURE)}`]);
    await romeo.send("<presence to='paris@capulet.tld'/>");
    expect(presences(paris)).toEqual([told(PICTURE)]);
  });

  test('an empty element, or another hash, is overwritten; an empty photo is not', async () => {
    await publishPicture(PICTURE);
    juliet.inbox.length = 0;
    await romeo.send(`<presence>${update('')}</presence>`);
    await romeo.send(`<presence>${update('<photo>0123</photo>')}</presence>`);
    await romeo.send(`<presence>${update('<photo/>')}</presence>`);
    expect(presences(juliet)).toEqual([
      told(PICTURE),
      told(PICTURE),
      '<x xmlns="vcard-temp:x:update"><photo/></x>',
    ]);
  });

  test('of another picture the new hash is told from then on', async () => {
    await publishPicture(PICTURE);
    await romeo.send('<presence/>');
    await publishPicture(OTHER);
    juliet.inbox.length = 0;
    await romeo.send('<presence/>');
    expect(presences(juliet)).toEqual([told(OTHER)]);
    await romeo.send("<presence type='unavailable'/>");
    expect(presences(juliet)).toEqual(['']);
  });

  test('one that is in a vCard from before there were nodes counts, too', async () => {
    const xml = `<vCard xmlns='vcard-temp'>${photo(PICTURE)}</vCard>`;
    const tables = scene.store.tables<{ vcards: { account: string; xml: string } }>();
    await scene.store.write(tables.insertInto('vcards').values({ account: ROMEO, xml }));
    await romeo.send('<presence/>');
    expect(presences(juliet)).toEqual([told(PICTURE)]);
  });
});
