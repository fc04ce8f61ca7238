/** XEP-0313 over real sockets, and from one life of the server to the next. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { type Client, loggedIn, textIn } from '../support/client.ts';
import { type Program, startProgram } from '../support/program.ts';

const PASSWORD = 'a secret for tests';
const RSM = 'http://jabber.org/protocol/rsm';

let program: Program;
let clients: Client[] = [];
beforeEach(async () => {
  program = await startProgram({ limits: { sendQueueBytes: '256KiB' } });
  for (const name of ['juliet', 'romeo']) await program.addAccount(name, PASSWORD);
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients = [];
  await program.stop();
});

async function bound(user: string, resource: string): Promise<Client> {
  const place = { port: program.ports.c2sTls, tls: { servername: 'localhost' } };
  const client = await loggedIn({ ...place, user, password: PASSWORD, resource });
  clients.push(client);
  return client;
}

const chat = (body: string, to = 'romeo@localhost') =>
  `<message type='chat' to='${to}' id='${body}'><body>${body}</body></message>`;
const wordsOf = (count: number, prefix = 'w') =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** A page: the texts of its messages, in the order in which they came, and its end. */
async function page(client: Client, set: string) {
  client.send(
    `<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2' queryid='f27'>` +
      `<set xmlns='${RSM}'>${set}</set></query></iq>`,
  );
  const results: Element[] = [];
  for (;;) {
    const stanza = await client.next();
    if (stanza.name === 'message') results.push(stanza);
    if (stanza.name !== 'iq') continue;
    const text = String(stanza);
    expect(text).toContain('<fin xmlns="urn:xmpp:mam:2"');
    return {
      bodies: results.map(textIn),
      texts: results.map(String),
      last: /<last>([^<]*)</.exec(text)?.[1] ?? '',
      isComplete: text.includes('complete="true"'),
    };
  }
}

/** All of an archive, page by page. */
async function all(client: Client, max: number) {
  const bodies: string[] = [];
  for (let after = ''; ; ) {
    const read = await page(client, `<max>${max}</max>${after}`);
    bodies.push(...read.bodies);
    if (read.isComplete) return bodies;
    after = `<after>${read.last}</after>`;
  }
}

describe('an archive', () => {
  test('§4 is read page by page, each message once, as it was sent', async () => {
    const juliet = await bound('juliet', 'hall');
    const romeo = await bound('romeo', 'street');
    romeo.send('<presence/>');
    await romeo.seek(({ name }) => name === 'presence');
    const words = wordsOf(120);
    juliet.send(words.map((word) => chat(word)).join(''));
    const live: Element[] = [];
    while (live.length < words.length) live.push(await romeo.next());
    expect(await all(romeo, 50)).toEqual(words);
    expect(await all(juliet, 7)).toEqual(words);
    const first = await page(romeo, '<max>1</max>');
    const id = /<stanza-id [^>]*id="([^"]*)"/.exec(String(live[0]))?.[1];
    expect(first.texts[0]).toMatch(
      new RegExp(
        '^<message from="romeo@localhost" id="[^"]+" to="romeo@localhost/street">' +
          `<result xmlns="urn:xmpp:mam:2" queryid="f27" id="${id}">` +
          '<forwarded xmlns="urn:xmpp:forward:0"><delay xmlns="urn:xmpp:delay" stamp="[^"]+Z"/>' +
          '<message xmlns="jabber:client" type="chat" id="w0" from="juliet@localhost/hall" ' +
          'to="romeo@localhost"><body>w0</body></message></forwarded></result></message>$',
      ),
    );
  });

  test('a page ends before it is more than may wait for a client that reads slowly', async () => {
    const juliet = await bound('juliet', 'hall');
    const large = 'x'.repeat(30_000);
    const words = wordsOf(12).map((word) => word + large);
    for (const word of words) {
      // One at a time: together they would come back to her as more than may wait, too.
      juliet.send(chat(word, 'ghost@far.invalid'));
      await juliet.seek(({ attrs }) => attrs.type === 'error');
    }
    juliet.send('<iq type="get" id="end" to="localhost"><ping xmlns="urn:xmpp:ping"/></iq>');
    await juliet.seek(({ attrs }) => attrs.id === 'end');
    const other = await bound('juliet', 'balcony');
    expect(await all(other, 12)).toEqual(words);
    await other.ping();
  });

  test('DESIGN D1: what was acknowledged by the end of a stream survives SIGKILL, with its ids', {
    timeout: 60_000,
  }, async () => {
    const juliet = await bound('juliet', 'hall');
    const words = wordsOf(300);
    juliet.send(`${words.map((word) => chat(word)).join('')}</stream:stream>`);
    await juliet.closed();
    expect(juliet.text).toMatch(/<\/stream:stream>$/);
    await program.restart('SIGKILL');
    const again = await bound('juliet', 'hall');
    expect(await all(again, 100)).toEqual(words);
    const before = await page(again, '<max>2</max>');
    await program.restart();
    const later = await bound('juliet', 'hall');
    expect(await page(later, '<max>2</max>')).toMatchObject({ last: before.last });
    expect(await all(await bound('romeo', 'street'), 250)).toEqual(words);
  });

  test('rtcctl shows, searches and purges it', async () => {
    const juliet = await bound('juliet', 'hall');
    juliet.send(chat('nightingale'));
    await juliet.ping();
    const shown = await program.ctl(['archive', 'show', 'juliet@localhost', '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({ value: { messages: 1 } });
    const found = await program.ctl(['archive', 'search', 'juliet@localhost', 'night']);
    expect(found.stdout).toContain('nightingale');
    const purged = await program.ctl(['archive', 'purge', 'juliet@localhost', '--yes']);
    expect(purged.stdout).toContain(
      'One message was removed from the archive of juliet@localhost.',
    );
    expect(await all(juliet, 10)).toEqual([]);
  });
});
