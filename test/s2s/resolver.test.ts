import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Domain, parseDomain } from '../../src/jid/jid.ts';
import { systemClock } from '../../src/kit/clock.ts';
import type { Dns, DnsOutcome } from '../../src/s2s/dns.ts';
import { createDns, createDnsCache } from '../../src/s2s/dns-cache.ts';
import type { QueryType, RecordData, SrvRecord } from '../../src/s2s/dns-message.ts';
import { isUsableAddress } from '../../src/s2s/names.ts';
import { createResolver, type Resolver } from '../../src/s2s/resolver.ts';
import { inOrder } from '../../src/s2s/srv-order.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { startDns } from '../support/dns.ts';

type AnyOutcome = DnsOutcome<RecordData[QueryType]>;

const domain = (raw: string): Domain => {
  const parsed = parseDomain(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};
const found = (...records: RecordData[QueryType][]): AnyOutcome => ({
  kind: 'records',
  records,
  ttl: 100,
  isValidated: false,
});
const validated = (outcome: AnyOutcome): AnyOutcome =>
  outcome.kind === 'failed' ? outcome : { ...outcome, isValidated: true };
const srv = (target: string, port = 5269, priority = 1, weight = 1): SrvRecord => ({
  target,
  port,
  priority,
  weight,
});
const NO_NAME: AnyOutcome = { kind: 'none', isNameKnown: false, ttl: 60, isValidated: false };
const NO_RECORD: AnyOutcome = { ...NO_NAME, isNameKnown: true };
const failed = (problem: 'timeout' | 'server-failure'): AnyOutcome => ({
  kind: 'failed',
  problem,
  text: `it was a ${problem}`,
});

const PLAIN = 'SRV _xmpp-server._tcp.a.example';
const DIRECT = 'SRV _xmpps-server._tcp.a.example';

let zone: Record<string, AnyOutcome | Promise<AnyOutcome>>;
let asked: string[];
let clock: ManualClock;
let dns: Dns;
let resolver: Resolver;

beforeEach(() => {
  zone = {};
  asked = [];
  clock = manualClock();
  dns = {
    async query<T extends QueryType>(name: string, type: T) {
      asked.push(`${type} ${name}`);
      return (await (zone[`${type} ${name}`] ?? NO_NAME)) as DnsOutcome<RecordData[T]>;
    },
    close: () => undefined,
  };
  resolver = createResolver({ dns, clock, random: () => 0 });
});

const resolve = (raw = 'a.example') => resolver.resolve(domain(raw));

describe('RFC 6120 §3.2.1: SRV', () => {
  test('the targets of both services in one order (XEP-0368 §3)', async () => {
    zone[PLAIN] = found(srv('x.example', 5269, 5), srv('y.example', 5269, 20));
    zone[DIRECT] = found(srv('x.example', 5270, 10));
    const resolved = await resolve();
    expect(resolved).toMatchObject({
      ok: true,
      from: 'srv',
      targets: [
        { host: 'x.example', port: 5269, isDirectTls: false, priority: 5 },
        { host: 'x.example', port: 5270, isDirectTls: true, priority: 10 },
        { host: 'y.example', port: 5269, isDirectTls: false, priority: 20 },
      ],
    });
    expect(asked).toEqual([PLAIN, DIRECT]);
  });

  test('§3.2.1(3): a target of "." says that there is no server', async () => {
    zone[PLAIN] = found(srv('', 0));
    zone['A a.example'] = found('192.0.2.1');
    expect(await resolve()).toMatchObject({ ok: false, why: 'service-declined' });
    expect(asked).toEqual([PLAIN, DIRECT]);
  });

  test('XEP-0368: "." for one service leaves the other', async () => {
    zone[PLAIN] = found(srv('', 0));
    zone[DIRECT] = found(srv('x.example', 5270));
    expect(await resolve()).toMatchObject({ ok: true, targets: [{ isDirectTls: true }] });
    zone = { [PLAIN]: found(srv('x.example')), [DIRECT]: found(srv('', 0)) };
    expect(await resolve()).toMatchObject({ ok: true, targets: [{ isDirectTls: false }] });
    zone = { [DIRECT]: found(srv('', 0)), 'A a.example': found('192.0.2.1') };
    expect(await resolve()).toMatchObject({ ok: true, from: 'fallback' });
  });

  test.each([
    ['a port of zero', srv('x.example', 0)],
    ['an address for a name', srv('192.0.2.1')],
    ['what is no host name', srv('x\\032y.example')],
  ])('%s is not tried, and not replaced by the domain itself', async (_, record) => {
    zone[PLAIN] = found(record);
    zone['A a.example'] = found('192.0.2.1');
    expect(await resolve()).toMatchObject({ ok: false, why: 'bad-records' });
    zone[PLAIN] = found(record, srv('y.example'));
    expect(await resolve()).toMatchObject({ ok: true, targets: [{ host: 'y.example' }] });
  });

  test('a thousand targets are cut', async () => {
    zone[PLAIN] = found(...Array.from({ length: 1000 }, (_, index) => srv(`h${index}.example`)));
    const resolved = await resolve();
    expect(resolved.ok && resolved.targets.length).toBe(16);
  });

  test('one service that cannot be looked up leaves the other', async () => {
    zone[PLAIN] = failed('server-failure');
    zone[DIRECT] = found(srv('x.example', 5270));
    const resolved = await resolve();
    expect(resolved).toMatchObject({ ok: true, targets: [{ isDirectTls: true }] });
    expect(resolved.ok && resolved.remarks).toEqual(['SRV: it was a server-failure']);
  });

  test('DNSSEC counts for each service by itself', async () => {
    zone[PLAIN] = validated(found(srv('x.example')));
    zone[DIRECT] = found(srv('y.example', 5270, 2));
    expect(await resolve()).toMatchObject({
      isSecure: false,
      targets: [{ isSecure: true }, { isSecure: false }],
    });
  });
});

describe('RFC 6120 §3.2.2: fallback', () => {
  test('the domain itself on 5269', async () => {
    zone['A a.example'] = found('192.0.2.1');
    expect(await resolve()).toMatchObject({
      ok: true,
      from: 'fallback',
      ttl: 60,
      targets: [{ host: 'a.example', port: 5269, isDirectTls: false, isSecure: false }],
    });
  });

  test('§3.2.1(9): also when SRV is not answered', async () => {
    zone[PLAIN] = failed('timeout');
    zone['A a.example'] = found('192.0.2.1');
    expect(await resolve()).toMatchObject({ ok: true, from: 'fallback' });
  });

  test('not when the resolver failed, as it does after a forgery', async () => {
    zone[PLAIN] = failed('server-failure');
    zone['A a.example'] = found('192.0.2.1');
    expect(await resolve()).toMatchObject({ ok: false, why: 'dns-failure' });
  });

  test.each([
    ['dns-timeout', 'timeout', NO_RECORD],
    ['dns-timeout', 'timeout', found('0.0.0.0')],
    ['no-such-domain', 'timeout', NO_NAME], // nothing is below it either (RFC 8020)
  ] as const)('%s: where nobody said whether it has SRV records', async (why, problem, four) => {
    zone['A a.example'] = four;
    zone['AAAA a.example'] = four.kind === 'none' ? four : NO_RECORD;
    for (const name of [PLAIN, DIRECT]) {
      zone[PLAIN] = zone[DIRECT] = NO_RECORD;
      zone[name] = failed(problem);
      expect(await resolve()).toMatchObject({ ok: false, why });
    }
  });

  test.each([
    ['no-such-domain', NO_NAME, NO_NAME],
    ['no-address', NO_RECORD, NO_RECORD],
    ['no-address', found('0.0.0.0', '224.0.0.1'), NO_RECORD],
    ['dns-timeout', failed('timeout'), failed('timeout')],
    ['dns-failure', failed('server-failure'), NO_RECORD],
  ])('%s', async (why, four, six) => {
    zone['A a.example'] = four;
    zone['AAAA a.example'] = six;
    expect(await resolve()).toMatchObject({ ok: false, why });
  });

  test('it is secure when it was proved that there is no SRV record', async () => {
    for (const name of [PLAIN, DIRECT]) zone[name] = validated(NO_NAME);
    zone['A a.example'] = validated(found('192.0.2.1'));
    zone['AAAA a.example'] = validated(NO_RECORD);
    expect(await resolve()).toMatchObject({ isSecure: true, targets: [{ isSecure: true }] });
    zone[DIRECT] = NO_NAME;
    expect(await resolve()).toMatchObject({ isSecure: false, targets: [{ isSecure: false }] });
  });
});

describe('what DNS is not asked about', () => {
  test.each([
    ['192.0.2.7', 'literal', '192.0.2.7'],
    ['[2001:db8::7]', 'literal', '2001:db8::7'],
    ['localhost', 'loopback', 'localhost'],
    ['chat.localhost', 'loopback', 'localhost'],
  ])('%s', async (raw, from, host) => {
    expect(await resolve(raw)).toMatchObject({ ok: true, from, targets: [{ host, port: 5269 }] });
    expect(asked).toEqual([]);
  });

  test('RFC 6761 §6.3: localhost is this machine', async () => {
    expect(await resolver.addresses('localhost')).toMatchObject({
      addresses: ['::1', '127.0.0.1'],
    });
  });

  test('addresses that mean nobody', async () => {
    expect(await resolve('0.0.0.0')).toMatchObject({ ok: false, why: 'no-address' });
    for (const each of ['0.0.0.0', '255.255.255.255', '239.1.2.3', '::', 'ff02::1', 'x'])
      expect(isUsableAddress(each), each).toBe(false);
    for (const each of ['127.0.0.1', '10.0.0.1', '::1', 'fe80::1', '2001:db8::1'])
      expect(isUsableAddress(each), each).toBe(true);
  });
});

test('IDNA: DNS is asked with A-labels', async () => {
  await resolve('münchen.example');
  expect(asked).toContain('SRV _xmpp-server._tcp.xn--mnchen-3ya.example');
});

describe('RFC 8305 §4: addresses', () => {
  test('IPv6 and IPv4 in turn, no more than eight', async () => {
    zone['A x.example'] = found(...Array.from({ length: 9 }, (_, index) => `192.0.2.${index}`));
    zone['AAAA x.example'] = found('2001:db8::1', '2001:db8::2');
    const addresses = await resolver.addresses('x.example');
    expect(addresses.ok && addresses.addresses).toEqual([
      '2001:db8::1',
      '192.0.2.0',
      '2001:db8::2',
      '192.0.2.1',
      '192.0.2.2',
      '192.0.2.3',
      '192.0.2.4',
      '192.0.2.5',
    ]);
  });

  test('a family that is not answered does not hold up the other', async () => {
    zone['A x.example'] = found('192.0.2.1');
    zone['AAAA x.example'] = new Promise<AnyOutcome>(() => undefined);
    const asking = resolver.addresses('x.example');
    await new Promise(setImmediate);
    clock.advance(300);
    expect(await asking).toMatchObject({ ok: true, addresses: ['192.0.2.1'], isSecure: false });
  });
});

describe('RFC 7673 §3.2: addresses are secure when those are that there are', () => {
  test.each([
    ['a family that is late', undefined, true],
    ['a family that fails', failed('server-failure'), true],
    ['a family without addresses', NO_RECORD, true],
    ['a family that was not validated', found('2001:db8::1'), false],
  ])('%s', async (_, six, isSecure) => {
    zone['A x.example'] = validated(found('192.0.2.1'));
    zone['AAAA x.example'] = six ?? new Promise<AnyOutcome>(() => undefined);
    const asking = resolver.addresses('x.example');
    await new Promise(setImmediate);
    clock.advance(300);
    expect(await asking).toMatchObject({ ok: true, isSecure });
  });
});

describe('RFC 2782: the order of targets', () => {
  test('priority first; by lot among the same, so that the weight is the chance', () => {
    const targets = [
      { name: 'late', priority: 2, weight: 1000 },
      { name: 'heavy', priority: 1, weight: 30 },
      { name: 'light', priority: 1, weight: 10 },
      { name: 'zero', priority: 1, weight: 0 },
    ];
    const first: Record<string, number> = {};
    for (let lot = 0; lot < 41; lot += 1) {
      const order = inOrder(targets, () => lot / 41).map(({ name }) => name);
      expect(order.toSorted()).toEqual(['heavy', 'late', 'light', 'zero']);
      expect(order[3]).toBe('late');
      first[order[0] ?? ''] = (first[order[0] ?? ''] ?? 0) + 1;
    }
    expect(first).toEqual({ zero: 1, heavy: 30, light: 10 });
  });
});

describe('the cache', () => {
  let cache: Dns;
  beforeEach(() => {
    cache = createDnsCache(dns, { clock, entries: 3 });
  });
  const ask = (name = 'x.example') => cache.query(name, 'A');

  test('remembers for the time of the record, which grows less', async () => {
    zone['A x.example'] = found('192.0.2.1');
    expect(await ask()).toMatchObject({ ttl: 100 });
    clock.advance(60_000);
    expect(await ask('X.Example')).toMatchObject({ records: ['192.0.2.1'], ttl: 40 });
    expect(asked).toHaveLength(1);
    clock.advance(40_000);
    await ask();
    expect(asked).toHaveLength(2);
  });

  test.each<[string, AnyOutcome, number]>([
    ['a record with no lifetime: 5 s', { ...found('192.0.2.1'), ttl: 0 } as AnyOutcome, 5],
    ['one of a year: a day', { ...found('192.0.2.1'), ttl: 31_536_000 } as AnyOutcome, 86_400],
    ['"there is none" of a day: 15 min', { ...NO_NAME, ttl: 86_400 } as AnyOutcome, 900],
    ['RFC 2308 §7: a failure: 5 s', failed('timeout'), 5],
  ])('%s', async (_, outcome, seconds) => {
    zone['A x.example'] = outcome;
    await ask();
    clock.advance(seconds * 1000 - 1);
    await ask();
    expect(asked).toHaveLength(1);
    clock.advance(1);
    await ask();
    expect(asked).toHaveLength(2);
  });

  test('asks once where many ask at once', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => ask()));
    expect(asked).toHaveLength(1);
    expect(all).toHaveLength(50);
  });

  test('asks again where a fresh answer is wanted, and keeps that', async () => {
    await ask();
    zone['A x.example'] = found('192.0.2.9');
    expect(await cache.query('x.example', 'A', { isFresh: true })).toMatchObject({
      records: ['192.0.2.9'],
    });
    expect(await ask()).toMatchObject({ records: ['192.0.2.9'] });
    expect(asked).toHaveLength(2);
  });

  test('forgets what was asked longest ago when it is full', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'f', 'a']) await ask(name);
    expect(asked.map((each) => each.slice(2)).join('')).toBe('abcdefa');
  });

  test('forgets all when other servers are set', async () => {
    const one = await startDns({ 'x.example': { A: ['192.0.2.1'] } });
    const two = await startDns({ 'x.example': { A: ['192.0.2.2'] } });
    let servers = [one.server];
    const whole = createDns({ clock: systemClock, settings: () => ({ servers, timeoutMs: 5000 }) });
    onTestFinished(async () => {
      whole.close();
      await one.stop();
      await two.stop();
    });
    expect(await whole.query('x.example', 'A')).toMatchObject({ records: ['192.0.2.1'] });
    await whole.query('x.example', 'A');
    expect(one.questions).toHaveLength(1);
    servers = [two.server];
    expect(await whole.query('x.example', 'A')).toMatchObject({ records: ['192.0.2.2'] });
  });

  test('does not remember that too much was asked', async () => {
    zone['A x.example'] = { kind: 'failed', problem: 'busy', text: '' };
    await ask();
    await ask();
    expect(asked).toHaveLength(2);
  });
});
