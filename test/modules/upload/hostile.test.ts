/** Upload, attacked: by names, lengths, types, races, theft, and patience. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Query, statementOf } from '../../../src/store/query.ts';
import { childOf } from '../../../src/xml/element.ts';
import { within } from '../../support/client.ts';
import { NS, type Stage, setStage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await setStage();
});
afterEach(() => stage.stop());

/** What a server says on a connection until it closes it. */
const heard = async (socket: Awaited<ReturnType<Stage['raw']>>) => {
  let text = '';
  socket.on('data', (part) => (text += part));
  await closed(socket);
  return text;
};
const closed = (socket: Awaited<ReturnType<Stage['raw']>>) =>
  within(
    new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      if (socket.destroyed) resolve();
    }),
    'the end',
  );
const head = (path: string, ...lines: readonly string[]) => {
  const usual = [`PUT ${path} HTTP/1.1`, 'Host: montague.tld', 'Connection: close'];
  return `${[...usual, ...lines].join('\r\n')}\r\n\r\n`;
};

describe('names', () => {
  test.each([
    ['..', 'file'],
    ['...', 'file'],
    ['../../../etc/passwd', '.._.._.._etc_passwd'],
    ['..\\..\\boot.ini', '.._.._boot.ini'],
    ['a&#x9;b&#xA;c&#xD;d.txt', 'a_b_c_d.txt'],
    ['/', '_'],
    [`${'x'.repeat(4000)}.tar.gz`, `${'x'.repeat(147)}.gz`],
    ['ё'.repeat(4000), 'ё'.repeat(150)],
    ['\u202egpj.exe', '_gpj.exe'],
    ['👩‍🚀 и 日本.png', '👩‍🚀 и 日本.png'],
    ['e\u0301.txt', '\u00e9.txt'],
    ['%2e%2e%2f%00.html', '%2e%2e%2f%00.html'],
    ['a&quot;; filename=&quot;b.exe', 'a"; filename="b.exe'],
    ['CON', 'CON'],
  ])('%s is told apart from where the file is', async (raw, name) => {
    const { put, get } = await stage.slot(raw, 1);
    expect(put.split('/')).toHaveLength(4);
    expect(decodeURIComponent(put.split('/').at(-1) ?? '')).toBe(name);
    expect((await stage.put(put, 'x')).status).toBe(201);
    const { status, headers } = await stage.get(get);
    expect(status).toBe(200);
    const shown = String(headers['content-disposition']);
    expect(shown).toMatch(/^attachment; filename="[\w.\- ]+"; filename\*=UTF-8''[\w.~%-]+$/);
    expect(decodeURIComponent(shown.split("''")[1] ?? '')).toBe(name);
    expect(await stage.files()).toEqual([expect.stringMatching(/^[\w-]{2}\/[\w-]{32}$/)]);
  });

  test('a NUL is no XML, and in a path it leads nowhere', async () => {
    const { put, get } = await stage.slot('a', 1);
    await stage.put(put, 'x');
    for (const end of ['%00', 'a%00', '..%2f..%2fa', '..', '%2e%2e', 'b', 'A', '%ff', '%'])
      expect((await stage.get(get.replace(/a$/, end))).status).toBe(404);
    const [, , id = ''] = get.split('/');
    for (const path of [
      '/upload/',
      `/upload/${id}`,
      `/upload/${id}/`,
      '/upload//a',
      '/upload/../a',
    ])
      expect((await stage.get(path)).status).toBe(404);
    expect((await stage.get(get)).status).toBe(200);
  });
});

describe('lengths', () => {
  test('§7 more or fewer bytes than the slot is for are refused before any is read', async () => {
    const { put } = await stage.slot('a', 1000);
    expect((await stage.put(put, 'x'.repeat(1001))).status).toBe(413);
    expect((await stage.put(put, 'x'.repeat(999))).status).toBe(400);
    expect((await stage.put(put, '', { 'content-length': '0' })).status).toBe(400);
    expect((await stage.put(put, 'x'.repeat(1000))).status).toBe(201);
  });

  test('a claim of 10 GB ends at once', async () => {
    const { put } = await stage.slot('a', 10);
    const socket = await stage.raw();
    socket.write(head(put, 'Content-Length: 10737418240'));
    expect(await heard(socket)).toMatch(/^HTTP\/1.1 413 /);
    expect(await stage.files()).toEqual([]);
  });

  test.each([
    ['chunked', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n', /^HTTP\/1.1 411 /],
    ['no length', [], '', /^HTTP\/1.1 411 /],
    ['both', ['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n', /^HTTP\/1.1 400 /],
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6'], 'hello', /^HTTP\/1.1 400 /],
    ['a sum', ['Content-Length: 4+1'], 'hello', /^HTTP\/1.1 400 /],
  ])('%s', async (_, lines, body, expected) => {
    const { put } = await stage.slot('a', 5);
    const socket = await stage.raw();
    socket.write(head(put, ...lines) + body);
    expect(await heard(socket)).toMatch(expected);
    expect(await stage.files()).toEqual([]);
  });

  test('what comes after the last byte is another request', async () => {
    const { put, get } = await stage.slot('a', 5);
    const socket = await stage.raw();
    const first = head(put, 'Content-Length: 5').replace('Connection: close\r\n', '');
    socket.write(`${first}helloGET ${get} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(await heard(socket)).toMatch(/^HTTP\/1.1 201 [\s\S]*\nHTTP\/1.1 (?:200|404) /);
  });

  test('a file that breaks off leaves nothing, and the slot is spent', async () => {
    const { put, get } = await stage.slot('a', 100_000);
    const socket = await stage.raw();
    socket.write(head(put, 'Content-Length: 100000') + 'x'.repeat(5000));
    await expect.poll(() => stage.files()).toHaveLength(1);
    expect((await stage.get(get)).status).toBe(404);
    socket.destroy();
    await expect.poll(() => stage.files()).toEqual([]);
    await expect.poll(async () => (await stage.put(put, 'x'.repeat(100_000))).status).toBe(404);
  });
});

describe('slots', () => {
  test('parallel PUTs: one is taken', async () => {
    const { put, get } = await stage.slot('a', 50_000);
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((letter) =>
        stage.put(put, letter.repeat(50_000)).then(
          ({ status }) => status,
          () => 'closed',
        ),
      ),
    );
    expect(answers.filter((status) => status === 201)).toHaveLength(1);
    expect(new Set((await stage.get(get)).body).size).toBe(1);
    expect(await stage.files()).toHaveLength(1);
  });

  test('none is used twice, and nothing that is here is replaced', async () => {
    const { put, get } = await stage.slot('a', 1);
    await stage.put(put, 'x');
    expect((await stage.put(put, 'y')).status).toBe(404);
    expect((await stage.put(get, 'y')).status).toBe(404);
    expect((await stage.get(get)).body.toString()).toBe('x');
    expect((await stage.get(put)).status).toBe(404);
  });

  test('who knows where a file will be got cannot put it, nor under another name', async () => {
    const { put, get } = await stage.slot('a', 1);
    expect((await stage.put(get, 'x')).status).toBe(404);
    expect((await stage.put(put.replace(/a$/, 'evil.html'), 'x')).status).toBe(404);
    expect((await stage.put(put.replace(/.\/a$/, '_/a'), 'x')).status).toBe(404);
    for (const method of ['POST', 'DELETE', 'PATCH'])
      expect((await stage.get(put, {}, method)).status).toBe(404);
    expect((await stage.put(put, 'x')).status).toBe(201);
  });

  test('§8 after five minutes one is over; an upload that began goes on', async () => {
    const { put } = await stage.slot('a', 1);
    const late = await stage.slot('b', 10);
    const socket = await stage.raw();
    socket.write(`${head(late.put, 'Content-Length: 10')}01234`);
    await expect.poll(() => stage.files()).toHaveLength(1);
    for (let step = 0; step < 13; step += 1) stage.scene.clock.advance(2000);
    socket.write('56789');
    expect(await heard(socket)).toMatch(/^HTTP\/1.1 201 /);
    stage.scene.clock.advance(300_000);
    expect((await stage.put(put, 'x')).status).toBe(404);
  });
});

describe('patience', () => {
  test('a body that stops coming is let go', async () => {
    const { put } = await stage.slot('a', 100);
    const socket = await stage.raw();
    socket.write(`${head(put, 'Content-Length: 100')}some`);
    await expect.poll(() => stage.files()).toHaveLength(1);
    stage.scene.clock.advance(30_000);
    await heard(socket);
    await expect.poll(() => stage.files()).toEqual([]);
  });

  test('one that comes byte by byte has its time, too', async () => {
    const { put } = await stage.slot('a', 100);
    const socket = await stage.raw();
    socket.write(head(put, 'Content-Length: 100'));
    await expect.poll(() => stage.files()).toHaveLength(1);
    const end = heard(socket);
    while (!socket.destroyed) {
      socket.write('x');
      stage.scene.clock.advance(10_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await end;
    await expect.poll(() => stage.files()).toEqual([]);
  });

  test('a reader that takes nothing is let go', async () => {
    const path = await stage.store('a', Buffer.alloc(30 * 1024 * 1024));
    const socket = await stage.raw();
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await expect.poll(() => stage.sent()).toBeGreaterThan(0);
    stage.scene.clock.advance(60_000);
    let came = 0;
    socket.on('data', (part) => (came += part.length));
    socket.resume();
    await closed(socket);
    expect(came).toBeLessThan(30 * 1024 * 1024);
  });
});

describe('§9.1 what is in a file does nothing', () => {
  test.each([
    ['evil.html', 'text/html'],
    ['evil.svg', 'image/svg+xml'],
    ['evil.xhtml', 'application/xhtml+xml'],
    ['evil.xml', 'text/xml'],
    ['evil.js', 'text/javascript'],
    ['evil.pdf', 'application/pdf'],
    ['evil.html', 'TEXT/HTML; charset=utf-8'],
    ['evil.png', 'application/x-unknown'],
  ])('%s as %s is saved, not shown', async (name, type) => {
    const path = await stage.store(name, '<script>alert(1)</script>', type);
    const { headers } = await stage.get(path);
    expect(headers).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(headers['content-disposition']).toMatch(/^attachment; /);
    expect(headers['set-cookie']).toBeUndefined();
  });

  test.each(['image/png', 'image/jpeg', 'video/mp4', 'audio/ogg', 'text/plain'])(
    '%s may be shown, under the same policy',
    async (type) => {
      const { headers } = await stage.get(await stage.store('a', 'x', type));
      expect(headers['content-disposition']).toMatch(/^inline; /);
      expect(headers['content-security-policy']).toContain('sandbox');
    },
  );
});

describe('accounts', () => {
  test('files go with their account, also one that is on its way', async () => {
    const path = await stage.store('a', 'x');
    const { put } = await stage.slot('b', 1);
    const late = await stage.slot('c', 2);
    const socket = await stage.raw();
    socket.write(`${head(late.put, 'Content-Length: 2')}x`);
    await expect.poll(() => stage.files()).toHaveLength(2);
    const { registry } = stage.scene;
    await registry.removeAccount(stage.romeo.session.account, 'gone');
    socket.write('x');
    expect(await heard(socket)).toMatch(/^HTTP\/1.1 404 /);
    expect((await stage.get(path)).status).toBe(404);
    expect((await stage.put(put, 'x')).status).toBe(404);
    expect(await stage.files()).toEqual([]);
  });

  test('slots of others outlive one', async () => {
    const { accounts, registry, connect } = stage.scene;
    const mercutio = await connect('mercutio@montague.tld/square');
    await accounts.create(mercutio.session.account, 'secret');
    const granted = await stage.ask("filename='a' size='1'", '', mercutio);
    const put = childOf(childOf(granted, 'slot', NS) ?? granted, 'put', NS)?.attrs['url'] ?? '';
    await registry.removeAccount(stage.romeo.session.account, 'gone');
    expect((await stage.put(new URL(put).pathname, 'x')).status).toBe(201);
  });

  test('nothing of a file stays that is noted when its account has just gone', async () => {
    const { put } = await stage.slot('a', 1);
    const { registry, store } = stage.scene;
    const write = store.write.bind(store);
    Object.assign(store, {
      async write(...queries: readonly Query[]) {
        const isNote = queries.some((query) => statementOf(query).sql.startsWith(NOTE));
        if (isNote) await registry.removeAccount(stage.romeo.session.account, 'gone');
        return write(...queries);
      },
    });
    expect((await stage.put(put, 'x')).status).toBe(404);
    expect(await stage.files()).toEqual([]);
    const db = store.tables<{ upload_files: { id: string } }>();
    expect(await store.read(db.selectFrom('upload_files').select('id'))).toEqual([]);
  });
});

const NOTE = 'insert into "upload_files"';
