/** XEP-0227: people come along from Prosody and ejabberd, by the files that these write themselves. */
import { execFile } from 'node:child_process';
import { pbkdf2Sync } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { keysFrom } from '../../src/sasl/scram-keys.ts';
import { Client } from '../support/client.ts';
import { describeWith, ejabberdLibraries, findCommand } from '../support/peers.ts';
import { startServer, type TestServer } from '../support/server.ts';

const run = promisify(execFile);
const PASSWORD = 'pencil & paper';
const MOST_MS = 60_000;

let server: TestServer;
let folder: string;
let connected: Client[] = [];
beforeAll(async () => {
  server = await startServer();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rtcd-migration-'));
});
afterEach(async () => {
  for (const client of connected) client.destroy();
  connected = [];
  await rm(folder, { recursive: true });
});
afterAll(() => server.stop());

/** Logs in by SCRAM-SHA-1 with the old password, and binds. */
async function loggedIn(user: string): Promise<Client> {
  const client = await Client.connect({
    port: server.ports.c2sTls,
    tls: { servername: 'localhost' },
  });
  connected.push(client);
  await client.open();
  expect((await client.scram('SCRAM-SHA-1', user, PASSWORD)).name).toBe('success');
  await client.open();
  await client.bind('here');
  return client;
}

/** What a client is answered, as text. */
const asked = async (client: Client, payload: string) =>
  String(await client.ask(`<iq type='get' id='a'>${payload}</iq>`));
const ROSTER = "<query xmlns='jabber:iq:roster'/>";
const BOOKMARKS =
  "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:bookmarks:1'/></pubsub>";
const contactsAnd = (...more: RegExp[]) => [
  /jid="romeo@montague.net"/,
  /name="Romeo"/,
  /subscription="both"/,
  /<group>Friends</,
  ...more,
];

describeWith(['ejabberd'], 'from ejabberd', () => {
  /** Has ejabberd take in a user, by its own means, and write him out as `export_piefxis` does. */
  async function exportedFrom(source: string): Promise<string> {
    const config = join(folder, 'ejabberd.yml');
    const modules = ['offline', 'roster', 'private', 'vcard', 'privacy', 'blocking'];
    await mkdir(join(folder, 'out'));
    await writeFile(join(folder, 'in.xml'), source);
    await writeFile(
      config,
      stringify({
        loglevel: 'warning',
        hosts: ['localhost'],
        auth_password_format: 'scram',
        listen: [],
        modules: Object.fromEntries(modules.map((name) => [`mod_${name}`, {}])),
      }),
    );
    const steps = [
      'ok = ejabberd_piefxis:import_file(<<"in.xml">>)',
      'ok = ejabberd_piefxis:export_server(<<"out">>)',
      'init:stop()',
    ];
    const words = [
      ...['-noinput', '+sbwt', 'none', '-mnesia', 'dir', JSON.stringify(join(folder, 'spool'))],
      ...['-s', 'ejabberd', '-eval', `${steps.join(', ')}.`],
    ];
    await run('erl', words, {
      cwd: folder,
      timeout: MOST_MS,
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        ERL_LIBS: ejabberdLibraries() ?? '',
        ERL_CRASH_DUMP_BYTES: '0',
        EJABBERD_CONFIG_PATH: config,
        EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
      },
    });
    const [main = ''] = (await readdir(join(folder, 'out'))).sort();
    expect(await readFile(join(folder, 'out', main), 'utf8')).toContain('xi:include');
    return join(folder, 'out', main);
  }

  test('a user with his password, contacts, messages, blocks, vCard and bookmarks', async () => {
    const file = await exportedFrom(`<?xml version='1.0' encoding='UTF-8'?>
      <server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'><user name='juliet' password='pencil &amp; paper'>
      <query xmlns='jabber:iq:roster'><item jid='romeo@montague.net' name='Romeo' subscription='both'><group>Friends</group></item></query>
      <vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN></vCard>
      <query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><conference jid='theplay@conference.shakespeare.lit' name='The Play'/></storage></query>
      <query xmlns='jabber:iq:privacy'><default name='public'/><list name='public'><item type='jid' value='tybalt@capulet.com' action='deny' order='1'/><item action='allow' order='2'/></list></query>
      <offline-messages><message xmlns='jabber:client' from='romeo@montague.net/orchard' to='juliet@localhost' type='chat'><body>Neither, fair saint</body>
      <delay xmlns='urn:xmpp:delay' from='localhost' stamp='2020-07-21T00:32:29Z'>Offline Storage</delay></message></offline-messages>
      </user></host></server-data>`);
    expect(await server.run('portable.import', { file })).toMatchObject({
      accounts: { made: 1, passedOver: 0 },
      passed: [],
      healthy: true,
    });
    const client = await loggedIn('juliet');
    const roster = await asked(client, ROSTER);
    for (const part of contactsAnd()) expect(roster).toMatch(part);
    expect(await asked(client, "<blocklist xmlns='urn:xmpp:blocking'/>")).toContain('tybalt@');
    expect(await asked(client, "<vCard xmlns='vcard-temp'/>")).toContain('Juliet Capulet');
    expect(await asked(client, BOOKMARKS)).toContain('theplay@conference.shakespeare.lit');
    client.send('<presence/>');
    const late = String(await client.seek(({ name }) => name === 'message'));
    expect(late).toContain('Neither, fair saint');
    expect(late).toContain('stamp="2020-07-21T00:32:29');
  }, 90_000);
});

describeWith(['prosody'], 'from Prosody', () => {
  /** What Prosody keeps, in its own files. */
  async function write(store: string, file: string, lua: string): Promise<void> {
    const at = join(folder, 'data/localhost', store);
    await mkdir(at, { recursive: true });
    await writeFile(join(at, file), lua);
  }

  async function keep(): Promise<void> {
    const salt = Buffer.from('a salt of Prosody');
    const salted = pbkdf2Sync(PASSWORD, salt, 10_000, 20, 'sha1');
    const keys = keysFrom(salted, { hash: 'SHA-1', iterations: 10_000, salt });
    await write(
      'accounts',
      'nurse.dat',
      `return { ["iteration_count"] = 10000; ["salt"] = "${salt}"; ["stored_key"] = "${keys.storedKey.toString('hex')}"; ["server_key"] = "${keys.serverKey.toString('hex')}" };`,
    );
    await write(
      'roster',
      'nurse.dat',
      `return { [false] = { ["version"] = 1; ["pending"] = { ["mercutio@montague.net"] = true } };
        ["romeo@montague.net"] = { ["jid"] = "romeo@montague.net"; ["name"] = "Romeo"; ["subscription"] = "both"; ["groups"] = { ["Friends"] = true } } };`,
    );
    await write(
      'archive',
      'nurse.list',
      `item({ ["key"] = "28482-98726"; ["when"] = 1594768105; ["with"] = "romeo@montague.net"; ["name"] = "message";
        ["attr"] = { ["to"] = "nurse@localhost/hall"; ["from"] = "romeo@montague.net/orchard"; ["type"] = "chat"; ["stamp"] = "2020-07-14T23:08:25Z" };
        [1] = { ["name"] = "body"; ["attr"] = {}; [1] = "Call me but love" } });`,
    );
    const node = 'urn:xmpp:bookmarks:1';
    await write(
      'pep',
      'nurse.dat',
      `return { ["${node}"] = { ["name"] = "${node}"; ["config"] = { ["access_model"] = "whitelist"; ["max_items"] = 255; ["persist_items"] = true }; ["affiliations"] = {}; ["subscribers"] = {} } };`,
    );
    await write(
      'pep_urn%3axmpp%3abookmarks%3a1',
      'nurse.list',
      `item({ ["key"] = "theplay@conference.shakespeare.lit"; ["when"] = 1594768105; ["with"] = "nurse@localhost"; ["name"] = "item";
        ["attr"] = { ["xmlns"] = "http://jabber.org/protocol/pubsub"; ["id"] = "theplay@conference.shakespeare.lit" };
        [1] = { ["name"] = "conference"; ["attr"] = { ["xmlns"] = "${node}"; ["name"] = "The Play" } } });`,
    );
  }

  /** Runs its migrator, which writes to the folder of the system otherwise, as the system's user. */
  async function migrate(): Promise<string> {
    const out = join(folder, 'out');
    await mkdir(out);
    const config = join(folder, 'migrator.cfg.lua');
    const hosts =
      'hosts = { ["localhost"] = { "accounts", "roster", "archive-archive", "pep-pubsub" } }';
    await writeFile(
      config,
      `input { ${hosts}; type = "internal"; path = ${JSON.stringify(join(folder, 'data'))} }
       output { ${hosts}; type = "xep0227" }`,
    );
    const program = await readFile(findCommand('prosody-migrator') ?? '', 'utf8');
    const script = join(folder, 'migrator');
    const moved = program
      .replace(/^CFG_DATADIR=.*$/m, `CFG_DATADIR=${JSON.stringify(out)}`)
      .replace('startup.switch_user();', '');
    await writeFile(script, moved, { mode: 0o755 });
    await run(script, ['--config', config], { cwd: folder, timeout: MOST_MS });
    return out;
  }

  test('a user with her keys, contacts, archive and bookmarks', async () => {
    await keep();
    const file = await migrate();
    expect(await server.run('portable.import', { file })).toMatchObject({
      accounts: { made: 1, passedOver: 0 },
      passed: [],
      healthy: true,
    });
    const client = await loggedIn('nurse');
    const roster = await asked(client, ROSTER);
    for (const part of contactsAnd()) expect(roster).toMatch(part);
    expect(await asked(client, BOOKMARKS)).toContain('name="The Play"');
    const text = await server.run('portable.export', {
      file: join(folder, 'again.xml'),
      jid: 'nurse@localhost',
    });
    expect(text).toMatchObject({ accounts: 1 });
    const again = await readFile(join(folder, 'again.xml'), 'utf8');
    expect(again).toMatch(
      /<result xmlns="urn:xmpp:mam:2" id="28482-98726">.*2020-07-14T23:08:25.*but love/,
    );
    expect(again).toContain('from="mercutio@montague.net"');
  }, 90_000);
});
