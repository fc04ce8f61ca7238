/** Gajim of Debian, with its windows: Romeo and Juliet have it, and slixmpp on another device. */
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

/** Somebody with Gajim, and another device. */
interface Owner extends Person {
  readonly gajim: ClientProgram;
  readonly device: Client;
}

describeWith(['gajim', 'gajim-omemo', 'librsvg', 'xvfb', 'slixmpp'], 'Gajim', () => {
  let server: TestServer;
  let people: People;
  let programs: readonly ClientProgram[] = [];
  let romeo: Owner;
  let juliet: Owner;
  /** Both, and the other one of each. */
  let both: readonly (readonly [Owner, Owner])[];

  beforeAll(async () => {
    server = await startServer();
    const certificate = join(server.folder, 'data/certs', `${DOMAIN}.self-signed.pem`);
    people = peopleOn({
      ports: server.ports,
      certificate,
      addAccount: async (name, password) => {
        const jid = `${name}@${DOMAIN}`;
        await server.run('accounts.add', { jid, password });
        return jid;
      },
    });
    const start = async (name: string) => {
      const gajim = await startGajim(join(server.folder, name));
      programs = [...programs, gajim];
      return gajim;
    };
    const [his, hers] = await Promise.all([start('his'), start('hers')]);
    const { c2s, c2sTls } = server.ports;
    const place = { host: HOST, certificate };
    romeo = await enter('romeo', his, { ...place, port: c2s, direct: false });
    juliet = await enter('juliet', hers, { ...place, port: c2sTls, direct: true });
    both = [
      [romeo, juliet],
      [juliet, romeo],
    ];
    for (const [one, other] of both) {
      await one.gajim.ask('subscribe', { to: other.jid });
      await other.gajim.sees({ event: 'subscribe-presence-received', from: one.jid });
      await other.gajim.ask('accept', { to: one.jid });
    }
  }, 90_000);
  afterEach(async ({ task }) => {
    if (FOLDER === undefined) return;
    await mkdir(FOLDER, { recursive: true });
    const title = /^[\w-]+/.exec(task.name)?.[0];
    for (const { name, gajim } of [romeo, juliet])
      await gajim.ask('photograph', { path: resolve(FOLDER, `gajim-${title}-${name}.png`) });
  });
  afterAll(async () => {
    await Promise.all(programs.map((gajim) => gajim.kill()));
    await people?.leave();
    await server?.stop();
  });

  async function enter(name: string, gajim: ClientProgram, place: object): Promise<Owner> {
    const person = await people.person(name);
    await gajim.ask('login', { jid: person.jid, password: person.password, ...place });
    await gajim.sees({ event: 'signed-in' });
    const device = people.slixmpp();
    await device.login(person, 'starttls');
    await device.ask('wants', { nodes: [BOOKMARKS] });
    await device.ask('presence');
    await device.ask('copies', { enabled: true });
    return { ...person, gajim, device };
  }
  const ran = async (operation: string, input: object = {}) =>
    JSON.stringify(await server.run(operation, input));
  const paint = async ({ gajim }: Owner, name: string, colour: number) => {
    const path = join(server.folder, name);
    await gajim.ask('paint', { path, colour });
    return path;
  };
  /** What somebody's Gajim answers, whenever it is asked. */
  const tells =
    ({ gajim }: Owner, what: string, fields: object = {}) =>
    () =>
      gajim.ask(what, fields);
  const say = (by: Owner, to: string, text: string) => by.gajim.ask('say', { to, text });
  const shown = async (of: Owner, to: string) => Rows.parse(await of.gajim.ask('shown', { to }));
  /** Waits until somebody's window shows a message like this, once. */
  const shows = async (of: Owner, to: string, row: Partial<Row>) => {
    const isIt = ({ text, file }: Row) =>
      row.file === undefined ? text === row.text : file === row.file;
    const found = async () => (await shown(of, to)).filter(isIt);
    await expect.poll(found, SLOWLY).toEqual([expect.objectContaining(row)]);
  };
  const leave = async ({ gajim }: Owner) => {
    await gajim.ask('status', { show: 'offline' });
    await gajim.sees({ event: 'account-disconnected' });
  };
  const comeBack = async ({ gajim }: Owner) => {
    await gajim.ask('status', { show: 'online' });
    await gajim.sees({ event: 'signed-in' });
  };

  test('friends who came in by SCRAM chat; what was received is marked', async () => {
    for (const { jid, gajim } of [romeo, juliet])
      expect(await gajim.ask('session')).toEqual({
        jid: expect.stringContaining(`${jid}/gajim.`),
        tls: 'tls-1-3',
        mechanism: 'SCRAM-SHA-512',
        canResume: true,
        isResumed: false,
      });
    const friend = { subscription: 'both', isThere: true };
    for (const [one, other] of both)
      await expect.poll(tells(one, 'roster'), SLOWLY).toEqual({ [other.jid]: friend });
    await say(romeo, juliet.jid, 'But soft! ☾ <&>');
    await shows(juliet, romeo.jid, { text: 'But soft! ☾ <&>', by: romeo.name });
    await shows(romeo, juliet.jid, { text: 'But soft! ☾ <&>', isReceived: true });
    await say(juliet, romeo.jid, 'Ay me!');
    await shows(romeo, juliet.jid, { text: 'Ay me!', by: juliet.name });
  });

  test('XEP-0280, XEP-0313, XEP-0198: nothing is missing on a device, and nothing comes twice', async () => {
    await romeo.device.ask('message', { to: juliet.jid, body: 'By romeo.device.' });
    await shows(romeo, juliet.jid, { text: 'By romeo.device.', by: romeo.name });
    await say(romeo, juliet.jid, 'By Gajim.');
    await romeo.device.sees({ event: 'copy', direction: 'sent', body: 'By Gajim.' });

    await leave(romeo);
    await say(juliet, romeo.jid, 'While you were away.');
    await romeo.device.sees({ event: 'message', body: 'While you were away.' });
    await comeBack(romeo);
    await shows(romeo, juliet.jid, { text: 'While you were away.', by: juliet.name });

    await romeo.gajim.ask('cut');
    await romeo.gajim.sees({ event: 'account-disconnected' });
    await say(juliet, romeo.jid, 'While you were cut off.');
    await expect.poll(tells(romeo, 'session'), SLOWLY).toMatchObject({ isResumed: true });
    await shows(romeo, juliet.jid, { text: 'While you were cut off.', by: juliet.name });
  }, 60_000);

  test('XEP-0191: who is blocked sees his friend go, and is refused', async () => {
    await juliet.gajim.ask('block', { jid: romeo.jid });
    await expect.poll(tells(juliet, 'blocked'), SLOWLY).toEqual([romeo.jid]);
    expect(await juliet.device.ask('blocked')).toEqual([romeo.jid]);
    const isThere = (is: boolean) => ({ [juliet.jid]: { subscription: 'both', isThere: is } });
    await expect.poll(tells(romeo, 'roster'), SLOWLY).toEqual(isThere(false));
    await say(romeo, juliet.jid, 'It is I.');
    await shows(romeo, juliet.jid, { text: 'It is I.', isRefused: true });
    await juliet.gajim.ask('unblock', { jid: romeo.jid });
    await expect.poll(tells(juliet, 'blocked'), SLOWLY).toEqual([]);
    await expect.poll(tells(romeo, 'roster'), SLOWLY).toEqual(isThere(true));
    const texts = (await shown(juliet, romeo.jid)).map(({ text }) => text);
    expect(texts).toContain('But soft! ☾ <&>');
    expect(texts).not.toContain('It is I.');
  });

  test('XEP-0084, XEP-0398: a picture of a profile is everywhere, one from elsewhere is fetched', async () => {
    const picture = await paint(romeo, 'face.png', 0xc81e3cff);
    await romeo.gajim.ask('profile', { nick: 'Romeo M.', picture });
    const hers = tells(juliet, 'picture', { of: romeo.jid });
    await expect.poll(hers, SLOWLY).toEqual(expect.any(String));
    const item = await hers();
    const published = await juliet.device.ask('picture', { of: romeo.jid, item });
    expect(published).toMatch(/^89504e47/);
    expect(await juliet.device.ask('vcard_picture', { of: romeo.jid })).toBe(published);
    await romeo.gajim.ask('status', { show: 'dnd' });
    await juliet.device.sees({ event: 'presence', sender: romeo.jid, show: 'dnd', photo: item });
    await romeo.gajim.ask('status', { show: 'online' });

    const other = await readFile(await paint(romeo, 'other.png', 0x3c1ec8ff));
    const digest = await juliet.device.ask('show_picture', { hexadecimal: other.toString('hex') });
    await expect.poll(tells(romeo, 'picture', { of: juliet.jid }), SLOWLY).toBe(digest);
  });

  test('XEP-0363: a picture is uploaded, and drawn on both sides', async () => {
    const path = await paint(romeo, 'balcony.png', 0x1ec83cff);
    await romeo.gajim.ask('send_file', { to: juliet.jid, path });
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
      await one.gajim.ask('encrypt', { to: other.jid, method: 'OMEMO' });
      await say(one, other.jid, text);
      await shows(other, one.jid, { text, encryption: 'OMEMO' });
    }
    const path = await paint(romeo, 'letter.png', 0x808080ff);
    await romeo.gajim.ask('send_file', { to: juliet.jid, path });
    await shows(juliet, romeo.jid, { file: 'letter.png', isDrawn: true, encryption: 'OMEMO' });

    expect(await ran('archive.search', { jid: juliet.jid, text: 'soft' })).toContain('But soft!');
    for (const word of ['hear', 'father', 'letter'])
      expect(await ran('archive.search', { jid: juliet.jid, text: word })).not.toContain(word);
    const paris = people.slixmpp();
    await paris.login(await people.person('paris'), 'starttls');
    expect(await paris.ask('node_items', { of: romeo.jid, node: DEVICES })).toEqual({
      current: expect.stringMatching(/device id="\d+"/),
    });
  }, 60_000);

  test('XEP-0045, XEP-0402: a room for members is made and bookmarked; OMEMO in it', async () => {
    const room = `orchard@conference.${DOMAIN}`;
    const elsewhere = `elsewhere@conference.${DOMAIN}`;
    await romeo.gajim.ask('create_room', { room, name: 'The Orchard' });
    await romeo.device.sees({ event: 'node', node: BOOKMARKS, what: 'item', item: room });
    const occupants = tells(romeo, 'occupants', { room });
    const [nick] = z.tuple([z.string()]).parse(await occupants());
    await romeo.device.ask('publish', {
      node: BOOKMARKS,
      item: elsewhere,
      xml: `<conference xmlns='${BOOKMARKS}' autojoin='false'><nick>R</nick></conference>`,
    });
    await expect.poll(tells(romeo, 'bookmarks'), SLOWLY).toEqual({
      [room]: { nick, autojoin: true },
      [elsewhere]: { nick: 'R', autojoin: false },
    });

    await romeo.gajim.ask('invite', { room, jid: juliet.jid });
    await juliet.gajim.sees({ event: 'muc-invitation', room });
    await juliet.gajim.ask('join', { room });
    await expect.poll(occupants, SLOWLY).toEqual([nick, juliet.name].sort());
    await say(juliet, room, 'In the open.');
    await shows(romeo, room, { text: 'In the open.', by: juliet.name, encryption: null });
    for (const [one, by, other, text] of [
      [romeo, nick, juliet, 'With love’s light wings.'],
      [juliet, juliet.name, romeo, 'If they do see thee.'],
    ] as const) {
      await one.gajim.ask('encrypt', { to: room, method: 'OMEMO' });
      await say(one, room, text);
      await shows(other, room, { text, by, encryption: 'OMEMO' });
    }
    // Who comes back enters by his bookmark, and has from the room's archive what he missed.
    await leave(juliet);
    await expect.poll(occupants, SLOWLY).toEqual([nick]);
    const missed = { text: 'Parting is such sweet sorrow.', encryption: 'OMEMO' };
    await say(romeo, room, missed.text);
    await comeBack(juliet);
    await expect.poll(occupants, SLOWLY).toEqual([nick, juliet.name].sort());
    await shows(juliet, room, { ...missed, by: nick });
    const history = await ran('rooms.history', { room });
    expect(history).toContain('In the open.');
    expect(history).not.toMatch(/wings|thee|sorrow/);
  }, 60_000);

  test('XEP-0050, XEP-0133: an admin makes an account in the window of commands', async () => {
    const commandsFor = ({ gajim }: Owner) => gajim.ask('commands', { jid: DOMAIN });
    expect(await commandsFor(romeo)).not.toHaveProperty([ADD_USER]);
    await server.run('accounts.role', { jid: juliet.jid, role: 'operator' });
    expect(await commandsFor(juliet)).toMatchObject({
      [ADD_USER]: 'Add User',
      'urn:rtcd:operation:server.status': expect.any(String),
    });
    const nurse = { name: 'nurse', jid: `nurse@${DOMAIN}`, password: 'R0m30 R0m30' };
    const { jid: accountjid, password } = nurse;
    const values = { accountjid, password, 'password-verify': password };
    const asked = await juliet.gajim.ask('command', { node: ADD_USER });
    expect(asked).toMatchObject({
      page: 'stage',
      fields: { accountjid: '', password: '', 'password-verify': '' },
    });
    expect(await juliet.gajim.ask('complete', { values })).toMatchObject({ page: 'completed' });
    await people.slixmpp().login(nurse, 'starttls');
  });
});
