import { createHash } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Domain, parseDomain } from '../../src/jid/jid.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { createDnsClient } from '../../src/s2s/dns-client.ts';
import { type DoctorServices, examine, type Step } from '../../src/s2s/doctor.ts';
import type { S2sTerms } from '../../src/s2s/policy.ts';
import { createResolver } from '../../src/s2s/resolver.ts';
import { createTrust } from '../../src/s2s/trust.ts';
import { startDns, type Zone } from '../support/dns.ts';
import { issue } from './authority.ts';
import {
  closedPort,
  type FakeOptions,
  type FakeServer,
  header,
  sendsOnTo,
  startFake,
} from './fake-server.ts';

const domain = (raw: string): Domain => {
  const parsed = parseDomain(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};

const local = domain('falcot.com');
const remote = domain('far.example');
const authority = issue({ subject: 'Test CA', isAuthority: true });
const usages = ['serverAuth', 'clientAuth'] as const;
const good = issue({ dns: [remote], by: authority, usages });

/** All that a test may set. */
interface Place {
  readonly zone?: Zone;
  readonly terms?: Partial<S2sTerms>;
  readonly services?: Partial<DoctorServices>;
  readonly dnsTimeoutMs?: number;
  readonly isAuthentic?: boolean;
}

async function servicesFor(place: Place) {
  const { zone = {}, terms, services, dnsTimeoutMs = 2000, isAuthentic = false } = place;
  const names = await startDns(zone, { isAuthentic });
  onTestFinished(() => names.stop());
  const clock = systemClock;
  const dns = createDnsClient({
    clock,
    settings: () => ({ servers: [names.server], timeoutMs: dnsTimeoutMs }),
  });
  onTestFinished(() => dns.close());
  const all: S2sTerms = {
    enabled: true,
    secureAuth: false,
    requireTls: true,
    bidi: false,
    allow: [],
    block: [],
    ...terms,
  };
  return {
    clock,
    dns,
    resolver: createResolver({ dns, clock, random: () => 0 }),
    trust: createTrust({ clock, authorities: () => authority.pem }),
    certificates: { contextFor: () => undefined },
    policy: { terms: () => all, refusal: () => undefined },
    secret: 'secret',
    acceptsServerUsage: () => true,
    isServed: (asked: Domain) => asked === local,
    ...services,
  };
}

async function examined(place: Place, signal?: AbortSignal): Promise<readonly Step[]> {
  const services = await servicesFor(place);
  const steps: Step[] = [];
  for await (const step of examine({ local, remote, ...(signal && { signal }) }, services))
    steps.push(step);
  return steps;
}

const summaryOf = (steps: readonly Step[]): Step => {
  const last = steps.at(-1);
  if (last?.step !== 'summary') throw new Error('there is no summary');
  return last;
};

/** A zone whose SRV records lead to servers. */
const leadingTo = (...servers: readonly FakeServer[]): Zone =>
  Object.fromEntries(
    servers.flatMap(({ address, port }, index) => [
      [`_xmpp-server._tcp.${remote}`, { SRV: [`0 5 ${port} x${index}.far.example`] }],
      [`x${index}.far.example`, { A: [address] }],
    ]),
  );

const examineFake = async (options: FakeOptions, place: Place = {}) => {
  const fake = await startFake({ address: '127.0.0.7', ...options });
  return { fake, steps: await examined({ zone: leadingTo(fake), ...place }) };
};

const brief = (steps: readonly Step[]) =>
  steps.map(({ step, verdict, cause }) => [step, verdict, cause].filter(Boolean).join(' '));

describe('a domain that is well', () => {
  test('is examined by certificate, each step told', async () => {
    const ping = async () => ({ ok: true, ms: 12 }) as const;
    const { fake, steps } = await examineFake(
      { certificate: good, chain: [authority], external: 'success', dialback: "type='valid'/>" },
      { services: { ping } },
    );
    expect(brief(steps)).toEqual([
      'policy ok',
      'dns ok',
      'dns ok',
      'dns ok',
      'tcp ok',
      'tls ok',
      'certificate ok',
      'features ok',
      'authentication ok',
      'ping ok',
      'summary ok',
    ]);
    const texts = steps.map(({ text }) => text).join('\n');
    expect(texts).toMatch(/TLSv1\.3 with/);
    expect(texts).toMatch(/It proves far\.example, by an authority, CN=Test CA, until \d{4}-/);
    expect(texts).toMatch(/It answers to a ping \(12 ms\)/);
    expect(summaryOf(steps)).toMatchObject({ text: 'falcot.com and far.example can talk.' });
    expect(fake.heard.join('')).not.toContain('<db:result');
    await expect.poll(() => fake.open()).toBe(0);
  });

  test('XEP-0368 by direct TLS, and by dialback where EXTERNAL is refused', async () => {
    const fake = await startFake({
      address: '127.0.0.7',
      certificate: good,
      isDirect: true,
      external: 'failure',
      dialback: "type='valid'/>",
    });
    const steps = await examined({
      zone: {
        '_xmpps-server._tcp.far.example': { SRV: [`0 5 ${fake.port} far.example`] },
        'far.example': { A: ['127.0.0.7'] },
      },
    });
    expect(brief(steps).slice(-5)).toEqual([
      'features ok',
      'authentication warning external-refused',
      'authentication ok',
      'ping skipped',
      'summary warning external-refused',
    ]);
    expect(steps.find(({ cause }) => cause === 'external-refused')?.text).toContain(
      '“not-authorized: I do not know you”',
    );
  });
});

describe('ten faults are named', () => {
  const dialback = "type='valid'/>";

  test('no SRV record, and nobody at the domain itself', async () => {
    const steps = await examined({ zone: { 'far.example': { A: ['127.0.0.7'] } } });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'no-srv' });
    expect(summaryOf(steps).text).toMatch(/no SRV record/);
    expect(summaryOf(steps).detail).toContain('_xmpp-server._tcp.far.example. SRV');
  });

  test('no SRV record, and no address either', async () => {
    const steps = await examined({ zone: { 'www.far.example': { A: ['127.0.0.7'] } } });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'no-srv' });
  });

  test('an SRV record that leads nowhere', async () => {
    const steps = await examined({
      zone: { '_xmpp-server._tcp.far.example': { SRV: ['0 5 5269 gone.far.example'] } },
    });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'srv-to-nowhere' });
    expect(summaryOf(steps).text).toContain('gone.far.example');
  });

  test('a closed port', async () => {
    const port = await closedPort('127.0.0.7');
    const steps = await examined({
      zone: {
        '_xmpp-server._tcp.far.example': { SRV: [`0 5 ${port} x.far.example`] },
        'x.far.example': { A: ['127.0.0.7'] },
      },
    });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'closed-port' });
    expect(summaryOf(steps).text).toContain(`x.far.example (127.0.0.7) port ${port}`);
  });

  test('plain text only', async () => {
    const { steps } = await examineFake({ dialback });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'no-tls' });
  });

  test.each([
    ['expired', issue({ dns: [remote], by: authority, usages, from: -30, until: -3 })],
    ['wrong-name', issue({ dns: ['mail.far.example'], by: authority, usages })],
    ['self-signed', issue({ dns: [remote], usages })],
  ] as const)('a certificate: %s', async (cause, certificate) => {
    const { steps } = await examineFake({ certificate, dialback });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'warning', cause });
    const strict = await examineFake({ certificate, dialback }, { terms: { secureAuth: true } });
    expect(summaryOf(strict.steps)).toMatchObject({ verdict: 'error', cause });
  });

  test.each([
    ["type='invalid'/>", /does not know our key/],
    [
      "type='error'><error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>",
      /remote-server-not-found/,
    ],
  ])('dialback refused: %s', async (answer, text) => {
    const { steps } = await examineFake({ certificate: good, dialback: answer });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'dialback-refused' });
    expect(summaryOf(steps).text).toMatch(text);
    expect(summaryOf(steps).text).toContain('rtcctl dns check falcot.com');
    expect(summaryOf(steps).detail).toMatch(/^Hello,[\s\S]*looks up falcot\.com/);
  });

  test('blocked by our policy: all is looked at, but nothing is proved', async () => {
    const refusal = () => 'falcot.com does not talk with far.example: it is blocked here.';
    const terms = { terms: () => ({ requireTls: true, secureAuth: false }) as S2sTerms, refusal };
    const { fake, steps } = await examineFake(
      { certificate: good, external: 'success', dialback },
      { services: { policy: terms } },
    );
    expect(brief(steps)).toContain('authentication skipped');
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'blocked' });
    expect(summaryOf(steps).text).toMatch(/rtcctl s2s allow far\.example/);
    expect(summaryOf(steps).detail).toBeUndefined();
    expect(fake.heard.join('')).not.toMatch(/<auth|<db:result/);
  });

  test('refused by the policy of the other side', async () => {
    const { steps } = await examineFake({
      instead: (socket, said) =>
        socket.end(
          `${header(said)}<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>` +
            "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>go\naway</text></stream:error></stream:stream>",
        ),
    });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'refused' });
    expect(summaryOf(steps).text).toContain('policy-violation: go away');
  });

  test('name servers that do not answer', async () => {
    const zone: Zone = {
      '_xmpp-server._tcp.far.example': 'silence',
      '_xmpps-server._tcp.far.example': 'silence',
      'far.example': 'silence',
    };
    const steps = await examined({ zone, dnsTimeoutMs: 300 });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'dns-timeout' });
  });

  test('a server that takes the connection and says nothing', async () => {
    const fake = await startFake({ address: '127.0.0.7', instead: () => undefined });
    const hasty = (ms: number, task: () => void) => systemClock.after(ms / 50, task);
    const clock = { ...systemClock, after: hasty };
    const steps = await examined({ zone: leadingTo(fake), services: { clock } });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'timeout' });
    expect(summaryOf(steps).detail).toMatch(/^Hello,[\s\S]*firewall/);
  });
});

describe('strangers', () => {
  test.each([
    ['no XMPP', 'SSH-2.0-OpenSSH_9.2\r\n', 'not-xmpp'],
    [
      'a stream for clients',
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
      'not-xmpp',
    ],
    ['an endless tag', `<stream:stream ${'a'.repeat(100_000)}`, 'not-xmpp'],
    ['a flood', `${header('')}${'<message/>'.repeat(5000)}`, 'not-xmpp'],
    ['nothing, and closes', '', 'broken-off'],
  ])('that send %s are named and left', async (_, text, cause) => {
    const { fake, steps } = await examineFake({
      instead: (socket) => (text === '' ? socket.end() : socket.write(text)),
    });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause });
    await expect.poll(() => fake.open()).toBe(0);
  });

  test('cannot send control characters to the reader', async () => {
    const { steps } = await examineFake({
      certificate: good,
      dialback: `type='error'><error><x-&#x9;\u202e/></error></db:result>`,
    });
    for (const { text, detail = '' } of steps)
      expect(text + detail.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('are left as soon as the reader leaves', async () => {
    const fake = await startFake({ address: '127.0.0.7', instead: () => undefined });
    const services = await servicesFor({ zone: leadingTo(fake) });
    for await (const { step } of examine({ local, remote }, services)) if (step === 'tcp') break;
    await expect.poll(() => fake.open()).toBe(0);
  });

  test('are left when the examination is ended, also while it waits', async () => {
    const fake = await startFake({ address: '127.0.0.7', instead: () => undefined });
    const ending = new AbortController();
    const steps = examined({ zone: leadingTo(fake) }, ending.signal);
    await expect.poll(() => fake.heard.length).toBe(1);
    ending.abort();
    expect((await steps).at(-1)?.step).not.toBe('summary');
    await expect.poll(() => fake.open()).toBe(0);
  });
});

describe('RFC 6120 §4.9.3.19: a server that sends us on', () => {
  test('is followed, which is no fault', async () => {
    const goal = await startFake({
      address: '127.0.0.7',
      certificate: good,
      chain: [authority],
      external: 'success',
    });
    const { steps } = await examineFake({ instead: sendsOnTo(`127.0.0.7:${goal.port}`) });
    expect(brief(steps)).toContain('stream warning redirected');
    expect(steps.map(({ text }) => text).join('\n')).toMatch(/It sends us on to 127\.0\.0\.7:/);
    expect(summaryOf(steps)).toMatchObject({ verdict: 'ok' });
  });

  test('in a circle is named', async () => {
    let own = 0;
    const fake = await startFake({
      address: '127.0.0.7',
      instead: (socket, said) => sendsOnTo(`127.0.0.7:${own}`)(socket, said),
    });
    own = fake.port;
    const steps = await examined({ zone: leadingTo(fake) });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'redirected' });
    expect(summaryOf(steps).text).toMatch(/where no other server is found/);
  });

  test('to a server with a fault: that fault is named', async () => {
    const goal = await startFake({ address: '127.0.0.7' }); // no TLS
    const { steps } = await examineFake({ instead: sendsOnTo(`127.0.0.7:${goal.port}`) });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'no-tls' });
  });
});

describe('further findings', () => {
  test('our own domains need no network', async () => {
    const steps = await examined({ services: { isServed: () => true } });
    expect(brief(steps)).toEqual(['summary ok']);
  });

  test('a domain without XMPP says so (a target of ".")', async () => {
    const steps = await examined({
      zone: { '_xmpp-server._tcp.far.example': { SRV: ['0 0 0 .'] } },
    });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'error', cause: 'service-declined' });
  });

  test('a domain that is not in DNS', async () => {
    expect(summaryOf(await examined({}))).toMatchObject({ cause: 'no-such-domain' });
  });

  test('one server of two is enough, and the other one is told of', async () => {
    const fake = await startFake({
      address: '127.0.0.7',
      certificate: good,
      dialback: "type='valid'/>",
    });
    const port = await closedPort('127.0.0.8');
    const steps = await examined({
      zone: {
        '_xmpp-server._tcp.far.example': {
          SRV: [`0 5 ${port} down.far.example`, `5 5 ${fake.port} up.far.example`],
        },
        'down.far.example': { A: ['127.0.0.8'] },
        'up.far.example': { A: ['127.0.0.7'] },
      },
    });
    expect(summaryOf(steps)).toMatchObject({ verdict: 'warning', cause: 'closed-port' });
    expect(summaryOf(steps).text).toMatch(/can talk .*down\.far\.example/);
  });

  test('RFC 7673 TLSA records that were validated prove a self-signed certificate', async () => {
    const own = issue({ dns: ['whatever.example'] });
    const fake = await startFake({
      address: '127.0.0.7',
      certificate: own,
      dialback: "type='valid'/>",
    });
    const hash = createHash('sha256').update(own.certificate.raw).digest('hex');
    const zone: Zone = {
      ...leadingTo(fake),
      [`_${fake.port}._tcp.x0.far.example`]: { TLSA: [`3 0 1 ${hash}`] },
    };
    const steps = await examined({ zone, isAuthentic: true });
    expect(brief(steps)).toContain('dane ok');
    expect(summaryOf(steps)).toMatchObject({ verdict: 'ok' });
  });

  test('a certificate for servers only does not prove who connects, where that is asked', async () => {
    const certificate = issue({ dns: [remote], by: authority, usages: ['serverAuth'] });
    const { steps } = await examineFake(
      { certificate, dialback: "type='valid'/>" },
      { services: { acceptsServerUsage: () => false } },
    );
    expect(summaryOf(steps)).toMatchObject({ verdict: 'warning', cause: 'usage' });
  });
});
