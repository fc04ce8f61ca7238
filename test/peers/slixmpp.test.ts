/** Two people with slixmpp, a client library of Debian. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/peers.ts';
import { type Program, startProgram } from '../support/program.ts';
import { befriend, type Client, type People, type Person, peopleOn, WAYS } from './people.ts';

describeWith(['slixmpp'], 'slixmpp', () => {
  let program: Program;
  let people: People;
  beforeAll(async () => {
    program = await startProgram();
    people = peopleOn(program);
  });
  afterEach(() => people.leave());
  afterAll(() => program.stop());

  /** Someone new, logged in and available. */
  async function arrive(name: string): Promise<[Person, Client]> {
    const person = await people.person(name);
    return [person, await comeIn(person)];
  }
  async function comeIn(person: Person): Promise<Client> {
    const client = people.slixmpp();
    await client.login(person, 'starttls');
    await client.ask('roster');
    await client.ask('presence');
    return client;
  }
  /** Two who are friends, with nothing of their becoming friends left unread but pushes. */
  async function friends() {
    const [romeo, first] = await arrive('romeo');
    const [juliet, second] = await arrive('juliet');
    await befriend([romeo, first], [juliet, second]);
    await first.sees({ event: 'presence', type: 'available', sender: juliet.jid });
    await second.sees({ event: 'presence', type: 'available', sender: romeo.jid });
    return { romeo, first, juliet, second };
  }

  test.each(WAYS)('two become friends and chat over %s', async (way) => {
    const [romeo, juliet] = [await people.person('romeo'), await people.person('juliet')];
    const [first, second] = [people.slixmpp(), people.slixmpp()];
    expect(await first.login(romeo, way)).toMatchObject({
      jid: expect.stringContaining(`${romeo.jid}/`),
      tls: 'TLSv1.3',
      // The best that slixmpp knows: bound to the channel, by tls-unique.
      mechanism: expect.stringMatching(/^SCRAM-SHA-(256|512)-PLUS$/),
    });
    await second.login(juliet, way);
    for (const client of [first, second]) {
      expect(await client.ask('roster')).toEqual([]);
      await client.ask('presence');
    }

    await befriend([romeo, first], [juliet, second]);
    await first.sees({ event: 'presence', type: 'available', sender: juliet.jid });
    await second.sees({ event: 'presence', type: 'available', sender: romeo.jid });

    await first.ask('message', { to: juliet.jid, body: 'Shall I speak at this? ☾ <&>' });
    const heard = await second.sees({ event: 'message', body: 'Shall I speak at this? ☾ <&>' });
    expect(heard).toMatchObject({ sender: romeo.jid, type: 'chat', stamp: null });
    await second.ask('message', { to: heard['from'], body: 'Wherefore art thou?' });
    await first.sees({ event: 'message', sender: juliet.jid, body: 'Wherefore art thou?' });
  });

  test('blocks (XEP-0191): who is blocked sees his friend go, and is refused', async () => {
    const { romeo, first, juliet, second } = await friends();
    expect(await second.ask('blocked')).toEqual([]);
    await second.ask('block', { jid: romeo.jid });
    expect(await second.ask('blocked')).toEqual([romeo.jid]);
    await first.sees({ event: 'presence', type: 'unavailable', sender: juliet.jid });
    await first.ask('message', { to: juliet.jid, body: 'It is I' });
    await first.sees({ event: 'message', type: 'error', condition: 'service-unavailable' });
    await second.ask('unblock', { jid: romeo.jid });
    await first.sees({ event: 'presence', type: 'available', sender: juliet.jid });
  });

  test('colleagues of a group have each other without asking', async () => {
    const [[romeo, first], [juliet, second]] = [await arrive('romeo'), await arrive('juliet')];
    expect(await first.ask('roster')).toEqual([]);
    await program.ctl(['group', 'create', 'Verona']);
    const added = await program.ctl(['group', 'add', 'Verona', romeo.jid, juliet.jid]);
    expect(added.stderr).toBe('');
    expect(added.stdout).toContain('Verona');
    const push = await first.sees({ event: 'push', jid: juliet.jid });
    expect(push).toMatchObject({ subscription: 'both', groups: ['Verona'] });
    await first.sees({ event: 'presence', type: 'available', sender: juliet.jid });
    await second.sees({ event: 'presence', type: 'available', sender: romeo.jid });
    await program.ctl(['group', 'delete', 'Verona', '--yes']);
    await first.sees({ event: 'presence', type: 'unavailable', sender: juliet.jid });
  });

  test('administers the server (XEP-0050, XEP-0133)', async () => {
    const [bard, operator] = await arrive('bard');
    const [romeo, member] = await arrive('romeo');
    expect(await member.ask('commands')).not.toContain('http://jabber.org/protocol/admin#add-user');
    await expect(member.ask('administer', { command: 'add_user', fields: {} })).rejects.toThrow(
      'forbidden',
    );
    await program.ctl(['user', 'role', bard.jid, 'operator']);
    expect(await operator.ask('commands')).toEqual(
      expect.arrayContaining([
        'http://jabber.org/protocol/admin#add-user',
        'urn:rtcd:operation:server.status',
        'urn:rtcd:account:devices',
      ]),
    );
    const nurse = { jid: `nurse@${romeo.jid.split('@')[1]}`, password: 'R0m30 R0m30' };
    const fields = {
      accountjid: nurse.jid,
      password: nurse.password,
      'password-verify': nurse.password,
    };
    await operator.ask('administer', { command: 'add_user', fields });
    const again = people.slixmpp();
    await again.login({ name: 'nurse', ...nurse }, 'starttls');
    await expect(operator.ask('administer', { command: 'add_user', fields })).rejects.toThrow(
      'conflict',
    );
    const listed = await operator.ask('administer', {
      command: 'get_online_users_list',
      fields: { max_items: '200' },
    });
    expect(JSON.stringify(listed)).toContain(romeo.jid);
    await operator.ask('administer', {
      command: 'disable_user',
      fields: { accountjids: [nurse.jid] },
    });
    await again.sees({ event: 'disconnected' });
  });

  test('reads what waits piece by piece (XEP-0013)', async () => {
    const [romeo, first] = await arrive('romeo');
    const juliet = await people.person('juliet');
    for (const body of ['one', 'two', 'three'])
      await first.ask('message', { to: juliet.jid, body });
    await first.ask('ping', { to: juliet.jid.split('@')[1] });
    const second = people.slixmpp();
    await second.login(juliet, 'starttls');
    expect(await second.ask('offline_count')).toBe(3);
    await second.ask('presence');
    const headers = (await second.ask('offline_headers')) as { from: string; node: string }[];
    expect(headers.map(({ from }) => from.split('/')[0])).toEqual(Array(3).fill(romeo.jid));
    const [one, , three] = headers.map(({ node }) => node);
    expect(await second.ask('offline', { what: 'view', nodes: [three] })).toEqual(['three']);
    expect(await second.ask('offline', { what: 'fetch' })).toEqual(['one', 'two', 'three']);
    await second.ask('offline', { what: 'remove', nodes: [one] });
    expect(await second.ask('offline_count')).toBe(2);
    await expect(second.ask('offline', { what: 'view', nodes: [one] })).rejects.toThrow(
      'item-not-found',
    );
    await second.ask('offline', { what: 'purge' });
    expect(await second.ask('offline_count')).toBe(0);
  });

  const mechanisms = ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-512-PLUS', 'PLAIN'];
  test.each(mechanisms)('logs in by %s', async (mechanism) => {
    const client = people.slixmpp();
    const person = await people.person('romeo');
    expect(await client.login(person, 'direct TLS', { mechanism })).toMatchObject({ mechanism });
  });

  test('RFC 5802 §6: SCRAM without the binding that both sides know is taken for an attack', async () => {
    const romeo = await people.person('romeo');
    const login = people.slixmpp().login(romeo, 'starttls', { mechanism: 'SCRAM-SHA-256' });
    await expect(login).rejects.toThrow('refused');
  });

  test('a wrong password and an unknown user are refused alike', async () => {
    const romeo = await people.person('romeo');
    for (const wrong of [
      { ...romeo, password: 'wrong' },
      { ...romeo, jid: `nobody.${romeo.jid}` },
    ]) {
      const client = people.slixmpp();
      await expect(client.login(wrong, 'starttls')).rejects.toThrow('refused');
      await client.sees({ event: 'sasl-failure', condition: 'not-authorized' });
    }
  });

  test('a certificate that is not trusted ends the login', async () => {
    const other = await startProgram();
    try {
      const client = people.slixmpp();
      const certificate = other.certificate;
      const { jid, password } = await people.person('romeo');
      const { c2s: port } = program.ports;
      const login = { jid, password, host: 'localhost', port, direct: false, certificate };
      await expect(client.ask('login', login)).rejects.toThrow(/untrusted.*verify failed/);
    } finally {
      await other.stop();
    }
  });

  test('presence: changes are seen, and the end of a session', async () => {
    const { first, romeo, second } = await friends();
    await first.ask('presence', { show: 'dnd', status: 'duelling', priority: 5 });
    const busy = { event: 'presence', sender: romeo.jid, show: 'dnd' };
    expect(await second.sees(busy)).toMatchObject({ status: 'duelling', priority: 5 });
    await first.ask('presence', { show: 'xa' });
    await second.sees({ ...busy, show: 'xa', status: '' });
    await first.ask('logout');
    await second.sees({ event: 'presence', sender: romeo.jid, type: 'unavailable' });
  });

  test('presence: a connection that breaks is the end of a session too', async () => {
    const { first, romeo, second } = await friends();
    await first.kill();
    await second.sees({ event: 'presence', sender: romeo.jid, type: 'unavailable' });
  });

  test('roster: names and groups are kept, and pushed to every client', async () => {
    const { first, romeo, juliet } = await friends();
    const phone = await comeIn(romeo);
    await first.ask('contact', { jid: juliet.jid, name: 'Juliet', groups: ['Verona', 'Friends'] });
    const item = {
      jid: juliet.jid,
      name: 'Juliet',
      groups: ['Friends', 'Verona'],
      subscription: 'both',
      ask: null,
    };
    for (const client of [first, phone])
      expect(await client.sees({ event: 'push', name: 'Juliet' })).toMatchObject(item);
    expect(await phone.ask('roster')).toEqual([item]);
    expect(await phone.ask('roster', { known: true })).toEqual([]); // RFC 6121 §2.6
    await phone.ask('forget', { jid: juliet.jid });
    await first.sees({ event: 'push', jid: juliet.jid, subscription: 'remove' });
    expect(await first.ask('roster')).toEqual([]);
  });

  test('nodes: a picture is told to friends, and is in the vCard and in presence, too', async () => {
    const METADATA = 'urn:xmpp:avatar:metadata';
    const PICTURE = '89504e470d0a1a0a00ff';
    const { first, romeo, second } = await friends();
    await second.ask('wants', { nodes: [METADATA] });
    await second.ask('presence');
    const id = await first.ask('show_picture', { hexadecimal: PICTURE });
    const told = { event: 'node', sender: romeo.jid, node: METADATA, what: 'item', item: id };
    await second.sees(told);
    expect(await second.ask('picture', { of: romeo.jid, item: id })).toBe(PICTURE);
    expect(await second.ask('vcard_picture', { of: romeo.jid })).toBe(PICTURE);
    await first.ask('presence', { status: 'with a new face' });
    await second.sees({ event: 'presence', status: 'with a new face', photo: id });
    // Whoever comes later has the last one, once he is there.
    await second.ask('presence', { type: 'unavailable' });
    await second.ask('presence');
    await second.sees(told);
  });

  test('nodes: bookmarks are the same by XEP-0402 and in private XML', async () => {
    const NODE = 'urn:xmpp:bookmarks:1';
    const [romeo, first] = await arrive('romeo');
    const phone = await comeIn(romeo);
    await phone.ask('wants', { nodes: [NODE] });
    await phone.ask('presence');
    await first.ask('store_bookmark', { room: 'coven@chat.shakespeare.lit', nick: 'Romeo' });
    await phone.sees({ event: 'node', node: NODE, item: 'coven@chat.shakespeare.lit' });
    await phone.ask('publish', {
      node: NODE,
      item: 'orchard@chat.shakespeare.lit',
      xml: `<conference xmlns='${NODE}' autojoin='true'><nick>R</nick></conference>`,
      options: {
        access_model: 'whitelist',
        persist_items: 'true',
        max_items: 'max',
        send_last_published_item: 'never',
      },
    });
    expect(await first.ask('bookmarks')).toEqual([
      ['coven@chat.shakespeare.lit', 'Romeo'],
      ['orchard@chat.shakespeare.lit', 'R'],
    ]);
    await phone.ask('retract', { node: NODE, item: 'coven@chat.shakespeare.lit' });
    await phone.sees({
      event: 'node',
      node: NODE,
      what: 'retract',
      item: 'coven@chat.shakespeare.lit',
    });
    expect(await first.ask('bookmarks')).toEqual([['orchard@chat.shakespeare.lit', 'R']]);
    const items = (await first.ask('node_items', { node: NODE })) as Record<string, string>;
    expect(Object.keys(items)).toEqual(['orchard@chat.shakespeare.lit']);
    const { jid } = await people.person('juliet');
    await expect(first.ask('node_items', { node: NODE, of: jid })).rejects.toThrow(
      'item-not-found',
    );
    // XEP-0384: keys are for everybody.
    const other = await comeIn(await people.person('paris'));
    const DEVICES = 'eu.siacs.conversations.axolotl.devicelist';
    const xml = "<list xmlns='eu.siacs.conversations.axolotl'><device id='1'/></list>";
    await first.ask('publish', {
      node: DEVICES,
      item: 'current',
      xml,
      options: { access_model: 'open' },
    });
    expect(await other.ask('node_items', { node: DEVICES, of: romeo.jid })).toHaveProperty(
      'current',
    );
    await expect(other.ask('node_items', { node: NODE, of: romeo.jid })).rejects.toThrow(
      'not-allowed',
    );
  });

  test('a request to someone who is away waits for the next login', async () => {
    const [romeo, first] = await arrive('romeo');
    const juliet = await people.person('juliet');
    await first.ask('presence', { to: juliet.jid, type: 'subscribe' });
    await first.sees({ event: 'push', jid: juliet.jid, ask: 'subscribe' });
    const second = await comeIn(juliet);
    await second.sees({ event: 'presence', type: 'subscribe', from: romeo.jid });
    await second.ask('presence', { to: romeo.jid, type: 'unsubscribed' });
    await first.sees({ event: 'presence', type: 'unsubscribed', from: juliet.jid });
    await first.sees({ event: 'push', jid: juliet.jid, subscription: 'none', ask: null });
  });

  test('messages to someone who is away come later, in order, with the time', async () => {
    const { first, romeo, juliet, second } = await friends();
    await second.ask('logout');
    await first.sees({ event: 'presence', sender: juliet.jid, type: 'unavailable' });
    const before = Date.now();
    for (const body of ['one', 'two', 'three'])
      await first.ask('message', { to: juliet.jid, body });
    await first.ask('ping', { to: romeo.jid }); // the server has taken what was sent before it
    const after = Date.now();

    const back = await comeIn(juliet);
    await back.sees({ event: 'message', sender: romeo.jid, body: 'three' });
    const [one, two, ...more] = back.pending('message');
    expect([one?.['body'], two?.['body'], more]).toEqual(['one', 'two', []]);
    const stamp = Date.parse(String(one?.['stamp']));
    expect(stamp).toBeGreaterThanOrEqual(before - 1000); // stamps may be of whole seconds
    expect(stamp).toBeLessThanOrEqual(after);
    expect(one?.['delayedBy']).toBe('localhost');
    await back.ask('logout');

    const again = await comeIn(juliet);
    await again.ask('ping', { to: 'localhost' });
    expect(again.pending('message')).toEqual([]);
  });

  test('messages of a user who is away survive a restart of the server', async () => {
    const own = await startProgram();
    const there = peopleOn(own);
    try {
      const [romeo, juliet] = [await there.person('romeo'), await there.person('juliet')];
      const client = there.slixmpp();
      await client.login(romeo, 'starttls');
      await client.ask('message', { to: juliet.jid, body: 'Stay but a little.' });
      await client.ask('ping', { to: 'localhost' });
      await own.restart();
      await client.sees({ event: 'stream-error', condition: 'system-shutdown' });
      const back = there.slixmpp();
      await back.login(juliet, 'starttls');
      await back.ask('presence');
      await back.sees({ event: 'message', sender: romeo.jid, body: 'Stay but a little.' });
    } finally {
      await there.leave();
      await own.stop();
    }
  });

  test('the server answers what a client asks about it', async () => {
    const [romeo, client] = await arrive('romeo');
    const to = 'localhost';
    expect(await client.ask('version', { to })).toMatchObject({ name: 'rtcd' });
    expect(
      Math.abs(Date.parse(String(await client.ask('time', { to }))) - Date.now()),
    ).toBeLessThan(10_000);
    await client.ask('ping', { to });
    await client.ask('ping', { to: romeo.jid });
    expect(await client.ask('last', { to })).toBeGreaterThanOrEqual(0); // its uptime
    const about = {
      identities: expect.arrayContaining([['server', 'im']]),
      features: expect.arrayContaining(FEATURES),
    };
    expect(await client.ask('info', { to })).toEqual(about);
    const services = ['conference', 'pubsub', 'upload'].map((label) => `${label}.localhost`);
    expect([...((await client.ask('items', { to })) as string[])].sort()).toEqual(services);
    const account = { identities: expect.arrayContaining([['account', 'registered']]) };
    expect(await client.ask('info', { to: romeo.jid })).toMatchObject(account);
  });

  test('clients answer each other through the server', async () => {
    const { first, second } = await friends();
    const jid = String(await second.ask('whoami'));
    expect(await first.ask('version', { to: jid })).toMatchObject({ name: 'Slixmpp' });
    await first.ask('ping', { to: jid });
    await expect(first.ask('ping', { to: `${jid}-gone` })).rejects.toThrow('service-unavailable');
  });

  test('last activity of a friend who is away', async () => {
    const { first, juliet, second } = await friends();
    await second.ask('logout');
    await first.sees({ event: 'presence', sender: juliet.jid, type: 'unavailable' });
    expect(await first.ask('last', { to: juliet.jid })).toBeGreaterThanOrEqual(0);
    const [, stranger] = await arrive('paris');
    await expect(stranger.ask('last', { to: juliet.jid })).rejects.toThrow(
      /forbidden|not-authorized|service-unavailable/,
    );
  });

  test('vCards are published for others, private data for oneself', async () => {
    const { first, romeo, second } = await friends();
    await first.ask('publish_vcard', { name: 'Romeo Montague' });
    expect(await second.ask('vcard', { of: romeo.jid })).toBe('Romeo Montague');
    const room = { room: 'orchard@conference.localhost', nick: 'Romeo' };
    await first.ask('store_bookmark', room);
    const phone = await comeIn(romeo);
    expect(await phone.ask('bookmarks')).toEqual([[room.room, room.nick]]);
    expect(await second.ask('bookmarks')).toEqual([]);
  });

  test('a password that was changed in-band is the only one that counts', async () => {
    const [romeo, client] = await arrive('romeo');
    const phone = await comeIn(romeo);
    await client.ask('password', { password: 'parting is such sweet sorrow' });
    await phone.sees({ event: 'disconnected' });
    await client.ask('ping', { to: 'localhost' });
    await expect(people.slixmpp().login(romeo, 'starttls')).rejects.toThrow('refused');
    await people
      .slixmpp()
      .login({ ...romeo, password: 'parting is such sweet sorrow' }, 'direct TLS');
  });

  test('an account that the admin removes is gone, and its friends are told', async () => {
    const { first, romeo, second } = await friends();
    const { code } = await program.ctl(['deluser', romeo.jid, '--yes']);
    expect(code).toBe(0);
    await first.sees({ event: 'disconnected' });
    await second.sees({ event: 'presence', sender: romeo.jid, type: 'unavailable' });
    await second.sees({ event: 'push', jid: romeo.jid, subscription: 'none' });
    await expect(people.slixmpp().login(romeo, 'starttls')).rejects.toThrow('refused');
  });

  test.each([
    ['SIGTERM', ['SIGTERM']],
    ['Ctrl-C, which npm start passes on once more,', ['SIGINT', 'SIGTERM', 'SIGINT']],
  ] as const)(
    '%s ends streams with system-shutdown, and the program with status 0',
    async (_, signals) => {
      const own = await startProgram();
      const there = peopleOn(own);
      try {
        const client = there.slixmpp();
        await client.login(await there.person('romeo'), 'starttls');
        const ended = own.stop(...signals);
        await client.sees({ event: 'stream-error', condition: 'system-shutdown' });
        await client.sees({ event: 'disconnected' });
        expect(await ended).toBe(0);
      } finally {
        await there.leave();
        await own.stop();
      }
    },
  );
});

/** Some of what the server must say that it can do (XEP-0030). */
const FEATURES = [
  'http://jabber.org/protocol/disco#info',
  'http://jabber.org/protocol/disco#items',
  'jabber:iq:last',
  'jabber:iq:private',
  'jabber:iq:register',
  'jabber:iq:version',
  'msgoffline',
  'urn:xmpp:ping',
  'urn:xmpp:time',
  'vcard-temp',
];
