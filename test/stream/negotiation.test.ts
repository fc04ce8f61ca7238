import { describe, expect, test } from 'vitest';
import { type Domain, parseDomain, parseFull } from '../../src/jid/jid.ts';
import {
  beginNegotiation,
  endFor,
  type HostTerms,
  type Negotiation,
  type NegotiationAction,
  type NegotiationContext,
  type NegotiationEvent,
  negotiate,
  type Offer,
} from '../../src/stream/negotiation.ts';
import type { StreamHeader } from '../../src/xml/parser.ts';
import { parse } from '../support/scene.ts';

const domain = (raw: string): Domain => {
  const parsed = parseDomain(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};
const HOST = domain('im.example.com');
const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
const TLS = "xmlns='urn:ietf:params:xml:ns:xmpp-tls'";

const OFFER: Offer = {
  mechanisms: ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1', 'PLAIN'],
  channelBindings: ['tls-exporter'],
  sasl2: undefined,
};

const TERMS: HostTerms = {
  offer: () => OFFER,
  isTlsRequired: true,
  earlyFeatures: () => [],
  authenticatedFeatures: () => [],
  boundFeatures: () => [],
  answersEarly: (payload) => payload.name === 'query',
};

const context = (terms: Partial<HostTerms> = {}): NegotiationContext => ({
  termsOf: (host) => (host === HOST ? { ...TERMS, ...terms } : undefined),
  loginTries: 2,
});

const header = (attrs: StreamHeader['attrs'] = {}, more: Partial<StreamHeader> = {}) => ({
  kind: 'header' as const,
  header: {
    name: 'stream',
    prefix: 'stream',
    ns: 'http://etherx.jabber.org/streams',
    contentNs: 'jabber:client',
    attrs: { to: HOST, version: '1.0', ...attrs },
    ...more,
  },
});
const element = (xml: string) => ({ kind: 'element' as const, element: parse(xml) });

/** Plays events from a state; answers the last state and the actions of the last event. */
function play(
  from: Negotiation,
  events: readonly NegotiationEvent[],
  terms: Partial<HostTerms> = {},
) {
  let state = from;
  let actions: readonly NegotiationAction[] = [];
  for (const event of events) [state, actions] = negotiate(state, event, context(terms));
  const ended = actions.find((action) => action.do === 'end');
  const sent = actions.flatMap((action) => (action.do === 'send' ? [action.text] : [])).join('');
  return { state, actions, sent, condition: ended?.condition };
}

const secure = play(beginNegotiation(true), [header()]).state;
const authenticated = play(secure, [
  element(`<auth ${SASL} mechanism='PLAIN'>AGp1bGlldABzZWNyZXQ=</auth>`),
  { kind: 'sasl', step: { kind: 'success', username: 'juliet' } },
  header(),
]).state;

describe('RFC 6120 §4.7: the header', () => {
  test.each([
    ['§4.9.3.10 another stream namespace', header({}, { ns: 'urn:x' }), 'invalid-namespace'],
    [
      '§4.8.3 another content namespace',
      header({}, { contentNs: 'jabber:server' }),
      'invalid-namespace',
    ],
    ['another root element', header({}, { name: 'flood' }), 'bad-format'],
    ['§4.7.5 a version that is none', header({ version: 'one' }), 'unsupported-version'],
    ['§4.9.3.6 an unknown host', header({ to: 'elsewhere.example' }), 'host-unknown'],
    ['§4.9.3.6 no domain at all', header({ to: 'juliet@im.example.com' }), 'host-unknown'],
  ])('%s', (_, event, condition) => {
    const { state, actions } = play(beginNegotiation(false), [event]);
    expect(actions).toMatchObject([{ do: 'open' }, { do: 'end', condition }]);
    expect(state.phase).toBe('ended');
  });

  test("§4.7.2 a missing 'to'", () => {
    const { to: _, ...attrs } = header().header.attrs;
    const event = { kind: 'header' as const, header: { ...header().header, attrs } };
    expect(play(beginNegotiation(false), [event]).condition).toBe('improper-addressing');
  });

  test("§4.7.1 the client's own address is echoed as 'to'", () => {
    const { actions } = play(beginNegotiation(true), [header({ from: 'juliet@im.example.com' })]);
    expect(actions[0]).toEqual({ do: 'open', to: 'juliet@im.example.com' });
  });

  test('a host may not change once a client is authenticated', () => {
    const other = { ...authenticated, phase: 'header' as const, host: domain('other.example') };
    expect(play(other, [header()]).condition).toBe('host-unknown');
  });
});

describe('RFC 6120 §5: STARTTLS', () => {
  const clear = play(beginNegotiation(false), [header()]);

  test('§4.9.1.2 an error that comes before the header is preceded by ours', () => {
    const ended = (state: Negotiation) =>
      endFor(state, { condition: 'system-shutdown', text: '' })[1].map((action) => action.do);
    expect(ended(beginNegotiation(false))).toEqual(['open', 'end']);
    expect(ended(clear.state)).toEqual(['end']);
    // By TLS a new stream begins.
    const securing = play(clear.state, [element(`<starttls ${TLS}/>`)]).state;
    expect(ended(securing)).toEqual(['open', 'end']);
    expect(ended(play(securing, [{ kind: 'secured' }]).state)).toEqual(['open', 'end']);
  });

  test('§5.3.1 where it is required it is the only feature', () => {
    expect(clear.sent).toContain('<required/>');
    expect(clear.sent).not.toContain('mechanism');
  });

  test('§5.4.2.3 <proceed/>, then TLS, then a new stream', () => {
    const asked = play(clear.state, [element(`<starttls ${TLS}/>`)]);
    expect(asked.sent).toContain('<proceed');
    expect(asked.actions.at(-1)).toEqual({ do: 'secure' });
    const done = play(asked.state, [{ kind: 'secured' }]);
    expect(done.actions).toEqual([{ do: 'restart' }]);
    expect(play(done.state, [header()]).sent).toContain('<mechanism>PLAIN</mechanism>');
  });

  test('§5.4.2.2 a second time it fails and closes', () => {
    const { sent, actions } = play(secure, [element(`<starttls ${TLS}/>`)]);
    expect(sent).toContain('<failure');
    expect(actions.at(-1)).toEqual({ do: 'close' });
  });
});

describe('RFC 6120 §6: SASL', () => {
  const auth = (mechanism: string, data = '=') =>
    element(`<auth ${SASL} mechanism='${mechanism}'>${data}</auth>`);

  test('§6.4.1 mechanisms and XEP-0440 channel bindings are offered over TLS', () => {
    const { sent } = play(beginNegotiation(true), [header()]);
    expect(sent).toContain('<mechanism>SCRAM-SHA-1-PLUS</mechanism>');
    expect(sent).toContain('<channel-binding type="tls-exporter"/>');
  });

  test.each([
    ['§6.5.7 an unknown mechanism', auth('CRAM-MD5'), 'invalid-mechanism'],
    ['§6.5.5 no base64', auth('PLAIN', 'a'), 'incorrect-encoding'],
    ['a response without an exchange', element(`<response ${SASL}>=</response>`), 'not-authorized'],
    ['§6.5.1 an abort', element(`<abort ${SASL}/>`), 'aborted'],
    ['an unknown element', element(`<hello ${SASL}/>`), 'malformed-request'],
  ])('%s', (_, event, condition) => {
    const { sent, state } = play(secure, [event]);
    expect(sent).toContain(`<${condition}/>`);
    expect(state).toMatchObject({ phase: 'early', failures: 1 });
  });

  test('§6.5.4 without TLS where it is required', () => {
    const clear = play(beginNegotiation(false), [header()]).state;
    expect(play(clear, [auth('PLAIN')]).sent).toContain('<encryption-required/>');
  });

  test('§6.4.5 too many failures end the stream', () => {
    const wrong = { kind: 'sasl', step: { kind: 'failure', condition: 'not-authorized' } } as const;
    const { condition } = play(secure, [auth('PLAIN'), wrong, auth('PLAIN'), wrong]);
    expect(condition).toBe('policy-violation');
  });

  test('§6.4.6 success carries its data and restarts the stream', () => {
    const step = { kind: 'success', username: 'juliet', data: Buffer.from('v=x') } as const;
    const { sent, actions, state } = play(secure, [auth('SCRAM-SHA-1'), { kind: 'sasl', step }]);
    expect(sent).toContain(Buffer.from('v=x').toString('base64'));
    expect(actions.at(-1)).toEqual({ do: 'restart' });
    expect(state).toMatchObject({ phase: 'header', account: 'juliet@im.example.com' });
  });

  test('§4.9.3.12 a stanza before login is not-authorized', () => {
    expect(play(secure, [element("<message to='x'/>")]).condition).toBe('not-authorized');
  });

  test('XEP-0077 an IQ that a module answers early', () => {
    const iq = element("<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>");
    expect(play(secure, [iq]).actions).toMatchObject([{ do: 'early-iq' }]);
    const clear = play(beginNegotiation(false), [header()]).state;
    expect(play(clear, [iq]).condition).toBe('not-authorized');
  });
});

describe('RFC 6120 §7: resource binding', () => {
  const BIND = "xmlns='urn:ietf:params:xml:ns:xmpp-bind'";
  const full = parseFull('juliet@im.example.com/balcony');
  if (!full.ok) throw new Error(full.why);

  test('§7.6 the server makes a resource up', () => {
    const { actions } = play(authenticated, [
      element(`<iq type='set' id='1'><bind ${BIND}/></iq>`),
    ]);
    expect(actions).toEqual([{ do: 'bind', resource: undefined, id: '1' }]);
  });

  test('§7.7 the client asks for one, and is told its JID', () => {
    const asked = play(authenticated, [
      element(`<iq type='set' id='1'><bind ${BIND}><resource>balcony</resource></bind></iq>`),
    ]);
    expect(asked.actions).toEqual([{ do: 'bind', resource: 'balcony', id: '1' }]);
    const bound = play(asked.state, [{ kind: 'bound', jid: full.value, id: '1' }]);
    expect(bound.sent).toContain('<jid>juliet@im.example.com/balcony</jid>');
    expect(bound.state.phase).toBe('bound');
  });

  test.each(['bad-request', 'conflict', 'resource-constraint'] as const)(
    '§7.6.2 %s',
    (condition) => {
      const { sent, state } = play(authenticated, [{ kind: 'bind-refused', id: '1', condition }]);
      expect(sent).toContain(`<${condition} `);
      expect(state.phase).toBe('bind');
    },
  );

  test.each([`to='${HOST}'`, `to='juliet@${HOST}'`, ''])(
    '§7.1 before it, a stanza %s for the server or the own account is refused',
    (to) => {
      const { sent, state } = play(authenticated, [element(`<message ${to} id='7'/>`)]);
      expect(sent).toMatch(/^<message type="error" id="7">.*<not-authorized /);
      expect(state.phase).toBe('bind');
    },
  );

  test.each(['x.example', `romeo@${HOST}`, `juliet@${HOST}/balcony`, '@'])(
    '§7.1 before it, a stanza to %s ends the stream',
    (to) => {
      const { condition } = play(authenticated, [element(`<message to='${to}' id='7'/>`)]);
      expect(condition).toBe('not-authorized');
    },
  );

  test('§4.9.3.24 what is no stanza ends the stream', () => {
    const { condition } = play(authenticated, [element("<hello xmlns='urn:x'/>")]);
    expect(condition).toBe('unsupported-stanza-type');
  });
});
