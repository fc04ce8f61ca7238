/** Prosody of Debian as another server: chat, presence and requests both ways, and refusals. */
import { afterEach, expect, test } from 'vitest';
import { domain } from '../certs/support.ts';
import type { Client } from '../support/client.ts';
import { describeWith } from '../support/peers.ts';
import { type Prosody, type ProsodyOptions, startProsody } from '../support/prosody.ts';
import type { TestServer } from '../support/server.ts';
import {
  bodyOf,
  type Federation,
  type MemberOptions,
  startFederation,
} from '../support/several-servers.ts';

const OURS = domain('ours.example');
const THEIRS = domain('theirs.example');

let federation: Federation | undefined;
let prosody: Prosody | undefined;
afterEach(async () => {
  await prosody?.stop();
  await federation?.stop();
  prosody = undefined;
  federation = undefined;
});

interface Couple {
  readonly server: TestServer;
  readonly prosody: Prosody;
  /** With us. */
  readonly romeo: Client;
  /** With Prosody. */
  readonly juliet: Client;
}

/** Romeo is with us, Juliet with Prosody; both are there. */
async function couple(
  ours: Partial<MemberOptions> = {},
  theirs: Partial<ProsodyOptions> = {},
): Promise<Couple> {
  federation = await startFederation();
  const server = await federation.join({ hosts: { [OURS]: {} }, accounts: ['romeo'], ...ours });
  const other = await startProsody(federation, { domain: THEIRS, accounts: ['juliet'], ...theirs });
  prosody = other;
  const romeo = await federation.enter(server, 'romeo@ours.example');
  const juliet = await other.enter('juliet');
  for (const client of [romeo, juliet]) {
    await client.ask("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    client.send('<presence/>');
    await client.seek(({ name }) => name === 'presence');
  }
  return { server, prosody: other, romeo, juliet };
}

function say(client: Client, to: string, body: string): void {
  client.send(`<message to='${to}' type='chat'><body>${body}</body></message>`);
}

const message = (client: Client) => client.seek(({ name }) => name === 'message');

async function converse({ romeo, juliet }: Couple): Promise<void> {
  say(romeo, 'juliet@theirs.example', 'Shall I?');
  const heard = await message(juliet);
  expect(bodyOf(heard)).toBe('Shall I?');
  say(juliet, heard.attrs.from ?? '', 'Do!');
  expect(bodyOf(await message(romeo))).toBe('Do!');
}

const proofs = (server: TestServer) =>
  server.federation.side
    .list(THEIRS)
    .filter(({ state }) => state === 'up')
    .map(({ direction, authenticatedBy }) => `${direction} ${authenticatedBy}`)
    .sort();

describeWith(['prosody', 'lua-unbound'], 'Prosody', () => {
  test.each([true, false])(
    'STARTTLS and EXTERNAL, both directions on one stream: %s',
    async (bidi) => {
      const both = await couple({ s2s: { bidi } }, { secureAuth: true });
      await converse(both);
      expect(proofs(both.server)).toEqual(
        bidi ? ['both external'] : ['in external', 'out external'],
      );
    },
  );

  test.each([true, false])('dialback, both directions on one stream: %s', async (bidi) => {
    const both = await couple(
      { certificate: 'self-signed', s2s: { bidi } },
      { certificate: 'self-signed' },
    );
    await converse(both);
    expect(proofs(both.server)).toEqual(bidi ? ['both dialback'] : ['in dialback', 'out dialback']);
  });

  test('who writes first does not matter', async () => {
    const { server, romeo, juliet } = await couple();
    say(juliet, 'romeo@ours.example', 'Good night!');
    const heard = await message(romeo);
    expect(bodyOf(heard)).toBe('Good night!');
    say(romeo, heard.attrs.from ?? '', 'Stay!');
    expect(bodyOf(await message(juliet))).toBe('Stay!');
    expect(proofs(server)).toEqual(['both external']);
  });

  test('XEP-0368: TLS from the first byte, both ways', async () => {
    const both = await couple({ found: 'direct', s2s: { bidi: false } }, { found: 'direct' });
    await converse(both);
    expect(proofs(both.server)).toEqual(['in external', 'out external']);
  });

  test('RFC 6121 §3: subscriptions and presence both ways', async () => {
    const { romeo, juliet } = await couple();
    const parties = [
      [romeo, 'romeo@ours.example', juliet, 'juliet@theirs.example'],
      [juliet, 'juliet@theirs.example', romeo, 'romeo@ours.example'],
    ] as const;
    for (const [one, address, other, otherAddress] of parties) {
      one.send(`<presence to='${otherAddress}' type='subscribe'/>`);
      const request = await other.seek(({ attrs }) => attrs.type === 'subscribe');
      expect(request.attrs.from).toBe(address);
      other.send(`<presence to='${address}' type='subscribed'/>`);
      const answer = await one.seek(({ attrs }) => attrs.type === 'subscribed');
      expect(answer.attrs.from).toBe(otherAddress);
      const seen = await one.seek(
        ({ name, attrs }) => name === 'presence' && attrs.type === undefined,
      );
      expect(seen.attrs.from).toMatch(new RegExp(`^${otherAddress}/`));
    }
    romeo.send('<presence><show>dnd</show></presence>');
    const busy = await juliet.seek(
      (element) => element.name === 'presence' && `${element}`.includes('dnd'),
    );
    expect(busy.attrs.from).toMatch(/^romeo@ours\.example\//);
    juliet.send('</stream:stream>');
    const gone = await romeo.seek(({ attrs }) => attrs.type === 'unavailable');
    expect(gone.attrs.from).toMatch(/^juliet@theirs\.example\//);
  });

  test('ping and disco both ways', async () => {
    const { romeo, juliet } = await couple();
    const parties = [
      [romeo, 'theirs.example'],
      [juliet, 'ours.example'],
    ] as const;
    for (const [client, other] of parties) {
      client.send(`<iq type='get' id='p1' to='${other}'><ping xmlns='urn:xmpp:ping'/></iq>`);
      const pong = await client.seek(({ attrs }) => attrs.id === 'p1');
      expect(pong.attrs).toMatchObject({ type: 'result', from: other });
      const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
      client.send(`<iq type='get' id='d1' to='${other}'>${query}</iq>`);
      const info = await client.seek(({ attrs }) => attrs.id === 'd1');
      expect(info.attrs.type).toBe('result');
      expect(`${info}`).toContain('category="server"');
    }
  });

  test('nobody of that name: an error comes back, both ways', async () => {
    const { romeo, juliet } = await couple();
    say(romeo, 'nobody@theirs.example', 'hello');
    expect(`${await romeo.seek(({ attrs }) => attrs.type === 'error')}`).toContain(
      'service-unavailable',
    );
    say(juliet, 'nobody@ours.example', 'hello');
    expect(`${await juliet.seek(({ attrs }) => attrs.type === 'error')}`).toContain(
      'service-unavailable',
    );
  });

  test('a message waits while Prosody is started again', async () => {
    const both = await couple();
    await converse(both);
    await both.prosody.end();
    for (const body of ['one', 'two', 'three']) say(both.romeo, 'juliet@theirs.example', body);
    await both.prosody.restart();
    const juliet = await both.prosody.enter('juliet');
    juliet.send('<presence/>');
    // Sent while nobody was there to take them: to Juliet's account when Prosody is back.
    const bodies = [];
    for (let index = 0; index < 3; index += 1) bodies.push(bodyOf(await message(juliet)));
    expect(bodies).toEqual(['one', 'two', 'three']);
  });

  test.each([
    ['expired', { from: -20, until: -10 }, /expired/],
    [
      'of another name',
      { dns: ['other.example'] },
      /is for other\.example, not for theirs\.example/,
    ],
    ['self-signed', 'self-signed', /signed by its own key/],
  ] as const)(
    'where a certificate is demanded, one that is %s is refused',
    async (_, certificate, text) => {
      const { server, romeo, juliet } = await couple(
        { s2s: { secureAuth: true } },
        { certificate },
      );
      say(romeo, 'juliet@theirs.example', 'hello');
      const error = await romeo.seek(({ attrs }) => attrs.type === 'error');
      expect(`${error}`).toContain('remote-server-timeout');
      expect(`${error}`).toMatch(text);
      // The same the other way: Prosody is told by a dialback error why.
      say(juliet, 'romeo@ours.example', 'hello');
      expect((await juliet.seek(({ attrs }) => attrs.type === 'error')).name).toBe('message');
      expect(proofs(server)).toEqual([]);
    },
  );

  test('Prosody demands a certificate, and ours is self-signed', async () => {
    const { server, romeo } = await couple({ certificate: 'self-signed' }, { secureAuth: true });
    say(romeo, 'juliet@theirs.example', 'hello');
    const error = await romeo.seek(({ attrs }) => attrs.type === 'error');
    expect(`${error}`).toMatch(/remote-server-timeout/);
    expect(server.federation.side.history(THEIRS)[0]).toMatchObject({ outcome: 'failed' });
  });

  test('a domain that is blocked cannot write to us, nor we to it', async () => {
    const { server, romeo, juliet } = await couple({ s2s: { block: [THEIRS] } });
    say(romeo, 'juliet@theirs.example', 'hello');
    expect(`${await romeo.seek(({ attrs }) => attrs.type === 'error')}`).toContain(
      'not-authorized',
    );
    say(juliet, 'romeo@ours.example', 'hello');
    expect((await juliet.seek(({ attrs }) => attrs.type === 'error')).name).toBe('message');
    expect(proofs(server)).toEqual([]);
  });
});
