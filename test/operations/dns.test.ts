import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Config } from '../../src/config/schema.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { checkDns } from '../../src/operations/check-dns.ts';
import type { Answer, Lookup } from '../../src/operations/dns-lookup.ts';
import type { Finding } from '../../src/operations/findings.ts';
import { isPublic } from '../../src/operations/own-addresses.ts';
import { type ZoneHost, zoneRecords, zoneText } from '../../src/operations/zone.ts';
import { createDnsClient } from '../../src/s2s/dns-client.ts';
import { createLookup } from '../../src/server/lookup.ts';
import { startDns, type Zone } from '../support/dns.ts';
import {
  certificate,
  type Desk,
  developmentConfig,
  domainNamed,
  lookupOf,
  setDesk,
} from './support.ts';

const falcot = domainNamed('falcot.com');
const KEY = 'ab'.repeat(32);

type Ports = Partial<Record<keyof Config['server']['listeners'], number | false>>;

/** The usual config, with other ports; false switches a listener off. */
async function configWith(ports: Ports = {}): Promise<Config> {
  const usual = await developmentConfig();
  const standard = { c2s: 5222, c2sTls: 5223, s2s: 5269, s2sTls: 5270, ...ports };
  const { listeners } = usual.server;
  const changed = Object.fromEntries(
    Object.entries(standard).map(([name, port]) => {
      const before = listeners[name as keyof Ports];
      return [name, { ...before, enabled: port !== false, ...(port === false ? {} : { port }) }];
    }),
  );
  return { ...usual, server: { ...usual.server, listeners: { ...listeners, ...changed } } };
}

async function hostNamed(
  name = 'falcot.com',
  s2s: object = {},
  more: object = {},
): Promise<ZoneHost> {
  const [host] = (await developmentConfig()).hosts;
  if (host === undefined) throw new Error('no host');
  return { domain: domainNamed(name), config: { ...host, s2s: { ...host.s2s, ...s2s }, ...more } };
}

describe('the zone', () => {
  const zoneOf = async (
    options: {
      ports?: Ports;
      s2s?: object;
      addresses?: string[];
      name?: string;
      host?: object;
    } = {},
  ) => {
    const config = await configWith(options.ports);
    const host = await hostNamed(options.name, options.s2s, options.host);
    const records = zoneRecords({
      host,
      config,
      target: 'xmpp-gw.falcot.com',
      addresses: options.addresses ?? ['198.51.100.19', '2001:db8:1000:2000::19'],
      keyHash: KEY,
      portOf: (listener) => config.server.listeners[listener].port,
    });
    return zoneText(host, records);
  };

  test('RFC 6120 §3.2, XEP-0368, RFC 7673 has what clients and servers look for', async () => {
    expect(await zoneOf()).toBe(`; XMPP for falcot.com, to be added to the zone falcot.com.

; the machine where the server runs
xmpp-gw             IN  A     198.51.100.19
xmpp-gw             IN  AAAA  2001:db8:1000:2000::19

; clients: STARTTLS, and direct TLS
_xmpp-client._tcp   IN  SRV   5 0 5222 xmpp-gw.falcot.com.
_xmpps-client._tcp  IN  SRV   5 0 5223 xmpp-gw.falcot.com.

; other servers: STARTTLS, and direct TLS
_xmpp-server._tcp   IN  SRV   5 0 5269 xmpp-gw.falcot.com.
_xmpps-server._tcp  IN  SRV   5 0 5270 xmpp-gw.falcot.com.

; the key of the certificate (DANE), only if the zone is signed (DNSSEC);
; with a new key, publish its record before the key is used
_5269._tcp.xmpp-gw  IN  TLSA  3 1 1 ${KEY}
_5270._tcp.xmpp-gw  IN  TLSA  3 1 1 ${KEY}`);
  });

  test('other servers find the components of a host by records of their own', async () => {
    const components = {
      'conference.falcot.com': { type: 'muc', name: 'Rooms' },
      'rooms.other.example': { type: 'muc', name: 'Elsewhere' },
      'upload.falcot.com': { type: 'upload', name: 'Files' },
    };
    const zone = await zoneOf({ host: { components } });
    expect(zone).toMatch(/_xmpp-server\._tcp\.conference +IN {2}SRV {3}5 0 5269 xmpp-gw/);
    expect(zone).toMatch(/_xmpps-server\._tcp\.conference +IN {2}SRV {3}5 0 5270 xmpp-gw/);
    expect(zone).not.toMatch(/client\._tcp\.conference|other\.example|upload/);
    expect(await zoneOf({ host: { components }, s2s: { enabled: false } })).not.toMatch(
      /conference/,
    );
  });

  test('has the ports in force, and not what is off', async () => {
    const zone = await zoneOf({ ports: { c2s: 15222, c2sTls: false, s2sTls: false } });
    expect(zone).toMatch(/_xmpp-client\._tcp +IN {2}SRV {3}5 0 15222 /);
    expect(zone).not.toMatch(/_xmpps/);
    expect(zone).not.toMatch(/5270/);
  });

  test('the one port for all comes after a port of its own, or stands alone', async () => {
    const zone = await zoneOf({ ports: { edge: 443, s2sTls: false } });
    const records = zone.match(/^_xmpps-\S+ .*$/gm)?.map((line) => line.replace(/ +/g, ' '));
    expect(records).toEqual([
      '_xmpps-client._tcp IN SRV 5 0 5223 xmpp-gw.falcot.com.',
      '_xmpps-client._tcp IN SRV 10 0 443 xmpp-gw.falcot.com.',
      '_xmpps-server._tcp IN SRV 5 0 443 xmpp-gw.falcot.com.',
    ]);
    expect(zone).toContain('_443._tcp.xmpp-gw');
  });

  test('RFC 2782 says that other servers are not talked with', async () => {
    const zone = await zoneOf({ s2s: { enabled: false } });
    expect(zone).toMatch(/_xmpp-server\._tcp +IN {2}SRV {3}0 0 0 \./);
    expect(zone).not.toMatch(/TLSA|_xmpps-server/);
  });

  test('without a public address there is a line to fill in, which is a comment', async () => {
    expect(await zoneOf({ addresses: [] })).toMatch(/^; xmpp-gw +IN {2}A {5}<the public address/m);
  });

  test('names of a machine elsewhere are whole', async () => {
    expect(await zoneOf({ name: 'other.example' })).toMatch(/^xmpp-gw\.falcot\.com\. +IN {2}A /m);
  });

  test.each([
    ['198.51.100.19', true],
    ['10.1.2.3', false],
    ['172.17.0.1', false],
    ['192.168.1.1', false],
    ['100.64.0.1', false],
    ['169.254.1.1', false],
    ['2001:db8::1', true],
    ['fe80::1', false],
    ['fd00::1', false],
    ['::1', false],
  ])('%s is one of the internet: %s', (address, expected) => {
    expect(isPublic(address)).toBe(expected);
  });
});

describe('the check', () => {
  const check = async (
    lookup: Lookup,
    { ports = {}, s2s = {}, host = {} }: { ports?: Ports; s2s?: object; host?: object } = {},
  ) => {
    const config = await configWith(ports);
    const found = await checkDns(await hostNamed('falcot.com', s2s, host), {
      config,
      lookup,
      own: ['192.0.2.1'],
      keyHash: KEY,
      portOf: (listener) => config.server.listeners[listener].port,
    });
    return found.map(({ level, subject, text }) => `${level} ${subject}: ${text}`);
  };
  const here = { 'falcot.com': ['192.0.2.1'] };

  test.each([
    ['_xmpp-client', 'c2s', 5222],
    ['_xmpp-server', 's2s', 5269],
  ] as const)(
    'RFC 6120 §3.2.2 %s: no SRV record is right on the usual port only',
    async (service, listener, usual) => {
      const lookup = lookupOf({ addresses: here });
      const subject = `${service}._tcp.falcot.com`;
      expect(await check(lookup)).toContainEqual(
        expect.stringMatching(new RegExp(`^ok ${subject}: It has no record.*${usual}`)),
      );
      expect(await check(lookup, { ports: { [listener]: 15222 } })).toContainEqual(
        expect.stringMatching(
          new RegExp(`^error ${subject}: .*Add: ${subject}\\. SRV 5 0 15222 falcot\\.com\\.`),
        ),
      );
    },
  );

  test('XEP-0368 direct TLS is not found without a record', async () => {
    const said = await check(lookupOf({ addresses: here }));
    expect(said).toContainEqual(
      expect.stringMatching(/^warning _xmpps-client.*SRV 5 0 5223 falcot\.com\./),
    );
    expect(said).toContainEqual(
      expect.stringMatching(/^ok _xmpps-server.*STARTTLS.*SRV 5 0 5270 falcot\.com\./),
    );
  });

  test('records are compared with what is offered, and their targets with addresses', async () => {
    const srv = {
      '_xmpp-client._tcp.falcot.com': [
        ['chat.falcot.com', 5222],
        ['gone.falcot.com', 5222],
        ['chat.falcot.com', 5299],
      ] as [string, number][],
    };
    const addresses = { ...here, 'chat.falcot.com': ['192.0.2.1'] };
    const all = await check(lookupOf({ addresses, srv }));
    expect(all.filter((text) => text.includes('_xmpp-client._tcp.falcot.com:'))).toEqual([
      expect.stringMatching(/^ok .*It leads to chat\.falcot\.com:5222 \(192\.0\.2\.1\)/),
      expect.stringMatching(/^error .*gone\.falcot\.com, which has no address/),
      expect.stringMatching(/^error .*chat\.falcot\.com:5299, but the server listens on 5222/),
    ]);
    expect(all.join('\n'), 'one machine for all').toContain('SRV 5 0 5223 chat.falcot.com.');
  });

  test('the one port for all is as right as a port of its own', async () => {
    const srv = {
      '_xmpps-client._tcp.falcot.com': [
        ['chat.falcot.com', 5223],
        ['chat.falcot.com', 443],
      ] as [string, number][],
    };
    const lookup = lookupOf({ addresses: { 'chat.falcot.com': ['192.0.2.1'] }, srv });
    const about = (all: readonly string[]) => all.filter((text) => text.includes('_xmpps-client'));
    expect(about(await check(lookup, { ports: { edge: 443 } }))).toEqual([
      expect.stringMatching(/^ok .*:5223 /),
      expect.stringMatching(/^ok .*:443 /),
    ]);
    expect(about(await check(lookup))).toContainEqual(expect.stringMatching(/^error .*:443,/));
  });

  test('a component that other servers do not find is told of', async () => {
    const host = { components: { 'conference.falcot.com': { type: 'muc', name: 'Rooms' } } };
    const name = '_xmpp-server._tcp.conference.falcot.com';
    const of = async (lookup: Lookup) =>
      (await check(lookup, { host })).filter((text) => text.includes('conference'));
    expect(await of(lookupOf({ addresses: here }))).toEqual([
      `warning conference.falcot.com: Users of other domains do not find it. Add: ${name}. SRV 5 0 5269 falcot.com.`,
    ]);
    const srv = { [name]: [['falcot.com', 5269]] as [string, number][] };
    expect(await of(lookupOf({ addresses: here, srv }))).toEqual([
      'ok conference.falcot.com: Other servers are led to falcot.com:5269.',
    ]);
    const addresses = { ...here, 'conference.falcot.com': ['192.0.2.1'] };
    expect(await of(lookupOf({ addresses }))).toEqual([
      'ok conference.falcot.com: It has no SRV record; other servers then try its own address.',
    ]);
  });

  test('RFC 2782 a target of "." says that there is no service', async () => {
    const srv = { '_xmpp-server._tcp.falcot.com': [['', 0]] as [string, number][] };
    expect(await check(lookupOf({ addresses: here, srv }))).toContainEqual(
      expect.stringMatching(/^error _xmpp-server.*no such service/),
    );
    const alone = await check(lookupOf({ addresses: here, srv }), { s2s: { enabled: false } });
    expect(alone.join('\n')).not.toContain('_xmpp-server');
  });

  test('records that invite those who are not talked with', async () => {
    const srv = { '_xmpp-server._tcp.falcot.com': [['falcot.com', 5269]] as [string, number][] };
    const lookup = lookupOf({ addresses: here, srv });
    expect(await check(lookup, { s2s: { enabled: false } })).toContainEqual(
      expect.stringMatching(/^error _xmpp-server.*s2s\.enabled.*SRV 0 0 0 \./),
    );
    expect(await check(lookup, { ports: { s2s: false } })).toContainEqual(
      expect.stringMatching(/^error _xmpp-server.*listeners\.s2s is off/),
    );
  });

  test('RFC 7673 a TLSA record of another key keeps servers away', async () => {
    const srv = { '_xmpp-server._tcp.falcot.com': [['falcot.com', 5269]] as [string, number][] };
    const withKey = (...data: string[]) =>
      check(
        lookupOf({
          addresses: here,
          srv,
          tlsa: {
            '_5269._tcp.falcot.com': data.map((each) => ({
              usage: 3,
              selector: 1,
              matching: 1,
              data: each,
            })),
          },
        }),
      );
    const subject = '_5269._tcp.falcot.com';
    expect(await withKey('cd'.repeat(32))).toContainEqual(
      expect.stringMatching(new RegExp(`^error ${subject}: .*TLSA 3 1 1 ${KEY}`)),
    );
    expect(await withKey('cd'.repeat(32), KEY)).toContainEqual(
      expect.stringMatching(new RegExp(`^ok ${subject}`)),
    );
    expect((await withKey()).join('\n')).not.toContain(subject);
  });

  test('addresses elsewhere, none, and a DNS that does not answer', async () => {
    const first = async (lookup: Lookup) => (await check(lookup))[0];
    expect(await first(lookupOf({ addresses: { 'falcot.com': ['198.51.100.7'] } }))).toMatch(
      /^warning .*not an address of this machine/,
    );
    expect(await first(lookupOf({}))).toMatch(/^warning .*It has no address/);
    const failing = async (): Promise<Answer<never>> => ({ ok: false, text: 'it did not answer' });
    const broken = { addresses: failing, srv: failing, tlsa: failing };
    expect(await first(broken)).toMatch(/^error .*did not answer/);
  });

  test.each(['localhost', 'server.local', 'montague.example', '192.0.2.1'])(
    'is not made for %s',
    async (name) => {
      const asked = () => Promise.reject(new Error('asked'));
      const lookup = { addresses: asked, srv: asked, tlsa: asked };
      const given = { config: await configWith(), lookup, own: [], keyHash: KEY, portOf: () => 1 };
      expect(await checkDns(await hostNamed(name), given)).toMatchObject([{ level: 'ok' }]);
    },
  );
});

describe('dns.zone and dns.check', () => {
  let desk: Desk;
  beforeEach(async () => {
    desk = await setDesk(['jo@falcot.com']);
    desk.world.certificates = [certificate('falcot.com', { publicKeySha256: KEY })];
  });
  afterEach(() => desk.stop());

  test('prints the records, for a machine of any name', async () => {
    const usual = await desk.value('dns.zone', { domain: 'falcot.com' });
    expect(usual['zone']).toContain('xmpp-gw.falcot.com.');
    const { zone } = await desk.value('dns.zone', {
      domain: 'falcot.com',
      target: 'Chat.Example.',
    });
    expect(zone).toContain('5 0 5222 chat.example.');
    expect(await desk.refusal('dns.zone', { domain: 'falcot.com', target: '192.0.2.1' })).toMatch(
      /^invalid-input: .*is not the name of a machine/,
    );
    expect(await desk.refusal('dns.zone', { domain: 'falcott.com' })).toMatch(
      /did you mean falcot/,
    );
  });

  test('compares, and is ill with one error', async () => {
    desk.world.lookup = lookupOf({
      addresses: { 'falcot.com': ['127.0.0.1'] },
      srv: { '_xmpp-client._tcp.falcot.com': [['falcot.com', 5299]] },
    });
    const { healthy, findings } = await desk.value('dns.check', { domain: falcot });
    expect(healthy).toBe(false);
    expect((findings as Finding[]).filter(({ level }) => level === 'error')).toMatchObject([
      { subject: '_xmpp-client._tcp.falcot.com' },
    ]);
    expect(await desk.refusal('dns.check', { domain: falcot, dns: ['dns.example'] })).toMatch(
      /not an IP address/,
    );
  });
});

describe('the look-up', () => {
  const lookupIn = async (zone: Zone) => {
    const server = await startDns(zone);
    onTestFinished(() => server.stop());
    const settings = () => ({ servers: [server.server], timeoutMs: 300 });
    return createLookup(createDnsClient({ clock: systemClock, settings }));
  };

  test('finds addresses of both kinds, services in their order, and keys', async () => {
    const lookup = await lookupIn({
      'falcot.com': { A: ['192.0.2.1'], AAAA: ['2001:db8::1'] },
      '_xmpp-client._tcp.falcot.com': { SRV: ['9 0 5222 b.falcot.com', '1 0 5222 a.falcot.com'] },
      '_5269._tcp.falcot.com': { TLSA: [`3 1 1 ${KEY}`] },
    });
    expect(await lookup.addresses('falcot.com')).toMatchObject({
      records: ['192.0.2.1', '2001:db8::1'],
    });
    expect(await lookup.srv('_xmpp-client._tcp.falcot.com')).toMatchObject({
      records: [{ target: 'a.falcot.com' }, { target: 'b.falcot.com' }],
    });
    expect(await lookup.tlsa('_5269._tcp.falcot.com')).toMatchObject({
      records: [{ usage: 3, selector: 1, matching: 1, data: KEY }],
    });
  });

  test.each([
    ['NXDOMAIN', undefined, { ok: true, records: [] }],
    ['SERVFAIL', 'SERVFAIL', { ok: false, text: 'the name server failed' }],
    ['silence', 'silence', { ok: false, text: 'the name server did not answer in time' }],
  ] as const)('of a name server that answers %s', async (_, entry, expected) => {
    const lookup = await lookupIn(entry === undefined ? {} : { 'falcot.com': entry });
    expect(await lookup.addresses('falcot.com')).toEqual(expected);
    expect(await lookup.srv('falcot.com')).toEqual(expected);
    expect(await lookup.tlsa('falcot.com')).toEqual(expected);
  });
});
