/** XEP-0388 as the pure negotiation has it, with the examples of XEP-0388, 0386, 0484 and 0480. */
import { describe, expect, test } from 'vitest';
import { type Domain, parseDomain, parseFull } from '../../src/jid/jid.ts';
import {
  beginNegotiation,
  type HostTerms,
  type Negotiation,
  type NegotiationAction,
  type NegotiationContext,
  type NegotiationEvent,
  negotiate,
  type Offer,
} from '../../src/stream/negotiation.ts';
import { el } from '../../src/xml/element.ts';
import { parse } from '../support/scene.ts';

const domain = (raw: string): Domain => {
  const parsed = parseDomain(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};
const HOST = domain('example.org');
const NS = "xmlns='urn:xmpp:sasl:2'";
const FAST = "xmlns='urn:xmpp:fast:0'";
const AGENT =
  "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'>" +
  "<software>AwesomeXMPP</software><device>Kiva's Phone</device></user-agent>";
const full = parseFull('user@example.org/AwesomeXMPP/4232f4d4');
if (!full.ok) throw new Error(full.why);

const OFFER: Offer = {
  mechanisms: ['SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS', 'PLAIN'],
  channelBindings: ['tls-server-end-point', 'tls-exporter'],
  sasl2: {
    mechanisms: ['SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS', 'PLAIN'],
    inline: [el('sm', { xmlns: 'urn:xmpp:sm:3' }), el('bind', { xmlns: 'urn:xmpp:bind:0' })],
    tokenMechanisms: ['HT-SHA-256-ENDP', 'HT-SHA-256-NONE'],
    upgrades: ['UPGR-SCRAM-SHA-256', 'UPGR-SCRAM-SHA-512'],
  },
};

const TERMS: HostTerms = {
  offer: () => OFFER,
  isTlsRequired: true,
  earlyFeatures: () => [],
  authenticatedFeatures: () => [el('sub', { xmlns: 'urn:xmpp:features:pre-approval' })],
  boundFeatures: () => [el('ver', { xmlns: 'urn:xmpp:features:rosterver' })],
  answersEarly: () => false,
};

const context = (terms: Partial<HostTerms> = {}): NegotiationContext => ({
  termsOf: (host) => (host === HOST ? { ...TERMS, ...terms } : undefined),
  loginTries: 2,
});
const header = (attrs: Record<string, string> = {}) => ({
  kind: 'header' as const,
  header: {
    name: 'stream',
    prefix: 'stream',
    ns: 'http://etherx.jabber.org/streams',
    contentNs: 'jabber:client',
    attrs: { to: HOST, version: '1.0', ...attrs },
  },
});
const element = (xml: string) => ({ kind: 'element' as const, element: parse(xml) });

function play(
  from: Negotiation,
  events: readonly NegotiationEvent[],
  terms: Partial<HostTerms> = {},
) {
  let state = from;
  let actions: readonly NegotiationAction[] = [];
  for (const event of events) [state, actions] = negotiate(state, event, context(terms));
  const ended = actions.find((action) => action.do === 'end');
  const sent = actions.flatMap((action) => (action.do === 'send' ? [action.text] : []));
  return { state, actions, sent, condition: ended?.condition };
}

const opened = play(beginNegotiation(true), [header({ from: 'user@example.org' })]);
const secure = opened.state;
const b64 = (text: string) => Buffer.from(text).toString('base64');
const authenticate = (mechanism: string, inner = '') =>
  element(`<authenticate ${NS} mechanism='${mechanism}'>${inner}</authenticate>`);
const succeeded = (more: object = {}): NegotiationEvent => ({
  kind: 'sasl',
  step: { kind: 'success', username: 'user', ...more },
});
const running = play(secure, [authenticate('SCRAM-SHA-1', AGENT)]).state;

describe('§2.1 the feature', () => {
  test('holds mechanisms, what can be had inline, and XEP-0480 upgrades; XEP-0440 beside it', () => {
    const features = parse(
      opened.sent
        .join('')
        .replace('stream:features', 'features xmlns="x"')
        .replace('</stream:features>', '</features>'),
    );
    const authentication = features.children.find(
      (child) => typeof child !== 'string' && child.name === 'authentication',
    );
    expect(String(authentication)).toBe(
      '<authentication xmlns="urn:xmpp:sasl:2">' +
        '<mechanism>SCRAM-SHA-1</mechanism><mechanism>SCRAM-SHA-1-PLUS</mechanism>' +
        '<mechanism>PLAIN</mechanism>' +
        '<inline><sm xmlns="urn:xmpp:sm:3"/><bind xmlns="urn:xmpp:bind:0"/>' +
        '<fast xmlns="urn:xmpp:fast:0"><mechanism>HT-SHA-256-ENDP</mechanism>' +
        '<mechanism>HT-SHA-256-NONE</mechanism></fast></inline>' +
        '<upgrade xmlns="urn:xmpp:sasl:upgrade:0">UPGR-SCRAM-SHA-256</upgrade>' +
        '<upgrade xmlns="urn:xmpp:sasl:upgrade:0">UPGR-SCRAM-SHA-512</upgrade>' +
        '</authentication>',
    );
    expect(opened.sent.join('')).toContain('<channel-binding type="tls-exporter"/>');
  });

  test('§3 is not offered without TLS, and not taken', () => {
    const terms = { isTlsRequired: false, offer: () => ({ ...OFFER, sasl2: undefined }) };
    const clear = play(beginNegotiation(false), [header()], terms);
    expect(clear.sent.join('')).not.toContain('urn:xmpp:sasl:2');
    const { sent } = play(clear.state, [authenticate('PLAIN')], terms);
    expect(sent.join('')).toContain('<encryption-required ');
  });

  test.each(['user@elsewhere.example', 'elsewhere.example'])(
    'a stream from %s, of another domain, is invalid-from',
    (from) => {
      expect(play(beginNegotiation(true), [header({ from })]).condition).toBe('invalid-from');
    },
  );

  test.each(['', '@', 'no address at all@'])('a stream from "%s" is from nobody', (from) => {
    expect(play(beginNegotiation(true), [header({ from })]).state).toMatchObject({
      phase: 'early',
      claimed: undefined,
    });
  });
});

describe('§2.3 initiation', () => {
  test('the example', () => {
    const initial = 'p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6';
    const { state, actions } = play(secure, [
      authenticate(
        'SCRAM-SHA-1-PLUS',
        `<initial-response>${b64(initial)}</initial-response>${AGENT}`,
      ),
    ]);
    expect(state.phase).toBe('sasl');
    expect(actions).toMatchObject([
      {
        do: 'begin-sasl',
        mechanism: 'SCRAM-SHA-1-PLUS',
        data: Buffer.from(initial),
        offered: ['SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS', 'PLAIN'],
        request: {
          agent: {
            uuid: 'd4565fa7-4d72-4749-b3d3-740edbf87770',
            software: 'AwesomeXMPP',
            device: "Kiva's Phone",
          },
        },
      },
    ]);
  });

  test('§2.2 whitespace around the data is no part of it', () => {
    const { actions } = play(secure, [
      authenticate('PLAIN', '<initial-response>\n    SSBzaG91bGQ=\n  </initial-response>'),
    ]);
    expect(actions).toMatchObject([{ data: Buffer.from('I should') }]);
  });

  test.each([
    ['a mechanism that was not offered', authenticate('CRAM-MD5'), 'invalid-mechanism'],
    ['no mechanism', element(`<authenticate ${NS}/>`), 'invalid-mechanism'],
    [
      '§2.2 data that is no base64',
      authenticate('PLAIN', '<initial-response>a</initial-response>'),
      'incorrect-encoding',
    ],
    [
      '§2.2 the = of RFC 6120',
      authenticate('PLAIN', '<initial-response>=</initial-response>'),
      'incorrect-encoding',
    ],
    [
      'a user agent whose id is no UUID',
      authenticate('PLAIN', "<user-agent id='my phone'/>"),
      'malformed-request',
    ],
    [
      'a UUID that is not of version 4',
      authenticate('PLAIN', "<user-agent id='d4565fa7-4d72-1749-b3d3-740edbf87770'/>"),
      'malformed-request',
    ],
    ['a response to nothing', element(`<response ${NS}/>`), 'malformed-request'],
    [
      'a task that nobody set',
      element(`<next ${NS} task='UPGR-SCRAM-SHA-256'/>`),
      'malformed-request',
    ],
    ['what we do not know', element(`<hello ${NS}/>`), 'malformed-request'],
    ['§4.5 an abort of nothing', element(`<abort ${NS}/>`), 'aborted'],
  ])('§2.6.2 %s fails, and leaves the stream as it was', (_, event, condition) => {
    const { sent, state } = play(secure, [event]);
    expect(sent.join('')).toContain(
      `<failure xmlns="urn:xmpp:sasl:2"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`,
    );
    expect(state).toMatchObject({ phase: 'early', failures: 1, login: undefined });
  });

  test('names are cut, put on one line, and lose what steers a terminal', () => {
    const inner = `<user-agent><software>  A\n\tB\u0085\u202e${'x'.repeat(5000)}</software></user-agent>`;
    const { actions } = play(secure, [authenticate('PLAIN', inner)]);
    expect(actions).toMatchObject([
      { request: { agent: { uuid: undefined, software: `A B ${'x'.repeat(96)}`, device: '' } } },
    ]);
  });

  test('an upper-case UUID is the same as a lower-case one', () => {
    const { actions } = play(secure, [
      authenticate('PLAIN', "<user-agent id='D4565FA7-4D72-4749-B3D3-740EDBF87770'/>"),
    ]);
    expect(actions).toMatchObject([
      { request: { agent: { uuid: 'd4565fa7-4d72-4749-b3d3-740edbf87770' } } },
    ]);
  });

  test('RFC 6120 §6.4.5 too many failures end the stream', () => {
    const wrong = { kind: 'sasl', step: { kind: 'failure', condition: 'not-authorized' } } as const;
    const tries = [authenticate('PLAIN'), wrong, authenticate('PLAIN'), wrong];
    expect(play(secure, tries).condition).toBe('policy-violation');
  });
});

describe('§2.4 while it runs', () => {
  test.each([
    ['a stanza', "<message to='user@example.org'/>"],
    ['SASL of RFC 6120', "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>"],
    ['another authentication', `<authenticate ${NS} mechanism='PLAIN'/>`],
    ['task data', `<task-data ${NS}/>`],
    ['something of its namespace', `<hello ${NS}/>`],
    ['STARTTLS', "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"],
  ])('%s ends the stream', (_, xml) => {
    expect(play(running, [element(xml)]).condition).toBe('not-authorized');
  });

  test('§2.5 challenges and responses', () => {
    const challenge = { kind: 'challenge', data: Buffer.from('r=x') } as const;
    expect(play(running, [{ kind: 'sasl', step: challenge }]).sent).toEqual([
      `<challenge xmlns="urn:xmpp:sasl:2">${b64('r=x')}</challenge>`,
    ]);
    expect(
      play(running, [element(`<response ${NS}>\n ${b64('c=y')}\n</response>`)]).actions,
    ).toEqual([{ do: 'continue-sasl', data: Buffer.from('c=y') }]);
    expect(play(running, [element(`<response ${NS}>!</response>`)]).sent.join('')).toContain(
      '<incorrect-encoding ',
    );
  });

  test('§4.5 an abort, with whatever is in it, fails the login', () => {
    const { sent, state } = play(running, [element(`<abort ${NS}><text>No.</text></abort>`)]);
    expect(sent.join('')).toContain('<aborted ');
    expect(state.phase).toBe('early');
  });
});

describe('§2.6.1 success', () => {
  const admitted = play(running, [succeeded({ data: Buffer.from('v=x') })]);

  test('first does what was asked for besides', () => {
    expect(admitted.state).toMatchObject({ phase: 'admitted', account: 'user@example.org' });
    expect(admitted.actions).toMatchObject([
      { do: 'note-login', mechanism: 'SCRAM-SHA-1', outcome: 'success' },
      { do: 'admit', request: { agent: { software: 'AwesomeXMPP' } } },
    ]);
  });

  test('the example: who it is, and features at once, with no new stream', () => {
    const done = play(admitted.state, [
      { kind: 'admitted', admission: { kind: 'authenticated', parts: [] } },
    ]);
    expect(done.sent).toEqual([
      `<success xmlns="urn:xmpp:sasl:2"><additional-data>${b64('v=x')}</additional-data>` +
        '<authorization-identifier>user@example.org</authorization-identifier></success>',
      '<stream:features><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>' +
        '<sub xmlns="urn:xmpp:features:pre-approval"/></stream:features>',
    ]);
    expect(done.actions.map((action) => action.do)).toEqual(['send', 'send']);
    expect(done.state).toMatchObject({ phase: 'bind', login: undefined });
  });

  test('XEP-0386 §3.2 with a resource bound: the full JID, what came of it, no offer to bind', () => {
    const bound = el('bound', { xmlns: 'urn:xmpp:bind:0' });
    const done = play(admitted.state, [
      { kind: 'admitted', admission: { kind: 'bound', jid: full.value, parts: [bound] } },
    ]);
    expect(done.sent).toEqual([
      `<success xmlns="urn:xmpp:sasl:2"><additional-data>${b64('v=x')}</additional-data>` +
        `<authorization-identifier>${full.value}</authorization-identifier>` +
        '<bound xmlns="urn:xmpp:bind:0"/></success>',
      '<stream:features><ver xmlns="urn:xmpp:features:rosterver"/></stream:features>',
    ]);
    expect(done.state.phase).toBe('bound');
  });

  test('XEP-0198 §9.2 with a session resumed: no features', () => {
    const resumed = el('resumed', { xmlns: 'urn:xmpp:sm:3', h: 345, previd: '124' });
    const done = play(admitted.state, [
      { kind: 'admitted', admission: { kind: 'resumed', jid: full.value, parts: [resumed] } },
    ]);
    expect(done.sent).toHaveLength(1);
    expect(done.sent[0]).toContain('<resumed xmlns="urn:xmpp:sm:3" h="345" previd="124"/>');
    expect(done.state.phase).toBe('bound');
  });

  test('refused at the last moment it is a failure', () => {
    const { sent, state } = play(admitted.state, [
      { kind: 'admitted', admission: { kind: 'refused', condition: 'not-authorized' } },
    ]);
    expect(sent.join('')).toContain('<not-authorized ');
    expect(state).toMatchObject({ phase: 'early', account: undefined, failures: 1 });
  });

  test('a host that is gone by then', () => {
    const gone = { ...admitted.state, host: domain('gone.example') };
    const event = { kind: 'admitted', admission: { kind: 'authenticated', parts: [] } } as const;
    expect(play(gone, [event]).condition).toBe('host-gone');
  });

  test('§4.8 another authentication afterwards ends the stream', () => {
    const done = play(admitted.state, [
      { kind: 'admitted', admission: { kind: 'authenticated', parts: [] } },
    ]);
    expect(play(done.state, [authenticate('PLAIN')]).condition).toBe('unsupported-stanza-type');
  });
});

describe('§2.3, §4.4 acting as somebody', () => {
  test('who asks for it must be the one whom the header names', () => {
    const other = play(beginNegotiation(true), [header({ from: 'other@example.org' })]).state;
    const { sent } = play(other, [
      authenticate('PLAIN'),
      succeeded({ authzid: 'user@example.org' }),
    ]);
    expect(sent.join('')).toContain('<invalid-authzid ');
  });

  test.each([
    ['as himself', { from: 'user@example.org' }, { authzid: 'USER@example.org' }],
    ['with no header that names him', {}, { authzid: 'user@example.org' }],
    ['without asking', { from: 'other@example.org' }, {}],
    ['asking for nobody', { from: 'other@example.org' }, { authzid: '' }],
  ])('%s all is well', (_, attrs, more) => {
    const state = play(beginNegotiation(true), [header(attrs)]).state;
    expect(play(state, [authenticate('PLAIN'), succeeded(more)]).state.phase).toBe('admitted');
  });
});

describe('XEP-0484', () => {
  const use = (attrs = '', agent = AGENT) => `${agent}<fast ${FAST}${attrs}/>`;

  test('§3.2 a token is asked for', () => {
    const asked = `<request-token ${FAST} mechanism='HT-SHA-256-ENDP'/>`;
    const { actions } = play(secure, [authenticate('SCRAM-SHA-1-PLUS', `${AGENT}${asked}`)]);
    expect(actions).toMatchObject([{ request: { tokenFor: 'HT-SHA-256-ENDP', fast: undefined } }]);
  });

  test.each([
    ['', { count: undefined, isLast: false }],
    [" count='123'", { count: 123, isLast: false }],
    [" count='123' invalidate='true'", { count: 123, isLast: true }],
    [" invalidate='1'", { count: undefined, isLast: true }],
    [" invalidate='false'", { count: undefined, isLast: false }],
  ])('§3.4, §3.6 a token is used with%s', (attrs, fast) => {
    const { actions } = play(secure, [authenticate('HT-SHA-256-ENDP', use(attrs))]);
    expect(actions).toMatchObject([
      { do: 'begin-sasl', mechanism: 'HT-SHA-256-ENDP', request: { fast } },
    ]);
  });

  test.each([
    ['§3.4 a token without <fast/>', 'HT-SHA-256-ENDP', AGENT, 'malformed-request'],
    ['§4.1 without a user agent', 'HT-SHA-256-ENDP', use('', ''), 'malformed-request'],
    [
      '§4.1 with one that has no id',
      'HT-SHA-256-ENDP',
      use('', '<user-agent/>'),
      'malformed-request',
    ],
    ['§3.4 a count of nothing', 'HT-SHA-256-ENDP', use(" count='0'"), 'malformed-request'],
    ['§3.4 a count that is none', 'HT-SHA-256-ENDP', use(" count='-1'"), 'malformed-request'],
    [
      '§3.4 a giant count',
      'HT-SHA-256-ENDP',
      use(` count='${'9'.repeat(40)}'`),
      'malformed-request',
    ],
    ['a mechanism of passwords', 'SCRAM-SHA-1', use(), 'invalid-mechanism'],
    ['a mechanism that was not offered', 'HT-SHA-256-EXPR', use(), 'invalid-mechanism'],
  ])('%s fails', (_, mechanism, inner, condition) => {
    const { sent } = play(secure, [authenticate(mechanism, inner)]);
    expect(sent.join('')).toContain(`<${condition} `);
  });
});

describe('§2.6.3 tasks, as XEP-0480 sets them', () => {
  const upgrade = (name: string) => `<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>${name}</upgrade>`;
  const tasks = ['UPGR-SCRAM-SHA-256', 'UPGR-SCRAM-SHA-512'];
  const asked = play(secure, [
    authenticate('SCRAM-SHA-1-PLUS', tasks.map(upgrade).join('') + AGENT),
  ]);
  const continued = play(asked.state, [
    { ...succeeded({ data: Buffer.from('v=x') }), tasks } as NegotiationEvent,
  ]);
  const next = (task: string) => element(`<next ${NS} task='${task}'/>`);
  const begun = play(continued.state, [next('UPGR-SCRAM-SHA-256')]);
  const hash = (data: string) =>
    element(`<task-data ${NS}><hash xmlns='urn:xmpp:scram-upgrade:0'>${data}</hash></task-data>`);

  test('XEP-0480 §2.2 tasks are asked for, each once, and not without end', () => {
    expect(asked.actions).toMatchObject([{ request: { upgrades: tasks } }]);
    const many = Array.from({ length: 500 }, (_, index) => upgrade(`X-${index}`)).join('');
    const { actions } = play(secure, [authenticate('PLAIN', upgrade('X-0') + many)]);
    const [begin] = actions.flatMap((action) => (action.do === 'begin-sasl' ? [action] : []));
    expect(begin?.request?.upgrades.length).toBeLessThan(12);
  });

  test('the first is set, alone, with what the mechanism had to say', () => {
    expect(continued.sent).toEqual([
      `<continue xmlns="urn:xmpp:sasl:2"><additional-data>${b64('v=x')}</additional-data>` +
        '<tasks><task>UPGR-SCRAM-SHA-256</task></tasks></continue>',
    ]);
    expect(continued.state).toMatchObject({ phase: 'tasks', account: undefined });
  });

  test('XEP-0480 §3 the client begins it and is told salt and iterations', () => {
    expect(begun.actions).toEqual([{ do: 'begin-upgrade', task: 'UPGR-SCRAM-SHA-256' }]);
    const salt = Buffer.from('A_SXCRXQ6sek8bf_Z');
    expect(play(begun.state, [{ kind: 'upgrade-begun', salt, iterations: 4096 }]).sent).toEqual([
      '<task-data xmlns="urn:xmpp:sasl:2"><salt xmlns="urn:xmpp:scram-upgrade:0" iterations="4096">' +
        'QV9TWENSWFE2c2VrOGJmX1o=</salt></task-data>',
    ]);
  });

  test('XEP-0480 §3 its answer is taken; the next task is set; success comes last', () => {
    const answered = play(begun.state, [hash(b64('salted'))]);
    expect(answered.actions).toEqual([{ do: 'upgrade', salted: Buffer.from('salted') }]);
    const second = play(answered.state, [{ kind: 'upgraded' }]);
    expect(second.sent).toEqual([
      '<continue xmlns="urn:xmpp:sasl:2"><tasks><task>UPGR-SCRAM-SHA-512</task></tasks></continue>',
    ]);
    const last = play(second.state, [
      next('UPGR-SCRAM-SHA-512'),
      hash(b64('salted')),
      { kind: 'upgraded' },
    ]);
    expect(last.actions).toMatchObject([{ do: 'note-login' }, { do: 'admit' }]);
    const done = play(last.state, [
      { kind: 'admitted', admission: { kind: 'authenticated', parts: [] } },
    ]);
    expect(done.sent[0]).toBe(
      '<success xmlns="urn:xmpp:sasl:2">' +
        '<authorization-identifier>user@example.org</authorization-identifier></success>',
    );
  });

  test.each([
    ['another task', continued.state, next('UPGR-SCRAM-SHA-512'), 'malformed-request'],
    ['no task', continued.state, element(`<next ${NS}/>`), 'malformed-request'],
    ['an abort before it', continued.state, element(`<abort ${NS}/>`), 'aborted'],
    ['an abort in it', begun.state, element(`<abort ${NS}/>`), 'aborted'],
    ['no hash', begun.state, element(`<task-data ${NS}/>`), 'malformed-request'],
    ['a hash that is no base64', begun.state, hash('!'), 'incorrect-encoding'],
    [
      'a hash that cannot be one',
      begun.state,
      { kind: 'upgrade-failed', condition: 'malformed-request' } as const,
      'malformed-request',
    ],
  ])(
    '%s fails the login; §4.8 a second one by SASL2 ends the stream',
    (_, from, event, condition) => {
      const { sent, state } = play(from, [event]);
      expect(sent.join('')).toContain(`<${condition} `);
      expect(state).toMatchObject({ phase: 'early', account: undefined });
      expect(play(state, [authenticate('PLAIN')]).condition).toBe('not-authorized');
    },
  );

  test.each([
    ['a stanza', '<presence/>'],
    ['another authentication', `<authenticate ${NS} mechanism='PLAIN'/>`],
    ['a response', `<response ${NS}/>`],
  ])('§2.4 %s meanwhile ends the stream', (_, xml) => {
    expect(play(continued.state, [element(xml)]).condition).toBe('not-authorized');
    expect(play(begun.state, [element(xml)]).condition).toBe('not-authorized');
  });
});
