/** Both negotiations as vectors: what comes, and what is done. */
import { describe, expect, test } from 'vitest';
import {
  beginIncoming,
  endIncoming,
  type Incoming,
  type IncomingTerms,
  stepIncoming,
} from '../../src/s2s/negotiate-incoming.ts';
import {
  beginOutgoing,
  type Outgoing,
  type OutgoingContext,
  stepOutgoing,
} from '../../src/s2s/negotiate-outgoing.ts';
import type { StreamAction, StreamEvent } from '../../src/s2s/negotiation.ts';
import type { StreamHeader } from '../../src/xml/parser.ts';
import { domain } from '../certs/support.ts';
import { parse } from '../support/scene.ts';

const A = domain('a.example');
const B = domain('b.example');
const TLS = "xmlns='urn:ietf:params:xml:ns:xmpp-tls'";
const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
const FEATURES = "xmlns='http://etherx.jabber.org/streams'";
const STARTTLS = `<starttls ${TLS}/>`;
const EXTERNAL = `<mechanisms ${SASL}><mechanism>EXTERNAL</mechanism></mechanisms>`;
const DIALBACK = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>";
const BIDI = "<bidi xmlns='urn:xmpp:features:bidi'/>";

const header = (attrs: StreamHeader['attrs'], more: Partial<StreamHeader> = {}): StreamEvent => ({
  kind: 'header',
  header: {
    name: 'stream',
    prefix: 'stream',
    ns: 'http://etherx.jabber.org/streams',
    contentNs: 'jabber:server',
    attrs: { version: '1.0', ...attrs },
    ...more,
  },
});
const element = (xml: string): StreamEvent => ({ kind: 'element', element: parse(xml) });
const features = (...offered: string[]) =>
  element(`<features ${FEATURES}>${offered.join('')}</features>`);
const SECURED: StreamEvent = { kind: 'secured' };

/** An action in a few words. */
function inWords(action: StreamAction): string {
  switch (action.do) {
    case 'send':
      return /^<(\S+?)[\s/>]/.exec(action.text)?.[1] ?? action.text;
    case 'end':
      return `end: ${action.condition}`;
    case 'give-up':
      return `give up: ${typeof action.why === 'string' ? action.why : action.why.reported}`;
    default:
      return action.do;
  }
}

describe('who was connected to', () => {
  const terms: IncomingTerms = {
    isTlsRequired: true,
    isBidiOffered: true,
    isProved: true,
    refusal: undefined,
  };
  function play(events: readonly StreamEvent[], more: Partial<IncomingTerms> = {}) {
    let state: Incoming = beginIncoming(false);
    let actions: readonly StreamAction[] = [];
    for (const event of events)
      [state, actions] = stepIncoming(state, event, {
        isServed: (each) => each === B,
        terms: (local) => (local === B ? { ...terms, ...more } : undefined),
      });
    const sent = actions.find((action) => action.do === 'send');
    return { state, words: actions.map(inWords), text: sent?.do === 'send' ? sent.text : '' };
  }
  const hello = header({ from: A, to: B });
  const auth = (text: string) => element(`<auth ${SASL} mechanism='EXTERNAL'>${text}</auth>`);
  const untilSecured = [hello, element(STARTTLS), SECURED, hello];

  test('RFC 6120 §4.9.1.2 an error that comes before the header is preceded by ours', () => {
    const failure = { condition: 'system-shutdown', text: '' } as const;
    const ended = (...events: StreamEvent[]) =>
      endIncoming(play(events).state, failure)[1].map(inWords);
    const whole = ['open', 'end: system-shutdown'];
    expect(ended()).toEqual(whole);
    expect(ended(hello)).toEqual(whole.slice(1));
    expect(ended(hello, element(STARTTLS))).toEqual(whole); // by TLS a new stream begins
    expect(ended(hello, element(STARTTLS), SECURED)).toEqual(whole);
  });

  test('XEP-0288 §2.1: both directions that were asked for in clear are void after STARTTLS', () => {
    const asks = element("<bidi xmlns='urn:xmpp:bidi'/>");
    const events = [hello, asks, element(STARTTLS), SECURED, hello, auth('='), hello];
    const { state, words } = play(events);
    expect(words).toContain('authenticated');
    expect(state.isBidi).toBe(false);
    const [, , ...late] = events;
    expect(play([hello, ...late.slice(0, 3), asks, ...late.slice(3)]).state.isBidi).toBe(true);
  });

  test('XEP-0178 §3: STARTTLS, EXTERNAL, and a new stream', () => {
    expect(play([hello]).words).toEqual(['open', 'stream:features']);
    expect(play([hello, element(STARTTLS)]).words).toEqual(['proceed', 'secure']);
    expect(play(untilSecured).text).toMatch(/EXTERNAL.*bidi.*errors/);
    const success = play([...untilSecured, auth('YS5leGFtcGxl')]);
    expect(success.words).toEqual(['success', 'restart']);
    const last = play([...untilSecured, auth('='), hello]);
    // What may be sent in return comes after our header and features.
    expect(last.words).toEqual(['open', 'stream:features', 'authenticated']);
    expect(last.text).not.toMatch(/EXTERNAL|bidi/);
  });

  test('XEP-0178 §3: the name in the response may be written as DNS has it, or the header’s', () => {
    const [unicode, ascii] = ['bücher.example', 'xn--bcher-kva.example'];
    for (const from of [unicode, ascii])
      for (const name of [unicode, ascii, 'Bücher.example']) {
        const open = header({ from, to: B });
        const response = auth(Buffer.from(name).toString('base64'));
        const events = [open, element(STARTTLS), SECURED, open, response];
        expect(play(events).words).toEqual(['success', 'restart']);
      }
  });

  test('XEP-0178 §3: a certificate that proves nothing is offered dialback only', () => {
    const { text } = play(untilSecured, { isProved: false });
    expect(text).not.toContain('EXTERNAL');
    expect(text).toContain('urn:xmpp:features:dialback');
    expect(play([...untilSecured, auth('=')], { isProved: false }).words).toEqual(['failure']);
  });

  test('where TLS may be left out, dialback is offered in clear', () => {
    const { text } = play([hello], { isTlsRequired: false });
    expect(text).toMatch(/starttls.*bidi.*dialback/);
    expect(text).not.toContain('required');
  });

  test('RFC 6120 §4.7.5: no features for one from before XMPP 1.0', () => {
    const old = header({ from: A, to: B, version: undefined } as never);
    expect(play([old], { isTlsRequired: false }).words).toEqual(['open']);
    expect(play([old]).words).toEqual(['open', 'end: unsupported-version']);
  });

  test.each([
    ['an unknown host', [header({ from: A, to: 'c.example' })], 'host-unknown'],
    ['no host', [header({ from: A })], 'improper-addressing'],
    ['in our own name', [header({ from: B, to: B })], 'invalid-from'],
    ['TLS twice', [...untilSecured, element(STARTTLS)], 'unsupported-stanza-type'],
    ['an element of nobody', [hello, element("<x xmlns='urn:x'/>")], 'unsupported-stanza-type'],
    [
      'another name after EXTERNAL',
      [...untilSecured, auth('='), header({ from: 'c.example', to: B })],
      'invalid-from',
    ],
  ])('%s', (_, events, condition) => {
    const { words, state } = play(events);
    expect(words.at(-1)).toBe(`end: ${condition}`);
    expect(state.phase).toBe('ended');
  });

  test('policy refuses at the header', () => {
    expect(play([hello], { refusal: 'blocked' }).words).toEqual(['open', 'end: policy-violation']);
  });

  test.each([
    ['mechanism=PLAIN', element(`<auth ${SASL} mechanism='PLAIN'>=</auth>`), 'invalid-mechanism'],
    ['another authzid', auth('Yy5leGFtcGxl'), 'invalid-authzid'],
    ['a response', element(`<response ${SASL}>=</response>`), 'malformed-request'],
  ])('RFC 6120 §6.5: %s', (_, event, condition) => {
    expect(play([...untilSecured, event]).text).toContain(`<${condition}/>`);
    expect(play([...untilSecured, event, event, event]).words).toEqual([
      'failure',
      'end: policy-violation',
    ]);
  });

  test('stanzas and dialback are handed on', () => {
    expect(play([...untilSecured, element('<message/>')]).words).toEqual(['stanza']);
    const result = "<result xmlns='jabber:server:dialback'>k</result>";
    expect(play([...untilSecured, element(result)]).words).toEqual(['dialback']);
  });

  test('an error that the other reports closes the stream without one', () => {
    const error = `<error ${FEATURES}><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></error>`;
    expect(play([hello, element(error)]).words).toEqual(['close']);
  });
});

describe('who connects', () => {
  function play(events: readonly StreamEvent[], more: Partial<OutgoingContext> = {}) {
    const context: OutgoingContext = {
      local: A,
      remote: B,
      isTlsRequired: true,
      isBidiWanted: true,
      distrust: () => undefined,
      ...more,
    };
    let [state, actions]: readonly [Outgoing, readonly StreamAction[]] = beginOutgoing(
      false,
      context,
    );
    for (const event of events) [state, actions] = stepOutgoing(state, event, context);
    return { state, words: actions.map(inWords) };
  }
  const answer = header({ from: B, to: A, id: 's1' });
  const proceed = element(`<proceed ${TLS}/>`);
  const success = element(`<success ${SASL}/>`);
  const failure = element(`<failure ${SASL}><not-authorized/></failure>`);
  const secured = [answer, features(STARTTLS), proceed, SECURED, answer];

  test('STARTTLS, both directions, EXTERNAL, and a new stream', () => {
    expect(play([]).words).toEqual(['open']);
    expect(play([answer, features(STARTTLS)]).words).toEqual(['starttls']);
    expect(play([answer, features(STARTTLS), proceed]).words).toEqual(['secure']);
    expect(play(secured.slice(0, 4)).words).toEqual(['restart', 'open']);
    const offered = [...secured, features(EXTERNAL, BIDI, DIALBACK)];
    expect(play(offered).words).toEqual(['bidi', 'auth']);
    expect(play([...offered, success]).words).toEqual(['restart', 'open']);
    const last = play([...offered, success, header({ id: 's2' }), features(DIALBACK)]);
    expect(last.words).toEqual(['ready']);
    expect(last.state).toMatchObject({
      isAuthenticated: true,
      isBidi: true,
      knowsErrors: true,
      streamId: 's2',
    });
  });

  test('without EXTERNAL, or where it is refused, dialback is left', () => {
    expect(play([...secured, features(DIALBACK)]).words).toEqual(['ready']);
    const refused = play([...secured, features(EXTERNAL, DIALBACK), failure]);
    expect(refused.words).toEqual(['ready']);
    expect(refused.state.refusal).toContain('not-authorized');
    const declared = header({ id: 's1' }, { declared: ['jabber:server:dialback'] });
    expect(play([...secured.slice(0, 4), declared, features()]).words).toEqual(['ready']);
  });

  test('both directions only where they are wanted and offered', () => {
    const offered = [...secured, features(DIALBACK, BIDI)];
    expect(play(offered).words).toEqual(['bidi', 'ready']);
    expect(play(offered, { isBidiWanted: false }).words).toEqual(['ready']);
  });

  test('RFC 6120 §4.7.5: one from before XMPP 1.0', () => {
    const old = header({ id: 's1', version: undefined } as never);
    expect(play([old]).words).toEqual(['give up: no-tls']);
    expect(play([old], { isTlsRequired: false }).words).toEqual(['ready']);
  });

  test.each([
    ['no TLS', [answer, features(DIALBACK)], 'no-tls'],
    ['TLS that fails', [answer, features(STARTTLS), element(`<failure ${TLS}/>`)], 'no-tls'],
    ['nothing to prove oneself by', [...secured, features()], 'no-authentication'],
    [
      'EXTERNAL is refused and all there is',
      [...secured, features(EXTERNAL), failure],
      'no-authentication',
    ],
    [
      'no identifier for dialback',
      [...secured.slice(0, 4), header({}), features(DIALBACK)],
      'no-authentication',
    ],
    ['it is something else', [header({}, { contentNs: 'jabber:client' })], 'no-xmpp'],
    [
      'it does not know the domain',
      [
        answer,
        element(
          `<error ${FEATURES}><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></error>`,
        ),
      ],
      'host-unknown',
    ],
  ])('%s', (_, events, why) => {
    const { words, state } = play(events);
    expect(words).toEqual([`give up: ${why}`]);
    expect(state.phase).toBe('ended');
  });

  test('a certificate that is demanded and does not do', () => {
    const distrust = () => 'expired';
    expect(play(secured.slice(0, 4), { distrust }).words).toEqual(['give up: untrusted']);
  });

  test('TLS is taken where it is offered, though it need not be', () => {
    const { words } = play([answer, features(STARTTLS, DIALBACK)], { isTlsRequired: false });
    expect(words).toEqual(['starttls']);
  });

  test.each([
    ['a stanza before its time', [answer, element('<message/>')]],
    ['success without a question', [...secured, success]],
    ['an element of nobody', [...secured, features(DIALBACK), element("<x xmlns='urn:x'/>")]],
  ])('%s', (_, events) => {
    expect(play(events).words).toEqual(['end: unsupported-stanza-type']);
  });
});
