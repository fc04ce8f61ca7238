/** XEP-0198 between servers: what is under way when a line breaks arrives all the same. */
import { afterEach, describe, expect, test } from 'vitest';
import { domain } from '../certs/support.ts';
import { type Cable, makeCable } from '../support/cable.ts';
import { Client } from '../support/client.ts';
import type { TestServer } from '../support/server.ts';
import {
  bodyOf,
  type Federation,
  type MemberOptions,
  startFederation,
} from '../support/several-servers.ts';

const A = domain('a.example');
const B = domain('b.example');

let federation: Federation | undefined;
const cables: Cable[] = [];
afterEach(async () => {
  await federation?.stop();
  federation = undefined;
  for (const cable of cables.splice(0)) await cable.stop();
});

/** Two servers, each of which is reached by a line of its own. */
async function couple(first: Partial<MemberOptions> = {}, second: Partial<MemberOptions> = first) {
  const opened = await startFederation();
  federation = opened;
  const [toA, toB] = [makeCable(), makeCable()];
  cables.push(toA, toB);
  const a = await opened.join({ hosts: { [A]: {} }, accounts: ['romeo'], cable: toA, ...first });
  const b = await opened.join({ hosts: { [B]: {} }, accounts: ['juliet'], cable: toB, ...second });
  const romeo = await available(opened, a, 'romeo@a.example');
  const juliet = await available(opened, b, 'juliet@b.example');
  const lines = {
    cut: () => void [toA, toB].map((cable) => cable.cut()),
    mend: () => void [toA, toB].map((cable) => cable.mend()),
  };
  const enter = (server: TestServer, jid: string) => available(opened, server, jid);
  return { a, b, romeo, juliet, lines, enter, restart: opened.restart };
}

async function available(opened: Federation, server: TestServer, jid: string) {
  const client = await opened.enter(server, jid);
  client.send('<presence/>');
  await client.seek(({ name }) => name === 'presence');
  return client;
}

function say(client: Client, to: string, body: string): void {
  client.send(`<message to='${to}' type='chat' id='${body}'><body>${body}</body></message>`);
}

const message = (client: Client) => client.seek(({ name }) => name === 'message');

/** The bodies of the next messages. */
async function bodies(client: Client, count: number): Promise<string[]> {
  const heard: string[] = [];
  while (heard.length < count) heard.push(bodyOf(await message(client)));
  return heard;
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `${from + index}`);

/** Waits until a condition holds, or fails after a while. */
async function until(isIt: () => boolean): Promise<void> {
  await expect.poll(isIt, { timeout: 8000, interval: 10 }).toBe(true);
}

/** How many stanzas are on their way from a server to the other one. */
const underWay = (server: TestServer) =>
  server.federation.side.list().reduce((sum, { queued }) => sum + queued, 0);

const managements = (server: TestServer) =>
  server.federation.side.list().map(({ management }) => management);

describe('XEP-0198 §5: a line that breaks under load', () => {
  test.each([
    ['both directions on one stream', {}],
    ['a stream for each direction', { s2s: { bidi: false } }],
    ['by dialback', { certificate: 'self-signed' }],
  ] as const)('all arrive once and in order: %s', async (_, options) => {
    const { a, b, romeo, juliet, lines } = await couple(options);
    say(romeo, 'juliet@b.example', 'first');
    say(juliet, 'romeo@a.example', 'first');
    await Promise.all([bodies(juliet, 1), bodies(romeo, 1)]);
    await until(() => [...managements(a), ...managements(b)].every((each) => each === 'resumable'));

    let sent = 0;
    const speak = (count: number) => {
      for (const body of numbers(sent, sent + count)) {
        say(romeo, 'juliet@b.example', body);
        say(juliet, 'romeo@a.example', body);
      }
      sent += count;
    };
    const heard = Promise.all([bodies(juliet, 500), bodies(romeo, 500)]);
    for (let round = 0; round < 2; round += 1) {
      speak(100);
      await new Promise((resolve) => setImmediate(resolve));
      lines.cut();
      speak(100);
      await until(() => [a, b].every((server) => underWay(server) >= 100));
      lines.mend();
    }
    speak(100);
    expect(await heard).toEqual([numbers(0, 500), numbers(0, 500)]);
    await until(() => [a, b].every((server) => underWay(server) === 0));
    for (const client of [romeo, juliet]) await client.ping();
  });
});

test('XEP-0198 §5: a stream that goes on is no reason to ask anew who is there', async () => {
  const { a, b, romeo, juliet, lines } = await couple();
  // One stream for both directions, which the first server has opened.
  say(romeo, 'juliet@b.example', 'first');
  await bodies(juliet, 1);
  await befriend(romeo, 'romeo@a.example', juliet, 'juliet@b.example');
  const levels = () => [...managements(a), ...managements(b)];
  await until(() => levels().every((each) => each === 'resumable'));
  await until(() => underWay(a) + underWay(b) === 0);
  lines.cut();
  lines.mend();
  say(romeo, 'juliet@b.example', 'again');
  const heard: string[] = [];
  const next = async () => {
    const element = await juliet.next();
    heard.push(element.name === 'message' ? bodyOf(element) : element.name);
    return heard.at(-1);
  };
  while ((await next()) !== 'again');
  say(juliet, 'romeo@a.example', 'here');
  expect(await bodies(romeo, 1)).toEqual(['here']);
  say(romeo, 'juliet@b.example', 'good');
  while ((await next()) !== 'good');
  expect(heard).toEqual(['again', 'good']);
});

describe('DESIGN D1: a restart', () => {
  test('what was written before it arrives after it, once and in order', async () => {
    const { a, romeo, juliet, lines, restart } = await couple();
    say(romeo, 'juliet@b.example', 'first');
    await bodies(juliet, 1);
    await until(() => underWay(a) === 0);
    lines.cut();
    for (const body of numbers(0, 20)) say(romeo, 'juliet@b.example', body);
    await until(() => underWay(a) >= 20);
    lines.mend();
    lines.cut();
    await restart(a);
    lines.mend();
    expect(await bodies(juliet, 20)).toEqual(numbers(0, 20));
    await juliet.ping();
  });

  test('what both have on the way when both are started again', async () => {
    const { a, b, lines, restart, romeo, juliet, enter } = await couple();
    lines.cut();
    say(romeo, 'juliet@b.example', 'there');
    say(juliet, 'romeo@a.example', 'back');
    await until(() => underWay(a) === 1 && underWay(b) === 1);
    const [newA, newB] = await Promise.all([restart(a), restart(b)]);
    lines.mend();
    const [again, other] = await Promise.all([
      enter(newA, 'romeo@a.example'),
      enter(newB, 'juliet@b.example'),
    ]);
    expect(bodyOf(await message(other))).toBe('there');
    expect(bodyOf(await message(again))).toBe('back');
  });

  test('who sent what could not be delivered is told when he is back', async () => {
    const { a, romeo, lines, enter, restart } = await couple();
    await romeo.ask(`<enable xmlns='urn:xmpp:sm:3'/>`);
    lines.cut();
    say(romeo, 'juliet@b.example', 'lost');
    romeo.send("<r xmlns='urn:xmpp:sm:3'/>");
    await romeo.seek(({ name, attrs }) => name === 'a' && attrs['h'] === '1');
    romeo.send('</stream:stream>');
    await romeo.closed();
    a.clock.jump(70_000);
    await until(() => underWay(a) === 0);
    const again = await restart(a);
    expect((await message(await enter(again, 'romeo@a.example'))).attrs).toMatchObject({
      from: 'juliet@b.example',
      type: 'error',
      id: 'lost',
    });
  });

  test('what a session that sleeps was told does not come twice', async () => {
    const { a, romeo, lines, restart } = await couple();
    const { attrs } = await romeo.ask(`<enable xmlns='urn:xmpp:sm:3' resume='true'/>`);
    lines.cut();
    say(romeo, 'juliet@b.example', 'lost');
    await until(() => underWay(a) === 1);
    romeo.send("<r xmlns='urn:xmpp:sm:3'/>");
    await romeo.seek(({ name, attrs }) => name === 'a' && attrs['h'] === '1');
    romeo.destroy();
    a.clock.jump(70_000);
    const again = await restart(a);
    expect(underWay(again)).toBe(0);
    const back = await authenticated(again);
    back.send(`<resume xmlns='urn:xmpp:sm:3' previd='${attrs.id}' h='0'/>`);
    expect((await message(back)).attrs).toMatchObject({ type: 'error', id: 'lost' });
    back.destroy();
  });

  test('who waits for a message hears of a friend who went with the server', async () => {
    const { a, romeo, juliet, restart } = await couple();
    await befriend(romeo, 'romeo@a.example', juliet, 'juliet@b.example');
    await restart(a);
    const gone = await juliet.seek(({ attrs }) => attrs.type === 'unavailable');
    expect(gone.attrs.from).toMatch(/^romeo@a\.example\//);
  });
});

describe('RFC 6121 §4: a domain that dies', () => {
  test('its users are seen to go, and asked for when it is back', async () => {
    const { a, romeo, juliet, lines } = await couple();
    await befriend(juliet, 'juliet@b.example', romeo, 'romeo@a.example');
    await until(() => underWay(a) === 0);
    lines.cut();
    lines.mend();
    lines.cut();
    await until(() => a.federation.side.list(B).every(({ state }) => state !== 'up'));
    a.clock.jump(70_000);
    const gone = await romeo.seek(({ attrs }) => attrs.type === 'unavailable');
    expect(gone.attrs.from).toMatch(/^juliet@b\.example\//);
    lines.mend();
    const isUp = () => {
      a.clock.jump(3000); // it tries again and again
      return a.federation.side.list(B).some(({ state }) => state === 'up');
    };
    await expect.poll(isUp, { timeout: 8000, interval: 100 }).toBe(true);
    const back = await romeo.seek(({ attrs }) => attrs.from === gone.attrs.from);
    expect(back.attrs.type).toBeUndefined();
  });
});

/** The second one sees the presence of the first one. */
async function befriend(seen: Client, seenJid: string, seeing: Client, jid: string): Promise<void> {
  for (const client of [seen, seeing])
    await client.ask("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
  seeing.send(`<presence to='${seenJid}' type='subscribe'/>`);
  await seen.seek(({ attrs }) => attrs.type === 'subscribe');
  seen.send(`<presence to='${jid}' type='subscribed'/>`);
  await seeing.seek(
    ({ name, attrs }) =>
      name === 'presence' &&
      attrs.type === undefined &&
      attrs.from?.startsWith(`${seenJid}/`) === true,
  );
}

/** Romeo, who has proved who he is and binds nothing yet. */
async function authenticated({ ports }: Pick<TestServer, 'ports'>): Promise<Client> {
  const client = await Client.connect({ port: ports.c2s, to: A });
  await client.open();
  await client.startTls();
  await client.open();
  await client.plain('romeo', 'secret');
  await client.open();
  return client;
}

describe('a restart in good order', () => {
  const SM = "xmlns='urn:xmpp:sm:3'";

  test('XEP-0198 §5: what slept meanwhile knows what became of all that it sent to another domain', async () => {
    const opened = await startFederation();
    federation = opened;
    opened.record({ '_xmpp-server._tcp.far.example': 'silence', 'far.example': 'silence' });
    const a = await opened.join({ hosts: { [A]: {} }, accounts: ['romeo'] });
    const romeo = await opened.enter(a, 'romeo@a.example');
    const { attrs } = await romeo.ask(`<enable ${SM} resume='true'/>`);
    romeo.send("<presence to='juliet@far.example' id='here'/>"); // not handled before a second has passed
    say(romeo, 'juliet@far.example', 'kept');
    await romeo.ping();
    romeo.reset();
    const asleep = { sessions: [{ state: 'asleep' }] };
    await expect.poll(() => a.run('sessions.list')).toMatchObject(asleep);
    const again = await opened.restart(a);

    const back = await authenticated(again);
    const resumed = await back.ask(`<resume ${SM} previd='${attrs.id}' h='1'/>`);
    expect(resumed.attrs).toMatchObject({ h: '3' }); // else it would send all of it again
    const error = await back.seek(({ name }) => name === 'presence');
    expect(error.attrs).toMatchObject({ type: 'error', id: 'here', from: 'juliet@far.example' });
    back.destroy();
  });
});
