/** The first bytes of a connection, looked at before it is known who is to have it. */
import type { Socket } from 'node:net';
import type { Clock } from './clock.ts';

/** What was found in the first bytes: `skip` of them are not for whoever has the connection next. */
export interface Found<T> {
  readonly value: T;
  readonly skip?: number;
}

/** How a connection is looked at. */
export interface PeekOptions<T> {
  readonly clock: Clock;
  /** Within so many ms it must be known. */
  readonly withinMs: number;
  /** And within so many bytes. */
  readonly most: number;
  /** Judges what came so far: `more` is needed, or it is nothing (undefined). */
  judge(bytes: Buffer): Found<T> | 'more' | undefined;
}

/**
 * Reads until it is known what comes, and puts it back. Resolves to what was found, with the socket paused:
 * whoever has it next resumes it. Resolves to undefined if it is nothing, takes too long or too much, or the
 * other side is gone; the socket is destroyed then.
 */
export function peek<T>(socket: Socket, options: PeekOptions<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    let seen: Buffer = Buffer.alloc(0);
    const timer = options.clock.after(options.withinMs, () => settle(undefined));
    const settle = (found: Found<T> | undefined) => {
      timer.cancel();
      socket.off('data', onData);
      socket.off('end', onEnd);
      socket.off('close', onEnd);
      if (found === undefined) {
        socket.destroy();
        resolve(undefined);
        return;
      }
      socket.pause();
      const rest = seen.subarray(found.skip ?? 0);
      if (rest.length > 0) socket.unshift(rest);
      resolve(found.value);
    };
    const onData = (chunk: Buffer) => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const found = options.judge(seen);
      if (found !== 'more') settle(found);
      else if (seen.length >= options.most) settle(undefined);
    };
    const onEnd = () => settle(undefined);
    socket.on('data', onData);
    socket.resume(); // who looked before may have paused it
    socket.once('end', onEnd);
    socket.once('close', onEnd);
    socket.on('error', () => {}); // it is followed by `close`
  });
}
