/**
 * Where the lines of the log go. An output may fail, as a full disk does, and be well again; the server goes
 * on all the same, and neither waits for it nor ends.
 */
import { write, writeSync } from 'node:fs';
import { systemClock, type Timer } from './clock.ts';

/** An open output; both methods never throw. */
export interface LogOutput {
  write(line: string): void;
  /** Has out what waits, as far as the output takes it at once. */
  flushSync(): void;
}

/** How many bytes wait at most while the output takes nothing; lines beyond that are lost. */
const WAITING_MOST = 256 * 1024;
/** After how many ms a pipe is tried again whose reader is slow. */
const AGAIN_MS = 100;
/**
 * How long lines are gathered after others were written, unless there are many: each write is handed to
 * another thread, which costs more than a hundred lines (bench, `logins`).
 */
const GATHER_MS = 50;
const GATHER_MOST = 32 * 1024;

const NOTHING = Buffer.alloc(0);

/**
 * Opens a file descriptor for lines; what waits is written out when the process ends.
 * @param isSync whether a line is out when `write` returns
 */
export function openLogOutput(fd: number, isSync: boolean): LogOutput {
  /** What the output did not take, and what came behind it. */
  let left: Buffer = NOTHING;
  let lines = '';
  let isWriting = false;
  /** Set between two writes. */
  let pause: Timer | undefined;
  let isStuck = false;
  let isOpen = false;

  const take = () => {
    const all = left.length === 0 ? Buffer.from(lines) : Buffer.concat([left, Buffer.from(lines)]);
    left = NOTHING;
    lines = '';
    return all;
  };
  const size = () => left.length + lines.length;

  const putBack = (bytes: Buffer) => {
    if (bytes.length > 0) left = Buffer.concat([bytes, left]);
  };

  const rest = (ms: number) => {
    pause = systemClock.after(ms, () => {
      pause = undefined;
      if (size() > 0) next();
    });
  };

  const next = () => {
    const piece = take();
    isWriting = true;
    write(fd, piece, (error, taken) => {
      isWriting = false;
      isStuck = error?.code === 'EAGAIN';
      putBack(error === null ? piece.subarray(taken) : piece);
      if (error !== null && !isStuck) return; // the next line tries again
      if (!isStuck && size() > GATHER_MOST) next();
      else rest(isStuck ? AGAIN_MS : GATHER_MS);
    });
  };

  const flushSync = () => {
    const piece = take();
    let taken = 0;
    try {
      while (taken < piece.length) taken += writeSync(fd, piece, taken);
    } catch {
      // What it does not take waits for the next line.
    }
    putBack(piece.subarray(taken));
  };

  const flushSoon = () => {
    const mayWait = isStuck || size() <= GATHER_MOST;
    if (isWriting || (pause !== undefined && mayWait)) return;
    pause?.cancel();
    pause = undefined;
    next();
  };

  return {
    write(line) {
      if (size() >= WAITING_MOST) return;
      if (!isOpen) process.once('exit', flushSync);
      isOpen = true;
      lines += line;
      if (isSync) flushSync();
      else flushSoon();
    },
    flushSync,
  };
}
