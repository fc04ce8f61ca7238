/**
 * Files that admins upload, to be looked at and imported: on the disk until that is done, one of each admin. What
 * becomes of one goes on while nobody looks, and its end is told for a while.
 */
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperationOutcome, Source } from '../core/operation.ts';
import { readForm } from '../http/multipart.ts';
import type { BareJid } from '../jid/jid.ts';
import type { Clock, Timer } from '../kit/clock.ts';
import { randomId } from '../kit/ids.ts';
import type { Logger } from '../kit/log.ts';

/** The most bytes of a file; larger ones are copied to the machine, and read there. */
export const MOST_BYTES = 2 ** 31;
/** For so long a file, or what became of it, is kept when nothing is done with it. */
export const KEPT_MS = 2 * 3_600_000;
/** Files of all admins together. */
const MOST_FILES = 4;
/** A line that says nothing for so long is dead. */
const STALL_MS = 30_000;
/** What any upload has, and the slowest line that is waited for beyond that. */
const LEAST_MS = 60_000;
const SLOWEST_BYTES_PER_MS = 8;
/** What a form may have besides the file. */
const MOST_AROUND = 8192;
const MOST_TOKEN = 256;
const MOST_NAME = 100;
const OWNER_ONLY = 0o600;

/** A file. */
export interface Upload {
  /** As the admin's machine calls it. */
  readonly name: string;
  readonly size: number;
  /** When it came, in ms since the epoch. */
  readonly at: number;
  /** What is being done with it, or was done last. */
  readonly work: Work;
}

/** How a file is to be taken in, or only looked at (`isDry`). */
export interface How {
  readonly isDry: boolean;
  readonly intoExisting: boolean;
  /** The only account that is meant; empty for all. */
  readonly jid: string;
}

/** What is done with a file. */
export interface Work extends How {
  /** How many of its bytes were read. */
  readonly read: number;
  /** Undefined while it goes on. */
  readonly outcome: OperationOutcome<unknown> | undefined;
}

/** Why a file was not taken. */
export type Unreceived = 'stale' | 'empty' | 'large' | 'full' | 'busy' | 'slow' | 'broken';

/** A form that is on its way. */
export interface Incoming {
  readonly body: ReadableStream<Uint8Array> | null;
  readonly boundary: string | undefined;
  /** Of the whole form; undefined where that was not told. */
  readonly length: number | undefined;
  /** Whether its token, which comes before the file, is right. */
  isOurs(token: string): boolean;
}

/** The files. */
export interface Uploads {
  /** Takes the file of a form, in the place of one that its admin had. */
  receive(by: BareJid, form: Incoming): Promise<Unreceived | undefined>;
  /** The file of an admin. */
  of(by: BareJid): Upload | undefined;
  /** Does something with it, unless there is none, or something is being done. Resolves at its end. */
  begin(
    by: BareJid,
    how: How,
    run: (source: Source) => Promise<OperationOutcome<unknown>>,
  ): Promise<void>;
  /** Forgets it; false while something is being done with it. */
  discard(by: BareJid): Promise<boolean>;
}

interface Entry extends Upload {
  readonly path: string;
  work: Work;
  timer: Timer | undefined;
}

/** Nothing was done yet. */
const IDLE: Work = {
  isDry: true,
  intoExisting: false,
  jid: '',
  read: 0,
  outcome: { ok: false, why: 'refused', text: 'It was not looked at yet.' },
};

/** Makes it, with an empty folder; rejects when that is not to be had. */
export async function createUploads(options: {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly closing?: AbortSignal | undefined;
}): Promise<Uploads> {
  const { folder, clock, log, closing } = options;
  await rm(folder, { recursive: true, force: true }); // what a crash has left
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const entries = new Map<BareJid, Entry>();
  /** Whose files are coming. */
  const coming = new Set<BareJid>();

  const remove = (path: string) =>
    rm(path, { force: true }).catch((error: unknown) =>
      log.warn({ err: error }, 'an uploaded file could not be removed'),
    );
  const forget = async (by: BareJid) => {
    const entry = entries.get(by);
    if (entry === undefined) return;
    entry.timer?.cancel();
    entries.delete(by);
    await remove(entry.path);
  };
  /** Forgets it when nothing is done with it for long. */
  const keepFor = (by: BareJid, entry: Entry) => {
    entry.timer?.cancel();
    entry.timer = clock.after(KEPT_MS, () => void forget(by));
  };
  const isRunning = (by: BareJid) => {
    const entry = entries.get(by);
    return entry !== undefined && entry.work.outcome === undefined;
  };

  const bytesOf = async function* (entry: Entry): AsyncGenerator<Buffer> {
    for await (const chunk of createReadStream(entry.path) as AsyncIterable<Buffer>) {
      if (closing?.aborted === true) throw new Error('the server ends');
      entry.work = { ...entry.work, read: entry.work.read + chunk.length };
      yield chunk;
    }
  };

  const hindrance = async (by: BareJid, { length = 0 }: Incoming) => {
    const others = [...entries.keys()].filter((each) => each !== by).length + coming.size;
    if (isRunning(by) || coming.has(by) || others >= MOST_FILES) return 'busy';
    if (length > MOST_BYTES + MOST_AROUND) return 'large';
    const { bavail, bsize } = await statfs(folder);
    // What is imported takes room, too.
    return bavail * bsize < 2 * length ? 'full' : undefined;
  };

  return {
    async receive(by, form) {
      const hindered = await hindrance(by, form);
      if (hindered !== undefined) return hindered;
      coming.add(by);
      const path = join(folder, randomId(16));
      const file = await open(path, 'wx', OWNER_ONLY);
      try {
        const taken = await take(form, { clock, write: (bytes) => file.writeFile(bytes) });
        if (typeof taken === 'string') return taken;
        await forget(by);
        const entry = { ...taken, path, at: clock.now(), work: IDLE, timer: undefined };
        entries.set(by, entry);
        keepFor(by, entry);
        return undefined;
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        if (code === 'ENOSPC' || code === 'EDQUOT') return 'full';
        if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') return 'broken';
        throw error;
      } finally {
        coming.delete(by);
        await file.close();
        if (entries.get(by)?.path !== path) await remove(path);
      }
    },
    of: (by) => entries.get(by),
    async begin(by, how, run) {
      const entry = entries.get(by);
      if (entry === undefined || isRunning(by) || isOver(entry)) return;
      entry.timer?.cancel();
      entry.work = { ...how, read: 0, outcome: undefined };
      const outcome = await run(bytesOf(entry));
      entry.work = { ...entry.work, outcome };
      keepFor(by, entry);
      if (isOver(entry)) await remove(entry.path);
    },
    async discard(by) {
      if (isRunning(by)) return false;
      await forget(by);
      return true;
    },
  };
}

/** Whether a file was imported, and is gone. */
export const isOver = ({ work }: Upload): boolean => !work.isDry && work.outcome?.ok === true;

/** Reads a form, whose token comes before its file, and writes the file. */
async function take(
  { body, boundary, isOurs }: Incoming,
  { clock, write }: { clock: Clock; write: (bytes: Buffer) => Promise<void> },
): Promise<{ readonly name: string; readonly size: number } | Unreceived> {
  if (body === null || boundary === undefined) return 'broken';
  const reader = body.getReader();
  let isLate = false;
  const since = clock.monotonic();
  const chunks = async function* () {
    for (let came = 0; ; ) {
      const longest = LEAST_MS + came / SLOWEST_BYTES_PER_MS - (clock.monotonic() - since);
      const timer = clock.after(Math.min(STALL_MS, Math.max(0, longest)), () => {
        isLate = true;
        void reader.cancel();
      });
      const next = await reader.read().finally(() => timer.cancel());
      if (next.done) return;
      came += next.value.length;
      yield next.value;
    }
  };
  let part = '';
  let token = '';
  let name: string | undefined;
  let size = 0;
  for await (const event of readForm(chunks(), boundary)) {
    if (event.kind === 'end') {
      if (!isOurs(token)) return 'stale';
      return name === undefined || size === 0 ? 'empty' : { name: name.slice(0, MOST_NAME), size };
    }
    if (event.kind === 'part') {
      part = event.name;
      if (part === 'file' && name !== undefined) return 'broken';
      if (part === 'file') name = event.filename ?? '';
      if (part === 'file' && !isOurs(token)) return 'stale';
    } else if (part === 'csrf') {
      token += event.bytes.toString('latin1');
      if (token.length > MOST_TOKEN) return 'stale';
    } else if (part === 'file') {
      size += event.bytes.length;
      if (size > MOST_BYTES) return 'large';
      await write(event.bytes);
    }
  }
  return isLate ? 'slow' : 'broken';
}
