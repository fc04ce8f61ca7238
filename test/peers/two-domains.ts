/** Romeo at ours.example, with us, and Juliet at theirs.example, with a server that is not ours. */
import { expect } from 'vitest';
import { domain } from '../certs/support.ts';
import type { Cable } from '../support/cable.ts';
import type { Client } from '../support/client.ts';
import type { OtherServer } from '../support/other-server.ts';
import type { TestServer } from '../support/server.ts';
import { bodyOf, type Federation, type MemberOptions } from '../support/several-servers.ts';

export const OURS = domain('ours.example');
export const THEIRS = domain('theirs.example');

/** The two and their servers. */
export interface Couple {
  readonly federation: Federation;
  readonly server: TestServer;
  readonly other: OtherServer;
  /** With us. */
  readonly romeo: Client;
  /** With the other server. */
  readonly juliet: Client;
}

/** Starts both servers, and logs both in: they have sent presence. */
export async function coupleIn(
  federation: Federation,
  ours: Partial<MemberOptions>,
  startOther: () => Promise<OtherServer>,
): Promise<Couple> {
  const server = await federation.join({ hosts: { [OURS]: {} }, accounts: ['romeo'], ...ours });
  const other = await startOther();
  const romeo = await federation.enter(server, 'romeo@ours.example');
  const juliet = await other.enter('juliet');
  for (const client of [romeo, juliet]) await appear(client);
  return { federation, server, other, romeo, juliet };
}

/** Asks for the roster, and is there. */
async function appear(client: Client): Promise<void> {
  await client.ask("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
  client.send('<presence/>');
  await client.seek(({ name }) => name === 'presence');
}

/** Sends a message. */
export function say(client: Client, to: string, body: string): void {
  client.send(`<message to='${to}' type='chat'><body>${body}</body></message>`);
}

/** Waits for a message. */
export const message = (client: Client) => client.seek(({ name }) => name === 'message');

/** Waits for an error. */
export const failure = (client: Client) => client.seek(({ attrs }) => attrs.type === 'error');

/** The bodies of the next messages. */
async function bodies(client: Client, count: number): Promise<string[]> {
  const heard = [];
  while (heard.length < count) heard.push(bodyOf(await message(client)));
  return heard;
}

/** Fails unless all that a client gets until now is known: only what comes after is asked for. */
export async function hearsNoMore(client: Client): Promise<void> {
  client.send("<iq type='get' id='last'><ping xmlns='urn:xmpp:ping'/></iq>");
  const next = await client.seek(({ name, attrs }) => name === 'message' || attrs.id === 'last');
  expect(next.name).toBe('iq');
}

/** One writes, the other answers. */
export async function converse({ romeo, juliet }: Couple): Promise<void> {
  say(romeo, 'juliet@theirs.example', 'Shall I?');
  const heard = await message(juliet);
  expect(bodyOf(heard)).toBe('Shall I?');
  say(juliet, heard.attrs.from ?? '', 'Do!');
  expect(bodyOf(await message(romeo))).toBe('Do!');
}

/** RFC 6121 §3: each subscribes to the other; then presence of all kinds is seen. */
export async function befriendAcross({ romeo, juliet }: Couple): Promise<void> {
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
      ({ name, attrs }) =>
        name === 'presence' &&
        attrs.type === undefined &&
        attrs.from?.startsWith(`${otherAddress}/`) === true,
    );
    expect(seen.name).toBe('presence');
  }
  romeo.send('<presence><show>dnd</show></presence>');
  const busy = await juliet.seek(
    (element) => element.name === 'presence' && `${element}`.includes('dnd'),
  );
  expect(busy.attrs.from).toMatch(/^romeo@ours\.example\//);
  juliet.send('</stream:stream>');
  const gone = await romeo.seek(({ attrs }) => attrs.type === 'unavailable');
  expect(gone.attrs.from).toMatch(/^juliet@theirs\.example\//);
}

/** XEP-0199 and XEP-0030: each asks the server of the other. */
export async function askAcross({ romeo, juliet }: Couple): Promise<void> {
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
}

/** Each writes to nobody, and gets an error. */
export async function missEachOther({ romeo, juliet }: Couple): Promise<void> {
  say(romeo, 'nobody@theirs.example', 'hello');
  expect(`${await failure(romeo)}`).toContain('service-unavailable');
  say(juliet, 'nobody@ours.example', 'hello');
  expect(`${await failure(juliet)}`).toContain('service-unavailable');
}

/** RFC 6121 §8.5.2.2: what is written to who is away is there when he comes, in order. */
export async function writeToWhoIsAway(both: Couple): Promise<void> {
  const { federation, server, other, romeo, juliet } = both;
  await converse(both);
  await leave(juliet);
  for (const body of ['one', 'two', 'three']) say(romeo, 'juliet@theirs.example', body);
  // Answered after the messages were taken, on the same stream.
  romeo.send("<iq type='get' id='p' to='theirs.example'><ping xmlns='urn:xmpp:ping'/></iq>");
  await romeo.seek(({ attrs }) => attrs.id === 'p');
  const again = await other.enter('juliet');
  again.send('<presence/>');
  expect(await bodies(again, 3)).toEqual(['one', 'two', 'three']);

  await leave(romeo);
  for (const body of ['four', 'five', 'six']) say(again, 'romeo@ours.example', body);
  again.send("<iq type='get' id='p' to='ours.example'><ping xmlns='urn:xmpp:ping'/></iq>");
  await again.seek(({ attrs }) => attrs.id === 'p');
  const back = await federation.enter(server, 'romeo@ours.example');
  back.send('<presence/>');
  expect(await bodies(back, 3)).toEqual(['four', 'five', 'six']);
}

/** The other server ends and is started again: what is written meanwhile comes once, in order. */
export async function restartAmidst(both: Couple): Promise<void> {
  const { server, other, romeo } = both;
  await converse(both);
  // What nobody has answered for by then would be sent again.
  await expect.poll(() => underWay(server), { timeout: 8000 }).toBe(0);
  await other.end();
  for (const body of ['one', 'two', 'three']) say(romeo, 'juliet@theirs.example', body);
  await other.restart();
  const juliet = await other.enter('juliet');
  await appear(juliet);
  expect(await bodies(juliet, 3)).toEqual(['one', 'two', 'three']);
  say(juliet, 'romeo@ours.example', 'I am back');
  expect(await bodies(romeo, 1)).toEqual(['I am back']);
  await hearsNoMore(juliet);
  await hearsNoMore(romeo);
}

/** Ours is started again while the other one is away: what was written before comes once, in order. */
export async function restartOursAmidst(both: Couple): Promise<void> {
  const { federation, server, other, romeo } = both;
  await converse(both);
  await expect.poll(() => underWay(server), { timeout: 8000 }).toBe(0);
  await other.end();
  for (const body of ['one', 'two', 'three']) say(romeo, 'juliet@theirs.example', body);
  await expect.poll(() => underWay(server), { timeout: 8000 }).toBe(3);
  const ours = await federation.restart(server);
  await other.restart();
  const juliet = await other.enter('juliet');
  await appear(juliet);
  expect(await bodies(juliet, 3)).toEqual(['one', 'two', 'three']);
  const again = await federation.enter(ours, 'romeo@ours.example');
  await appear(again);
  say(juliet, 'romeo@ours.example', 'I am still here');
  expect(await bodies(again, 1)).toEqual(['I am still here']);
  await hearsNoMore(juliet);
  await hearsNoMore(again);
}

/** How long the line is cut. */
const CUT_MS = 10_000;

/**
 * The line between the two is cut for ten seconds, while both write to each other, and breaks: all
 * that was written arrives, in order. What the other server wrote before it was cut is not asked for.
 */
export async function writeWhileCut(
  both: Couple,
  cables: readonly Cable[],
  isFromThem: boolean,
): Promise<void> {
  const { romeo, juliet, server, other } = both;
  await converse(both);
  // Nothing is under way any more: what is said now meets a line that is cut.
  await expect.poll(() => underWay(server), { timeout: 8000 }).toBe(0);
  if (isFromThem)
    await expect.poll(() => isAcknowledged(other.log()), { timeout: 8000 }).toBe(true);
  for (const cable of cables) cable.cut();
  const written = Array.from({ length: 20 }, (_, index) => `${index}`);
  for (const body of written) {
    say(romeo, 'juliet@theirs.example', body);
    if (isFromThem) say(juliet, 'romeo@ours.example', body);
  }
  await new Promise((resolve) => setTimeout(resolve, CUT_MS));
  for (const cable of cables) cable.mend();
  const heard = [bodies(juliet, 20), ...(isFromThem ? [bodies(romeo, 20)] : [])];
  for (const each of heard) expect(await each).toEqual(written);
  await converse(both);
}

/** Whether what Prosody has asked us about last, if anything, was answered, and nothing left open. */
const isAcknowledged = (log: string) =>
  log.lastIndexOf('#queue = 0 ') >= log.lastIndexOf('Sending <r> (inside timer, before send)');

/** How many stanzas are on their way from our server to the other one. */
const underWay = (server: TestServer) =>
  server.federation.side.list(THEIRS).reduce((sum, { queued }) => sum + queued, 0);

async function leave(client: Client): Promise<void> {
  client.send('</stream:stream>');
  await client.closed();
}

/** How our streams with the other server, which are up, were proved. */
export const proofs = (server: TestServer) =>
  server.federation.side
    .list(THEIRS)
    .filter(({ state }) => state === 'up')
    .map(({ direction, authenticatedBy }) => `${direction} ${authenticatedBy}`)
    .sort();

/** How far our streams with the other server, which are up, are managed by XEP-0198. */
export const managements = (server: TestServer) =>
  server.federation.side
    .list(THEIRS)
    .filter(({ state }) => state === 'up')
    .map(({ direction, management }) => `${direction} ${management}`)
    .sort();
