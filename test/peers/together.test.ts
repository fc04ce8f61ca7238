/** slixmpp, @xmpp/client and Profanity with one another. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/peers.ts';
import { DOMAIN, type Program, startProgram } from '../support/program.ts';
import { befriend, type People, peopleOn } from './people.ts';
import { type Profanity, startProfanity } from './profanity.ts';

describeWith(['slixmpp', 'profanity', 'tmux'], 'clients of different makes', () => {
  let program: Program;
  let people: People;
  let profanity: Profanity | undefined;
  beforeAll(async () => {
    program = await startProgram();
    people = peopleOn(program);
  });
  afterEach(async () => {
    await profanity?.stop();
    await people.leave();
  });
  afterAll(() => program.stop());

  test('slixmpp, @xmpp/client and Profanity chat with one another', async () => {
    const [romeo, juliet, nurse] = [
      await people.person('romeo'),
      await people.person('juliet'),
      await people.person('nurse'),
    ];
    const [slix, js] = [people.slixmpp(), people.xmppJs()];
    await slix.login(romeo, 'starttls');
    await js.login(juliet, 'direct TLS');
    for (const client of [slix, js]) {
      await client.ask('roster');
      await client.ask('presence');
    }
    await befriend([romeo, slix], [juliet, js]);
    await slix.sees({ event: 'presence', sender: juliet.jid, type: 'available' });
    await js.sees({ event: 'presence', sender: romeo.jid, type: 'available' });
    await js.ask('presence', { show: 'away', status: 'asleep' });
    await slix.sees({ event: 'presence', sender: juliet.jid, show: 'away', status: 'asleep' });

    profanity = await startProfanity(join(program.folder, 'nurse'));
    const { c2s } = program.ports;
    await profanity.type(`/connect ${nurse.jid} server ${DOMAIN} port ${c2s} tls force`);
    await profanity.shows(/Enter password/);
    await profanity.type(nurse.password);
    await profanity.shows(/Use '\/tls allow' to accept this certificate/);
    await profanity.type('/tls allow');
    await profanity.shows(/logged in successfully, online/);

    await slix.ask('message', { to: juliet.jid, body: 'slixmpp to @xmpp/client' });
    await js.sees({ event: 'message', sender: romeo.jid, body: 'slixmpp to @xmpp/client' });
    await js.ask('message', { to: romeo.jid, body: '@xmpp/client to slixmpp' });
    await slix.sees({ event: 'message', sender: juliet.jid, body: '@xmpp/client to slixmpp' });

    for (const [client, person, name] of [
      [slix, romeo, 'slixmpp'],
      [js, juliet, '@xmpp/client'],
    ] as const) {
      await profanity.type(`/msg ${person.jid} Profanity to ${name}`);
      const heard = await client.sees({ event: 'message', body: `Profanity to ${name}` });
      expect(heard['sender']).toBe(nurse.jid);
      await client.ask('message', { to: heard['from'], body: `${name} to Profanity` });
      await profanity.shows(new RegExp(`: ${name} to Profanity`));
    }
  });
});
