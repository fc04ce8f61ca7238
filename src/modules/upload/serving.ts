/** Files are got by whoever knows their address (XEP-0363 §2), and nothing that is in them runs. */
import type { FileHandle } from 'node:fs/promises';
import type { Context } from 'hono';
import type { Home } from '../../core/module.ts';
import type { HttpEnv } from '../../http/client.ts';
import type { Folder } from './folder.ts';
import { watchTransfer } from './guard.ts';
import { disposition } from './names.ts';
import { type Range, rangeOf } from './ranges.ts';
import type { UploadSettings } from './settings.ts';
import type { FileTables, StoredFile } from './tables.ts';
import { endOf } from './terms.ts';

const CHUNK_BYTES = 64 * 1024;
/** A reader that takes nothing for so long is gone. */
const STALL_MS = 60_000;
const MOST_CACHED_S = 31_536_000;

/** §8: pages of other origins may put and get, without cookies. */
export const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'OPTIONS, HEAD, GET, PUT',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, Range',
  'Access-Control-Max-Age': '7200',
} as const;

/** §9.1: nothing in a file is executed or loads anything, nor is it framed. */
const POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox";

/** What serving works with. */
export interface ServingOptions {
  readonly home: Home<UploadSettings>;
  readonly tables: FileTables;
  readonly folder: Folder;
}

/** Handles GET and HEAD. */
export function createServing({ home, tables, folder }: ServingOptions) {
  const { clock, log, metrics } = home;
  return async (c: Context<HttpEnv>, id: string, name: string): Promise<Response> => {
    const { outgoing } = c.env;
    let isGone = false;
    let leave = () => {
      isGone = true;
    };
    outgoing.once('close', () => leave());
    const file = await tables.find(id);
    if (file === undefined || file.name !== name || !home.isEnabled(file.host)) return c.notFound();
    const end = endOf(file, home.configOf(file.host));
    if (end !== undefined && end <= clock.now()) return c.notFound(); // it is about to be swept
    const headers = headersOf(file, end, clock.now());
    const { ETag: tag } = headers;
    if (
      c.req
        .header('if-none-match')
        ?.split(/\s*,\s*/)
        .includes(tag) === true
    )
      return c.body(null, 304, headers);
    const unchanged = c.req.header('if-range');
    const isHead = c.req.method === 'HEAD';
    const range =
      !isHead && (unchanged === undefined || unchanged === tag)
        ? rangeOf(c.req.header('range'), file.size)
        : undefined;
    if (range === 'none')
      return c.body(null, 416, { ...headers, 'Content-Range': `bytes */${file.size}` });
    const part = range ?? { start: 0, end: file.size - 1 };
    const told = {
      ...headers,
      'Content-Length': String(part.end - part.start + 1),
      ...(range === undefined
        ? {}
        : { 'Content-Range': `bytes ${part.start}-${part.end}/${file.size}` }),
    };
    const status = range === undefined ? 200 : 206;
    if (isHead) return c.body(null, status, told);
    const handle = await folder.open(id);
    if (handle === undefined) {
      log.warn({ id, account: file.account }, 'a file is not where it was');
      return c.notFound();
    }
    if (isGone) {
      await handle.close();
      return c.body(null, 408); // nobody reads it
    }
    const guard = watchTransfer(clock, { stallMs: STALL_MS }, () => outgoing.destroy());
    // Who goes before his answer has begun has nobody cancel it.
    leave = () => {
      guard.end();
      handle.close().catch((error: unknown) => {
        log.warn({ err: error, id }, 'a file could not be closed');
      });
    };
    const body = bytesOf(handle, part, {
      moved(bytes) {
        guard.touch();
        metrics.uploadBytes.inc({ direction: 'out' }, bytes);
      },
      over: () => guard.end(),
    });
    return c.body(body, status, told);
  };
}

function headersOf(file: StoredFile, end: number | undefined, now: number) {
  const left = end === undefined ? MOST_CACHED_S : Math.floor((end - now) / 1000);
  return {
    ...CORS,
    'Content-Type': file.type,
    'Content-Disposition': disposition(file.name, file.type),
    'Content-Security-Policy': POLICY,
    'Cross-Origin-Resource-Policy': 'cross-origin',
    'Accept-Ranges': 'bytes',
    'Cache-Control': `public, max-age=${Math.min(MOST_CACHED_S, left)}, immutable`,
    // A file never changes.
    ETag: `"${file.id}"`,
    'Last-Modified': new Date(file.stored).toUTCString(),
  };
}

/** A part of a file, read as it is taken. */
function bytesOf(
  handle: FileHandle,
  { start, end }: Range,
  events: { moved(bytes: number): void; over(): void },
): ReadableStream<Uint8Array> {
  let at = start;
  const close = async () => {
    events.over();
    await handle.close();
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const length = Math.min(CHUNK_BYTES, end - at + 1);
      const reading = handle.read(Buffer.alloc(length), 0, length, at);
      const { bytesRead, buffer } = await reading.catch(async (error: unknown) => {
        await close();
        throw error;
      });
      if (bytesRead > 0) controller.enqueue(buffer.subarray(0, bytesRead));
      at += bytesRead;
      events.moved(bytesRead);
      if (at <= end && bytesRead > 0) return;
      await close();
      if (at > end) controller.close();
      else controller.error(new Error('the file is shorter than it was'));
    },
    cancel: close,
  });
}
