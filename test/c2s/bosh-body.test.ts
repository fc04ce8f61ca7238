/** The `<body/>` of BOSH: the examples of XEP-0124 and XEP-0206, and what is none. */
import { describe, expect, test } from 'vitest';
import { bodyText, readBody, terminal } from '../../src/c2s/bosh-body.ts';
import { nextKey } from '../../src/c2s/bosh-keys.ts';

const LIMITS = { maxBytes: 10_000, maxDepth: 10, maxAttributes: 30, maxElements: 100 };
const read = (text: string) => readBody(Buffer.from(text), LIMITS);
const NS = "xmlns='http://jabber.org/protocol/httpbind'";

describe('XEP-0124 what a client says', () => {
  test('example 1: requesting a BOSH session', () => {
    const found = read(`<body content='text/xml; charset=utf-8'
      from='user@example.com'
      hold='1'
      rid='1573741820'
      to='example.com'
      route='xmpp:example.com:9999'
      ver='1.6'
      wait='60'
      ack='1'
      xml:lang='en'
      ${NS}/>`);
    expect(found?.body).toMatchObject({
      ...{ rid: 1573741820, sid: undefined, to: 'example.com', from: 'user@example.com' },
      ...{ ack: 1, lang: 'en', payloads: '', isTerminate: false, isRestart: false },
    });
    expect(found?.opening).toEqual({
      ...{ wait: 60, hold: 1, ver: '1.6', version: '1.0', content: 'text/xml; charset=utf-8' },
    });
  });

  test('example 4: transmitting payloads', () => {
    const found = read(`<body rid='1249243562'
      sid='SomeSID'
      ${NS}>
  <message to='contact@example.com'
           xmlns='jabber:client'>
    <body>Good morning!</body>
  </message>
  <message to='friend@example.com'
           xmlns='jabber:client'>
    <body>Hey, what&apos;s up?</body>
  </message>
</body>`);
    expect(found?.opening).toBeUndefined();
    expect(found?.body.sid).toBe('SomeSID');
    const each = [
      ...(found?.body.payloads ?? '').matchAll(/<message xmlns="([^"]+)" to="([^"]+)"/g),
    ];
    expect(each.map(([, xmlns, to]) => [to, xmlns])).toEqual([
      ['contact@example.com', 'jabber:client'],
      ['friend@example.com', 'jabber:client'],
    ]);
  });

  test.each([
    ['requesting payloads', '', { payloads: '', ack: undefined, pause: undefined }],
    ['a request with response acknowledgement', "ack='1249243564'", { ack: 1249243564 }],
    ['requesting a session pause', "pause='60'", { pause: 60 }],
    [
      'a new key sequence',
      "key='6f825e81f4532b2c5fa2d12457d8a1f22e8f838e' newkey='113f58a37245ec9637266cf2fb6e48bfeaf7964e'",
      {
        key: '6f825e81f4532b2c5fa2d12457d8a1f22e8f838e',
        newkey: '113f58a37245ec9637266cf2fb6e48bfeaf7964e',
      },
    ],
    ['another stream, which is ignored (§16.3)', "to='example.com'", { payloads: '' }],
  ])('%s', (_, attrs, said) => {
    expect(read(`<body rid='1249243563' sid='SomeSID' ${attrs} ${NS}/>`)?.body).toMatchObject(said);
  });

  test('session termination by the client', () => {
    const { body } =
      read(
        `<body rid='1249243565' sid='SomeSID' type='terminate' ${NS}><presence type='unavailable' xmlns='jabber:client'/></body>`,
      ) ?? {};
    expect(body).toMatchObject({ isTerminate: true });
    expect(body?.payloads).toBe('<presence xmlns="jabber:client" type="unavailable"/>');
  });
});

describe('XEP-0206 what a client says', () => {
  test('§5 a restart request, whatever its prefix', () => {
    for (const prefix of ['xmpp', 'x'])
      expect(
        read(
          `<body rid='1573741824' sid='SomeSID' to='example.com' xml:lang='en' ${prefix}:restart='true' ${NS} xmlns:${prefix}='urn:xmpp:xbosh'/>`,
        )?.body.isRestart,
      ).toBe(true);
    const other = `<body rid='1' sid='a' xmpp:restart='true' ${NS} xmlns:xmpp='urn:other'/>`;
    expect(read(other)?.body.isRestart).toBe(false);
  });

  test('§2 stanzas are in jabber:client, also where they name nothing', () => {
    const text = `<body rid='1' sid='a' ${NS}><iq id='i' type='get'><q xmlns='urn:q'/></iq></body>`;
    expect(read(text)?.body.payloads).toBe('<iq id="i" type="get"><q xmlns="urn:q"/></iq>');
  });
});

test('XEP-0124 §6 what is no body', () => {
  for (const text of [
    '',
    'text',
    `<body rid='1' sid='a' ${NS}>`,
    `<body rid='1' sid='a' ${NS}/><body rid='2' sid='a' ${NS}/>`,
    `<body rid='1' sid='a' ${NS}>text</body>`,
    `<body rid='1' sid='a' ${NS}><!-- a --></body>`,
    `<body rid='1' sid='a' ${NS}>&a;</body>`,
    `<body rid='-1' sid='a' ${NS}/>`,
    `<body rid='1e3' sid='a' ${NS}/>`,
    `<body rid='1' sid='a' pause='x' ${NS}/>`,
    `<other rid='1' sid='a' ${NS}/>`,
  ])
    expect(read(text), text).toBeUndefined();
});

describe('what we say', () => {
  test.each([
    ['XEP-0124 §8 an empty response', {}, '', `<body ${NS}/>`],
    ['XEP-0124 §9.1', { ack: 1249243564 }, '', `<body ack='1249243564' ${NS}/>`],
    [
      'XEP-0124 §9.2',
      { report: 1249243565, time: 852 },
      '',
      `<body report='1249243565' time='852' ${NS}/>`,
    ],
    [
      'XEP-0206 §5',
      {},
      '<stream:features/>',
      `<body xmlns:stream='http://etherx.jabber.org/streams' ${NS}><stream:features/></body>`,
    ],
    [
      'XEP-0206 §4',
      { 'xmpp:restartlogic': 'true' },
      '',
      `<body xmpp:restartlogic='true' xmlns:xmpp='urn:xmpp:xbosh' ${NS}/>`,
    ],
    ['what is quoted', { from: "'<&" }, '', `<body from='&apos;&lt;&amp;' ${NS}/>`],
  ])('%s', (_, attrs, payloads, text) => expect(bodyText(attrs, payloads)).toBe(text));

  test('XEP-0124 §17 conditions, and statuses for clients without a version', () => {
    expect(terminal('item-not-found')).toEqual({
      status: 200,
      text: `<body type='terminate' condition='item-not-found' ${NS}/>`,
    });
    const statuses = (
      ['bad-request', 'policy-violation', 'item-not-found', 'host-unknown'] as const
    ).map((condition) => terminal(condition, true).status);
    expect(statuses).toEqual([400, 403, 404, 200]);
  });
});

test("XEP-0124 §15.4 the example's key follows its first one", () => {
  const first = nextKey(undefined, {
    key: undefined,
    newkey: 'ca393b51b682f61f98e7877d61146407f3d0a770',
  });
  const key = 'bfb06a6f113cd6fd3838ab9d300fdb4fe3da2f7d';
  expect(nextKey(first, { key, newkey: undefined })).toBe(key);
  expect(nextKey(first, { key: undefined, newkey: undefined })).toBe('wrong');
  expect(nextKey(first, { key: `${key}0`, newkey: undefined })).toBe('wrong');
  expect(nextKey(undefined, { key: undefined, newkey: undefined })).toBeUndefined();
});
