/** Runs the server: opens its ports and its admin socket, takes reloads, and ends it in reverse. */

import type { Socket } from 'node:net';
import { join } from 'node:path';
import {
  createAdmin,
  createApi,
  createSetup,
  createWelcome,
  type Setup,
  SOURCES_PATH,
  UPLOAD_PATH,
} from '../admin/index.tsx';
import { createC2s } from '../c2s/listener.ts';
import type { C2sOptions } from '../c2s/services.ts';
import type { Certificates } from '../certs/types.ts';
import type { Config, EdgeService } from '../config/schema.ts';
import type { Heart } from '../core/heart.ts';
import type { Session } from '../core/sessions.ts';
import { createEdge } from '../edge/edge.ts';
import { addressList, contains, createUpgradeClientOf, isLoopback } from '../http/client.ts';
import { domainOfHeader } from '../http/host.ts';
import { createOriginPolicy } from '../http/origins.ts';
import { createHttpServer } from '../http/server.ts';
import type { Domain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { RateLimit } from '../kit/limits.ts';
import type { Metrics } from '../kit/metrics.ts';
import { PROGRAM } from '../kit/program.ts';
import { networkOf } from '../kit/remote.ts';
import { BOSH_PATH, WEBSOCKET_PATH } from '../modules/host-meta.ts';
import { invitations } from '../modules/invitations/index.ts';
import { webClient } from '../modules/web-client/index.ts';
import type { ListenerInfo } from '../operations/services.ts';
import type { Way } from '../stream/ports.ts';
import { type Assembled, type AssembleOptions, assemble, certificateSettings } from './assemble.ts';
import { createFederation, type Federation } from './federation.ts';
import { createListeners, type Listeners } from './listeners.ts';
import { StartError } from './start-error.ts';
import { summaryText } from './summary.ts';

/** Failed logins that one address has free, and how fast they come back; an office may share it. */
const FAILED_LOGINS = { burst: 100, perSecond: 0.5 } as const;

/** A server that runs. */
export interface RunningServer {
  /** What it says of itself. */
  readonly summary: string;
  readonly operations: Assembled['operations'];
  readonly federation: Federation;
  /** Resolves if it cannot go on, since its database failed: it is to be ended, and started again. */
  readonly failed: Promise<void>;
  /** Takes the config anew, as the signal says that asks for it; the log tells why it cannot. */
  reload(): Promise<void>;
  /** Ends it: streams with system-shutdown, then what was promised is written, then the files. */
  stop(): Promise<void>;
}

/**
 * Starts the server.
 * @throws StartError with what the admin has to know
 */
export async function serve(options: Omit<AssembleOptions, 'isServing'>): Promise<RunningServer> {
  const begun = performance.now();
  const assembled = await assemble({ ...options, isServing: true });
  const { clock, log, certificates, components, gate, metrics, running } = assembled;
  const { trustedProxies, hsts } = running.current().server.http;
  const proxies = addressList(trustedProxies);
  const http = createHttpServer({
    log: log.area('http'),
    clock,
    gate,
    isProxy: (address) => isLoopback(address) || contains(proxies, address),
  });
  const c2s = createC2s(c2sServices(assembled));
  const federation = await createFederation(assembled).catch(async (error: unknown) => {
    await assembled.close();
    throw error;
  });
  const https = { tls: () => certificates.serverOptions(undefined), hstsMs: hsts };
  const edge = createEdgeOf(assembled, { c2s, s2s: federation.side, https: http.door(https) });
  const listeners = createListeners({
    ...{ c2s, s2s: federation.side, component: components, http, https, edge },
  });
  const stop = async () => {
    const parts = [
      assembled.heart.registry.leave, // rooms say goodbye while there is somebody to hear it
      components.close,
      c2s.close,
      federation.close, // other servers hear who went, and what is for them waits until we are back
      c2s.freeze, // what came from there until now, and what was sent there, is known to sessions that sleep
      http.close,
    ];
    // One that fails keeps no other from it: what those hold is written.
    for (const end of parts)
      await end().catch((error: unknown) =>
        log.area('server').error({ err: error }, 'a part of the server did not end in good order'),
      );
    await assembled.close();
  };
  try {
    const setup = createSetup(assembled.authority);
    const mayCome = createOriginPolicy(running.current().server.http.origins);
    http.upgrade(WEBSOCKET_PATH, c2s.webSockets(createUpgradeClientOf(trustedProxies), mayCome));
    http.mount(BOSH_PATH, c2s.bosh(assembled.web.clientOf, mayCome), BOSH_PATH, 'size');
    for (const { app, ownBodies } of assembled.heart.registry.web) http.mount('/', app, ownBodies);
    http.mount('/', await createGuestPages(assembled, listeners.list));
    http.mount('/', await createConsole(assembled, setup, http.closing), UPLOAD_PATH);
    const resumable = await c2s.restore();
    if (resumable > 0) log.area('c2s').info({ sessions: resumable }, 'sessions wait to be resumed');
    await listeners.apply(running.current());
    await federation.side.start();
    const { adminSocket } = running.current().server;
    await http.listenSocket(adminSocket, rootApi(assembled, http.closing), SOURCES_PATH);
    const consoleAddress = () => addressOfConsole(running.current(), listeners);
    assembled.showListeners(listeners.list, consoleAddress);
    running.onReload((next, before) =>
      prepareConfig({ next, before, assembled, listeners, federation }),
    );
    watchExpiry(certificates, metrics, clock);
    const console = consoleAddress();
    const isOpen = console !== undefined && (await setup.isOpen());
    const summary = summaryText({
      version: PROGRAM.version,
      config: running.current(),
      listeners: listeners.list(),
      console,
      setupLink: isOpen ? new URL(setup.path, console).href : undefined,
      tookMs: performance.now() - begun,
    });
    const { operations, failed } = assembled;
    const reload = async () => {
      const outcome = await operations.run('server.reload', {}, { name: 'SIGHUP', via: 'socket' });
      if (!outcome.ok) log.area('server').error({ why: outcome.text }, 'the config was not taken');
    };
    return { summary, operations, federation, failed, reload, stop };
  } catch (error) {
    await stop();
    throw error instanceof Error && error.name === 'ListenError'
      ? new StartError(`The admin socket: ${error.message}. Another rtcd may be running.`)
      : error;
  }
}

/** The one port for all. */
function createEdgeOf(
  { certificates, clock, gate, heart, log, running, web }: Assembled,
  sides: {
    readonly [service in Exclude<EdgeService, 'https'>]: { take(socket: Socket, way: Way): void };
  } & { readonly https: { take(socket: Socket, way: Exclude<Way, 'starttls'>): void } },
) {
  return createEdge({
    clock,
    log: log.area('edge'),
    gate,
    // XEP-0178: who says nothing by ALPN may be a server that has a certificate to show.
    tls: () => ({
      ...certificates.serverOptions(undefined),
      requestCert: true,
      rejectUnauthorized: false,
    }),
    serves: (service) => running.current().server.edge.serves.includes(service),
    homeOf(header) {
      const domain = domainOfHeader(header);
      const host = domain === undefined ? undefined : heart.hosts.get(domain);
      return host === undefined ? undefined : web.publicUrl(host.domain);
    },
    c2s: sides.c2s.take,
    s2s: sides.s2s.take,
    https: sides.https.take,
  });
}

function c2sServices(assembled: Assembled): C2sOptions {
  const { heart, store, watch, metrics, log, clock, certificates, running, resourceKey } =
    assembled;
  const failed = new RateLimit<string>(clock, FAILED_LOGINS);
  return {
    ...heart,
    store,
    watch,
    metrics,
    clock,
    resourceKey,
    log: log.area('c2s'),
    gate: assembled.gate,
    tls: certificates,
    mayTryLogin: (remote) => failed.has(networkOf(remote)),
    noteFailedLogin: (remote) => void failed.take(networkOf(remote)),
    limits: () => running.current().server.limits,
    tlsPolicy: () => running.current().server.tls,
  };
}

/** The console, the API for admins who are signed in, and what monitoring asks. */
function createConsole(assembled: Assembled, setup: Setup, closing: AbortSignal) {
  const { heart, web, authority, operations, clock, log, metrics, running } = assembled;
  return createAdmin({
    operations,
    accounts: heart.accounts,
    authority,
    setup,
    clock,
    log: log.area('admin'),
    metrics,
    version: PROGRAM.version,
    clientOf: web.clientOf,
    metricsFrom: running.current().server.http.metricsFrom,
    domains: () => heart.hosts.all().map(({ domain }) => domain),
    isConsoleOn: () => running.current().server.console.enabled,
    uploads: join(running.current().server.data, 'console-uploads'),
    closing,
  });
}

const WAYS: Readonly<Partial<Record<string, string>>> = {
  c2sTls: 'TLS from the beginning',
  c2s: 'STARTTLS',
  edge: 'TLS, where nothing else gets through',
};

/** The ports by which apps connect, each once. */
function waysOf(open: readonly ListenerInfo[]) {
  const ways = open.flatMap(({ name, port }) => {
    const what = WAYS[name];
    return what === undefined ? [] : ([[port, { port, what }]] as const);
  });
  return [...new Map(ways).values()];
}

/** The pages by which users come in. */
function createGuestPages({ heart, web, running }: Assembled, open: () => readonly ListenerInfo[]) {
  return createWelcome({
    invitations: heart.registry.apiOf(invitations),
    clientOf: web.clientOf,
    domains: () => heart.hosts.all().map(({ domain }) => domain),
    isConsoleOn: () => running.current().server.console.enabled,
    ways: () => waysOf(open()),
    chatAt: (host) =>
      heart.registry.enabled(host).has(webClient.name) ? `${web.publicUrl(host)}/chat` : undefined,
  });
}

/** The API on the admin socket, where everyone is root: only the owner may open it. */
function rootApi({ operations, log }: Assembled, closing: AbortSignal) {
  return createApi({
    operations,
    log: log.area('admin'),
    version: PROGRAM.version,
    actorOf: () => ({ name: 'root', via: 'socket' }),
    takesSources: true,
    closing,
  });
}

/**
 * Prepares for a new config: what may fail comes first, so that a refusal changes nothing. Then those
 * leave whose host goes, while it is still served: contacts, rooms and the mailbox hear of it.
 */
async function prepareConfig({
  next,
  before,
  assembled: { heart, certificates, components, stories, log },
  listeners,
  federation,
}: {
  readonly next: Config;
  readonly before: Config;
  readonly assembled: Assembled;
  readonly listeners: Listeners;
  readonly federation: Federation;
}): Promise<() => void> {
  const federate = await federation.prepare(next);
  await certificates.reload(certificateSettings(next));
  await listeners.apply(next).catch(async (error: unknown) => {
    await certificates.reload(certificateSettings(before));
    throw error;
  });
  await heart.registry.retire(next.hosts);
  const served = new Set(next.hosts.map(({ virtualHost }) => virtualHost));
  await endSessions(heart, served);
  return () => {
    heart.serve(next.hosts);
    components.refresh();
    federate();
    stories.apply();
    log.reset(next.server.log);
    for (const session of unserved(heart, served)) session.end('host-gone', goneText(session));
    log.area('server').info({ before: before.hosts.length, hosts: served.size }, 'config taken');
  };
}

const unserved = ({ sessions }: Heart, served: ReadonlySet<Domain>) =>
  [...sessions.all()].filter(({ host }) => !served.has(host));

const goneText = ({ host }: Session) => `${host} is no longer served.`;

/** How often those are looked for who come back while others leave. */
const FAREWELLS = 5;

/** Ends the sessions of all hosts but some. */
async function endSessions(heart: Heart, served: ReadonlySet<Domain>): Promise<void> {
  for (let round = 0; round < FAREWELLS; round += 1) {
    const leaving = unserved(heart, served);
    if (leaving.length === 0) return;
    // Out of the table first: others are told while the modules still know who they are.
    const told = leaving.map((session) =>
      heart.sessions.remove(session, { kind: 'ended', text: goneText(session) }),
    );
    for (const session of leaving) session.end('host-gone', goneText(session));
    await Promise.all(told);
  }
}

/** The console's address as a browser on this machine, or behind the proxy, opens it. */
function addressOfConsole({ server }: Config, listeners: Listeners): string | undefined {
  const open = listeners.list().find(({ name }) => name === 'http');
  if (!server.console.enabled) return undefined;
  if (server.console.url !== undefined) return new URL('/admin', server.console.url).href;
  if (open === undefined) return undefined;
  const host = open.address === '*' || open.address === '::1' ? 'localhost' : open.address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${open.port}/admin`;
}

const EXPIRY_MS = 3_600_000;

/** Keeps the metric of each certificate's end; it changes seldom, so looking once an hour will do. */
function watchExpiry(certificates: Certificates, metrics: Metrics, clock: Clock): void {
  const note = () => {
    metrics.certificateExpiry.reset();
    for (const { domain, notAfter } of certificates.list())
      metrics.certificateExpiry.set({ host: domain }, notAfter / 1000);
  };
  note();
  certificates.onChanged(note);
  clock.every(EXPIRY_MS, note);
}
