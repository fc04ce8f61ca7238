/** XEP-0363 §7: a file comes by PUT. It is here for good, with its row, before 201 is said. */
import type { Readable } from 'node:stream';
import type { Context } from 'hono';
import type { HttpEnv } from '../../http/client.ts';
import type { Folder } from './folder.ts';
import { watchTransfer } from './guard.ts';
import { essenceOf } from './names.ts';
import { isMediaType } from './payloads.ts';
import type { Slot } from './slots.ts';
import { dayOf, type TermsOptions } from './terms.ts';

/** A line that says nothing for so long is dead, or held on purpose. */
const STALL_MS = 30_000;
/** What any upload has, and the slowest line that is waited for beyond that. */
const LEAST_MS = 60_000;
const SLOWEST_BYTES_PER_MS = 8;
const DEFAULT_TYPE = 'application/octet-stream';

/** What receiving works with. */
export interface ReceivingOptions extends TermsOptions {
  readonly folder: Folder;
}

type Status = 201 | 400 | 404 | 408 | 409 | 411 | 413 | 415 | 500 | 507;

/** Takes files. */
export interface Receiving {
  /** Handles PUT. */
  put(c: Context<HttpEnv>, token: string, name: string): Promise<Response>;
  /** Resolves when no upload is under way. */
  settled(): Promise<void>;
}

/** Makes what takes files. */
export function createReceiving(options: ReceivingOptions): Receiving {
  const { home, tables, slots, folder } = options;
  const { clock, log, metrics } = home;

  /** Why an upload cannot begin; undefined if it can. */
  const refusal = (slot: Slot, c: Context<HttpEnv>): readonly [Status, string] | undefined => {
    const length = c.req.header('content-length');
    if (c.req.header('transfer-encoding') !== undefined || length === undefined)
      return [411, 'The length has to be told beforehand.'];
    if (Number(length) !== slot.size)
      return [
        Number(length) > slot.size ? 413 : 400,
        `The slot is for a file of ${slot.size} bytes.`,
      ];
    const type = c.req.header('content-type');
    if (type !== undefined && !isMediaType(type)) return [400, 'That is no type of a file.'];
    if (type !== undefined && slot.type !== undefined && essenceOf(type) !== essenceOf(slot.type))
      return [415, `The slot is for a file of type ${slot.type}.`];
    return slot.isTaken ? [409, 'The upload has begun already.'] : undefined;
  };

  const receive = async (slot: Slot, c: Context<HttpEnv>): Promise<readonly [Status, string]> => {
    const type = slot.type ?? c.req.header('content-type') ?? DEFAULT_TYPE;
    const body = await takeBody(c.env.incoming, slot, options);
    if (body === 'timeout') return [408, 'The file came too slowly.'];
    if (body === 'broken') return [400, 'The file did not come whole.'];
    if (body === 'full') return [507, 'There is no room for the file.'];
    const now = clock.now();
    const { id, account, host, name, size, purpose, expires } = slot;
    await folder.place(id);
    const gone = async (): Promise<readonly [Status, string]> => {
      await tables.remove([id]);
      await folder.remove(id);
      return [404, 'The account was removed.'];
    };
    if (!slots.has(slot)) return gone();
    await tables.add(
      { id, account, host, name, type, size, purpose, stored: now, expires },
      dayOf(now),
    );
    if (!slots.has(slot)) return gone(); // nobody would ever remove the file
    metrics.uploadBytes.inc({ direction: 'in' }, size);
    log.info({ account, id, size, type }, 'a file was uploaded');
    return [201, 'The file is here.'];
  };

  const running = new Set<Promise<Response>>();
  const put: Receiving['put'] = async (c, token, name) => {
    const slot = slots.find(token);
    const isRight = slot !== undefined && slot.name === name && home.isEnabled(slot.host);
    if (!isRight) return answer(c, 404, 'There is no such slot, or its time is over.');
    const refused = refusal(slot, c);
    if (refused !== undefined) {
      metrics.uploads.inc({ outcome: 'refused' });
      return answer(c, ...refused);
    }
    slot.isTaken = true;
    try {
      const [status, text] = await receive(slot, c);
      metrics.uploads.inc({ outcome: status === 201 ? 'stored' : 'failed' });
      return answer(c, status, text);
    } catch (error) {
      log.error({ err: error, account: slot.account }, 'a file could not be stored');
      metrics.uploads.inc({ outcome: 'failed' });
      await folder.remove(slot.id).catch(() => {}); // what is left the sweeper finds
      return answer(c, 500, 'The server could not store the file.');
    } finally {
      slots.close(slot);
    }
  };
  return {
    put(c, token, name) {
      const upload = put(c, token, name);
      running.add(upload);
      return upload.finally(() => running.delete(upload));
    },
    async settled() {
      await Promise.allSettled(running);
    },
  };
}

/** A short answer; what is not read of a request that was refused is not waited for. */
function answer(c: Context, status: Status, text: string): Response {
  if (status !== 201) c.header('Connection', 'close');
  return c.text(`${text}\n`, status);
}

/** Writes a body to the disk; what did not come whole is removed again. */
async function takeBody(
  incoming: Readable,
  slot: Slot,
  { home, folder }: ReceivingOptions,
): Promise<'whole' | 'broken' | 'timeout' | 'full'> {
  const file = await folder.begin(slot.id);
  let isLate = false;
  const guard = watchTransfer(
    home.clock,
    { stallMs: STALL_MS, wholeMs: LEAST_MS + slot.size / SLOWEST_BYTES_PER_MS },
    () => {
      isLate = true;
      incoming.destroy();
    },
  );
  let isWhole = false;
  let came = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      guard.touch();
      came += chunk.length;
      await file.writeFile(chunk);
    }
    await file.sync();
    isWhole = came === slot.size;
    return isWhole ? 'whole' : 'broken';
  } catch (error) {
    if (isLate) return 'timeout';
    if (isCode(error, 'ENOSPC') || isCode(error, 'EDQUOT')) return 'full';
    if (isCode(error, 'ECONNRESET') || isCode(error, 'ERR_STREAM_PREMATURE_CLOSE')) return 'broken';
    throw error;
  } finally {
    guard.end();
    await file.close();
    if (!isWhole) await folder.remove(slot.id);
  }
}

const isCode = (error: unknown, code: string) =>
  error instanceof Error && 'code' in error && error.code === code;
