/** slixmpp uploads a file (XEP-0363); the server is killed in the middle of another one. */
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { describeWith } from '../support/peers.ts';
import { DOMAIN, LOOPBACK, type Program, startProgram } from '../support/program.ts';
import { type Client, type People, peopleOn } from './people.ts';

const SLOT = z.object({ put: z.string(), get: z.string() });
const LINE = 'Shall I hear more, or shall I speak at this? ☾\n';
const TEXT = LINE.repeat(2000);

describeWith(['slixmpp', 'aiohttp'], 'slixmpp uploads', () => {
  let program: Program;
  let people: People;
  let client: Client;
  beforeAll(async () => {
    program = await startProgram();
    people = peopleOn(program);
    client = people.slixmpp();
    await client.login(await people.person('romeo'), 'starttls');
  });
  afterAll(async () => {
    await people.leave();
    await program.stop();
  });

  /** A request to the server as it runs now, whatever port the address names. */
  const begin = async (url: string, options: RequestOptions = {}) => {
    const ca = await readFile(program.certificate);
    const { pathname: path } = new URL(url);
    const { https: port } = program.ports;
    const place = { host: LOOPBACK, port, path, servername: DOMAIN, ca, agent: false };
    const asked = request({ ...place, ...options });
    asked.on('error', () => {});
    return asked;
  };
  const get = async (url: string) => {
    const asked = await begin(url);
    asked.end();
    const [response] = await once(asked, 'response');
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part;
    return { status: response.statusCode, text };
  };
  const files = async () => {
    const found = await readdir(join(program.folder, 'data/uploads'), { recursive: true });
    return found.filter((path) => /[\w-]{32}$/.test(path));
  };

  test('a file that any browser gets, and kill -9 in the middle of another leaves nothing', async () => {
    const service = `upload.${DOMAIN}`;
    expect(await client.ask('items', { to: DOMAIN })).toContain(service);
    expect(await client.ask('info', { to: service })).toMatchObject({
      identities: [['store', 'file']],
      features: expect.arrayContaining(['urn:xmpp:http:upload:0']),
    });
    const url = z
      .string()
      .parse(
        await client.ask('upload', { service, name: 'balcony ☾.txt', text: LINE, times: 2000 }),
      );
    expect(url).toMatch(/^https:\/\/localhost:\d+\/upload\/[\w-]{32}\/balcony%20%E2%98%BE\.txt$/);
    expect(await get(url)).toEqual({ status: 200, text: TEXT });

    const slot = SLOT.parse(
      await client.ask('slot', { to: service, name: 'half.txt', size: 100_000 }),
    );
    const half = await begin(slot.put, { method: 'PUT', headers: { 'content-length': 100_000 } });
    half.write('x'.repeat(50_000));
    await expect.poll(files).toHaveLength(2);
    await program.kill();
    await program.restart();
    await expect.poll(files, { timeout: 20_000 }).toHaveLength(1);
    expect(await get(url)).toEqual({ status: 200, text: TEXT });
    expect((await get(slot.get)).status).toBe(404);
    const late = await begin(slot.put, { method: 'PUT', headers: { 'content-length': 100_000 } });
    late.end('x'.repeat(100_000));
    expect((await once(late, 'response'))[0].statusCode).toBe(404);
    expect((await program.ctl(['file', 'list'])).stdout).toContain('balcony ☾.txt');
  });
});
