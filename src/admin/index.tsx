/** The console and the API of the operations, and what monitoring asks: one app to mount at `/`. */
import { Hono } from 'hono';
import type { Accounts } from '../core/accounts.ts';
import type { Authority } from '../core/authority.ts';
import { failure, type Operations } from '../core/operation.ts';
import { addressList, type ClientOf, contains, type HttpEnv } from '../http/client.ts';
import { plainPage } from '../http/shell.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import { createApi } from './api.ts';
import { loadAssets } from './assets.ts';
import { type AdminEnv, actorOf, createDesk, type Desk } from './desk.tsx';
import { createGate, type Gate } from './gate.ts';
import { addAnnouncementPages } from './pages/announcements.tsx';
import { addArchivePages } from './pages/archive.tsx';
import { addAuditPage } from './pages/audit.tsx';
import { addCertificatePages } from './pages/certificates.tsx';
import { addDevicePages } from './pages/devices.tsx';
import { createEntry } from './pages/entry.tsx';
import { addFederationPages } from './pages/federation.tsx';
import { addFilePages } from './pages/files.tsx';
import { addGroupPages } from './pages/groups.tsx';
import { addHostPages } from './pages/hosts.tsx';
import { addInvitationPages } from './pages/invitations.tsx';
import { addLogPage } from './pages/log.tsx';
import { addNodePages } from './pages/nodes.tsx';
import { addOverviewPages } from './pages/overview.tsx';
import { addPortablePages, addUploadOf } from './pages/portable.tsx';
import { addPushPages } from './pages/push.tsx';
import { addReportPages } from './pages/reports.tsx';
import { addRolePages } from './pages/roles.tsx';
import { addRoomPages } from './pages/rooms.tsx';
import { addServerPages } from './pages/server.tsx';
import { addSessionPages } from './pages/sessions.tsx';
import { addTracePage } from './pages/trace.tsx';
import { addUserPages } from './pages/user.tsx';
import { addUsersPages } from './pages/users.tsx';
import { addWatchPage } from './pages/watch.tsx';
import type { Setup } from './setup.ts';
import { createDoor } from './sign-in.ts';
import { createUploads, type Uploads } from './uploads.ts';
import { createWebSessions } from './web-sessions.ts';

export { createApi, SOURCES_PATH } from './api.ts';
export { UPLOAD_PATH } from './pages/portable.tsx';
export { createSetup, type Setup } from './setup.ts';
export { createWelcome } from './welcome/index.tsx';

/** What {@link createAdmin} needs. */
export interface AdminOptions {
  readonly operations: Operations;
  readonly accounts: Accounts;
  readonly authority: Authority;
  readonly setup: Setup;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  readonly clientOf: ClientOf;
  /** The domains that are served now. */
  domains(): readonly string[];
  /** Whether the config has the console switched on now. */
  isConsoleOn(): boolean;
  /** The folder for what admins upload; its own, and emptied at the start. */
  readonly uploads: string;
  /** Addresses and networks that may read `/metrics`, besides this machine. */
  readonly metricsFrom?: readonly string[];
  /** Aborted when the server begins to stop. */
  readonly closing?: AbortSignal | undefined;
}

/** What pages may load and send: our own things only. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "connect-src 'self'",
].join('; ');

/**
 * Makes the app: the console under `/admin`, the API under `/api`, `/metrics`, `/healthz`, and `/`,
 * which leads to the console. Rejects when an asset is missing, or the folder for uploads cannot be emptied.
 */
export async function createAdmin(options: AdminOptions): Promise<Hono<HttpEnv>> {
  const { authority, clock, log, domains, operations, setup } = options;
  const assets = await loadAssets();
  const door = createDoor(options);
  const sessions = createWebSessions(clock);
  const gate = createGate({ sessions, door, clientOf: options.clientOf });
  const uploads = await createUploads({ ...options, folder: options.uploads });

  const app = new Hono<HttpEnv>();
  addProbes(app, options, gate);
  app.use('/admin/*', async (c, next) => {
    if (!options.isConsoleOn()) return c.notFound();
    c.header('Content-Security-Policy', POLICY);
    if (!c.req.path.startsWith('/admin/assets/')) c.header('Cache-Control', 'no-store');
    return next();
  });
  app.route('/', assets.app);
  const { paths } = assets;
  app.route('/', createEntry({ gate, door, setup, operations, paths, domains }));
  const desk = createDesk({ operations, clock, log, paths, domains, authority });
  app.route('/', createPages(options, { gate, desk, uploads }));
  app.route('/', createConsoleApi(options, gate));
  return app;
}

/** The pages for signed-in admins. */
function createPages(
  { log }: AdminOptions,
  { gate, desk, uploads }: { gate: Gate; desk: Desk; uploads: Uploads },
): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  addUploadOf(app, desk, { gate, uploads });
  app.use('/admin/*', gate.pages);
  addOverviewPages(app, desk);
  addUsersPages(app, desk);
  addDevicePages(app, desk);
  addArchivePages(app, desk);
  addRolePages(app, desk);
  addInvitationPages(app, desk);
  addUserPages(app, desk);
  addPushPages(app, desk);
  addSessionPages(app, desk);
  addRoomPages(app, desk);
  addGroupPages(app, desk);
  addAnnouncementPages(app, desk);
  addNodePages(app, desk);
  addReportPages(app, desk);
  addFilePages(app, desk);
  addPortablePages(app, desk, uploads);
  addHostPages(app, desk);
  addCertificatePages(app, desk);
  addFederationPages(app, desk);
  addAuditPage(app, desk);
  addTracePage(app, desk);
  addWatchPage(app, desk);
  addLogPage(app, desk);
  addServerPages(app, desk);
  app.post('/admin/sign-out', (c) => {
    gate.end(c);
    return c.redirect('/admin/sign-in?left=1', 303);
  });
  const head = { title: 'Not found', area: 'overview' } as const;
  app.all('/admin/*', (c) =>
    desk.problem(c, head, failure('not-found', 'There is no such page in the console.')),
  );
  app.onError((error, c) => {
    log.error({ err: error, method: c.req.method, path: c.req.path }, 'a page failed');
    return plainPage(c, 500, 'Server error', 'The server made a mistake; its log says which.');
  });
  return app;
}

/** The API for signed-in admins. */
function createConsoleApi(options: AdminOptions, gate: Gate): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  app.use('/api/*', async (c, next) => {
    if (!options.isConsoleOn()) return c.notFound();
    return gate.programs(c, next);
  });
  const api = createApi<AdminEnv>({
    ...options,
    actorOf: (c) => actorOf(c, 'rest'),
    // Who signed out, or is no admin any more, watches no longer.
    mayGoOn: async (c) => (await gate.sessionOf(c)) !== undefined,
  });
  app.route('/', api);
  return app;
}

/** What monitoring asks, and the front door. */
function addProbes(app: Hono<HttpEnv>, options: AdminOptions, gate: Gate): void {
  const allowed = addressList(options.metricsFrom ?? []);
  app.get('/', (c) =>
    options.isConsoleOn()
      ? c.redirect('/admin', 303)
      : c.text('This is rtcd, a real-time communication server.\n'),
  );
  app.get('/healthz', (c) => {
    c.header('Cache-Control', 'no-store');
    return options.closing?.aborted === true ? c.text('stopping\n', 503) : c.text('ok\n');
  });
  app.get('/metrics', async (c) => {
    const client = gate.clientOf(c);
    const mayRead =
      client.isLocal ||
      contains(allowed, client.address) ||
      (await gate.sessionOf(c)) !== undefined;
    if (!mayRead) return plainPage(c, 403, 'Forbidden', 'Metrics are not for this address.');
    return c.body(await options.metrics.text(), 200, {
      'Content-Type': options.metrics.contentType,
      'Cache-Control': 'no-store',
    });
  });
}
