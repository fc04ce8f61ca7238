/**
 * XEP-0363: HTTP File Upload. A component of each host (config/components.ts) grants slots; files come
 * and go over HTTP, and are kept in the data folder beside the database.
 */
import { join } from 'node:path';
import { type Context, Hono } from 'hono';
import { defineModule, type Home } from '../../core/module.ts';
import type { HttpEnv } from '../../http/client.ts';
import { createDesk, UPLOAD_PATH } from './desk.ts';
import { createFolder } from './folder.ts';
import { fileOperations } from './operations.ts';
import { createReceiving } from './receiving.ts';
import { CORS, createServing } from './serving.ts';
import { type UploadSettings, uploadConfig } from './settings.ts';
import { createSlots } from './slots.ts';
import { startSweeper } from './sweeper.ts';
import { createFileTables, uploadMigrations } from './tables.ts';

/** The module. */
export const upload = defineModule<UploadSettings>({
  name: 'upload',
  specs: [{ xep: 363, version: '1.2.0', covers: 'complete', note: 'with all purposes' }],
  needs: ['disco'],
  config: uploadConfig,
  component: { type: 'upload', label: 'upload' },
  tables: uploadMigrations,
  setup(home: Home<UploadSettings>) {
    const tables = createFileTables(home.store);
    const folder = createFolder(() => join(home.server().data, 'uploads'));
    const slots = createSlots(home.clock);
    const sweeper = startSweeper({ home, tables, folder, slots });
    const receiving = createReceiving({ home, tables, slots, folder });
    const serve = createServing({ home, tables, folder });

    const app = new Hono<HttpEnv>();
    const path = `${UPLOAD_PATH}:id/:name` as const;
    const partsOf = (c: Context<HttpEnv, typeof path>) =>
      [c.req.param('id'), c.req.param('name')] as const;
    app.options(`${UPLOAD_PATH}*`, (c) => c.body(null, 204, CORS));
    app.use(`${UPLOAD_PATH}*`, async (c, next) => {
      await next();
      for (const [name, value] of Object.entries(CORS)) c.header(name, value);
      c.header('Cross-Origin-Resource-Policy', 'cross-origin');
    });
    app.put(path, (c) => receiving.put(c, ...partsOf(c)));
    app.get(path, (c) => serve(c, ...partsOf(c)));

    return {
      receive: createDesk({ home, tables, slots }),
      hooks: { accountRemoved: (account) => sweeper.removeAll(account) },
      operations: fileOperations({ home, tables, sweeper }),
      web: { app, ownBodies: UPLOAD_PATH },
      async stop() {
        await receiving.settled();
        await sweeper.stop();
      },
    };
  },
});
