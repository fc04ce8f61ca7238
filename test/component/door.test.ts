import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { enter } from '../../src/component/door.ts';
import { handshakeOf, isHandshake } from '../../src/component/handshake.ts';
import { domainOf, parseDomain } from '../../src/jid/jid.ts';
import { el } from '../../src/xml/element.ts';

const domainNamed = (raw: string) => {
  const parsed = parseDomain(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};
const terms = {
  domain: domainNamed('irc.falcot.com'),
  host: domainNamed('falcot.com'),
  language: undefined,
};

describe('XEP-0114 §3: the handshake', () => {
  test('is the SHA-1 of id and secret as lower-case hexadecimal digits', () => {
    // printf '3BF96D32wherefore' | sha1sum
    const digest = '044e42487c4cff35e6c7d4aa30be6662d8280e2c';
    expect(handshakeOf('3BF96D32', 'wherefore')).toBe(digest);
    expect(isHandshake(el('handshake', {}, digest), '3BF96D32', 'wherefore')).toBe(true);
    expect(isHandshake(el('handshake', {}, ` ${digest}\n`), '3BF96D32', 'wherefore')).toBe(true);
  });

  test('is nothing else', () => {
    fc.assert(
      fc.property(fc.string(), (guess) => {
        expect(isHandshake(el('handshake', {}, guess), '3BF96D32', 'wherefore')).toBe(false);
      }),
    );
  });
});

describe('XEP-0114 §3: the door', () => {
  test('lets nothing pass that is not of the domain, whatever from and to are', () => {
    const address = fc.oneof(
      fc.constantFrom('irc.falcot.com', 'a@IRC.falcot.com/b', 'falcot.com', 'a@b', '@', '/', ''),
      fc.string(),
    );
    const name = fc.constantFrom('message', 'presence', 'iq', 'handshake');
    const parts = fc.record(
      { from: address, to: address, type: fc.string() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(name, parts, (kind, attrs) => {
        const outcome = enter(el(kind, attrs), terms);
        if (outcome.kind === 'route') {
          expect(domainOf(outcome.stanza.from)).toBe(terms.domain);
          expect(outcome.stanza.to).toBeDefined();
        }
        if (outcome.kind === 'refuse' && outcome.answer?.to !== undefined)
          expect(domainOf(outcome.answer.to)).toBe(terms.domain);
      }),
    );
  });

  test('what it quotes of a wrong sender is short', () => {
    const outcome = enter(el('message', { from: 'x'.repeat(10_000), to: 'falcot.com' }), terms);
    if (outcome.kind !== 'end') expect.fail(outcome.kind);
    expect(outcome.failure.condition).toBe('invalid-from');
    expect(outcome.failure.text.length).toBeLessThan(200);
  });
});
