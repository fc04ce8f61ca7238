/** XEP-0363: discovery, slots, purposes and their errors. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { childOf, childrenOf, type Element, serialise, textOf } from '../../../src/xml/element.ts';
import { NS, SERVICE, type Stage, setStage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await setStage();
});
afterEach(() => stage.stop());

const again = async (settings: Readonly<Record<string, unknown>> | false) => {
  await stage.stop();
  stage = await setStage(settings);
};
const info = async () => {
  const answer = await stage.romeo.ask(
    'get',
    "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    SERVICE,
  );
  return serialise(answer);
};
/** The parts of an error: its type, conditions, and what the application adds. */
function errorIn(answer: Element) {
  const error = childOf(answer, 'error');
  if (error === undefined) expect.fail(`no error: ${serialise(answer)}`);
  const parts = childrenOf(error).filter(({ name }) => name !== 'text');
  return { type: error.attrs.type, names: parts.map(({ name }) => name), parts };
}
const purposes = "xmlns='urn:xmpp:http:upload:purpose:0'";

describe('§3 discovering support', () => {
  test('the host lists the service', async () => {
    const answer = await stage.romeo.ask(
      'get',
      "<query xmlns='http://jabber.org/protocol/disco#items'/>",
      'montague.tld',
    );
    expect(serialise(answer)).toContain(
      '<item jid="upload.montague.tld" name="HTTP File Upload"/>',
    );
  });

  test('the service says what it is, and the largest file', async () => {
    await again({ maxSize: '5MiB' });
    const said = await info();
    expect(said).toContain('<identity category="store" type="file" name="HTTP File Upload"/>');
    expect(said).toContain(`<feature var="${NS}"/>`);
    expect(said).toContain('<field var="max-file-size"><value>5242880</value></field>');
    expect(said).toMatch(/<field var="FORM_TYPE" type="hidden"><value>urn:xmpp:http:upload:0</);
  });

  test('§5 the purposes that there are', async () => {
    expect((await info()).match(/purpose:0#\w+/g)).toEqual([
      'purpose:0#ephemeral',
      'purpose:0#message',
      'purpose:0#profile',
    ]);
    await again({ permanent: true });
    expect(await info()).toContain('purpose:0#permanent');
  });

  test('there is nothing else at the service', async () => {
    for (const payload of [
      "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>",
      "<query xmlns='http://jabber.org/protocol/disco#items' node='x'/>",
    ])
      expect(errorIn(await stage.romeo.ask('get', payload, SERVICE)).names).toEqual([
        'item-not-found',
      ]);
    const set = await stage.romeo.ask(
      'set',
      `<request xmlns='${NS}' filename='a' size='1'/>`,
      SERVICE,
    );
    expect(errorIn(set).names).toEqual(['service-unavailable']);
    const ping = await stage.romeo.ask('get', "<ping xmlns='urn:xmpp:ping'/>", SERVICE);
    expect(ping.attrs.type).toBe('result');
  });

  test('where it is switched off, nothing answers', async () => {
    await again(false);
    expect(errorIn(await stage.ask("filename='a' size='1'")).names).toEqual([
      'service-unavailable',
    ]);
  });
});

describe('§4 requesting a slot', () => {
  test('PUT and GET are HTTPS, keep the name, and encode what is not ASCII', async () => {
    const { put, get } = await stage.slot('très cool.jpg', 23456, 'image/jpeg');
    expect(put).toMatch(/\/tr%C3%A8s%20cool\.jpg$/);
    expect(get).toMatch(/\/tr%C3%A8s%20cool\.jpg$/);
    expect(put).not.toBe(get);
  });

  test.each([
    ["size='1'", 'no name'],
    ["filename='' size='1'", 'an empty name'],
    ["filename='a'", 'no size'],
    ["filename='a' size='0'", 'nothing'],
    ["filename='a' size='-1'", 'less than nothing'],
    ["filename='a' size='1.5'", 'half a byte'],
    ["filename='a' size='0x10'", 'another notation'],
    ["filename='a' size='1' content-type='x'", 'no type'],
    ["filename='a' size='1' content-type='a/b&#xA;X-Evil: 1'", 'a type with a header in it'],
    [`filename='a' size='1' content-type='a/${'b'.repeat(300)}'`, 'an endless type'],
  ])('§10 bad-request for %s (%s)', async (attrs) => {
    expect(errorIn(await stage.ask(attrs))).toMatchObject({
      type: 'modify',
      names: ['bad-request'],
    });
  });
});

test('what tells of a file passes as it is: XEP-0066, XEP-0447', async () => {
  const link = '<x xmlns="jabber:x:oob"><url>https://example.org/a%20b.jpg</url></x>';
  const share =
    '<file-sharing xmlns="urn:xmpp:sfs:0" disposition="inline"><file xmlns="urn:xmpp:file:metadata:0"><media-type>image/jpeg</media-type><name>a b.jpg</name><size>3</size></file><sources><url-data xmlns="http://jabber.org/protocol/url-data" target="https://example.org/a%20b.jpg"/></sources></file-sharing>';
  await stage.romeo.send(
    `<message to='${stage.romeo.jid}' type='chat'><body>x</body>${link}${share}</message>`,
  );
  const heard = serialise(await stage.romeo.next());
  expect(heard).toContain(link + share);
});

describe('§6 error conditions', () => {
  test('example 11: a file that is too large, with the largest size, and the request', async () => {
    await again({ maxSize: 20_000 });
    const attrs = "filename='très cool.jpg' size='23456' content-type='image/jpeg'";
    const answer = await stage.ask(attrs);
    expect(serialise(answer)).toContain('<request xmlns="urn:xmpp:http:upload:0" filename="très');
    const { type, names, parts } = errorIn(answer);
    expect([type, ...names]).toEqual(['modify', 'not-acceptable', 'file-too-large']);
    expect(parts[1] === undefined ? '' : serialise(parts[1])).toBe(
      `<file-too-large xmlns="${NS}"><max-file-size>20000</max-file-size></file-too-large>`,
    );
    const text = childOf(
      childOf(answer, 'error') ?? answer,
      'text',
      'urn:ietf:params:xml:ns:xmpp-stanzas',
    );
    expect(text === undefined ? '' : textOf(text)).toContain('maximum file size is 20000 bytes');
  });

  test.each(['10737418240', '9'.repeat(30), '9'.repeat(400)])(
    'a claim of %s bytes',
    async (size) => {
      expect(errorIn(await stage.ask(`filename='a' size='${size}'`)).names).toEqual([
        'not-acceptable',
        'file-too-large',
      ]);
    },
  );

  test('example 12: who has uploaded enough for today hears when tomorrow is', async () => {
    await again({ dailyQuota: '10KiB' });
    await stage.store('a', Buffer.alloc(6000));
    const { type, names, parts } = errorIn(await stage.ask("filename='b' size='6000'"));
    expect([type, ...names]).toEqual(['wait', 'resource-constraint', 'retry']);
    expect(parts[1]?.attrs['stamp']).toBe('2026-01-02T00:00:00.000Z');
    stage.scene.clock.advance(86_400_000);
    await stage.store('b', Buffer.alloc(6000));
  });

  test('example 12: who has no room left hears when there will be', async () => {
    await again({ quota: '10KiB', keepFor: '2d' });
    await stage.store('a', Buffer.alloc(3000));
    stage.scene.clock.advance(3_600_000);
    await stage.store('b', Buffer.alloc(6000));
    const { names, parts } = errorIn(await stage.ask("filename='c' size='9000'"));
    expect(names).toEqual(['resource-constraint', 'retry']);
    expect(parts[1]?.attrs['stamp']).toBe('2026-01-03T01:00:00.000Z');
  });

  test('where files stay for good there is no time to try again', async () => {
    await again({ quota: '10KiB', keepFor: '0' });
    await stage.store('a', Buffer.alloc(6000));
    expect(errorIn(await stage.ask("filename='c' size='9000'")).names).toEqual([
      'resource-constraint',
    ]);
  });

  test('a quota counts what was granted and has not come, also at once', async () => {
    await again({ quota: '10KiB' });
    const answers = await Promise.all(
      [1, 2, 3].map((n) => stage.ask(`filename='${n}' size='4000'`)),
    );
    expect(answers.map(({ attrs }) => attrs.type)).toEqual(['result', 'result', 'error']);
    stage.scene.clock.advance(301_000);
    expect((await stage.ask("filename='d' size='9000'")).attrs.type).toBe('result');
  });

  test('one user has no more slots than he may, and a host no more room', async () => {
    await again({ openSlots: 2, hostQuota: '10KiB' });
    expect(errorIn(await stage.ask("filename='a' size='20000'")).names).toEqual([
      'resource-constraint',
    ]);
    for (const name of ['a', 'b']) await stage.slot(name, 1);
    expect(errorIn(await stage.ask("filename='c' size='1'")).names).toEqual([
      'resource-constraint',
      'retry',
    ]);
  });

  test('example 13: who has no account here is forbidden to upload', async () => {
    const juliet = await stage.scene.connect('juliet@capulet.tld/balcony');
    const answer = await stage.ask("filename='a' size='1'", '', juliet);
    expect(errorIn(answer)).toMatchObject({ type: 'auth', names: ['forbidden'] });
  });
});

describe('§5 purposes', () => {
  test('§5.2 a profile has a quota of its own, and its pictures stay', async () => {
    await again({ profileMaxSize: '2KiB', profileQuota: '3KiB', quota: '1KiB', keepFor: '1d' });
    const profile = `<profile ${purposes}/>`;
    expect(errorIn(await stage.ask("filename='a' size='2049'", profile)).names).toEqual([
      'not-acceptable',
      'file-too-large',
    ]);
    const path = await stage.store('avatar.jpg', Buffer.alloc(2000), 'image/jpeg', profile);
    expect(errorIn(await stage.ask("filename='b' size='2000'", profile)).names).toEqual([
      'resource-constraint',
    ]);
    await stage.store('message.jpg', Buffer.alloc(1000));
    stage.scene.clock.advance(100 * 86_400_000);
    expect((await stage.get(path)).status).toBe(200);
  });

  test('§5.3 what is ephemeral is gone by then', async () => {
    const ephemeral = (at: string) => `<ephemeral ${purposes} expire-before='${at}'/>`;
    const path = await stage.store('a', 'x', undefined, ephemeral('2026-01-01T01:00:00Z'));
    const { headers } = await stage.get(path);
    expect(headers['cache-control']).toBe('public, max-age=3600, immutable');
    stage.scene.clock.advance(3_600_000);
    expect((await stage.get(path)).status).toBe(404);
    await expect.poll(() => stage.files()).toEqual([]);
    for (const [at, condition] of [
      ['2025-12-31T00:00:00Z', 'not-acceptable'],
      ['soon', 'bad-request'],
    ])
      expect(
        errorIn(await stage.ask("filename='a' size='1'", ephemeral(String(at)))).names,
      ).toEqual([condition]);
    const without = await stage.ask("filename='a' size='1'", `<ephemeral ${purposes}/>`);
    expect(errorIn(without).names).toEqual(['bad-request']);
  });

  test('§5.4 what is permanent stays, where that is wanted', async () => {
    const permanent = `<permanent ${purposes}/>`;
    expect(errorIn(await stage.ask("filename='a' size='1'", permanent)).names).toEqual([
      'not-acceptable',
    ]);
    await again({ permanent: true, keepFor: '1d' });
    const path = await stage.store('a', 'x', undefined, permanent);
    const other = await stage.store('b', 'x', undefined, `<message ${purposes}/>`);
    stage.scene.clock.advance(3 * 86_400_000);
    expect((await stage.get(path)).status).toBe(200);
    expect((await stage.get(other)).status).toBe(404);
  });
});
