/** Two programs with @xmpp/client. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DOMAIN, type Program, startProgram } from '../support/program.ts';
import {
  befriend,
  type Client,
  type People,
  type Person,
  peopleOn,
  WAYS,
  type Way,
} from './people.ts';

describe('@xmpp/client', () => {
  let program: Program;
  let people: People;
  beforeAll(async () => {
    program = await startProgram();
    people = peopleOn(program);
  });
  afterEach(() => people.leave());
  afterAll(() => program.stop());

  const comeIn = async (person: Person, way: Way): Promise<Client> => {
    const client = people.xmppJs();
    await client.login(person, way);
    await client.ask('roster');
    await client.ask('presence');
    return client;
  };

  test.each(WAYS)('two become friends and chat over %s', async (way) => {
    const [romeo, juliet] = [await people.person('romeo'), await people.person('juliet')];
    const first = people.xmppJs();
    expect(await first.login(romeo, way)).toEqual({
      jid: `${romeo.jid}/program`,
      tls: 'TLSv1.3',
      mechanism: 'SCRAM-SHA-1',
    });
    await first.ask('roster');
    await first.ask('presence', { show: 'chat', status: 'in the orchard' });
    const second = await comeIn(juliet, way);

    await befriend([romeo, first], [juliet, second]);
    const there = { event: 'presence', type: 'available', sender: romeo.jid };
    expect(await second.sees(there)).toMatchObject({ show: 'chat', status: 'in the orchard' });
    await first.sees({ event: 'presence', type: 'available', sender: juliet.jid });
    const friends = { subscription: 'both' };
    expect(await first.ask('roster')).toEqual([{ jid: juliet.jid, ...friends }]);
    expect(await second.ask('roster')).toEqual([{ jid: romeo.jid, ...friends }]);

    await first.ask('message', { to: juliet.jid, body: 'Shall I speak at this? ☾ <&>' });
    await second.sees({ event: 'message', body: 'Shall I speak at this? ☾ <&>', stamp: null });
    await second.ask('message', { to: `${romeo.jid}/program`, body: 'Wherefore art thou?' });
    await first.sees({ event: 'message', sender: juliet.jid, body: 'Wherefore art thou?' });
    await second.ask('logout');
    await first.sees({ event: 'presence', type: 'unavailable', sender: juliet.jid });
  });

  test('a message to someone who is away comes later, with the time', async () => {
    const [romeo, juliet] = [await people.person('romeo'), await people.person('juliet')];
    const first = await comeIn(romeo, 'starttls');
    await first.ask('message', { to: juliet.jid, body: 'Stay but a little.' });
    await first.ask('ping', { to: DOMAIN });
    const second = await comeIn(juliet, 'direct TLS');
    const late = await second.sees({ event: 'message', sender: romeo.jid });
    expect(late).toMatchObject({ body: 'Stay but a little.', stamp: expect.any(String) });
  });

  test.each(WAYS)('a wrong password is refused over %s', async (way) => {
    const romeo = await people.person('romeo');
    const login = people.xmppJs().login({ ...romeo, password: 'wrong' }, way);
    await expect(login).rejects.toThrow('not-authorized');
  });
});
