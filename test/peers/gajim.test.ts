/** Gajim of Debian, with its windows: Romeo and Juliet have it, and each has slixmpp elsewhere. */
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { ClientProgram } from '../support/client-program.ts';
import { describeWith } from '../support/peers.ts';
import { DOMAIN } from '../support/program.ts';
import { HOST, startServer, type TestServer } from '../support/server.ts';
import { startGajim } from './gajim.ts';
import { type Client, type People, type Person, peopleOn } from './people.ts';

/** How long Gajim may take to show something, on a machine that has other things to do. */
const SLOWLY = { timeout: 15_000, interval: 100 };
/** Where pictures of the screen are kept, if they are. */
const FOLDER = process.env['RTCD_SCREENSHOTS'];
const ADD_USER = 'http://jabber.org/protocol/admin#add-user';
const BOOKMARKS = 'urn:xmpp:bookmarks:1';
const DEVICES = 'eu.siacs.conversations.axolotl.devicelist';

/** Messages as Gajim shows them. */
const Rows = z.array(
  z.object({
    by: z.string(),
    text: z.string(),
    encryption: z.string().nullable(),
    isReceived: z.boolean(),
    isRefused: z.boolean(),
    file: z.string().nullable(),
    isDrawn: z.boolean(),
  }),
);
type Row = z.infer<typeof Rows>[number];

describeWith(['gajim', 'gajim-omemo', 'xvfb', 'slixmpp'], 'Gajim', () => {
  let server: TestServer;
  let people: People;
  let gajim: ClientProgram;
  let romeo: Person;
  let juliet: Person;
  /** His other device. */
  let phone: Client;
  /** Hers. */
  let tablet: Client;
  /** Both, and the other one of each. */
  let both: readonly (readonly [Person, Person])[];

  beforeAll(async () => {
    server = await startServer();
    people = peopleOn({
      ports: server.ports,
      certificate: certificate(),
      addAccount: async (name, password) => {
        const jid = `${name}@${DOMAIN}`;
        await server.run('accounts.add', { jid, password });
        return jid;
      },
    });
    [romeo, juliet] = [await people.person('romeo'), await people.person('juliet')];
    both = [
      [romeo, juliet],
      [juliet, romeo],
    ];
    gajim = await startGajim(join(server.folder, 'gajim'));
    const { c2s, c2sTls } = server.ports;
    await enter(romeo, { port: c2s, direct: false });
    await enter(juliet, { port: c2sTls, direct: true });
    for (const { jid } of [romeo, juliet]) await gajim.sees({ event: 'signed-in', account: jid });
    [phone, tablet] = [await comeIn(romeo), await comeIn(juliet)];
    await befriend();
  }, 90_000);
  afterEach(async ({ task }) => {
    if (FOLDER === undefined) return;
    await mkdir(FOLDER, { recursive: true });
    const name = `gajim-${/^[\w-]+/.exec(task.name)?.[0]}.png`;
    await gajim.ask('photograph', { path: resolve(FOLDER, name) });
  });
  afterAll(async () => {
    await gajim?.kill();
    await people?.leave();
    await server?.stop();
  });

  const certificate = () => join(server.folder, 'data/certs', `${DOMAIN}.self-signed.pem`);
  const enter = ({ jid, password }: Person, way: object) => {
    const place = { host: HOST, certificate: certificate() };
    return gajim.ask('login', { jid, password, ...place, ...way });
  };
  const comeIn = async (person: Person): Promise<Client> => {
    const client = people.slixmpp();
    await client.login(person, 'starttls');
    await client.ask('wants', { nodes: [BOOKMARKS] });
    await client.ask('presence');
    await client.ask('copies', { enabled: true });
    return client;
  };
  /** Each asks the other one for his presence. */
  const befriend = async () => {
    for (const [one, other] of both) {
      await gajim.ask('subscribe', { account: one.jid, to: other.jid });
      const request = { event: 'subscribe-presence-received', account: other.jid, from: one.jid };
      await gajim.sees(request);
      await gajim.ask('accept', { account: other.jid, to: one.jid });
    }
  };
  const ran = async (operation: string, input: object = {}) =>
    JSON.stringify(await server.run(operation, input));
  const paint = async (name: string, colour: number) => {
    const path = join(server.folder, name);
    await gajim.ask('paint', { path, colour });
    return path;
  };
  /** What somebody's Gajim answers, whenever it is asked. */
  const tells =
    (what: string, { jid }: Person, fields: object = {}) =>
    () =>
      gajim.ask(what, { account: jid, ...fields });
  const say = (by: Person, to: string, text: string) =>
    gajim.ask('say', { account: by.jid, to, text });
  const shown = async (of: Person, to: string) =>
    Rows.parse(await gajim.ask('shown', { account: of.jid, to }));
  /** Waits until somebody's window shows a message like this, once. */
  const shows = async (of: Person, to: string, row: Partial<Row>) => {
    const isIt = ({ text, file }: Row) =>
      row.file === undefined ? text === row.text : file === row.file;
    const found = async () => (await shown(of, to)).filter(isIt);
    await expect.poll(found, SLOWLY).toEqual([expect.objectContaining(row)]);
  };

  test('friends who came in by SCRAM chat; what was received is marked', async () => {
    for (const { jid } of [romeo, juliet])
      expect(await gajim.ask('session', { account: jid })).toEqual({
        jid: expect.stringContaining(`${jid}/gajim.`),
        tls: 'tls-1-3',
        mechanism: 'SCRAM-SHA-512',
        canResume: true,
        isResumed: false,
      });
    const friend = { subscription: 'both', isThere: true };
    for (const [one, other] of both)
      await expect.poll(tells('roster', one), SLOWLY).toEqual({ [other.jid]: friend });
    await say(romeo, juliet.jid, 'But soft! ☾ <&>');
    await shows(juliet, romeo.jid, { text: 'But soft! ☾ <&>', by: romeo.name });
    await shows(romeo, juliet.jid, { text: 'But soft! ☾ <&>', isReceived: true });
    await say(juliet, romeo.jid, 'Ay me!');
    await shows(romeo, juliet.jid, { text: 'Ay me!', by: juliet.name });
  });

  test('XEP-0280, XEP-0313, XEP-0198: nothing is missing on a device, and nothing comes twice', async () => {
    await phone.ask('message', { to: juliet.jid, body: 'By phone.' });
    await shows(romeo, juliet.jid, { text: 'By phone.', by: romeo.name });
    await say(romeo, juliet.jid, 'By Gajim.');
    await phone.sees({ event: 'copy', direction: 'sent', body: 'By Gajim.' });

    await gajim.ask('status', { account: romeo.jid, show: 'offline' });
    await gajim.sees({ event: 'account-disconnected', account: romeo.jid });
    await say(juliet, romeo.jid, 'While you were away.');
    await phone.sees({ event: 'message', body: 'While you were away.' });
    await gajim.ask('status', { account: romeo.jid, show: 'online' });
    await gajim.sees({ event: 'signed-in', account: romeo.jid });
    await shows(romeo, juliet.jid, { text: 'While you were away.', by: juliet.name });

    await gajim.ask('cut', { account: romeo.jid });
    await gajim.sees({ event: 'account-disconnected', account: romeo.jid });
    await say(juliet, romeo.jid, 'While you were cut off.');
    await expect.poll(tells('session', romeo), SLOWLY).toMatchObject({ isResumed: true });
    await shows(romeo, juliet.jid, { text: 'While you were cut off.', by: juliet.name });
  });

  test('XEP-0191: who is blocked sees his friend go, and is refused', async () => {
    await gajim.ask('block', { account: juliet.jid, jid: romeo.jid });
    await expect.poll(tells('blocked', juliet), SLOWLY).toEqual([romeo.jid]);
    expect(await tablet.ask('blocked')).toEqual([romeo.jid]);
    const isThere = (is: boolean) => ({ [juliet.jid]: { subscription: 'both', isThere: is } });
    await expect.poll(tells('roster', romeo), SLOWLY).toEqual(isThere(false));
    await say(romeo, juliet.jid, 'It is I.');
    await shows(romeo, juliet.jid, { text: 'It is I.', isRefused: true });
    await gajim.ask('unblock', { account: juliet.jid, jid: romeo.jid });
    await expect.poll(tells('blocked', juliet), SLOWLY).toEqual([]);
    await expect.poll(tells('roster', romeo), SLOWLY).toEqual(isThere(true));
    const texts = (await shown(juliet, romeo.jid)).map(({ text }) => text);
    expect(texts).toContain('But soft! ☾ <&>');
    expect(texts).not.toContain('It is I.');
  });

  test('XEP-0084, XEP-0398: a picture of a profile is everywhere; one from elsewhere is fetched', async () => {
    const picture = await paint('face.png', 0xc81e3cff);
    await gajim.ask('profile', { account: romeo.jid, nick: 'Romeo M.', picture });
    const his = tells('picture', romeo, { of: romeo.jid });
    await expect.poll(his, SLOWLY).toEqual(expect.any(String));
    const item = await his();
    const published = await tablet.ask('picture', { of: romeo.jid, item });
    expect(published).toMatch(/^89504e47/);
    expect(await tablet.ask('vcard_picture', { of: romeo.jid })).toBe(published);
    await gajim.ask('status', { account: romeo.jid, show: 'dnd' });
    await tablet.sees({ event: 'presence', sender: romeo.jid, show: 'dnd', photo: item });
    await gajim.ask('status', { account: romeo.jid, show: 'online' });

    const other = await readFile(await paint('other.png', 0x3c1ec8ff));
    const digest = await tablet.ask('show_picture', { hexadecimal: other.toString('hex') });
    await expect.poll(tells('picture', romeo, { of: juliet.jid }), SLOWLY).toBe(digest);
  });

  test('XEP-0363: a picture is uploaded, and drawn on both sides', async () => {
    const path = await paint('balcony.png', 0x1ec83cff);
    await gajim.ask('send_file', { account: romeo.jid, to: juliet.jid, path });
    for (const [each, other] of both)
      await shows(each, other.jid, { file: 'balcony.png', isDrawn: true });
    expect(await ran('files.list')).toContain('balcony.png');
  });

  test('XEP-0384: OMEMO both ways and for a file; in the archive nothing of it can be read', async () => {
    const said = new Map([
      [romeo, 'Shall I hear more?'],
      [juliet, 'Deny thy father.'],
    ]);
    for (const [one, other] of both) {
      const text = said.get(one) ?? '';
      await gajim.ask('encrypt', { account: one.jid, to: other.jid, method: 'OMEMO' });
      await say(one, other.jid, text);
      await shows(other, one.jid, { text, encryption: 'OMEMO' });
    }
    const path = await paint('letter.png', 0x808080ff);
    await gajim.ask('send_file', { account: romeo.jid, to: juliet.jid, path });
    await shows(juliet, romeo.jid, { file: 'letter.png', isDrawn: true, encryption: 'OMEMO' });

    expect(await ran('archive.search', { jid: juliet.jid, text: 'soft' })).toContain('But soft!');
    for (const word of ['hear', 'father', 'letter'])
      expect(await ran('archive.search', { jid: juliet.jid, text: word })).not.toContain(word);
    const paris = people.slixmpp();
    await paris.login(await people.person('paris'), 'starttls');
    expect(await paris.ask('node_items', { of: romeo.jid, node: DEVICES })).toEqual({
      current: expect.stringMatching(/device id="\d+"/),
    });
  });

  test('XEP-0045, XEP-0402: a room for members is made and bookmarked; OMEMO in it', async () => {
    const room = `orchard@conference.${DOMAIN}`;
    const elsewhere = `elsewhere@conference.${DOMAIN}`;
    await gajim.ask('create_room', { account: romeo.jid, room, name: 'The Orchard' });
    await phone.sees({ event: 'node', node: BOOKMARKS, what: 'item', item: room });
    const occupants = tells('occupants', romeo, { room });
    const [nick] = z.tuple([z.string()]).parse(await occupants());
    await phone.ask('publish', {
      node: BOOKMARKS,
      item: elsewhere,
      xml: `<conference xmlns='${BOOKMARKS}' autojoin='false'><nick>R</nick></conference>`,
    });
    await expect.poll(tells('bookmarks', romeo), SLOWLY).toEqual({
      [room]: { nick, autojoin: true },
      [elsewhere]: { nick: 'R', autojoin: false },
    });

    await gajim.ask('invite', { account: romeo.jid, room, jid: juliet.jid });
    await gajim.sees({ event: 'muc-invitation', account: juliet.jid, room });
    await gajim.ask('join', { account: juliet.jid, room });
    await expect.poll(occupants, SLOWLY).toEqual([nick, juliet.name]);
    await say(juliet, room, 'In the open.');
    await shows(romeo, room, { text: 'In the open.', by: juliet.name, encryption: null });
    for (const [one, by, other, text] of [
      [romeo, nick, juliet, 'With love’s light wings.'],
      [juliet, juliet.name, romeo, 'If they do see thee.'],
    ] as const) {
      await gajim.ask('encrypt', { account: one.jid, to: room, method: 'OMEMO' });
      await say(one, room, text);
      await shows(other, room, { text, by, encryption: 'OMEMO' });
    }
    const history = await ran('rooms.history', { room });
    expect(history).toContain('In the open.');
    expect(history).not.toMatch(/wings|thee/);
  });

  test('XEP-0050, XEP-0133: an admin makes an account in the window of commands', async () => {
    const commandsFor = (person: Person) => tells('commands', person, { jid: DOMAIN })();
    expect(await commandsFor(romeo)).not.toHaveProperty([ADD_USER]);
    await server.run('accounts.role', { jid: juliet.jid, role: 'operator' });
    expect(await commandsFor(juliet)).toMatchObject({
      [ADD_USER]: 'Add User',
      'urn:rtcd:operation:server.status': expect.any(String),
    });
    const nurse = { name: 'nurse', jid: `nurse@${DOMAIN}`, password: 'R0m30 R0m30' };
    const { jid: accountjid, password } = nurse;
    const values = { accountjid, password, 'password-verify': password };
    const asked = await gajim.ask('command', { node: ADD_USER });
    expect(asked).toMatchObject({
      page: 'stage',
      fields: { accountjid: '', password: '', 'password-verify': '' },
    });
    expect(await gajim.ask('complete', { values })).toMatchObject({ page: 'completed' });
    await people.slixmpp().login(nurse, 'starttls');
  });
});
