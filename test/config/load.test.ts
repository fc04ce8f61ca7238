import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDomain } from '../../src/jid/jid.ts';
import { faultsOf, folderWith, host, load, loaded } from './support.ts';

/** The faults of a server's file beside a good host. */
const serverFaults = (text: string) => faultsOf({ 'rtcd.yaml': text, 'conf.d/a.yaml': host });
/** The faults of a host's file beside an empty server's. */
const hostFaults = (text: string) => faultsOf({ 'rtcd.yaml': '', 'conf.d/a.yaml': text });

describe('where the config is looked for', () => {
  test('--config wins over $RTCD_CONFIG, that over ./rtcd.yaml', async () => {
    const folder = await folderWith({
      'one.yaml': '',
      'two.yaml': '',
      'rtcd.yaml': '',
      'conf.d/a.yaml': host,
    });
    const env = { RTCD_CONFIG: 'two.yaml' };
    const fileOf = async (more: { file?: string; env?: Record<string, string> }) => {
      const outcome = await load(folder, more);
      return outcome.ok ? outcome.config.file : outcome.faults;
    };
    expect(await fileOf({ file: 'one.yaml', env })).toBe(join(folder, 'one.yaml'));
    expect(await fileOf({ env })).toBe(join(folder, 'two.yaml'));
    expect(await fileOf({})).toBe(join(folder, 'rtcd.yaml'));
  });

  test('a named file that is not there is a fault', async () => {
    const outcome = await load(await folderWith({}), { file: 'none.yaml' });
    expect(outcome).toMatchObject({ ok: false, faults: [{ message: 'there is no such file' }] });
  });

  test('without one there are development defaults on loopback, with localhost', async () => {
    const { config, files } = await loaded({});
    expect(config.file).toBeUndefined();
    expect(config.hosts.map((each) => each.virtualHost)).toEqual(['localhost']);
    expect(config.server.data).toBe(join(config.folder, 'data'));
    for (const listener of Object.values(config.server.listeners))
      expect(listener.interfaces).toEqual(['127.0.0.1', '::1']);
    expect(files).toEqual([]);
  });

  test('the defaults have what conf.d enables too, and its localhost in place of their own', async () => {
    const localhost = 'virtualHost: localhost\nanonymous: true\n';
    const { config } = await loaded({ 'conf.d/a.yaml': host, 'conf.d/b.yaml': localhost });
    expect(config.hosts.map((each) => [each.virtualHost, each.anonymous])).toEqual([
      ['falcot.com', false],
      ['localhost', true],
    ]);
  });
});

describe('what is loaded', () => {
  test('a config file listens everywhere for clients and on loopback for HTTP', async () => {
    const { config } = await loaded({ 'rtcd.yaml': '', 'conf.d/a.yaml': host });
    const { c2s, c2sTls, http } = config.server.listeners;
    expect([c2s, c2sTls]).toMatchObject([
      { port: 5222, interfaces: ['*'] },
      { port: 5223, interfaces: ['*'] },
    ]);
    expect(http).toEqual({ enabled: true, port: 5280, interfaces: ['127.0.0.1', '::1'] });
  });

  test('durations are milliseconds, sizes bytes, a single value a list, a JID prepared', async () => {
    const { config } = await loaded({
      'rtcd.yaml': `
admins: [JOE@Falcot.com]
certificates: /srv/certs
limits: { idlePing: 1h30m, stanzaBytes: 1MiB, whitespacePing: 0 }
tls: { minVersion: 1.3 }
`,
      'conf.d/a.yaml': host,
    });
    expect(config.server.admins).toEqual(['joe@falcot.com']);
    expect(config.server.certificates).toEqual(['/srv/certs']);
    expect(config.server.limits).toMatchObject({
      idlePing: 5_400_000,
      stanzaBytes: 1_048_576,
      whitespacePing: 0,
    });
    expect(config.server.tls.minVersion).toBe('1.3');
  });

  test('paths are relative to the folder of rtcd.yaml, with ~ for the home folder', async () => {
    const folder = await folderWith({
      'etc/rtcd.yaml': 'data: ../var\nadminSocket: ~/ctl\nmodules: { register: { file: words } }',
      'etc/conf.avail/a.yaml': `${host}ssl: { key: k.pem, certificate: /c.pem }`,
      'etc/conf.d/a.yaml': '→ ../conf.avail/a.yaml',
    });
    const outcome = await load(folder, { file: 'etc/rtcd.yaml', env: { HOME: '/home/joe' } });
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.faults));
    const { server, hosts } = outcome.config;
    expect(server.data).toBe(join(folder, 'var'));
    expect(server.adminSocket).toBe('/home/joe/ctl');
    expect(hosts[0]?.ssl).toEqual({ key: join(folder, 'etc/k.pem'), certificate: '/c.pem' });
    expect(hosts[0]?.modules['register']).toMatchObject({ file: join(folder, 'etc/words') });
    expect(outcome.files).toEqual(
      ['rtcd.yaml', 'conf.d/a.yaml', 'conf.avail/a.yaml'].map((name) => join(folder, 'etc', name)),
    );
  });

  test('hosts come in the order of file names; a disabled one is only named', async () => {
    const { config } = await loaded({
      'rtcd.yaml': 'include: hosts',
      'hosts/20.yaml': 'virtualHost: b.example',
      'hosts/10.yaml': 'virtualHost: c.example',
      'hosts/30.yaml': 'virtualHost: a.example\nenabled: false',
      'hosts/README.md': 'not: [yaml',
    });
    expect(config.hosts.map((each) => each.virtualHost)).toEqual(['c.example', 'b.example']);
    expect(config.disabled).toEqual(['a.example']);
  });

  test('the value is frozen to its depths', async () => {
    const { config } = await loaded({});
    expect(Object.isFrozen(config.server.limits)).toBe(true);
    expect(Object.isFrozen(config.hosts[0]?.admins)).toBe(true);
    expect(Object.isFrozen(config.hosts[0]?.modules['register'])).toBe(true);
  });

  test('each key knows the file and line that set it', async () => {
    const { sourceOf, config } = await loaded({
      'rtcd.yaml': 'limits:\n  depth: 70\n',
      'conf.d/a.yaml': `\n${host}`,
    });
    const domain = parseDomain('falcot.com');
    if (!domain.ok) throw new Error(domain.why);
    expect(sourceOf(['limits', 'depth'])).toBe(`${config.file}:2`);
    expect(sourceOf(['limits', 'attributes'])).toBeUndefined();
    expect(sourceOf(['virtualHost'], domain.value)).toMatch(/a\.yaml:2$/);
  });
});

describe('modules', () => {
  const modulesOf = async (server: string, own: string) => {
    const files = { 'rtcd.yaml': server, 'conf.d/a.yaml': `${host}${own}` };
    const { config } = await loaded(files);
    return { server: config.modules, host: config.hosts[0]?.modules ?? {} };
  };

  test('host over server over defaults: maps are joined, lists and single values replaced', async () => {
    const { server, host: own } = await modulesOf(
      'modules: { register: { every: 2h, words: [a], texts: { welcome: hi, bye: so long } } }',
      'modules: { register: { allowRegistration: true, words: [b], texts: { bye: ciao } } }',
    );
    expect(server['register']).toEqual({
      allowRegistration: false,
      every: 7_200_000,
      texts: { welcome: 'hi', bye: 'so long' },
      words: ['a'],
    });
    expect(own['register']).toEqual({
      allowRegistration: true,
      every: 7_200_000,
      texts: { welcome: 'hi', bye: 'ciao' },
      words: ['b'],
    });
  });

  test('false switches one off for a host, true or a map on', async () => {
    const { server, host: own } = await modulesOf(
      'modules: { register: false }',
      'modules: { register: true, version: false, extra: { level: 4 } }',
    );
    expect(server).toEqual({ register: false, version: {}, extra: false });
    expect(own).toMatchObject({
      register: { every: 3_600_000 },
      version: false,
      extra: { level: 4 },
    });
  });

  test('a name with nothing under it is on with its defaults', async () => {
    const { host: own } = await modulesOf('', 'modules:\n  extra:\n');
    expect(own['extra']).toEqual({ level: 3 });
  });

  test('faults of a host’s module name its file; those of the server’s are told once', async () => {
    const faults = await faultsOf({
      'rtcd.yaml': 'modules: { extra: { level: 99 } }',
      'conf.d/a.yaml': `${host}modules: { registr: {}, version: { a: 1 }, register: [x] }`,
    });
    expect(faults).toEqual([
      'rtcd.yaml:1:21 modules.extra.level: 99 is not allowed; it must be a whole number from 1 to 9',
      'conf.d/a.yaml:2:12 modules.registr: is not a known key; did you mean register?',
      'conf.d/a.yaml:2:36 modules.version.a: is not a known key; allowed are none',
      'conf.d/a.yaml:2:44 modules.register: must be a map of the keys of the module, or true, or false for off',
    ]);
  });
});

describe('faults', () => {
  test('all of them are told at once, with file, line and column', async () => {
    const faults = await faultsOf({
      'rtcd.yaml': 'admin: []\nlimits:\n  depth: deep\nlisteners: { c2s: { port: 70000 } }\n',
      'conf.d/a.yaml': `${host}enabled: maybe\n`,
      'conf.d/b.yaml': 'anonymous: true\n',
    });
    expect(faults).toEqual([
      'rtcd.yaml:1:1 admin: is not a known key; did you mean admins?',
      "rtcd.yaml:3:3 limits.depth: 'deep' is not allowed; it must be a whole number from 8 to 1000",
      'rtcd.yaml:4:21 listeners.c2s.port: 70000 is not allowed; it must be a whole number from 0 to 65535',
      "conf.d/a.yaml:2:1 enabled: 'maybe' is not allowed; it must be true or false",
      'conf.d/b.yaml:1:1 virtualHost: is missing; it must be a domain such as falcot.com',
    ]);
  });

  test.each([
    ['a key that stands twice', 'data: a\ndata: b', '2:1 data: stands twice'],
    ['YAML that is none', 'admins: [a', 'is not valid YAML'],
    ['a file that is a list', '- a', '1:1 the file must be a map'],
    [
      'a text where a list belongs',
      'admins: joe@falcot.com',
      "1:1 admins: 'joe@falcot.com' is not allowed; it must be a list",
    ],
    [
      'a list where a map belongs',
      'limits: [1]',
      '1:1 limits: a list is not allowed; it must be a map',
    ],
    [
      'a JID that is none',
      'admins: [a@b, "@x"]',
      '1:15 admins[1]: is not the address of an account',
    ],
    ['an admin without a name', 'admins: [falcot.com]', 'it has no part before an @'],
    [
      'a word of a closed set',
      'log: { level: inof }',
      "log.level: 'inof' is not allowed; it must be trace, debug, info, warn, error, fatal, silent; did you mean info?",
    ],
    ['an unknown log level of an area', 'log: { areas: { c2s: loud } }', 'log.areas.c2s'],
    ['a duration without a unit', 'limits: { idlePing: 5 }', 'limits.idlePing: is not a duration'],
    [
      'a size out of bounds',
      'limits: { stanzaBytes: 9999 }',
      'limits.stanzaBytes: is out of range',
    ],
    [
      'an address that is none',
      'listeners: { c2s: { interfaces: eth0 } }',
      'listeners.c2s.interfaces',
    ],
    ['a URL of another scheme', 'console: { url: "ftp://x" }', 'console.url: is not such a URI'],
    ['ciphers that nobody knows', 'tls: { ciphers: ROT13 }', 'tls.ciphers'],
    ['a folder that is not there', 'include: nowhere', 'nowhere:1:1 there is no such folder'],
    ['a socket with too long a path', `adminSocket: ${'x'.repeat(120)}`, 'at most 103'],
    [
      'a secret section’s unknown key',
      'turn: { keys: x }',
      'turn.keys: is not a known key; did you mean key?',
    ],
  ])('%s', async (_, text, expected) => {
    const faults = await serverFaults(text);
    expect(faults.join('\n')).toContain(expected);
    expect(faults).toHaveLength(1);
  });

  test.each([
    ['a domain that is none', 'virtualHost: "a b"', 'a.yaml:1:1 virtualHost: is not a domain'],
    [
      'a key without its certificate',
      `${host}ssl: { key: a }`,
      'a.yaml:2:1 ssl.certificate: is missing',
    ],
    ['an unknown role', `${host}contacts: { admins: "mailto:a@b" }`, 'did you mean admin?'],
    [
      'a contact that is no URI, where one alone may stand',
      `${host}contacts: { admin: joe@a.b }`,
      'contacts.admin: is not such a URI',
    ],
    [
      'the same in a list',
      `${host}contacts: { admin: [joe@a.b] }`,
      'contacts.admin[0]: is not such a URI',
    ],
  ])('of a host: %s', async (_, text, expected) => {
    const faults = await hostFaults(text);
    expect(faults.join('\n')).toContain(expected);
    expect(faults).toHaveLength(1);
  });

  test('two listeners on one port, unless they are on different addresses or off', async () => {
    expect(await serverFaults('listeners: { c2sTls: { port: 5222 } }')).toEqual([
      'rtcd.yaml:1:24 listeners.c2sTls.port: 5222 is the port of listeners.c2s too; give each its own',
    ]);
    const fine = (text: string) => loaded({ 'rtcd.yaml': text, 'conf.d/a.yaml': host });
    await fine('listeners: { c2s: { enabled: false }, c2sTls: { port: 5222 } }');
    await fine('listeners: { c2s: { port: 0 }, c2sTls: { port: 0 } }');
    await fine(
      'listeners: { c2s: { port: 443, interfaces: 192.0.2.1 }, c2sTls: { port: 443, interfaces: 192.0.2.2 } }',
    );
  });

  test('a domain in two files names both', async () => {
    const files = {
      'rtcd.yaml': '',
      'conf.d/a.yaml': host,
      'conf.d/b.yaml': 'virtualHost: FALCOT.com',
    };
    expect(await faultsOf(files)).toEqual([
      'conf.d/b.yaml:1:1 virtualHost: falcot.com is defined in conf.d/a.yaml:1 already; keep one',
    ]);
  });

  test('a link that leads nowhere, and a file that ends in .yml', async () => {
    const files = {
      'rtcd.yaml': '',
      'conf.d/a.yaml': '→ ../conf.avail/a.yaml',
      'conf.d/b.yml': host,
    };
    expect(await faultsOf(files)).toEqual([
      'conf.d/a.yaml:1:1 is a link to ../conf.avail/a.yaml: there is no such file',
      'conf.d/b.yml:1:1 is not read: rename it to end in .yaml',
    ]);
  });

  test('no host that is enabled', async () => {
    const [fault] = await faultsOf({ 'rtcd.yaml': '', 'conf.d/a.yaml': `${host}enabled: false` });
    expect(fault).toContain('no virtual host is enabled');
  });

  test('aliases that grow without end are refused', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}, *a${i}]`,
    );
    const faults = await serverFaults(['a0: &a0 [x, x]', ...levels].join('\n'));
    expect(faults.join('\n')).toContain('is not usable YAML');
  });
});
