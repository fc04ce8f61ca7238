/**
 * A room with us in which four programs meet: slixmpp and Profanity with accounts of ours, an occupant
 * from Prosody and one from ejabberd, whose servers come to it by federation.
 */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../support/client.ts';
import { type ClientProgram, startPython } from '../support/client-program.ts';
import { startEjabberd } from '../support/ejabberd.ts';
import type { OtherServer } from '../support/other-server.ts';
import { describeWith } from '../support/peers.ts';
import { runToEnd } from '../support/program.ts';
import { startProsody } from '../support/prosody.ts';
import { HOST, type TestServer } from '../support/server.ts';
import { bodyOf, type Federation, startFederation } from '../support/several-servers.ts';
import { type Profanity, startProfanity } from './profanity.ts';
import { OURS } from './two-domains.ts';

const ROOM = `verona@conference.${OURS}`;
const MUC = 'http://jabber.org/protocol/muc';

/** Somebody whose server is not ours, seen from the room. */
class Guest {
  readonly #client: Client;
  constructor(client: Client) {
    this.#client = client;
  }
  enter(nick: string): void {
    this.#client.send(`<presence to='${ROOM}/${nick}'><x xmlns='${MUC}'/></presence>`);
  }
  say(body: string): void {
    this.#client.send(`<message to='${ROOM}' type='groupchat'><body>${body}</body></message>`);
  }
  ask(payload: string, to: string): Promise<unknown> {
    this.#client.send(`<iq type='get' id='asked' to='${to}'>${payload}</iq>`);
    return this.#client.seek(({ attrs }) => attrs.id === 'asked').then(String);
  }
  /** Waits for a presence of an occupant; answers its status codes. */
  async sees(nick: string, type?: string): Promise<number[]> {
    const seen = await this.#client.seek(
      ({ name, attrs }) =>
        name === 'presence' && attrs.from === `${ROOM}/${nick}` && attrs.type === type,
    );
    return [...`${seen}`.matchAll(/<status code="(\d+)"/g)].map(([, code]) => Number(code));
  }
  /** Waits for an error; answers its text. */
  async refused(): Promise<string> {
    return `${await this.#client.seek(({ attrs }) => attrs.type === 'error')}`;
  }
  /** Waits until somebody is heard saying something. */
  hears(nick: string, body: string): Promise<void> {
    return this.hearsAll({ [nick]: body });
  }
  /** Waits until all of these are heard, in whichever order their servers brought them to the room. */
  async hearsAll(said: Record<string, string>): Promise<void> {
    const awaited = new Map(
      Object.entries(said).map(([nick, body]): [string, string] => [`${ROOM}/${nick}`, body]),
    );
    while (awaited.size > 0) {
      const { attrs } = await this.#client.seek(
        (each) =>
          each.attrs.from !== undefined &&
          `${each}`.includes('<body>') &&
          bodyOf(each) === awaited.get(each.attrs.from),
      );
      awaited.delete(attrs.from as string);
    }
  }
  /** Waits for the room's word that a message is taken back; answers its id. */
  async hearsRetraction(): Promise<string> {
    const told = await this.#client.seek((each) => `${each}`.includes('<moderated'));
    return /<retract [^>]*?\bid="([^"]+)"/.exec(`${told}`)?.[1] ?? '';
  }
}

describeWith(
  ['slixmpp', 'profanity', 'tmux', 'openssl', 'prosody', 'lua-unbound', 'ejabberd'],
  'a room of many houses',
  () => {
    let federation: Federation;
    let server: TestServer;
    let prosody: OtherServer;
    let ejabberd: OtherServer;
    let romeo: ClientProgram;
    let profanity: Profanity;
    let juliet: Guest;
    let tybalt: Guest;

    beforeAll(async () => {
      federation = await startFederation();
      server = await federation.join({
        hosts: { [OURS]: {} },
        accounts: ['romeo', 'nurse'],
        certificate: { dns: [OURS, `conference.${OURS}`] },
        machine: 'localhost',
        s2s: { queueTime: '3s' },
      });
      federation.record({
        [`_xmpp-server._tcp.conference.${OURS}`]: { SRV: [`1 1 ${server.ports.s2s} localhost`] },
      });
      [prosody, ejabberd] = await Promise.all([
        startProsody(federation, { domain: 'prosody.example', accounts: ['juliet'] }),
        startEjabberd(federation, { domain: 'ejabberd.example', accounts: ['tybalt'] }),
      ]);
      juliet = new Guest(await appear(await prosody.enter('juliet')));
      tybalt = new Guest(await appear(await ejabberd.enter('tybalt')));
      romeo = startPython('slixmpp_client.py');
      await romeo.ask('login', {
        jid: `romeo@${OURS}`,
        password: 'secret',
        host: HOST,
        port: server.ports.c2s,
        direct: false,
        certificate: federation.authorityFile,
      });
      await romeo.ask('presence');
      profanity = await startProfanity(join(server.folder, 'profanity'));
    }, 60_000);
    afterAll(async () => {
      await profanity?.stop();
      await romeo?.kill();
      await Promise.all([prosody?.stop(), ejabberd?.stop()]);
      await federation?.stop();
    });

    const appear = async (client: Client) => {
      client.send('<presence/>');
      await client.seek(({ name }) => name === 'presence');
      return client;
    };
    const says = (body: string) => romeo.ask('message', { to: ROOM, body, type: 'groupchat' });
    const hears = (nick: string, body: string) =>
      romeo.sees({ event: 'message', from: `${ROOM}/${nick}`, body });
    const sees = (nick: string, type: string) =>
      romeo.sees({ event: 'presence', from: `${ROOM}/${nick}`, type });

    test('it is made, and all come in and see each other', async () => {
      await romeo.ask('room_enter', { room: ROOM, nick: 'romeo' });
      await romeo.ask('room_configure', {
        room: ROOM,
        fields: { 'muc#roomconfig_roomname': 'Verona', 'muc#roomconfig_persistentroom': true },
      });
      juliet.enter('juliet');
      expect(await juliet.sees('juliet')).toEqual([110]);
      tybalt.enter('tybalt');
      expect(await tybalt.sees('juliet')).toEqual([]);
      expect(await juliet.sees('tybalt')).toEqual([]);
      for (const nick of ['juliet', 'tybalt']) await sees(nick, 'available');

      const trusted = join(server.folder, 'trusted');
      await mkdir(trusted);
      await copyFile(federation.authorityFile, join(trusted, 'authority.pem'));
      expect((await runToEnd('openssl', ['rehash', trusted], {})).code).toBe(0);
      await profanity.type(`/tls certpath set ${trusted}`);
      await profanity.shows(/Certificate path set/);
      await profanity.type(
        `/connect nurse@${OURS} server ${HOST} port ${server.ports.c2s} tls force`,
      );
      await profanity.shows(/Enter password/);
      await profanity.type('secret');
      await profanity.shows(/logged in successfully, online/);
      await profanity.type(`/join ${ROOM} nick nurse`);
      await profanity.shows(/juliet[\s\S]*tybalt/);
      await sees('nurse', 'available');
      expect(await juliet.sees('nurse')).toEqual([]);
      expect(await tybalt.sees('nurse')).toEqual([]);
    });

    test('each is heard by all others', async () => {
      await says('Good morrow ☾');
      juliet.say('Who calls?');
      tybalt.say('Peace? I hate the word.');
      await profanity.type('Madam!');
      const byHouse = { romeo: 'Good morrow ☾', nurse: 'Madam!' };
      await juliet.hearsAll({ ...byHouse, tybalt: 'Peace? I hate the word.' });
      await tybalt.hearsAll({ ...byHouse, juliet: 'Who calls?' });
      await hears('juliet', 'Who calls?');
      await hears('nurse', 'Madam!');
      await profanity.shows(/tybalt: Peace\? I hate the word\./);
      await profanity.type('/msg juliet Where are you, girl?');
      await juliet.hears('nurse', 'Where are you, girl?');
      await profanity.type('/win 2');
      await profanity.shows(/tybalt: Peace\? I hate the word\./);
    });

    test('nobody takes the nick of another, however it is written', async () => {
      tybalt.enter('Juliet');
      expect(await tybalt.refused()).toContain('conflict');
      tybalt.enter('јulіet'); // two letters are Cyrillic
      expect(await tybalt.refused()).toContain('conflict');
    });

    test('XEP-0410: each may ask whether he is still there', async () => {
      const ping = "<ping xmlns='urn:xmpp:ping'/>";
      for (const [guest, nick] of [
        [juliet, 'juliet'],
        [tybalt, 'tybalt'],
      ] as const)
        expect(await guest.ask(ping, `${ROOM}/${nick}`)).toContain('type="result"');
    });

    test('a message is moderated', async () => {
      tybalt.say('A villain!');
      const { stanzaIds } = await hears('tybalt', 'A villain!');
      const id = (stanzaIds as Record<string, string>)[ROOM];
      await romeo.ask('room_moderate', { room: ROOM, message: id, reason: 'Be civil.' });
      expect(await juliet.hearsRetraction()).toBe(id);
      expect(await tybalt.hearsRetraction()).toBe(id);
      await romeo.sees({ event: 'message', from: ROOM, retracts: id });
    });

    test('who is kicked hears why, and comes back to what was said', async () => {
      await romeo.ask('room_role', { room: ROOM, nick: 'juliet', role: 'none', reason: 'Go in.' });
      expect(await juliet.sees('juliet', 'unavailable')).toEqual([110, 307]);
      expect(await tybalt.sees('juliet', 'unavailable')).toEqual([307]);
      expect(await sees('juliet', 'unavailable')).toMatchObject({ codes: [307] });
      await profanity.shows(/juliet has been kicked/);
      const ping = "<ping xmlns='urn:xmpp:ping'/>";
      expect(await juliet.ask(ping, `${ROOM}/juliet`)).toContain('not-acceptable');
      juliet.enter('juliet');
      expect(await juliet.sees('juliet')).toEqual([110]);
      await juliet.hears('nurse', 'Madam!');
      juliet.say('Anon!');
      await hears('juliet', 'Anon!');
    });

    test('who is banned does not come back until he is forgiven', async () => {
      const tell = (affiliation: string) =>
        romeo.ask('room_affiliation', { room: ROOM, jid: 'tybalt@ejabberd.example', affiliation });
      await tell('outcast');
      expect(await tybalt.sees('tybalt', 'unavailable')).toEqual([110, 301]);
      expect(await juliet.sees('tybalt', 'unavailable')).toEqual([301]);
      expect(await sees('tybalt', 'unavailable')).toMatchObject({ codes: [301] });
      await profanity.shows(/tybalt has been banned/);
      tybalt.enter('tybalt');
      expect(await tybalt.refused()).toContain('forbidden');
      await tell('none');
      tybalt.enter('tybalt');
      expect(await tybalt.sees('tybalt')).toEqual([110]);
      await tybalt.hears('juliet', 'Anon!');
    });

    test('XEP-0045 §11.1 whose server is gone has left, the others stay', async () => {
      await ejabberd.end('SIGKILL');
      await says('Is he gone?');
      expect(await juliet.sees('tybalt', 'unavailable')).toEqual([333]);
      expect(await sees('tybalt', 'unavailable')).toMatchObject({ codes: [333] });
      juliet.say('He is.');
      await hears('juliet', 'He is.');
      await profanity.shows(/juliet: He is\./);
    });

    test('§11.2 all are told when we go down, and find the room as it was', async () => {
      server = await federation.restart(server);
      expect(await juliet.sees('juliet', 'unavailable')).toEqual([110, 332]);
      await profanity.shows(/Lost connection|disconnected/i);
      federation.record({
        [`_xmpp-server._tcp.conference.${OURS}`]: { SRV: [`1 1 ${server.ports.s2s} localhost`] },
      });
      juliet.enter('juliet');
      expect(await juliet.sees('juliet')).toEqual([110]);
      await juliet.hears('juliet', 'He is.');
    });
  },
);
