/**
 * Where the lines of the log go. An output may fail, as a full disk does, and be well again; the server goes
 * on all the same, and neither waits for it nor ends.
 */
import { write, writeSync } from 'node:fs';
import { systemClock } from './clock.ts';

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
 * Opens a file descriptor for lines; what waits is written out when the process ends.
 * @param isSync whether a line is out when `write` returns
 */
export function openLogOutput(fd: number, isSync: boolean): LogOutput {
  let waiting: Buffer[] = [];
  let size = 0;
  let isWriting = false;
  let isOpen = false;

  const take = () => {
    const all = Buffer.concat(waiting);
    waiting = [];
    size = 0;
    return all;
  };
  const putBack = (bytes: Buffer) => {
    if (bytes.length > 0) waiting.unshift(bytes);
    size += bytes.length;
  };

  const next = () => {
    const piece = take();
    isWriting = piece.length > 0;
    if (!isWriting) return;
    write(fd, piece, (error, taken) => {
      putBack(error === null ? piece.subarray(taken) : piece);
      if (error === null) next();
      else if (error.code === 'EAGAIN') systemClock.after(AGAIN_MS, next);
      else isWriting = false; // the next line tries again
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

  return {
    write(line) {
      if (size >= WAITING_MOST) return;
      if (!isOpen) process.once('exit', flushSync);
      isOpen = true;
      waiting.push(Buffer.from(line));
      size += Buffer.byteLength(line);
      if (isSync) flushSync();
      else if (!isWriting) next();
    },
    flushSync,
  };
}
