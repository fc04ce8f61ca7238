import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';
import type { DnsSettings } from '../../src/s2s/dns.ts';
import { createDnsClient } from '../../src/s2s/dns-client.ts';
import { decodeBody, decodeHead, encodeQuery, TYPE_NUMBERS } from '../../src/s2s/dns-message.ts';
import { parseServer } from '../../src/s2s/dns-server.ts';
import {
  answerHead,
  answerTo,
  type DnsOptions,
  nameBytes,
  record,
  startDns,
  type Zone,
} from '../support/dns.ts';

async function asking(zone: Zone, options: DnsOptions = {}, settings: Partial<DnsSettings> = {}) {
  const server = await startDns(zone, options);
  const dns = createDnsClient({
    clock: systemClock,
    settings: () => ({ servers: [server.server], timeoutMs: 8000, ...settings }),
  });
  onTestFinished(async () => {
    dns.close();
    await server.stop();
  });
  return { dns, server };
}

describe('records', () => {
  test('each type that is asked for', async () => {
    const { dns } = await asking({
      'a.example': {
        A: ['192.0.2.1', '192.0.2.2'],
        AAAA: ['2001:db8::1'],
        SRV: ['5 10 5269 X.A.example', '1 0 0 .'],
        TLSA: ['3 1 1 00ff'],
        ttl: 77,
      },
    });
    const shape = { kind: 'records', ttl: 77, isValidated: false };
    expect(await dns.query('a.example', 'A')).toEqual({
      ...shape,
      records: ['192.0.2.1', '192.0.2.2'],
    });
    expect(await dns.query('A.Example', 'AAAA')).toEqual({ ...shape, records: ['2001:db8::1'] });
    expect(await dns.query('a.example', 'SRV')).toEqual({
      ...shape,
      records: [
        { priority: 5, weight: 10, port: 5269, target: 'x.a.example' },
        { priority: 1, weight: 0, port: 0, target: '' },
      ],
    });
    expect(await dns.query('a.example', 'TLSA')).toEqual({
      ...shape,
      records: [{ usage: 3, selector: 1, matching: 1, data: Buffer.from('00ff', 'hex') }],
    });
  });

  test('RFC 2308 §2: no such name and no such record are two things', async () => {
    const { dns } = await asking({ 'a.example': { A: ['192.0.2.1'] } }, { negativeTtl: 42 });
    const none = { kind: 'none', ttl: 42, isValidated: false };
    expect(await dns.query('a.example', 'SRV')).toEqual({ ...none, isNameKnown: true });
    expect(await dns.query('b.example', 'SRV')).toEqual({ ...none, isNameKnown: false });
  });

  test('RFC 2308 §5: without a SOA, a negative answer has no lifetime', async () => {
    const { dns } = await asking({}, { negativeTtl: false });
    expect(await dns.query('b.example', 'A')).toMatchObject({ kind: 'none', ttl: 0 });
  });

  test('aliases are followed, and the shortest lifetime counts', async () => {
    const { dns } = await asking({
      'a.example': { CNAME: 'b.example', ttl: 9 },
      'b.example': { A: ['192.0.2.1'], ttl: 700 },
    });
    expect(await dns.query('a.example', 'A')).toMatchObject({ records: ['192.0.2.1'], ttl: 9 });
  });

  test('an alias whose end is not in the answer is asked for', async () => {
    const { dns, server } = await asking(
      { 'b.example': { A: ['192.0.2.1'], ttl: 700 } },
      {
        instead: (query) =>
          query.includes('\x01a\x07example')
            ? [
                Buffer.concat([
                  answerHead(query, 1),
                  record('a.example', TYPE_NUMBERS.CNAME, 30, nameBytes('b.example')),
                ]),
              ]
            : undefined,
      },
    );
    expect(await dns.query('a.example', 'A')).toMatchObject({ records: ['192.0.2.1'], ttl: 30 });
    expect(server.questions).toEqual(['A a.example', 'A b.example']);
  });

  test('aliases in a circle end', async () => {
    const { dns } = await asking({
      'a.example': { CNAME: 'b.example' },
      'b.example': { CNAME: 'a.example' },
    });
    expect(await dns.query('a.example', 'A')).toMatchObject({
      kind: 'failed',
      problem: 'malformed',
    });
  });

  test('aliases in a circle over many answers end', async () => {
    let turn = 0;
    const { dns, server } = await asking(
      {},
      {
        instead: (query) => {
          turn += 1;
          const at = turn === 1 ? 'a.example' : `a${turn - 1}.example`;
          const alias = record(at, TYPE_NUMBERS.CNAME, 30, nameBytes(`a${turn}.example`));
          return [Buffer.concat([answerHead(query, 1), alias])];
        },
      },
    );
    expect(await dns.query('a.example', 'A')).toMatchObject({
      kind: 'failed',
      problem: 'malformed',
    });
    expect(server.questions.length).toBeLessThan(12);
  });
});

describe('servers', () => {
  test('RFC 7766 §5: an answer that does not fit is asked for over TCP', async () => {
    const A = Array.from({ length: 40 }, (_, index) => `192.0.2.${index}`);
    const { dns, server } = await asking({ 'a.example': { A } }, { maxUdp: 200 });
    expect(await dns.query('a.example', 'A')).toMatchObject({ records: A });
    expect(server.questions).toEqual(['A a.example', 'A a.example tcp']);
  });

  test('RFC 6891 §7: who does not know EDNS is asked without', async () => {
    const { dns } = await asking({ 'a.example': { A: ['192.0.2.1'] } }, { refusesEdns: true });
    expect(await dns.query('a.example', 'A')).toMatchObject({ records: ['192.0.2.1'] });
  });

  test.each([
    ['SERVFAIL', 'server-failure'],
    ['REFUSED', 'refused'],
  ] as const)('%s is a failure, and said once', async (entry, problem) => {
    const { dns, server } = await asking({ 'a.example': entry });
    expect(await dns.query('a.example', 'A')).toMatchObject({ kind: 'failed', problem });
    expect(server.questions).toHaveLength(1);
  });

  test('silence is asked again, and ends with the time', async () => {
    const { dns, server } = await asking({ 'a.example': 'silence' }, {}, { timeoutMs: 1000 });
    expect(await dns.query('a.example', 'A')).toMatchObject({ kind: 'failed', problem: 'timeout' });
    expect(server.questions.length).toBeGreaterThan(1);
  });

  test('the next server is asked when one fails, is silent, or is not there', async () => {
    const good = await startDns({ 'a.example': { A: ['192.0.2.1'] } });
    const gone = await startDns();
    await gone.stop();
    onTestFinished(() => good.stop());
    const silent = await startDns({ 'a.example': 'silence' });
    onTestFinished(() => silent.stop());
    const { server } = await asking({ 'a.example': 'SERVFAIL' });
    const servers = [gone.server, server.server, silent.server, good.server];
    const dns = createDnsClient({
      clock: systemClock,
      settings: () => ({ servers, timeoutMs: 2000 }),
    });
    expect(await dns.query('a.example', 'A')).toMatchObject({ records: ['192.0.2.1'] });
  });

  test('a server that is not there fails at once', async () => {
    const gone = await startDns();
    await gone.stop();
    const dns = createDnsClient({
      clock: systemClock,
      settings: () => ({ servers: [gone.server], timeoutMs: 60_000 }),
    });
    expect(await dns.query('a.example', 'A')).toMatchObject({ problem: 'unreachable' });
  });

  test('an address that no packet may be sent to fails at once', async () => {
    const servers = ['255.255.255.255'];
    const dns = createDnsClient({
      clock: systemClock,
      settings: () => ({ servers, timeoutMs: 60_000 }),
    });
    expect(await dns.query('a.example', 'A')).toMatchObject({ problem: 'unreachable' });
  });

  test('a list without any server', async () => {
    const settings = () => ({ servers: ['dns.example'], timeoutMs: 60_000 });
    const dns = createDnsClient({ clock: systemClock, settings });
    expect(await dns.query('a.example', 'A')).toMatchObject({ problem: 'unreachable' });
  });

  test('hundreds of questions at once are all answered', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `h${index}.example`);
    const { dns } = await asking(
      Object.fromEntries(names.map((name) => [name, { A: ['192.0.2.1'] }])),
    );
    const outcomes = await Promise.all(names.map((name) => dns.query(name, 'A')));
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['records']));
  });

  test('closing ends what is under way', async () => {
    const { dns, server } = await asking({ 'a.example': 'silence' }, {}, { timeoutMs: 60_000 });
    const asked = dns.query('a.example', 'A');
    await expect.poll(() => server.questions.length).toBe(1);
    dns.close();
    expect(await asked).toMatchObject({ problem: 'closed' });
    expect(await dns.query('a.example', 'A')).toMatchObject({ problem: 'closed' });
  });

  test.each([
    ['192.0.2.1', { address: '192.0.2.1', port: 53 }],
    ['192.0.2.1:5353', { address: '192.0.2.1', port: 5353 }],
    ['2001:db8::1', { address: '2001:db8::1', port: 53 }],
    ['[2001:db8::1]:5353', { address: '2001:db8::1', port: 5353 }],
    ['[2001:db8::1]', { address: '2001:db8::1', port: 53 }],
    ['fe80::1%eth0', { address: 'fe80::1%eth0', port: 53 }],
    ['dns.example', undefined],
    ['192.0.2.1:0', undefined],
    ['192.0.2.1:66666', undefined],
    ['[192.0.2.1]:53', undefined],
  ])('%s', (text, expected) => {
    expect(parseServer(text)).toEqual(expected);
  });
});

describe('RFC 4035 §4.9.3: validated answers', () => {
  const zone = { 'a.example': { A: ['192.0.2.1'] } };
  test.each([
    ['of a resolver on this machine', undefined, true, true],
    ['that say they are not', undefined, false, false],
    ['by the word of nobody', 'none', true, false],
  ] as const)('%s', async (_, trustValidation, isAuthentic, expected) => {
    const settings = trustValidation === undefined ? {} : { trustValidation };
    const { dns } = await asking(zone, { isAuthentic }, settings);
    expect(await dns.query('a.example', 'A')).toMatchObject({ isValidated: expected });
    expect(await dns.query('b.example', 'A')).toMatchObject({ isValidated: expected });
  });
});

describe('hostile answers', () => {
  const victim = { 'a.example': { A: ['192.0.2.1'] } };
  const lie = (query: Buffer) => answerTo(query, { 'a.example': { A: ['203.0.113.6'] } }) ?? query;

  test('another id, another question or a question is no answer', async () => {
    const { dns } = await asking(victim, {
      instead: (query) => {
        const wrongId = Buffer.from(lie(query));
        wrongId.writeUInt16BE((query.readUInt16BE(0) + 1) & 0xffff, 0);
        const otherQuery = encodeQuery(query.readUInt16BE(0), 'b.example', 1, false) ?? query;
        const other = answerTo(otherQuery, { 'b.example': { A: ['203.0.113.6'] } }) ?? query;
        const noAnswer = Buffer.from(lie(query));
        noAnswer.writeUInt16BE(0x0100, 2);
        const right = answerTo(query, victim) ?? query;
        return [wrongId, other, noAnswer, Buffer.alloc(0), Buffer.from('x'), right];
      },
    });
    expect(await dns.query('a.example', 'A')).toMatchObject({ records: ['192.0.2.1'] });
  });

  test('many that guess the id make it ask over TCP', async () => {
    const { dns, server } = await asking(victim, {
      instead: (query, isTcp) => {
        if (isTcp) return undefined;
        return Array.from({ length: 40 }, () => {
          const guess = Buffer.from(lie(query));
          guess.writeUInt16BE((query.readUInt16BE(0) + 1) & 0xffff, 0);
          return guess;
        });
      },
    });
    expect(await dns.query('a.example', 'A')).toMatchObject({ records: ['192.0.2.1'] });
    expect(server.questions.at(-1)).toBe('A a.example tcp');
  });

  test('records of other names do not count', async () => {
    const { dns } = await asking(victim, {
      instead: (query) => [
        Buffer.concat([
          answerHead(query, 1),
          record('bank.example', TYPE_NUMBERS.A, 30, Buffer.from([203, 0, 113, 6])),
        ]),
      ],
    });
    expect(await dns.query('a.example', 'A')).toMatchObject({ kind: 'none' });
  });

  test('a label with a dot in it is not the name with that dot', async () => {
    const odd = Buffer.concat([Buffer.from([9]), Buffer.from('a.example'), Buffer.from([0])]);
    const rest = record('', TYPE_NUMBERS.A, 30, Buffer.from([203, 0, 113, 6])).subarray(1);
    const { dns } = await asking(victim, {
      instead: (query) => [Buffer.concat([answerHead(query, 1), odd, rest])],
    });
    expect(await dns.query('a.example', 'A')).toMatchObject({ kind: 'none' });
  });

  test.each([
    ['a name that points at itself', [0xc0, 0x1b]],
    ['a name that points forward', [0xc0, 0xff]],
    ['a name without an end', [0x3f]],
    ['a label of a reserved kind', [0x80, 0x01]],
  ])('%s is a broken answer', async (_, bytes) => {
    const { dns } = await asking(victim, {
      instead: (query) => [
        Buffer.concat([answerHead(query, 1), Buffer.from(bytes), Buffer.alloc(12)]),
      ],
    });
    expect(await dns.query('a.example', 'A')).toMatchObject({ problem: 'malformed' });
  });

  test('names that point at each other, and counts beyond the message or reason', () => {
    const query = encodeQuery(1, 'a.example', 1, false) ?? Buffer.alloc(0);
    const read = (tail: Buffer, count: number) => {
      const bytes = Buffer.concat([answerHead(query, count), tail]);
      const decoded = decodeHead(bytes);
      return decoded === undefined ? undefined : decodeBody(bytes, decoded);
    };
    const there = record('', 1, 0, Buffer.from([192, 0, 2, 1]));
    expect(read(there, 1)?.answers).toHaveLength(1);
    expect(read(there, 2)).toBeUndefined();
    expect(read(Buffer.from([0xc0, 0x1d, 0xc0, 0x1b, ...there]), 1)).toBeUndefined();
    expect(read(Buffer.alloc(10_000), 700)).toBeUndefined();
  });

  test('what it was not asked for is no name for DNS', async () => {
    const { dns, server } = await asking(victim);
    for (const name of ['a..example', `${'a'.repeat(64)}.example`, 'a.'.repeat(130)])
      expect(await dns.query(name, 'A')).toMatchObject({ problem: 'bad-name' });
    expect(server.questions).toEqual([]);
  });

  test('any bytes are read without an exception', () => {
    const query = encodeQuery(7, '_xmpp-server._tcp.a.example', TYPE_NUMBERS.SRV, true);
    const good = answerTo(query ?? randomBytes(0), {
      '_xmpp-server._tcp.a.example': { SRV: ['1 2 3 x.example', '4 5 6 y.example'] },
    });
    const valid = good ?? Buffer.alloc(0);
    const readAll = (bytes: Buffer) => {
      const head = decodeHead(bytes);
      if (head !== undefined) decodeBody(bytes, head);
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => readAll(Buffer.from(bytes))),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 5 }),
        fc.nat(valid.length),
        (changes, length) => {
          const broken = Buffer.from(valid);
          for (const [at, byte] of changes) broken[at] = byte;
          readAll(broken.subarray(0, length));
        },
      ),
    );
  });
});
