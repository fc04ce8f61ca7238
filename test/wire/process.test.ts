/** The program itself: signals, restarts, and what a client cannot do to its memory. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { Client, loggedIn, textIn } from '../support/client.ts';
import { type Program, startProgram } from '../support/program.ts';

const PASSWORD = 'a secret for tests';
const MEBI = 1024 * 1024;
const Status = z.object({ value: z.object({ memoryBytes: z.number(), pid: z.int() }) });

let program: Program;
let clients: Client[] = [];
beforeEach(async () => {
  program = await startProgram({ limits: { sendQueueBytes: '64KiB', stanzaBytes: '1MiB' } });
  await program.addAccount('juliet', PASSWORD);
  await program.addAccount('romeo', PASSWORD);
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

async function inClear(): Promise<Client> {
  const client = await Client.connect({ port: program.ports.c2s });
  clients.push(client);
  await client.open();
  return client;
}

async function status() {
  const { stdout } = await program.ctl(['status', '--json']);
  return Status.parse(JSON.parse(stdout)).value;
}
const memory = async () => (await status()).memoryBytes;
const pid = async () => (await status()).pid;

/** The database in other hands, to lock it so that the server's writes have to wait. */
const otherHand = () => new Database(join(program.folder, 'data/rtcd.sqlite'));

describe('SIGTERM', () => {
  test('§4.9.3.20 system-shutdown for everybody, status 0, within seconds', async () => {
    const everybody = [
      await bound('juliet', 'hall'),
      await bound('romeo', 'street'),
      await inClear(),
    ];
    const deaf = await bound('romeo', 'deaf');
    deaf.read(false); // never closes on its side
    const begun = performance.now();
    const ended = program.stop();
    for (const client of everybody) {
      const [error] = (await client.rest()).slice(-1);
      expect(String(error)).toContain('<system-shutdown ');
      await client.closed();
      expect(client.text).toMatch(/<\/stream:error><\/stream:stream>$/);
    }
    expect(await ended).toBe(0);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  test('a message that waits for somebody is there after a restart, once', async () => {
    const juliet = await bound('juliet', 'hall');
    juliet.send("<message type='chat' to='romeo@localhost'><body>later</body></message>");
    await juliet.ping();
    await program.restart();
    const romeo = await bound('romeo', 'street');
    romeo.send('<presence/>');
    const message = await romeo.seek(({ name }) => name === 'message');
    expect(message.attrs.from).toBe('juliet@localhost/hall');
    expect(textIn(message)).toContain('later');
    expect(String(message)).toContain('<delay xmlns="urn:xmpp:delay"');
    romeo.send('</stream:stream>');
    await romeo.closed();
    const again = await bound('romeo', 'street');
    again.send('<presence/>');
    const heard = await again.seek(({ name }) => name === 'presence');
    expect(heard.name).toBe('presence');
    await again.ping(); // fails if a message comes first
  });
});

describe('rtcctl in a pipe', () => {
  test('a large file comes by standard input, and all goes to standard output, also when the server is down', async () => {
    const users = Array.from({ length: 40 }, (_, index) => {
      const note = 'x'.repeat(60_000);
      return `<user name='user${index}'><vCard xmlns='vcard-temp'><NOTE>${note}</NOTE></vCard></user>`;
    });
    const file = `<server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'>${users.join('')}</host></server-data>`;
    const imported = await program.ctl(['import', '-', '--json'], file);
    expect(JSON.parse(imported.stdout)).toMatchObject({ value: { accounts: { made: 40 } } });
    const exported = await program.ctl(['export', '-']);
    expect(exported.stderr).toMatch(/^42 accounts, \d+ bytes\n$/);
    expect(exported.stdout).toMatch(/^<\?xml[\s\S]*<\/server-data>\n$/);
    expect(exported.stdout.match(/x{60000}/g)).toHaveLength(40);
    await program.kill();
    expect(await program.ctl(['export', '-'])).toEqual(exported);
    const again = await program.ctl(['import', '-', '--json'], exported.stdout);
    expect(JSON.parse(again.stdout)).toMatchObject({ value: { accounts: { passedOver: 42 } } });
    await program.restart();
  });
});

describe('§4.4 the closing tag', () => {
  test('comes only when what was sent before is kept for good', async () => {
    const juliet = await bound('juliet', 'hall');
    const other = await bound('juliet', 'balcony');
    const database = otherHand();
    try {
      database.exec('BEGIN IMMEDIATE');
      juliet.send(
        "<message type='chat' to='romeo@localhost'><body>sure</body></message></stream:stream>",
      );
      await memory(); // time goes by, and the server is well
      await other.ping();
      expect(juliet.isClosed).toBe(false);
      expect(juliet.text).not.toMatch(/<\/stream:stream>$/);
    } finally {
      database.exec('ROLLBACK');
      database.close();
    }
    await juliet.closed();
    expect(juliet.text).toMatch(/<\/stream:stream>$/);
    const romeo = await bound('romeo', 'street');
    romeo.send('<presence/>');
    expect(textIn(await romeo.seek(({ name }) => name === 'message'))).toContain('sure');
  });
});

describe('memory', () => {
  test('does not grow with what a slow reader does not read', async () => {
    const juliet = await bound('juliet', 'hall');
    const slow = await bound('romeo', 'slow');
    slow.read(false);
    const headline = `<message type='headline' to='romeo@localhost/slow'><body>${'x'.repeat(500_000)}</body></message>`;
    const flood = async (bytes: number) => {
      for (let sent = 0; sent < bytes; sent += headline.length) await juliet.sent(headline);
      await juliet.ping();
    };
    await flood(32 * MEBI); // the slow one is cut off by now, and the heap has its size
    const before = await memory();
    await flood(256 * MEBI);
    expect((await memory()) - before).toBeLessThan(96 * MEBI);
  });

  test('does not grow with what a fast sender sends while the database waits', async () => {
    const juliet = await bound('juliet', 'hall');
    const database = otherHand();
    const photo = 'x'.repeat(200_000);
    const many = 150;
    try {
      database.exec('BEGIN IMMEDIATE');
      const cards = Array.from(
        { length: many },
        (_, n) =>
          `<iq type='set' id='${n}'><vCard xmlns='vcard-temp'><NOTE>${photo}</NOTE></vCard></iq>`,
      ).join('');
      juliet.send(cards);
      // What the server does not take, the sender still has, but for the buffers of the system.
      let last = -1;
      await expect
        .poll(
          () => {
            const isSettled = juliet.unsent === last;
            last = juliet.unsent;
            return isSettled;
          },
          { interval: 200, timeout: 4000 },
        )
        .toBe(true);
      expect(juliet.unsent).toBeGreaterThan(cards.length / 2);
    } finally {
      database.exec('ROLLBACK');
      database.close();
    }
    for (let n = 0; n < many; n += 1)
      expect((await juliet.next()).attrs).toMatchObject({ type: 'result', id: String(n) });
  });
});

describe('SIGHUP', () => {
  test('a config with faults stays out, and the log says which', async () => {
    await writeFile(join(program.folder, 'conf.d', 'falcot.com.yaml'), 'virtualHst: falcot.com\n');
    program.signal('SIGHUP');
    await expect
      .poll(program.log, { timeout: 15_000 })
      .toMatch(
        /"level":50,.*falcot\.com\.yaml:1:1 virtualHst: is not a known key.*the config was not taken/,
      );
    await (await bound('juliet', 'hall')).ping();
  });

  test('takes the config anew, and nobody is dropped', async () => {
    const juliet = await bound('juliet', 'hall');
    const file = join(program.folder, 'conf.d', 'falcot.com.yaml');
    await writeFile(file, 'virtualHost: falcot.com\n');
    process.kill(await pid(), 'SIGHUP');
    await vi.waitFor(async () => {
      const { stdout } = await program.ctl(['host', 'list', '--json']);
      expect(stdout).toContain('falcot.com');
    }, 15_000);
    await juliet.ping();
  });
});
