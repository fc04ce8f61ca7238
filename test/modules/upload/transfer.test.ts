/** XEP-0363 §7 to §9: files come by PUT, and go by GET. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readlink, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Stage, setStage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await setStage();
});
afterEach(() => stage.stop());

const FILE = randomBytes(200_000);

describe('§7 upload', () => {
  test('201 means that the file is there, byte for byte', async () => {
    const path = await stage.store('photo.jpg', FILE, 'image/jpeg');
    const { status, headers, body } = await stage.get(path);
    expect(status).toBe(200);
    expect(body.equals(FILE)).toBe(true);
    expect(headers).toMatchObject({
      'content-type': 'image/jpeg',
      'content-length': '200000',
      'accept-ranges': 'bytes',
    });
    expect(await stage.files()).toHaveLength(1);
  });

  test('the type of the request is the one, or else that of PUT, or else none in particular', async () => {
    const typed = await stage.slot('a', 1, 'image/png');
    await stage.put(typed.put, 'x');
    expect((await stage.get(typed.get)).headers['content-type']).toBe('image/png');
    const late = await stage.slot('b', 1);
    await stage.put(late.put, 'x', { 'content-type': 'audio/ogg' });
    expect((await stage.get(late.get)).headers['content-type']).toBe('audio/ogg');
    const path = await stage.store('c', 'x');
    expect((await stage.get(path)).headers['content-type']).toBe('application/octet-stream');
  });

  test('a type that does not match is refused, and parameters are no matter', async () => {
    const { put } = await stage.slot('a.txt', 1, 'text/plain');
    expect((await stage.put(put, 'x', { 'content-type': 'text/html' })).status).toBe(415);
    const fits = { 'content-type': 'Text/Plain; charset=utf-8' };
    expect((await stage.put(put, 'x', fits)).status).toBe(201);
  });

  test('a large file takes its way', async () => {
    const large = randomBytes(20 * 1024 * 1024);
    const path = await stage.store('film.webm', large, 'video/webm');
    expect((await stage.get(path)).body.equals(large)).toBe(true);
  });
});

describe('getting', () => {
  let path: string;
  beforeEach(async () => {
    path = await stage.store('photo.jpg', FILE, 'image/jpeg');
  });

  test('RFC 9110 §9.3.2 HEAD tells the same without the content', async () => {
    const { status, headers, body } = await stage.get(path, {}, 'HEAD');
    expect([status, headers['content-length'], body.length]).toEqual([200, '200000', 0]);
  });

  test('a file that cannot be read is closed again', async () => {
    const [name = ''] = await stage.files();
    const file = stage.pathOf(name);
    await rm(file);
    await mkdir(file);
    await stage.get(path).catch(() => {});
    const open = async () => {
      const all = await readdir('/proc/self/fd');
      const links = all.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
      return (await Promise.all(links)).filter((link) => link === file);
    };
    await expect.poll(open).toEqual([]);
  });

  test('RFC 9110 §14.2 of a range only GET knows', async () => {
    for (const range of ['bytes=0-9', 'bytes=200000-']) {
      const { status, headers } = await stage.get(path, { range }, 'HEAD');
      expect([status, headers['content-length']]).toEqual([200, '200000']);
    }
  });

  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=100-199', 100, 199],
    ['bytes=199999-', 199_999, 199_999],
    ['bytes=-500', 199_500, 199_999],
    ['bytes=-900000', 0, 199_999],
    ['bytes=5-9999999', 5, 199_999],
  ])('RFC 9110 §14 %s', async (range, start, end) => {
    const { status, headers, body } = await stage.get(path, { range });
    expect(status).toBe(206);
    expect(headers['content-range']).toBe(`bytes ${start}-${end}/200000`);
    expect(body.equals(FILE.subarray(start, end + 1))).toBe(true);
  });

  test.each(['bytes=200000-', 'bytes=-0'])('RFC 9110 §15.5.17 %s', async (range) => {
    const { status, headers } = await stage.get(path, { range });
    expect([status, headers['content-range']]).toEqual([416, 'bytes */200000']);
  });

  test.each(['bytes=9-1', 'bytes=0-1,5-6', 'lines=1-2', 'bytes=', 'bytes=a-b'])(
    'RFC 9110 §14.2 what is not understood is ignored: %s',
    async (range) => {
      expect((await stage.get(path, { range })).body).toHaveLength(200_000);
    },
  );

  test('RFC 9110 §13 what a browser has it does not get again', async () => {
    const { headers } = await stage.get(path);
    const tag = String(headers['etag']);
    expect(headers['cache-control']).toBe('public, max-age=7776000, immutable');
    expect((await stage.get(path, { 'if-none-match': tag })).status).toBe(304);
    expect((await stage.get(path, { 'if-none-match': '"other"' })).status).toBe(200);
    const range = 'bytes=0-9';
    expect((await stage.get(path, { range, 'if-range': tag })).status).toBe(206);
    expect((await stage.get(path, { range, 'if-range': '"other"' })).status).toBe(200);
  });

  test('§8 pages of other origins may put and get', async () => {
    for (const method of ['OPTIONS', 'GET']) {
      const { headers } = await stage.get(path, { origin: 'https://elsewhere.example' }, method);
      expect(headers['access-control-allow-origin']).toBe('*');
      expect(headers['access-control-allow-methods']).toBe('OPTIONS, HEAD, GET, PUT');
      expect(headers['access-control-allow-headers']).toContain('Content-Type');
      expect(headers['access-control-allow-credentials']).toBeUndefined();
    }
    expect((await stage.get(path)).headers['cross-origin-resource-policy']).toBe('cross-origin');
    const refused = await stage.put(path, 'x');
    expect(refused.headers['access-control-allow-origin']).toBe('*');
  });

  test('a file that is gone from the disk is not there', async () => {
    const [file = ''] = await stage.files();
    await rm(stage.pathOf(file));
    expect((await stage.get(path)).status).toBe(404);
  });
});
