/** A config that changes under a running server (DESIGN D7, D8), as its clients see it. */
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Element } from '../../src/xml/element.ts';
import { issue, keyOf } from '../certs/support.ts';
import { Client, loggedIn } from '../support/client.ts';
import { type ServerOptions, startServer, type TestServer } from '../support/server.ts';

type Hosts = NonNullable<ServerOptions['hosts']>;

const PASSWORD = 'a secret for tests';
const BOTH = { localhost: {}, 'other.example': {} };

const OPEN = { port: 0, interfaces: ['127.0.0.1'] };
const NAMES = ['c2s', 'c2sTls', 's2s', 's2sTls', 'component', 'http', 'https'];
/** Each listener at a port of its own. */
const FREE = Object.fromEntries(NAMES.map((name) => [name, OPEN]));

/** Ports that nobody has at the moment. */
async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(probes.map((probe) => once(probe, 'listening')));
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  await Promise.all(probes.map((probe) => new Promise((closed) => probe.close(closed))));
  return ports;
}

let server: TestServer;
let clients: Client[] = [];
beforeEach(async () => {
  server = await startServer({
    hosts: BOTH,
    accounts: { 'juliet@localhost': PASSWORD, 'nurse@other.example': PASSWORD },
  });
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients = [];
  await server.stop();
});

async function bound(user: string, to: string): Promise<Client> {
  const place = { port: server.ports.c2sTls, tls: { servername: to }, to };
  const client = await loggedIn({ ...place, user, password: PASSWORD });
  clients.push(client);
  return client;
}

async function secured(to: string): Promise<Client> {
  const client = await Client.connect({
    port: server.ports.c2sTls,
    tls: { servername: to },
    to,
  });
  clients.push(client);
  await client.open();
  return client;
}

async function reload(options: Omit<ServerOptions, 'accounts'>): Promise<void> {
  await server.configure(options);
  await server.run('server.reload');
}

/** The stream ended with host-gone, and the connection with it. */
async function expectGone(client: Client): Promise<void> {
  const [error] = (await client.rest()).slice(-1);
  expect(String(error)).toContain('<host-gone ');
  await client.closed();
}

describe('hosts', () => {
  test('§4.9.3.5 a host that is removed: host-gone for its sessions, and only for them', async () => {
    const juliet = await bound('juliet', 'localhost');
    const nurse = await bound('nurse', 'other.example');
    await reload({ hosts: { localhost: {} } });
    await expectGone(nurse);
    await juliet.ping();
    const late = await Client.connect({ port: server.ports.c2s, to: 'other.example' });
    clients.push(late);
    expect(String((await late.open()).features)).toContain('<host-unknown ');
  });

  test('§4.9.3.5 a host that is removed while a client logs in', async () => {
    const client = await secured('other.example');
    await reload({ hosts: { localhost: {} } });
    await client.plain('nurse', PASSWORD);
    expect(client.text).toContain('<host-gone ');
  });

  test('§4.9.3.5 a host that is removed before a resource is bound', async () => {
    const client = await secured('other.example');
    await client.plain('nurse', PASSWORD);
    await client.open();
    await reload({ hosts: { localhost: {} } });
    client.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    await expectGone(client);
    expect(await server.run('sessions.list')).toMatchObject({ total: 0 });
  });

  test('a host that is removed: contacts and rooms see its users leave', async () => {
    const juliet = await bound('juliet', 'localhost');
    const nurse = await bound('nurse', 'other.example');
    const isFrom = (jid: string, type?: string) => (element: Element) =>
      String(element.attrs.from).startsWith(jid) && element.attrs.type === type;
    juliet.send('<presence/>');
    nurse.send('<presence/>');
    juliet.send("<presence to='nurse@other.example' type='subscribe'/>");
    await nurse.seek(isFrom('juliet@localhost', 'subscribe'));
    nurse.send("<presence to='juliet@localhost' type='subscribed'/>");
    await juliet.seek(isFrom('nurse@other.example/'));
    const x = "<x xmlns='http://jabber.org/protocol/muc'/>";
    juliet.send(`<presence to='hall@conference.localhost/juliet'>${x}</presence>`);
    await juliet.seek(({ name }) => name === 'message');
    juliet.send(`<iq type='set' to='hall@conference.localhost' id='open'>
      <query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`);
    await juliet.seek(({ attrs }) => attrs.id === 'open');
    nurse.send(`<presence to='hall@conference.localhost/nurse'>${x}</presence>`);
    await juliet.seek(isFrom('hall@conference.localhost/nurse'));
    await reload({ hosts: { localhost: {} } });
    const left = await Promise.all([juliet.next(), juliet.next()]);
    expect(left.map(({ attrs }) => [String(attrs.from).split('/')[0], attrs.type]).sort()).toEqual([
      ['hall@conference.localhost', 'unavailable'],
      ['nurse@other.example', 'unavailable'],
    ]);
  });

  const withoutRooms: readonly (readonly [title: string, room: string, hosts: Hosts])[] = [
    ['of a host that is removed', 'hall@conference.other.example', { localhost: {} }],
    [
      'that are switched off',
      'hall@conference.localhost',
      { ...BOTH, localhost: { modules: { muc: false } } },
    ],
    [
      'that move to another domain',
      'hall@conference.localhost',
      { ...BOTH, localhost: { components: { 'chat.localhost': { type: 'muc' } } } },
    ],
  ];
  test.each(withoutRooms)(
    'XEP-0045 §11.2: rooms %s: those in them are told, and are out',
    async (_, room, hosts) => {
      await server.run('rooms.create', { room, owner: 'juliet@localhost' });
      const juliet = await bound('juliet', 'localhost');
      const enter = async () => {
        juliet.send(
          `<presence to='${room}/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
        );
        await juliet.seek(({ name }) => name === 'message');
      };
      await enter();
      await reload({ hosts });
      const gone = String(await juliet.next());
      expect(gone).toContain(`from="${room}/juliet"`);
      expect(gone).toContain('<status code="332"/>');
      await reload({ hosts: BOTH });
      const said = await juliet.ask(
        `<message type='groupchat' to='${room}'><body>?</body></message>`,
      );
      expect(String(said)).toContain('<not-acceptable ');
      await enter();
    },
  );

  test('a host that comes back has its accounts', async () => {
    await reload({ hosts: { localhost: {} } });
    await reload({ hosts: BOTH });
    await (await bound('nurse', 'other.example')).ping();
  });

  test('a host that is added is served at once, with a certificate', async () => {
    const juliet = await bound('juliet', 'localhost');
    await reload({ hosts: { ...BOTH, 'new.example': {} } });
    await server.run('accounts.add', { jid: 'friar@new.example', password: PASSWORD });
    const friar = await bound('friar', 'new.example');
    expect(friar.tls.getPeerCertificate().subjectaltname).toContain('DNS:new.example');
    await juliet.ping();
  });
});

describe('a config with faults', () => {
  const faulty: readonly (readonly [title: string, options: ServerOptions])[] = [
    ['an unknown key', { hosts: { localhost: {} }, config: { limts: {} } }],
    [
      'a wrong value in a host that is new',
      { hosts: { localhost: {}, 'new.example': { ssl: 1 } } },
    ],
    [
      'no host at all and a port out of range',
      { hosts: {}, config: { listeners: { c2s: { port: 70_000 } } } },
    ],
  ];
  test.each(faulty)('%s: it is refused, and nothing changes', async (_, options) => {
    const juliet = await bound('juliet', 'localhost');
    const nurse = await bound('nurse', 'other.example');
    await server.configure(options);
    expect(await server.attempt('server.reload')).toMatchObject({ ok: false });
    for (const client of [juliet, nurse]) await client.ping();
    await (await bound('nurse', 'other.example')).ping();
  });
});

test('a file that cannot be read: the fault says at which key', async () => {
  const s2s = { authorities: ['missing.pem'] };
  await server.configure({ hosts: BOTH, config: { s2s } });
  expect(await server.attempt('server.reload')).toMatchObject({
    ok: false,
    text: expect.stringMatching(/rtcd\.yaml:[1-9]\d+:\d+ s2s\.authorities: .*missing\.pem/),
  });
});

test('a port that is taken: the config is refused whole, certificates included', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const others = ['c2s', 'c2sTls', 's2s', 's2sTls', 'http', 'https'];
  const listeners = {
    ...Object.fromEntries(others.map((name) => [name, { enabled: false }])),
    edge: { enabled: true, port, interfaces: ['127.0.0.1'] },
  };
  await server.configure({ hosts: { localhost: {} }, config: { listeners } });
  expect(await server.attempt('server.reload')).toMatchObject({
    ok: false,
    text: expect.stringMatching(RegExp(`listeners.edge.port: Port ${port} \\(edge\\)`)),
  });
  const nurse = await bound('nurse', 'other.example');
  expect(nurse.tls.getPeerCertificate().subjectaltname).toContain('DNS:other.example');
  taken.close();
});

describe('limits and listeners', () => {
  test('limits hold for whoever connects from then on', async () => {
    const early = await bound('juliet', 'localhost');
    const large = `<message><body>${'x'.repeat(20_000)}</body></message>`;
    await reload({ hosts: BOTH, config: { limits: { stanzaBytes: 15_000 } } });
    early.send(large);
    await early.ping();
    const late = await bound('juliet', 'localhost');
    late.send(large);
    const [error] = await late.rest();
    expect(String(error)).toContain('<policy-violation ');
  });

  test('the limit of resources holds at the next binding', async () => {
    const first = await bound('juliet', 'localhost');
    await reload({ hosts: BOTH, config: { limits: { resourcesPerAccount: 1 } } });
    await expect(bound('juliet', 'localhost')).rejects.toThrow('resource-constraint');
    await first.ping();
  });

  test('a listener that is switched off: its sessions go on, nobody new comes', async () => {
    const juliet = await bound('juliet', 'localhost');
    const free = { port: 0, interfaces: ['127.0.0.1'] };
    const off = { ...free, enabled: false };
    const listeners = { c2s: free, c2sTls: off, s2s: off, s2sTls: off, http: free, https: off };
    await reload({ hosts: BOTH, config: { listeners } });
    await juliet.ping();
    await expect(secured('localhost')).rejects.toThrow();
    const clear = await Client.connect({ port: server.ports.c2s });
    clients.push(clear);
    expect(String((await clear.open()).features)).toContain('starttls');
  });

  test('a port whose addresses change, and two that change places, are taken over', async () => {
    const ports = await freePorts(2);
    const [one = 0, other = 0] = ports;
    const at = (port: number, ...interfaces: string[]) => ({ port, interfaces });
    const take = (c2s: object, c2sTls: object) =>
      reload({ hosts: BOTH, config: { listeners: { ...FREE, c2s, c2sTls } } });
    await take(at(one, '127.0.0.1'), at(other, '127.0.0.1'));
    const open = async () => {
      const client = await Client.connect({ port: one });
      clients.push(client);
      return client;
    };
    const early = await open();
    await take(at(one, '*'), at(other, '127.0.0.1'));
    await take(at(one, '127.0.0.1', '::1'), at(other, '127.0.0.1'));
    await (await open()).open();
    await take(at(other, '127.0.0.1'), at(one, '127.0.0.1'));
    const tls = await Client.connect({ port: one, tls: { servername: 'localhost' } });
    clients.push(tls);
    await tls.open();
    expect(String((await early.open()).features)).toContain('starttls');
  });

  test('a port that had to go is open again when the config is refused', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const [one = 0] = await freePorts(1);
    const c2s = { port: one, interfaces: ['127.0.0.1'] };
    await reload({ hosts: BOTH, config: { listeners: { ...FREE, c2s } } });
    const { port } = taken.address() as AddressInfo;
    const listeners = {
      ...FREE,
      c2s: { port: one, interfaces: ['*'] },
      c2sTls: { port, interfaces: ['127.0.0.1'] },
    };
    await server.configure({ hosts: BOTH, config: { listeners } });
    expect(await server.attempt('server.reload')).toMatchObject({
      ok: false,
      text: expect.stringContaining(`Port ${port} (c2sTls)`),
    });
    taken.close();
    const client = await Client.connect({ port: one });
    clients.push(client);
    await client.open();
  });

  test('the port of WebSocket moves while somebody is connected by it', async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${server.ports.https}/xmpp-websocket`, ['xmpp'], {
      rejectUnauthorized: false,
    });
    await once(socket, 'open');
    const [port = 0] = await freePorts(1);
    const https = { port, interfaces: ['127.0.0.1'] };
    await reload({ hosts: BOTH, config: { listeners: { ...FREE, https } } });
    await reload({ hosts: { localhost: {} }, config: { listeners: { ...FREE, https } } });
    socket.send(`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>`);
    expect(String(await once(socket, 'message'))).toContain("from='localhost'");
    socket.terminate();
  });

  test('§5.3.1 where TLS is not required, SCRAM works in clear, and PLAIN is not offered', async () => {
    await reload({ hosts: BOTH, config: { tls: { required: false } } });
    const clear = await Client.connect({ port: server.ports.c2s });
    clients.push(clear);
    const { features } = await clear.open();
    expect(String(features)).toContain('<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>');
    expect(String(features)).not.toMatch(/PLAIN|-PLUS|channel-binding/);
    expect(String(await clear.plain('juliet', PASSWORD))).toContain('<invalid-mechanism/>');
    expect((await clear.scram('SCRAM-SHA-256', 'juliet', PASSWORD)).name).toBe('success');
    await clear.open();
    expect((await clear.bind()).attrs.type).toBe('result');
    await clear.ping();
  });
});

describe('certificates', () => {
  const shown = async (to: string) => {
    const client = await secured(to);
    return client.tls.getPeerCertificate().fingerprint256;
  };

  test('one that is imported is shown to new connections; sessions go on', async () => {
    const juliet = await bound('juliet', 'localhost');
    const before = await shown('localhost');
    const other = await shown('other.example');
    const certificate = issue(['localhost']);
    await server.run('certificates.import', { domain: 'localhost', certificate, key: keyOf(0) });
    expect(await shown('localhost')).not.toBe(before);
    expect(await shown('other.example')).toBe(other);
    await juliet.ping();
  });

  test('the file that the config names is replaced: it is taken over without a reload', async () => {
    const folder = join(server.folder, 'pem');
    const ssl = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await mkdir(folder);
    const write = async (which: 0 | 1) => {
      await writeFile(ssl.key, keyOf(which));
      await writeFile(ssl.certificate, issue(['localhost'], { key: which }));
    };
    await write(0);
    await reload({ hosts: { ...BOTH, localhost: { ssl } } });
    const before = await shown('localhost');
    const juliet = await bound('juliet', 'localhost');
    await write(1);
    await expect.poll(() => shown('localhost'), { timeout: 10_000 }).not.toBe(before);
    await juliet.ping();
  });

  test('a key that belongs to another certificate: the one before stays, and the reload says so', async () => {
    const folder = join(server.folder, 'pem');
    const ssl = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    const other = join(folder, 'other.pem');
    await mkdir(folder);
    await writeFile(ssl.key, keyOf(0));
    await writeFile(other, keyOf(1));
    await writeFile(ssl.certificate, issue(['localhost']));
    await reload({ hosts: { ...BOTH, localhost: { ssl } } });
    const before = await shown('localhost');
    await server.configure({ hosts: { ...BOTH, localhost: { ssl: { ...ssl, key: other } } } });
    const warning = `ssl: ${other}: the key does not belong to the certificate in ${ssl.certificate}`;
    const warnings = [expect.stringContaining(warning)];
    expect(await server.run('config.check')).toMatchObject({
      healthy: true,
      warnings: [{ key: 'ssl', message: warning.slice('ssl: '.length) }],
    });
    expect(await server.run('server.reload')).toEqual({
      changed: ['localhost: ssl.key'],
      warnings,
    });
    expect(await shown('localhost')).toBe(before);
  });

  test('the file that the config names is damaged: the one before stays', async () => {
    const folder = join(server.folder, 'pem');
    const ssl = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await mkdir(folder);
    await writeFile(ssl.key, keyOf(0));
    await writeFile(ssl.certificate, issue(['localhost']));
    await reload({ hosts: { ...BOTH, localhost: { ssl } } });
    const before = await shown('localhost');
    await writeFile(ssl.certificate, 'rubbish');
    await server.run('server.reload');
    expect(await shown('localhost')).toBe(before);
  });
});

test('XEP-0352 is switched off: an inactive client gets what was held back', async () => {
  const juliet = await bound('juliet', 'localhost');
  await juliet.ask('<presence/>');
  juliet.send("<inactive xmlns='urn:xmpp:csi:0'/>");
  await juliet.ping();
  const nurse = await bound('nurse', 'other.example');
  const state = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
  nurse.send(`<message to='juliet@localhost' type='chat' id='held'>${state}</message>`);
  await nurse.ping();
  await reload({ hosts: { ...BOTH, localhost: { modules: { csi: false } } } });
  expect((await juliet.next()).attrs.id).toBe('held');
});

test('XEP-0352 is switched off: who was offered it may go on saying what he does', async () => {
  const juliet = await bound('juliet', 'localhost');
  await reload({ hosts: { ...BOTH, localhost: { modules: { csi: false } } } });
  juliet.send("<inactive xmlns='urn:xmpp:csi:0'/><active xmlns='urn:xmpp:csi:0'/>");
  await juliet.ping();
  const late = await bound('juliet', 'localhost');
  late.send("<active xmlns='urn:xmpp:csi:0'/>");
  expect(String((await late.rest()).at(-1))).toContain('<unsupported-stanza-type ');
});

test('groups of the config are taken over, and whom they concern is told at once', async () => {
  const juliet = await bound('juliet', 'localhost');
  await juliet.ask("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
  const members = ['juliet@localhost', 'nurse@other.example'];
  const groups = { groups: { defined: { Capulets: members } } };
  await reload({ hosts: { ...BOTH, localhost: { modules: groups } } });
  const push = await juliet.seek(({ name, attrs }) => name === 'iq' && attrs['type'] === 'set');
  expect(String(push)).toContain('nurse@other.example');
});
