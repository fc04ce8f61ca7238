/** A place in which rtcctl runs: a folder, streams, and a server on a unix socket if one is wanted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ExitCode } from '../../src/ctl/exit-codes.ts';
import { run } from '../../src/ctl/run.ts';

/** A stream that keeps what is written to it. */
export class Paper extends Writable {
  text = '';
  override _write(chunk: Buffer, _: string, done: () => void) {
    this.text += chunk.toString();
    this.emit('written');
    done();
  }

  /** Resolves when it holds a text. */
  async holds(part: string): Promise<void> {
    while (!this.text.includes(part)) await new Promise((resolve) => this.once('written', resolve));
  }
}

/** A keyboard with somebody at it. */
export class Keys extends PassThrough {
  readonly isTTY = true;
  isRaw = false;
  setRawMode(isRaw: boolean) {
    this.isRaw = isRaw;
  }
}

/** A request that the server received. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly input: unknown;
  /** The bytes that came along. */
  readonly source?: string;
}

/** How the server answers; nothing means that it never does. */
export type Answer = (asked: Asked, response: ServerResponse) => void;

/** What a run left behind. */
export interface Ran {
  readonly exit: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** A place. */
export interface Place {
  readonly folder: string;
  readonly socket: string;
  readonly asked: Asked[];
  /** Starts the server. */
  serve(answer: Answer): Promise<void>;
  /** Runs rtcctl; `stdin` is what is piped in, or a keyboard. */
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  stop(): Promise<void>;
}

/** How rtcctl is run. */
export interface RunOptions {
  readonly stdin?: string | Keys;
  readonly env?: Record<string, string | undefined>;
  readonly out?: Paper;
  readonly err?: Paper;
  readonly signal?: AbortSignal;
  readonly serverProgram?: string;
}

/** An answer with a value. */
export const says =
  (value: unknown): Answer =>
  (_, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ ok: true, value }));
  };

/** An answer with a failure. */
export const refuses =
  (why: string, reason: string): Answer =>
  (_, response) => {
    response.statusCode = 422;
    response.end(JSON.stringify({ ok: false, why, text: reason }));
  };

/** Makes a place. */
export async function makePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'ctl-'));
  const socket = join(folder, 'rtcctl.sock');
  const asked: Asked[] = [];
  let answer: Answer = () => {};
  const server = createServer((request: IncomingMessage, response) => {
    const { method = '', url = '' } = request;
    void text(request).then((body) => {
      const isSource = url.startsWith('/api/sources/');
      const input = isSource || body === '' ? undefined : JSON.parse(body);
      const each = { method, path: url, input, ...(isSource ? { source: body } : {}) };
      asked.push(each);
      answer(each, response);
    });
  });
  return {
    folder,
    socket,
    asked,
    async serve(how) {
      answer = how;
      if (!server.listening) await new Promise<void>((resolve) => server.listen(socket, resolve));
    },
    async run(argv, options = {}) {
      const { stdin = '', env = {}, serverProgram = join(folder, 'none.js') } = options;
      const out = options.out ?? new Paper();
      const err = options.err ?? new Paper();
      const piped = new PassThrough();
      if (typeof stdin === 'string') piped.end(stdin);
      const exit = await run({
        argv,
        env: { RTCD_SOCKET: socket, HOME: folder, ...env },
        cwd: folder,
        stdin: typeof stdin === 'string' ? piped : stdin,
        stdout: out,
        stderr: err,
        serverProgram,
        version: '9.8.7',
        signal: options.signal ?? new AbortController().signal,
      });
      return { exit, out: out.text, err: err.text };
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
