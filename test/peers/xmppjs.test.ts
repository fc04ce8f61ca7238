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
    const loggedIn = await first.login(romeo, way);
    expect(loggedIn).toMatchObject({ tls: 'TLSv1.3', mechanism: 'SCRAM-SHA-1' });
    expect(loggedIn.jid).toMatch(/\/program\/[\w-]{12}$/); // bound by XEP-0386
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
    await second.ask('message', { to: loggedIn.jid, body: 'Wherefore art thou?' });
    await first.sees({ event: 'message', sender: juliet.jid, body: 'Wherefore art thou?' });
    await second.ask('logout');
    await first.sees({ event: 'presence', type: 'unavailable', sender: juliet.jid });
  });

  test('XEP-0386 §3: what came while someone was away is in his archive, and not sent besides', async () => {
    const [romeo, juliet] = [await people.person('romeo'), await people.person('juliet')];
    const first = await comeIn(romeo, 'starttls');
    await first.ask('message', { to: juliet.jid, body: 'Stay but a little.' });
    await first.ask('ping', { to: DOMAIN });
    const second = await comeIn(juliet, 'direct TLS'); // by Bind 2
    await second.ask('ping', { to: DOMAIN });
    expect(second.pending('message')).toEqual([]);
    const { stdout } = await program.ctl(['archive', 'show', juliet.jid, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ value: { messages: 1 } });
  });

  test.each(WAYS)('a token that it got logs in the next time, over %s', async (way) => {
    const romeo = await people.person('romeo');
    const agent = 'd4565fa7-4d72-4749-b3d3-740edbf87770';
    const first = await people.xmppJs().login(romeo, way, { agent });
    const { token } = first;
    expect(token?.mechanism).toBe('HT-SHA-256-NONE');
    const forgetful = { ...romeo, password: 'forgotten' };
    const options = { agent, ...(token ? { token } : {}) };
    const next = await people.xmppJs().login(forgetful, way, options);
    expect(next).toMatchObject({ mechanism: 'HT-SHA-256-NONE', jid: first.jid });
  });

  test('a token that is void makes it fall back to its password', async () => {
    const romeo = await people.person('romeo');
    const agent = 'd4565fa7-4d72-4749-b3d3-740edbf87770';
    const expiry = new Date(Date.now() + 3_600_000).toISOString();
    const token = { mechanism: 'HT-SHA-256-NONE', token: 'made up', expiry };
    const loggedIn = await people.xmppJs().login(romeo, 'direct TLS', { agent, token });
    expect(loggedIn.mechanism).toBe('SCRAM-SHA-1');
    expect(loggedIn.token?.token).not.toBe('made up');
  });

  test('it comes back to its session by the token, and misses nothing', async () => {
    const [romeo, juliet] = [await people.person('romeo'), await people.person('juliet')];
    const [first, second] = [await comeIn(romeo, 'direct TLS'), people.xmppJs()];
    const { jid } = await second.login(juliet, 'direct TLS');
    await second.ask('presence');
    await first.ask('message', { to: juliet.jid, body: 'before' });
    await second.sees({ event: 'message', body: 'before' });
    expect(await second.ask('comeBack')).toEqual({ jid, mechanism: 'HT-SHA-256-NONE' });
    await first.ask('message', { to: juliet.jid, body: 'after' });
    await second.sees({ event: 'message', body: 'after' });
    expect(second.pending('message')).toEqual([]);
  });

  test.each(WAYS)('a wrong password is refused over %s', async (way) => {
    const romeo = await people.person('romeo');
    const login = people.xmppJs().login({ ...romeo, password: 'wrong' }, way);
    await expect(login).rejects.toThrow('not-authorized');
  });
});
