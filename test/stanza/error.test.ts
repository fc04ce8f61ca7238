import { describe, expect, test } from 'vitest';
import { type Jid, parseJid } from '../../src/jid/jid.ts';
import { iq, iqGet, iqResult, message, presence } from '../../src/stanza/build.ts';
import { STANZA_CONDITIONS, type StanzaCondition } from '../../src/stanza/condition.ts';
import {
  conditionOf,
  errorElement,
  errorFor,
  errorReply,
  STANZA_ERRORS,
} from '../../src/stanza/error.ts';
import { childOf, childrenOf, el, serialise, textOf } from '../../src/xml/element.ts';

function jid(raw: string): Jid {
  const parsed = parseJid(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

const romeo = jid('romeo@example.net/orchard');
const juliet = jid('juliet@example.com');
const server = jid('example.net');
const refused = { condition: 'service-unavailable' } as const;

describe('errorElement', () => {
  test('RFC 6120 §8.3.2 condition, text, application-specific condition', () => {
    const failure = {
      condition: 'not-acceptable',
      text: 'It <hurts>.',
      app: el('blocked', { xmlns: 'urn:xmpp:blocking:errors' }),
    } as const;
    expect(serialise(errorElement(failure))).toBe(
      `<error type="modify"><not-acceptable xmlns="${STANZA_ERRORS}"/>` +
        `<text xmlns="${STANZA_ERRORS}" xml:lang="en">It &lt;hurts&gt;.</text>` +
        '<blocked xmlns="urn:xmpp:blocking:errors"/></error>',
    );
    expect(errorElement({ condition: 'policy-violation', type: 'wait' }).attrs.type).toBe('wait');
  });

  test('RFC 6120 §8.3.3 the usual types', () => {
    const types: Record<string, StanzaCondition[]> = {
      auth: ['forbidden', 'not-authorized', 'registration-required', 'subscription-required'],
      modify: ['bad-request', 'jid-malformed', 'not-acceptable', 'policy-violation', 'redirect'],
      wait: [
        ...(['recipient-unavailable', 'remote-server-timeout', 'resource-constraint'] as const),
        'unexpected-request',
      ],
      cancel: [
        ...(['conflict', 'feature-not-implemented', 'gone', 'internal-server-error'] as const),
        ...(['item-not-found', 'not-allowed', 'remote-server-not-found'] as const),
        ...(['service-unavailable', 'undefined-condition'] as const),
      ],
    };
    for (const [type, conditions] of Object.entries(types)) {
      for (const condition of conditions) {
        const error = errorElement({ condition });
        expect([condition, error.attrs.type]).toEqual([condition, type]);
        const text = childOf(error, 'text', STANZA_ERRORS);
        expect(text && textOf(text)).not.toBe('');
      }
    }
    expect(Object.values(types).flat()).toHaveLength(Object.keys(STANZA_CONDITIONS).length);
  });
});

describe('errorReply', () => {
  const get = iqGet({ from: romeo, to: juliet, id: 'g1', payload: el('q', { xmlns: 'urn:q' }) });

  test('RFC 6120 §8.3.1 goes back under the same id, from whom it was for', () => {
    for (const stanza of [
      get,
      message({ from: romeo, to: juliet, id: 'g1', children: [el('body', {}, 'hi')] }),
      presence({ from: romeo, to: juliet, id: 'g1', type: 'subscribe' }),
    ]) {
      const reply = errorReply(stanza, refused);
      expect(reply).toMatchObject({ kind: stanza.kind, type: 'error', id: 'g1', from: juliet });
      expect(reply?.to).toBe(romeo);
      expect(reply && childrenOf(reply.element).map((child) => child.name)).toEqual(['error']);
    }
  });

  test('someone else may answer', () => {
    expect(errorReply(get, refused, server)).toMatchObject({ from: server, to: romeo });
    expect(errorReply(presence({ from: romeo }), refused, server)).toMatchObject({ to: romeo });
    expect(errorReply(presence({ from: romeo }), refused)).toBeUndefined();
  });

  test('RFC 6120 §8.3.1 errors and results are not answered', () => {
    const failed = errorReply(get, refused);
    expect(failed && errorReply(failed, refused)).toBeUndefined();
    expect(errorReply(iqResult(get), refused)).toBeUndefined();
    expect(
      errorReply(message({ from: romeo, to: juliet, type: 'error' }), refused),
    ).toBeUndefined();
    expect(
      errorReply(presence({ from: romeo, to: juliet, type: 'error' }), refused),
    ).toBeUndefined();
  });

  test('an element that is no right stanza is answered too', () => {
    const answer = (name: string, attrs: Record<string, string>) =>
      errorFor(el(name, attrs), { condition: 'bad-request' }, { from: server, to: romeo });
    expect(answer('iq', { id: '7', type: 'put' })).toMatchObject({ id: '7', type: 'error' });
    expect(answer('presence', { type: 'away' })?.wire.text).toContain(`to="${romeo}"><error`);
    expect(answer('iq', { type: 'result' })).toBeUndefined();
    expect(answer('iq', { type: 'error' })).toBeUndefined();
    expect(answer('open', {})).toBeUndefined();
  });
});

describe('conditionOf', () => {
  test('reads what errorReply says', () => {
    const said = message({ from: romeo, to: juliet });
    for (const condition of ['gone', 'item-not-found'] as const) {
      const reply = errorReply(said, { condition });
      expect(reply && conditionOf(reply)).toBe(condition);
    }
    expect(conditionOf(said)).toBeUndefined();
  });

  test('RFC 6120 §8.3.3.21 is the name of what is not known', () => {
    const error = (...children: Parameters<typeof iq>[4]) =>
      conditionOf(iq('error', romeo, juliet, '1', children));
    expect(error()).toBe('undefined-condition');
    expect(error(el('error', {}, el('payment-required', { xmlns: STANZA_ERRORS })))).toBe(
      'undefined-condition',
    );
    expect(error(el('error', {}, el('gone', { xmlns: 'urn:other' })))).toBe('undefined-condition');
    expect(error(el('error', {}, el('constructor', { xmlns: STANZA_ERRORS })))).toBe(
      'undefined-condition',
    );
  });
});
