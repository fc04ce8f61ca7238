/** What `rtcctl` does on a stopped server: each request builds it anew on the same folder. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseJid } from '../../src/jid/jid.ts';
import { assemble } from '../../src/server/assemble.ts';
import { answer } from '../../src/server/operate.ts';
import { iqSet } from '../../src/stanza/build.ts';
import { type Element, el } from '../../src/xml/element.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rtcd-operate-'));
  await mkdir(join(folder, 'conf.d'));
  await writeFile(join(folder, 'rtcd.yaml'), 'data: data\n');
  await writeFile(join(folder, 'conf.d/localhost.yaml'), 'virtualHost: localhost\n');
  for (const name of ['joe', 'eva'])
    await run('accounts.add', { jid: `${name}@localhost`, password: 'a secret for tests' });
});
afterAll(() => rm(folder, { recursive: true }));

const options = () => ({ configFile: undefined, env: {}, cwd: folder, isServing: false });

const attempt = (name: string, input: object = {}) =>
  answer(JSON.stringify({ name, input }), options());

async function run(name: string, input: object = {}): Promise<unknown> {
  const outcome = await attempt(name, input);
  expect(outcome).toMatchObject({ ok: true });
  return outcome.ok ? outcome.value : undefined;
}

/** Makes a node with two items, one subscriber here and one elsewhere. */
async function withNode(service: string, node: string): Promise<void> {
  const { heart, close } = await assemble(options());
  const [from, to] = [parseJid('joe@localhost'), parseJid(service)];
  if (!from.ok || !to.ok) return expect.fail('no addresses');
  const ask = async (ns: string, ...children: Element[]) => {
    const payload = el('pubsub', { xmlns: `http://jabber.org/protocol/pubsub${ns}` }, ...children);
    const answer = await heart.router.ask(iqSet({ from: from.value, to: to.value, payload }), 5000);
    expect(answer?.type).toBe('result');
  };
  await ask('', el('create', { node }));
  for (const id of ['one', 'two'])
    await ask('', el('publish', { node }, el('item', { id }, el('x', { xmlns: 'urn:x' }))));
  const subscriber = (jid: string) => el('subscription', { jid, subscription: 'subscribed' });
  const subscribers = ['eva@localhost', 'x@far.example'].map(subscriber);
  await ask('#owner', el('subscriptions', { node }, ...subscribers));
  await close();
}

const ROOM = 'lobby@conference.localhost';
const membersOf = (room: string) => run('rooms.members', { room });

describe('on a stopped server', () => {
  test('the domains are listed, with nobody online', async () => {
    expect(await run('hosts.list')).toMatchObject({
      hosts: [{ domain: 'localhost', accounts: 2, sessions: 0 }],
    });
    expect(await run('components.list')).toEqual({ components: [] });
  });

  test('rooms are made, changed and destroyed', async () => {
    await run('rooms.create', { room: ROOM, owner: 'joe@localhost', membersOnly: true });
    await run('rooms.config', { room: ROOM, set: ['name=Hall'] });
    await run('rooms.affiliation', {
      room: ROOM,
      affiliation: 'member',
      accounts: ['eva@localhost'],
    });
    expect(await run('rooms.list')).toMatchObject({ rooms: [{ jid: ROOM, name: 'Hall' }] });
    expect(await membersOf(ROOM)).toMatchObject({
      members: [{ jid: 'eva@localhost' }, { jid: 'joe@localhost' }],
    });
    expect(await run('rooms.history', { room: ROOM })).toMatchObject({ messages: [] });
    const db = new Database(join(folder, 'data/rtcd.sqlite'));
    // XEP-0045 §9.3: who becomes a member of a room that others may not enter is invited.
    const waiting = db.prepare('select count(*) as n from offline_messages where account = ?');
    expect(waiting.get('eva@localhost')).toEqual({ n: 1 });
    await run('rooms.destroy', { room: ROOM });
    expect(db.prepare('select jid from archive_owners where jid = ?').all(ROOM)).toEqual([]);
    db.close();
    expect(await run('rooms.list')).toMatchObject({ rooms: [] });
  });

  test('groups are made and changed, and the rooms of theirs follow', async () => {
    await run('groups.create', { name: 'staff' });
    await run('groups.add', { name: 'staff', jids: ['joe@localhost', 'eva@localhost'] });
    const room = 'staff@conference.localhost';
    await run('rooms.create', { room, owner: 'joe@localhost', group: 'staff' });
    expect(await membersOf(room)).toMatchObject({ members: [{ jid: 'eva@localhost' }, {}] });
    await run('groups.remove', { name: 'staff', jids: ['eva@localhost'] });
    expect(await membersOf(room)).toMatchObject({ members: [{ jid: 'joe@localhost' }] });
    expect(await run('groups.list')).toMatchObject({ groups: [{ name: 'staff', members: 1 }] });
    await run('groups.delete', { name: 'staff' });
    expect(await run('rooms.groups')).toEqual({ rooms: [] });
  });

  test('the message of the day is set, and waits for those who come', async () => {
    expect(await run('motd.set', { text: 'Welcome back.' })).toMatchObject({ sent: 0 });
    expect(await run('motd.show')).toMatchObject({ text: 'Welcome back.' });
    await run('motd.delete');
    expect(await run('motd.show')).toMatchObject({ since: null });
  });

  test('other domains are blocked and allowed', async () => {
    await run('s2s.block', { domain: '*.evil.example' });
    await run('s2s.allow', { domain: 'good.example', host: 'localhost' });
    expect(await run('s2s.rules')).toEqual({
      rules: [
        { domain: '*.evil.example', host: '*', verdict: 'block' },
        { domain: 'good.example', host: 'localhost', verdict: 'allow' },
      ],
    });
    await run('s2s.reset', { domain: '*.evil.example' });
    expect(await run('s2s.rules')).toMatchObject({ rules: [{ domain: 'good.example' }] });
  });

  test('nodes and their items are deleted', async () => {
    const service = 'pubsub.localhost';
    await withNode(service, 'news');
    await run('pubsub.delete', { jid: service, node: 'news', item: 'one' });
    expect(await run('pubsub.show', { jid: service, node: 'news' })).toMatchObject({
      ids: ['two'],
      subscriptions: [{ jid: 'eva@localhost' }, { jid: 'x@far.example' }],
    });
    await run('pubsub.delete', { jid: service, node: 'news' });
    expect(await run('pubsub.nodes', { jid: service })).toEqual({ nodes: [], total: 0 });
  });

  test('what is known of users is shown', async () => {
    expect(await run('roster.show', { jid: 'eva@localhost' })).toEqual({ contacts: [] });
    expect(await run('accounts.last', { jid: 'eva@localhost' })).toMatchObject({ online: false });
  });

  test('what needs those who are online says that it needs the server', async () => {
    expect(await attempt('announcements.send', { text: 'Down at ten.' })).toEqual({
      ok: false,
      why: 'unavailable',
      text: 'rtcd is not running, and rtcctl announce needs it.',
    });
  });
});

test('every list that takes a domain says that it is not served', async () => {
  const { operations, close } = await assemble(options());
  onTestFinished(close);
  const ask = async (name: string, field = 'host') => {
    const outcome = await operations.run(
      name,
      { [field]: 'localhos' },
      { name: 'root', via: 'offline' },
    );
    return outcome.ok ? name : outcome.text;
  };
  const lists = ['accounts', 'sessions', 'rooms', 'groups', 'invitations', 'registrations'];
  const told = [
    ...lists.map((name) => ask(`${name}.list`)),
    ...['reports.list', 'files.list', 'files.quota', 'motd.show'].map((name) => ask(name)),
    ask('dns.zone', 'domain'),
  ];
  expect(new Set(await Promise.all(told))).toEqual(
    new Set(['localhos is not served here; did you mean localhost?']),
  );
});
