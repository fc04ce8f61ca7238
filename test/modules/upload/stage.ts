/** An upload service at work: a scene, its HTTP server on loopback, a folder. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createHttpServer } from '../../../src/http/server.ts';
import { systemClock } from '../../../src/kit/clock.ts';
import { createLog } from '../../../src/kit/log.ts';
import { disco } from '../../../src/modules/disco/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { upload } from '../../../src/modules/upload/index.ts';
import { childOf, type Element } from '../../../src/xml/element.ts';
import { domainNamed } from '../../operations/support.ts';
import { type Actor, type Scene, startScene } from '../../support/scene.ts';

/** The service of XEP-0363's examples. */
export const SERVICE = 'upload.montague.tld';

/** The namespace of requests. */
export const NS = 'urn:xmpp:http:upload:0';

/** Where a file is put and got, as paths of the server. */
export interface Granted {
  readonly put: string;
  readonly get: string;
}

/** What came back over HTTP. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** An upload service at work. */
export interface Stage {
  readonly scene: Scene;
  readonly romeo: Actor;
  readonly port: number;
  /** Asks for a slot; answers the whole stanza. */
  ask(attrs: string, inner?: string, actor?: Actor): Promise<Element>;
  /** Gets a slot. */
  slot(name: string, size: number, type?: string, inner?: string): Promise<Granted>;
  put(path: string, body: Buffer | string, headers?: Record<string, string>): Promise<Answer>;
  get(path: string, headers?: Record<string, string>, method?: string): Promise<Answer>;
  /** Uploads a file; answers where it is got. */
  store(name: string, body: Buffer | string, type?: string, inner?: string): Promise<string>;
  /** A connection on which bytes are written as they are. */
  raw(): Promise<Socket>;
  /** The files on the disk, by the ends of their paths. */
  files(): Promise<string[]>;
  /** The whole path of one of them. */
  pathOf(file: string): string;
  /** How many bytes of files went out. */
  sent(): Promise<number>;
  stop(): Promise<void>;
}

/** Sets the stage. */
export async function setStage(
  settings: Readonly<Record<string, unknown>> | false = {},
): Promise<Stage> {
  const data = await mkdtemp(join(tmpdir(), 'rtcd-upload-'));
  const scene = await startScene({
    modules: [roster, disco, upload],
    // All hosts of a scene are configured alike; the service is that of the last one.
    accounts: ['juliet@capulet.tld', 'romeo@montague.tld'],
    settings: { upload: settings },
    host: { components: { [domainNamed(SERVICE)]: { type: 'upload', name: 'HTTP File Upload' } } },
    data,
  });
  const log = createLog({ level: 'silent' }).area('http');
  const http = createHttpServer({ log, clock: systemClock });
  for (const { app, ownBodies } of scene.registry.web) http.mount('/', app, ownBodies);
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 });
  const romeo = await scene.connect('romeo@montague.tld/garden');

  const send = (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: Buffer | string,
  ) =>
    new Promise<Answer>((resolve, reject) => {
      const asked = request({ port, method, path, headers, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 0, headers: told } = response;
          resolve({ status, headers: told, body: Buffer.concat(parts) });
        });
      });
      asked.on('error', reject);
      asked.end(body);
    });
  const ask: Stage['ask'] = (attrs, inner = '', actor = romeo) =>
    actor.ask('get', `<request xmlns='${NS}' ${attrs}>${inner}</request>`, SERVICE);
  const pathOf = (slot: Element | undefined, name: string) => {
    const url = slot === undefined ? undefined : childOf(slot, name, NS)?.attrs['url'];
    if (url === undefined) expect.fail(`no ${name}`);
    expect(url).toMatch(/^https:\/\/montague\.tld:5281\/upload\/[\w-]{32}\//);
    return url.replace('https://montague.tld:5281', '');
  };
  const slot: Stage['slot'] = async (name, size, type, inner) => {
    const typed = type === undefined ? '' : ` content-type='${type}'`;
    const answer = await ask(`filename='${name}' size='${size}'${typed}`, inner);
    const element = childOf(answer, 'slot', NS);
    return { put: pathOf(element, 'put'), get: pathOf(element, 'get') };
  };
  const put: Stage['put'] = (path, body, headers = {}) =>
    send('PUT', path, { 'content-length': String(Buffer.byteLength(body)), ...headers }, body);
  return {
    scene,
    romeo,
    port,
    ask,
    slot,
    put,
    get: (path, headers = {}, method = 'GET') => send(method, path, headers),
    async store(name, body, type, inner) {
      const granted = await slot(name, Buffer.byteLength(body), type, inner);
      const answer = await put(granted.put, body);
      expect(answer.status, answer.body.toString()).toBe(201);
      return granted.get;
    },
    raw: () =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket));
        socket.on('error', () => {});
      }),
    async files() {
      const found = await readdir(join(data, 'uploads'), { recursive: true }).catch(() => []);
      return found.filter((path) => /[\w-]{32}$/.test(path));
    },
    async sent() {
      const found = /upload_bytes_total\{direction="out"\} (\d+)/.exec(await scene.metrics.text());
      return Number(found?.[1] ?? 0);
    },
    pathOf: (file) => join(data, 'uploads', file),
    async stop() {
      await http.close(0);
      await scene.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}
