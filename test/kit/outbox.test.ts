/** What is told of texts that wait for a socket. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Flusher, Outbox } from '../../src/kit/outbox.ts';
import { within } from '../support/client.ts';

describe('an outbox', () => {
  let ours: Socket;
  let theirs: Socket;
  let end: () => void;
  beforeEach(async () => {
    const server = createServer((socket) => {
      theirs = socket;
      socket.pause();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const at = server.address();
    ours = connect({ port: typeof at === 'object' ? (at?.port ?? 0) : 0, host: '127.0.0.1' });
    await Promise.all([once(ours, 'connect'), once(server, 'connection')]);
    end = () => {
      ours.destroy();
      theirs.destroy();
      server.close();
    };
  });
  afterEach(() => end());

  /** An outbox that tells when there is room again, whichever way it comes. */
  function outboxOf(limit: number) {
    let overflows = 0;
    let wake = () => {};
    const handlers = {
      overflow() {
        overflows += 1;
      },
      taken: () => wake(),
    };
    ours.on('drain', () => wake());
    const outbox = new Outbox(ours, new Flusher(), limit, handlers);
    const room = () =>
      within(
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
        'room',
      );
    return { outbox, room, overflows: () => overflows };
  }

  test('gathers what is written in one turn', async () => {
    const { outbox } = outboxOf(100);
    outbox.write('one ');
    outbox.write('two');
    expect(outbox.waiting).toBe(7);
    const [chunk] = await within(once(theirs.resume(), 'data'), 'the text');
    expect(String(chunk)).toBe('one two');
  });

  test('tells of room after much was taken at once, which is no drain of the socket', async () => {
    const { outbox, room } = outboxOf(10_000_000);
    const there = room();
    outbox.write('x'.repeat(300_000));
    await there;
    expect(outbox.waiting).toBe(0);
  });

  test('tells of room once a slow reader has read', async () => {
    const { outbox, room } = outboxOf(100_000_000);
    const there = room();
    outbox.write('x'.repeat(20_000_000));
    outbox.flush();
    expect(outbox.waiting).toBeGreaterThan(0);
    theirs.resume();
    await there;
    expect(outbox.waiting).toBe(0);
  });

  test('tells once that too much waits', () => {
    const { outbox, overflows } = outboxOf(10);
    outbox.write('x'.repeat(10));
    expect(overflows()).toBe(0);
    outbox.write('x');
    outbox.write('x');
    expect(overflows()).toBe(1);
  });

  describe('that spares the room of its socket', () => {
    const written: string[] = [];
    beforeEach(() => {
      written.length = 0;
      const write = ours.write.bind(ours) as (...all: unknown[]) => boolean;
      Object.assign(ours, {
        write(text: string, ...others: unknown[]) {
          written.push(text);
          return write(text, ...others);
        },
      });
    });

    /** What became of texts, each of a turn of its own. */
    function writesOf(...texts: string[]): string[] {
      const { outbox } = outboxOf(10_000_000);
      outbox.spare(4);
      for (const text of texts) {
        outbox.write(text);
        outbox.flush();
      }
      return written;
    }

    test('writes in two what does not fit', () => {
      expect(writesOf('1234', '12345', '12345678')).toEqual(['1234', '1234', '5', '1234', '5678']);
    });

    test('ends with what does not fit into two', () => {
      expect(writesOf('123456789', '12345')).toEqual(['123456789', '12345']);
    });

    test('ends when there was much', () => {
      expect(writesOf(...Array<string>(17).fill('12345')).slice(-3)).toEqual([
        '1234',
        '5',
        '12345',
      ]);
    });

    test('leaves a character of two units whole', () => {
      expect(writesOf('123\u{1f600}5')).toEqual(['123', '\u{1f600}5']);
    });

    test('tells of the whole once the second is taken', async () => {
      const gone: number[] = [];
      const told = new Promise<void>((resolve) => {
        const handlers = {
          overflow() {},
          taken() {},
          gone(position: number) {
            gone.push(position);
            resolve();
          },
        };
        const outbox = new Outbox(ours, new Flusher(), 100, handlers);
        outbox.spare(4);
        outbox.write('1234567');
      });
      await within(told, 'the end');
      expect(gone).toEqual([7]);
    });
  });
});
