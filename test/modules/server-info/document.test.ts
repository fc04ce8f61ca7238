import { describe, expect, test } from 'vitest';
import type { Domain } from '../../../src/jid/jid.ts';
import { type FederatedPair, remotesOf } from '../../../src/modules/server-info/document.ts';

const pair = (id: string, direction: FederatedPair['direction'], domain = 'denmark.lit') => ({
  id,
  domain: domain as Domain,
  host: 'shakespeare.lit' as Domain,
  direction,
  state: 'up',
});

describe('XEP-0485 §4: connections', () => {
  test('a stream that carries several pairs of domains is one connection', () => {
    expect(remotesOf([pair('a', 'out'), pair('a', 'out'), pair('b', 'in')])).toEqual([
      { domain: 'denmark.lit', connections: ['incoming', 'outgoing'] },
    ]);
  });

  test('one that takes one pair this way and one that way is bidirectional', () => {
    expect(remotesOf([pair('a', 'out'), pair('a', 'in')])).toEqual([
      { domain: 'denmark.lit', connections: ['bidi'] },
    ]);
  });

  test('their number is bounded, and that of domains', () => {
    const many = Array.from({ length: 600 }, (_, n) => pair(`s${n}`, 'in', `d${n}.lit`));
    expect(remotesOf(many)).toHaveLength(500);
    const streams = Array.from({ length: 20 }, (_, n) => pair(`s${n}`, 'in'));
    expect(remotesOf(streams)[0]?.connections).toHaveLength(10);
  });
});
