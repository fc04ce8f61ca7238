/** Profanity of Debian, and its friend with slixmpp. */
import { X509Certificate } from 'node:crypto';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeWith } from '../support/peers.ts';
import { DOMAIN, type Program, runToEnd, startProgram } from '../support/program.ts';
import { type Client, type People, type Person, peopleOn } from './people.ts';
import { type Profanity, startProfanity } from './profanity.ts';

describeWith(['profanity', 'tmux', 'slixmpp', 'openssl'], 'Profanity', () => {
  let program: Program;
  let people: People;
  let romeo: Person;
  let juliet: Person;
  let friend: Client;
  let profanity: Profanity;
  let started = 0;
  const start = async () => {
    started += 1;
    profanity = await startProfanity(join(program.folder, `profanity${started}`));
  };
  beforeAll(async () => {
    program = await startProgram();
    people = peopleOn(program);
  });
  beforeEach(async () => {
    [romeo, juliet] = [await people.person('romeo'), await people.person('juliet')];
    friend = people.slixmpp();
    await friend.login(romeo, 'starttls');
    await friend.ask('roster');
    await friend.ask('presence', { status: 'in the orchard' });
    await start();
  });
  afterEach(async () => {
    await profanity.stop();
    await people.leave();
  });
  afterAll(() => program.stop());

  const connect = async (port: number, policy: string, { jid, password } = juliet) => {
    await profanity.type(`/connect ${jid} server ${DOMAIN} port ${port} tls ${policy}`);
    await profanity.shows(/Enter password/);
    await profanity.type(password);
  };
  /** Trusts the certificate as an authority's: nothing is asked then. */
  const trust = async () => {
    const folder = join(program.folder, 'trusted');
    await mkdir(folder, { recursive: true });
    await copyFile(program.certificate, join(folder, 'rtcd.pem'));
    const { code, stderr } = await runToEnd('openssl', ['rehash', folder], {});
    expect(code, stderr).toBe(0);
    await profanity.type(`/tls certpath set ${folder}`);
    await profanity.shows(/Certificate path set/);
  };

  test('STARTTLS, with the certificate trusted by its fingerprint: friends, presence, chat', async () => {
    await connect(program.ports.c2s, 'force');
    const screen = await profanity.shows(/Use '\/tls always' to accept this certificate/);
    const { fingerprint } = new X509Certificate(await readFile(program.certificate));
    expect(screen).toContain(fingerprint.replaceAll(':', '').toLowerCase());
    await profanity.type('/tls always');
    await profanity.shows(/logged in successfully, online/);

    await friend.ask('presence', { to: juliet.jid, type: 'subscribe' });
    await profanity.shows(new RegExp(`Received authorization request from ${romeo.jid}`));
    await profanity.type(`/sub allow ${romeo.jid}`);
    await friend.sees({ event: 'presence', type: 'subscribed', from: juliet.jid });
    await friend.sees({ event: 'presence', type: 'available', sender: juliet.jid });

    await profanity.type('/win 1');
    await profanity.type(`/sub request ${romeo.jid}`);
    await friend.sees({ event: 'presence', type: 'subscribe', from: juliet.jid });
    await friend.ask('presence', { to: juliet.jid, type: 'subscribed' });
    await profanity.shows(new RegExp(`${romeo.jid}.* is online.*"in the orchard"`));
    await friend.ask('presence', { show: 'dnd', status: 'duelling' });
    await profanity.shows(new RegExp(`${romeo.jid}.* is dnd.*"duelling"`));
    await profanity.type(`/software ${await friend.ask('whoami')}`);
    await profanity.shows(/Slixmpp/);

    await friend.ask('message', { to: juliet.jid, body: 'Shall I speak at this?' });
    await profanity.shows(/<< chat message: romeo/);
    await profanity.type(`/msg ${romeo.jid} Wherefore art thou?`);
    await profanity.shows(/Shall I speak at this\?.*me: Wherefore art thou\?/s);
    await friend.sees({ event: 'message', sender: juliet.jid, body: 'Wherefore art thou?' });
    await friend.ask('message', { to: juliet.jid, body: 'ça va ☾' });
    await profanity.shows(/romeo\d+.*: ça va ☾/);

    await profanity.type('/status set away "in the tomb"');
    const away = { event: 'presence', sender: juliet.jid, show: 'away' };
    expect(await friend.sees(away)).toMatchObject({ status: 'in the tomb' });
    await profanity.type('/disconnect');
    await friend.sees({ event: 'presence', sender: juliet.jid, type: 'unavailable' });
  });

  test('direct TLS, with the certificate trusted as an authority: messages from before', async () => {
    await friend.ask('message', { to: juliet.jid, body: 'Stay but a little.' });
    await friend.ask('ping', { to: DOMAIN });
    await trust();
    await connect(program.ports.c2sTls, 'legacy'); // its name for TLS from the first byte
    await profanity.shows(/logged in successfully, online/);
    await profanity.shows(/<< chat message: romeo/);
    await profanity.type(`/msg ${romeo.jid} I will come again.`);
    await profanity.shows(/Stay but a little\..*me: I will come again\./s);
    await friend.sees({ event: 'message', sender: juliet.jid, body: 'I will come again.' });
  });

  test('OMEMO: keys are published and found in nodes, and two read what nobody else can', async () => {
    await friend.ask('presence', { to: juliet.jid, type: 'subscribe' });
    await trust();
    await connect(program.ports.c2s, 'force');
    await profanity.shows(/logged in successfully, online/);
    await profanity.shows(new RegExp(`Received authorization request from ${romeo.jid}`));
    await profanity.type(`/sub allow ${romeo.jid}`);
    await friend.sees({ event: 'presence', type: 'subscribed', from: juliet.jid });
    await profanity.type(`/sub request ${romeo.jid}`);
    await friend.sees({ event: 'presence', type: 'subscribe', from: juliet.jid });
    await friend.ask('presence', { to: juliet.jid, type: 'subscribed' });
    await friend.ask('logout');

    // Romeo, too, has Profanity.
    const [hers, her] = [profanity, juliet];
    await start();
    const his = profanity;
    try {
      await trust();
      await connect(program.ports.c2s, 'force', romeo);
      await his.shows(/logged in successfully, online/);
      for (const [each, word] of [
        [hers, /OMEMO \w+ materials generated/],
        [his, /OMEMO \w+ materials generated/],
      ] as const) {
        await each.type('/omemo trustmode blind');
        await each.type('/omemo gen');
        await each.shows(word);
      }
      await his.type(`/omemo start ${her.jid}`);
      await his.shows(/OMEMO session started|\[OMEMO\]/);
      await his.type('Shall I hear more?');
      await hers.shows(/<< chat message: romeo/);
      await hers.type(`/msg ${romeo.jid}`);
      await hers.shows(/Shall I hear more\?/);
      await hers.type(`/omemo start ${romeo.jid}`);
      await hers.type('Good night, good night!');
      await his.shows(/Good night, good night!/);
    } finally {
      await hers.stop();
    }
    // What the server has kept is not what they have read.
    const archived = await runToEnd(
      'grep',
      ['-rc', 'Shall I hear more', join(program.folder, 'data')],
      {},
    );
    expect(archived.stdout).not.toMatch(/:[1-9]/);
    const friendAgain = people.slixmpp();
    await friendAgain.login(await people.person('paris'), 'starttls');
    const of = { of: her.jid, node: 'eu.siacs.conversations.axolotl.devicelist' };
    expect(Object.values((await friendAgain.ask('node_items', of)) as object)).toEqual([
      expect.stringContaining('device'),
    ]);
  }, 60_000); // keys take their time

  test('a contact in a group, and what is asked of the server', async () => {
    await trust();
    await connect(program.ports.c2s, 'force');
    await profanity.shows(/logged in successfully, online/);
    await profanity.type(`/roster add ${romeo.jid} Romeo`);
    await profanity.shows(/Roster item added: .*Romeo/);
    await profanity.type('/roster group add Verona Romeo');
    await profanity.shows(/Romeo added to group Verona/);
    await profanity.type('/ping');
    await profanity.shows(/Ping response from \S+ \d+ms/);
    await profanity.type(`/disco info ${DOMAIN}`);
    await profanity.shows(/rtcd im server/);
  });

  test('a wrong password is told', async () => {
    await trust();
    await connect(program.ports.c2s, 'force', { ...juliet, password: 'wrong' });
    await profanity.shows(/Login failed/);
  });

  test('the end of the server is told', async () => {
    const own = await startProgram();
    try {
      await own.addAccount('juliet', "juliet's secret");
      await profanity.type(
        `/connect juliet@${DOMAIN} server ${DOMAIN} port ${own.ports.c2s} tls force`,
      );
      await profanity.shows(/Enter password/);
      await profanity.type("juliet's secret");
      await profanity.shows(/Use '\/tls allow'/);
      await profanity.type('/tls allow');
      await profanity.shows(/logged in successfully, online/);
    } finally {
      await own.stop();
    }
    await profanity.shows(/Lost connection|stream error|disconnected/i);
  });
});
