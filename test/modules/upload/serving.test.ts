/** Downloads whose client goes before there is anything to give. */
import { EventEmitter } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { Hono } from 'hono';
import { beforeEach, describe, expect, test } from 'vitest';
import type { HttpEnv } from '../../../src/http/client.ts';
import { systemClock } from '../../../src/kit/clock.ts';
import { createMetrics } from '../../../src/kit/metrics.ts';
import { createServing, type ServingOptions } from '../../../src/modules/upload/serving.ts';
import type { StoredFile } from '../../../src/modules/upload/tables.ts';
import { bare, domainNamed } from '../../operations/support.ts';

const ID = 'a'.repeat(32);
const FILE: StoredFile = {
  id: ID,
  account: bare('romeo@montague.tld'),
  host: domainNamed('montague.tld'),
  name: 'film.mp4',
  type: 'video/mp4',
  size: 1024 * 1024,
  purpose: 'message',
  stored: systemClock.now(),
  expires: undefined,
};

describe('a client that goes', () => {
  let open: number;
  let outgoing: EventEmitter;
  let go: { beforeLookUp?: boolean; beforeOpening?: boolean };
  beforeEach(() => {
    open = 0;
    outgoing = new EventEmitter();
    go = {};
  });

  const handle = {
    read: async (buffer: Buffer, _: number, length: number) => ({ bytesRead: length, buffer }),
    async close() {
      open = 0;
    },
  } as unknown as FileHandle;
  const ask = async () => {
    const options = {
      home: {
        clock: systemClock,
        metrics: createMetrics({ process: false }),
        isEnabled: () => true,
        configOf: () => ({ keepFor: 0 }),
      },
      tables: {
        async find() {
          if (go.beforeLookUp === true) outgoing.emit('close');
          return FILE;
        },
      },
      folder: {
        async open() {
          if (go.beforeOpening === true) outgoing.emit('close');
          open = 1;
          return handle;
        },
      },
    } as unknown as ServingOptions; // what serving reads of them
    const serve = createServing(options);
    const app = new Hono<HttpEnv>().get('/upload/:id/:name', (c) =>
      serve(c, c.req.param('id'), c.req.param('name')),
    );
    return app.request(`/upload/${ID}/film.mp4`, {}, { outgoing });
  };

  test.each([{ beforeLookUp: true }, { beforeOpening: true }])(
    'leaves no file open: %j',
    async (when) => {
      go = when;
      await ask();
      expect(open).toBe(0);
    },
  );

  test('leaves no file open where nobody has begun to send it', async () => {
    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(open).toBe(1);
    outgoing.emit('close');
    expect(open).toBe(0);
  });
});
