/** The judge of one stream, who may be asked about any number of domains. */
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createJudge, type Judged } from '../../src/s2s/judgement.ts';
import { createTrust } from '../../src/s2s/trust.ts';
import { domain } from '../certs/support.ts';
import { manualClock } from '../support/clock.ts';
import { type Issued, issue, nameConstraints } from './authority.ts';

const MINUTE = 60_000;

/** The judge of a stream whose other side has shown a chain. */
function judgeOf(chain: readonly Issued[], root: Issued, dane?: Judged['dane']) {
  const shown = chain.toReversed().reduce<object>((issuerCertificate, { certificate }) => {
    return { raw: certificate.raw, issuerCertificate };
  }, {});
  const clock = manualClock(Date.now());
  const read = vi.fn(() => shown);
  const tls = { authorized: true, getPeerCertificate: read } as unknown as TLSSocket;
  const judge = createJudge(
    {
      clock,
      trust: createTrust({ clock, authorities: () => root.pem }),
      // What is not here is not used.
      settings: () => ({ acceptServerUsage: true }) as never,
    },
    { direction: dane === undefined ? 'in' : 'out', dane, tls: () => tls },
  );
  return { clock, judge, read };
}

test('XEP-0220 §2.2.1: a stranger who names many domains has his chain followed once', () => {
  const root = issue({ subject: 'Root', isAuthority: true });
  const middle = issue({ subject: 'Middle', isAuthority: true, by: root });
  const leaf = issue({ dns: ['*.evil.example'], by: middle });
  const { clock, judge, read } = judgeOf([leaf, middle], root);
  const verify = vi.spyOn(X509Certificate.prototype, 'verify');
  onTestFinished(() => verify.mockRestore());
  expect(judge(domain('a.evil.example'))).toMatchObject({ ok: true });
  const once = verify.mock.calls.length;
  for (let index = 0; index < 1000; index += 1)
    expect(judge(domain(`n${index}.evil.example`))).toMatchObject({ ok: true });
  expect(judge(domain('falcot.com'))).toMatchObject({ ok: false });
  expect(verify).toHaveBeenCalledTimes(once);
  expect(read).toHaveBeenCalledTimes(1);
  clock.advance(10 * MINUTE);
  expect(judge(domain('late.evil.example'))).toMatchObject({ ok: true });
  expect(read).toHaveBeenCalledTimes(2);
});

test('RFC 5280 §4.2.1.10: an authority that is limited is so for each domain', () => {
  const root = issue({ subject: 'Root', isAuthority: true });
  const limited = issue({
    ...{ subject: 'Limited', isAuthority: true, by: root },
    extensions: [nameConstraints(['falcot.com'], ['secret.falcot.com'])],
  });
  const dns = ['falcot.com', 'secret.falcot.com', 'debian.org'];
  const { judge } = judgeOf([issue({ dns, by: limited }), limited], root);
  expect(dns.map((each) => judge(domain(each))?.ok)).toEqual([true, false, false]);
});

describe('RFC 7673 §4: what DNS says of a server is about the domain that named it, and no other', () => {
  const root = issue({ subject: 'Root', isAuthority: true });
  const evil = domain('evil.example');
  const bank = domain('bank.example');
  const dns = ['xmpp.evil.example', 'evil.example'];
  const own = issue({ subject: 'Own', isAuthority: true });

  test.each([
    ['3 0 0', issue({ dns }), undefined],
    ['2 0 0', issue({ dns, by: own }), own],
    ['2 0 0, which vouches for others, too', issue({ dns: [...dns, bank], by: own }), own],
  ])('%s', (_, leaf, anchor) => {
    const { raw: data } = (anchor ?? leaf).certificate;
    const record = { usage: anchor === undefined ? 3 : 2, selector: 0, matching: 0, data };
    const terms = { host: 'xmpp.evil.example', records: [record] };
    const chain = anchor === undefined ? [leaf] : [leaf, anchor];
    const { judge } = judgeOf(chain, root, { domain: evil, terms });
    // On a stream for both directions its other side may say that it is anybody (XEP-0288).
    expect(judge(bank)).toMatchObject({ ok: false });
    expect(judge(evil)).toMatchObject({ ok: true, by: 'dane' });
    expect(judge(bank)).toMatchObject({ ok: false });
  });

  test('nor does it speak against another that an authority vouches for', () => {
    const leaf = issue({ dns: [...dns, bank], by: root });
    const record = { usage: 3, selector: 0, matching: 0, data: root.certificate.raw };
    const terms = { host: 'xmpp.evil.example', records: [record] };
    const { judge } = judgeOf([leaf], root, { domain: evil, terms });
    expect(judge(evil)).toMatchObject({ ok: false });
    expect(judge(bank)).toMatchObject({ ok: true, by: 'authority' });
  });
});
