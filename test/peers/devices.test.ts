/** XEP-0198, XEP-0280 and XEP-0352 with slixmpp: one person with several devices. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/peers.ts';
import { type Program, startProgram } from '../support/program.ts';
import { type Client, type People, type Person, peopleOn } from './people.ts';

describeWith(['slixmpp'], 'devices with slixmpp', () => {
  let program: Program;
  let people: People;
  beforeAll(async () => {
    program = await startProgram();
    people = peopleOn(program);
  });
  afterEach(() => people.leave());
  afterAll(() => program.stop());

  const comeIn = async (person: Person): Promise<Client> => {
    const client = people.slixmpp();
    await client.login(person, 'starttls');
    await client.ask('roster');
    await client.ask('presence');
    return client;
  };
  /** What was sent to a client before now has come. */
  const settled = (client: Client) => client.ask('ping', { to: 'localhost' });

  test('XEP-0280 §7, §8: both sides of a conversation are on each device that wants it', async () => {
    const [romeo, juliet] = [await people.person('romeo'), await people.person('juliet')];
    const [phone, laptop] = [await comeIn(romeo), await comeIn(romeo)];
    const other = await comeIn(juliet);
    await phone.ask('copies', { enabled: true });
    const from = String(await laptop.ask('whoami'));
    const peer = String(await other.ask('whoami'));

    await laptop.ask('message', { to: peer, body: 'Neither, fair saint.' });
    await other.sees({ event: 'message', from, body: 'Neither, fair saint.' });
    const sent = { direction: 'sent', from, to: peer, body: 'Neither, fair saint.' };
    expect(await phone.sees({ event: 'copy' })).toMatchObject({ ...sent, type: 'chat' });

    await other.ask('message', { to: from, body: 'How camest thou hither?' });
    await laptop.sees({ event: 'message', from: peer, body: 'How camest thou hither?' });
    const received = { direction: 'received', from: peer, to: from };
    expect(await phone.sees({ event: 'copy' })).toMatchObject(received);

    await other.ask('message', { to: romeo.jid, body: 'To all.' });
    await phone.sees({ event: 'message', from: peer, body: 'To all.' });
    await laptop.sees({ event: 'message', from: peer, body: 'To all.' });
    for (const client of [phone, laptop]) {
      await settled(client);
      expect(client.pending('copy')).toEqual([]);
    }

    await phone.ask('copies', { enabled: false });
    await laptop.ask('message', { to: peer, body: 'In secret.' });
    await settled(laptop);
    await settled(phone);
    expect(phone.pending('copy')).toEqual([]);
  });

  test('XEP-0198 §5: a session is resumed, and has what came meanwhile, in order and once', async () => {
    const [romeo, juliet] = [await people.person('romeo'), await people.person('juliet')];
    const phone = people.slixmpp();
    await phone.login(romeo, 'starttls', { managed: true });
    await phone.ask('presence');
    await settled(phone);
    const other = await comeIn(juliet);
    const to = String(await phone.ask('whoami'));
    await phone.ask('cut');
    for (const body of ['one', 'two', 'three']) await other.ask('message', { to, body });
    await settled(other);
    expect(await phone.ask('come_back')).toBe('session_resumed');
    expect(await phone.ask('whoami')).toBe(to);
    for (const body of ['one', 'two', 'three'])
      expect(await phone.sees({ event: 'message' })).toMatchObject({ body });
    await other.ask('message', { to, body: 'four' });
    expect(await phone.sees({ event: 'message' })).toMatchObject({ body: 'four' });
    await settled(phone);
    expect(phone.pending('message')).toEqual([]);
  });

  test('XEP-0352 §5.1: what waits for an inactive client is there when it is active again', async () => {
    const romeo = await people.person('romeo');
    const [phone, laptop] = [await comeIn(romeo), await comeIn(romeo)];
    const from = String(await laptop.ask('whoami'));
    await phone.sees({ event: 'presence', from });
    await phone.ask('state', { active: false });
    await settled(phone);
    for (const show of ['away', 'dnd', 'xa']) await laptop.ask('presence', { show });
    await laptop.ask('message', { to: String(await phone.ask('whoami')), body: 'Look!' });
    await phone.sees({ event: 'message', body: 'Look!' });
    // It went before the message, and nothing before it went.
    expect(phone.pending('presence').filter((each) => each['from'] === from)).toMatchObject([
      { show: 'xa' },
    ]);
    await laptop.ask('presence', { show: 'chat' });
    await settled(laptop);
    await phone.ask('state', { active: true });
    await settled(phone);
    await phone.sees({ event: 'presence', from, show: 'chat' });
  });
});
