/**
 * A server's heart in memory, with chosen modules, and actors who speak as clients do: for tests of
 * modules. The same path as a real connection takes, from the door to the delivery, without sockets.
 */
import { expect } from 'vitest';
import { type HostConfig, serverShape } from '../../src/config/schema.ts';
import type { Accounts } from '../../src/core/accounts.ts';
import type { Authority } from '../../src/core/authority.ts';
import type { Devices } from '../../src/core/devices.ts';
import { createHeart, migrationsOf } from '../../src/core/heart.ts';
import type { Hosts } from '../../src/core/hosts.ts';
import type { AnyModule } from '../../src/core/module.ts';
import type { Receipt } from '../../src/core/parcel.ts';
import type { Registry } from '../../src/core/registry.ts';
import type { Router } from '../../src/core/router.ts';
import type { OwnedSession, SessionEnd, Sessions } from '../../src/core/sessions.ts';
import { createStory, type Story, type StoryKeeper } from '../../src/core/story.ts';
import { createStoryLog } from '../../src/core/story-log.ts';
import { findTales, type StoryQuery, type TalePage } from '../../src/core/story-search.ts';
import type { Tokens } from '../../src/core/tokens.ts';
import {
  bareOf,
  type Domain,
  domainOf,
  type FullJid,
  type Jid,
  parseFull,
  parseJid,
  resourceOf,
} from '../../src/jid/jid.ts';
import { createLog, type LogRoot } from '../../src/kit/log.ts';
import { createMetrics, type Metrics } from '../../src/kit/metrics.ts';
import { errorFor } from '../../src/stanza/error.ts';
import { isStanza, readStanza, type Stanza } from '../../src/stanza/stanza.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { type Element, el, serialise } from '../../src/xml/element.ts';
import { XmlParser } from '../../src/xml/parser.ts';
import { type ManualClock, manualClock } from './clock.ts';

/** What a scene is made of. */
export interface SceneOptions {
  readonly modules: readonly AnyModule[];
  /** Bare JIDs; their domains are the hosts. */
  readonly accounts: readonly string[];
  /** Config of modules by name, laid over their defaults; false switches one off. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly host?: Partial<HostConfig>;
  /** Whether browsers are on this machine. */
  readonly isLocal?: boolean;
  /** The data folder, for modules that keep files. */
  readonly data?: string;
  /** Takes notes in place of the scene's own. */
  readonly story?: StoryKeeper;
}

/** A scene that plays. */
export interface Scene {
  /** Binds a session for a full JID. */
  connect(fullJid: string, traits?: Traits): Promise<Actor>;
  readonly clock: ManualClock;
  readonly accounts: Accounts;
  readonly authority: Authority;
  readonly sessions: Sessions;
  readonly hosts: Hosts;
  readonly store: Store;
  readonly router: Router;
  readonly registry: Registry;
  readonly devices: Devices;
  readonly tokens: Tokens;
  readonly log: LogRoot;
  readonly metrics: Metrics;
  readonly story: Story;
  /** What became of messages. */
  tales(query: Partial<StoryQuery> & Pick<StoryQuery, 'jid'>): Promise<TalePage>;
  stop(): Promise<void>;
}

/** What a session may be besides the usual. */
export type Traits = Partial<
  Pick<OwnedSession, 'device' | 'isActive' | 'isBind2' | 'isManaged' | 'isWaiting' | 'security'>
>;

/** A client in a scene. */
export interface Actor {
  readonly jid: FullJid;
  readonly session: OwnedSession;
  /** What was sent to it and not yet taken with `next`, oldest first. */
  readonly inbox: Element[];
  /** Sends a stanza; resolves when it is routed and what it asked for is settled. */
  send(xml: string | Element): Promise<void>;
  /** Takes the oldest stanza, waiting for it. */
  next(): Promise<Element>;
  /** Asserts that nothing more came. */
  nothing(): Promise<void>;
  /** Sends an IQ and takes its answer, which need not be the oldest stanza. */
  ask(type: 'get' | 'set', payload: string | Element, to?: string): Promise<Element>;
  /** Leaves. */
  disconnect(end?: SessionEnd): Promise<void>;
  /** The condition with which the server ended the session, if it did. */
  readonly endedWith: string | undefined;
}

/** Parses one element; fails the test if the text is no single element. */
export function parse(xml: string): Element {
  const found: Element[] = [];
  const parser = new XmlParser(
    {
      open: () => {},
      element: (element) => void found.push(element),
      close: () => {},
      fault: ({ condition, text }) => expect.fail(`${condition}: ${text} in ${xml}`),
    },
    { maxBytes: 1e6, maxDepth: 100, maxAttributes: 100, maxElements: 10_000 },
  );
  const header =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  parser.write(Buffer.from(`${header}${xml}`));
  const [element] = found;
  if (element === undefined || found.length !== 1) expect.fail(`not one element: ${xml}`);
  return element;
}

/** Starts a scene. */
export async function startScene(options: SceneOptions): Promise<Scene> {
  const clock = manualClock();
  const log = createLog({ level: process.env['SCENE_LOG'] === undefined ? 'silent' : 'trace' });
  const store = await openStore({
    file: ':memory:',
    clock,
    log: log.area('store'),
    migrations: migrationsOf(options.modules),
  });
  const table = createStoryLog(store, clock, () => ({ keepFor: 86_400_000, maxRows: 1000 }));
  const story =
    options.story ??
    createStory({ clock, log: log.area('story'), write: table.write, lost: () => {} });
  if (options.story === undefined) story.isOn = true;
  const metrics = createMetrics({ process: false });
  const heart = createHeart({
    store,
    clock,
    log,
    metrics,
    story,
    modules: options.modules,
    settings: {
      standing: () => ({}), // they may be others at any time
      of(module) {
        const chosen = options.settings?.[module.name];
        if (chosen === false) return false;
        return module.config === undefined ? (chosen ?? {}) : module.config.parse(chosen ?? {});
      },
    },
    server: () => ({
      limits: serverShape.limits.parse(undefined),
      devices: serverShape.devices.parse(undefined),
      admins: [],
      data: options.data ?? '/nowhere',
    }),
    fakeSeed: Buffer.from('a seed for tests'),
    tokenKey: Buffer.from('a key for tests'),
    web: {
      publicUrl: (host) => `https://${host}:5281`,
      clientOf: () => ({ address: '192.0.2.1', isSecure: true, isLocal: options.isLocal === true }),
    },
  });
  const { accounts, sessions, router, serve, stop, ...rest } = heart;
  const jids = options.accounts.map((raw) => bareOf(jidOf(raw)));
  serve([...new Set(jids.map(domainOf))].map((domain) => hostConfig(domain, options.host)));
  for (const jid of jids) await accounts.create(jid, 'secret');

  return {
    ...rest,
    clock,
    accounts,
    sessions,
    store,
    router,
    log,
    metrics,
    story,
    async tales(query) {
      await story.flush();
      return findTales(store, { signals: true, limit: 100, ...query });
    },
    connect: async (fullJid, traits = {}) =>
      createActor(fullJid, { sessions, router, clock }, traits),
    async stop() {
      for (const session of [...sessions.all()])
        await sessions.remove(session as OwnedSession, {
          kind: 'ended',
          text: 'the scene is over',
        });
      await stop();
      await store.close();
    },
  };
}

function hostConfig(virtualHost: Domain, chosen: Partial<HostConfig> = {}): HostConfig {
  const usual = {
    enabled: true,
    ssl: undefined,
    admins: [],
    anonymous: false,
    components: {},
    contacts: {},
    s2s: {},
    http: {},
  };
  return { ...usual, modules: {}, ...chosen, virtualHost };
}

function jidOf(raw: string): Jid {
  const parsed = parseJid(raw);
  if (!parsed.ok) expect.fail(`${raw}: ${parsed.why}`);
  return parsed.value;
}

interface Stage {
  readonly sessions: Sessions;
  readonly router: Router;
  readonly clock: ManualClock;
}

function createActor(fullJid: string, { sessions, router, clock }: Stage, traits: Traits): Actor {
  const parsed = parseFull(fullJid);
  if (!parsed.ok) expect.fail(`${fullJid}: ${parsed.why}`);
  const jid = parsed.value;
  const inbox: Element[] = [];
  const waiting: ((element: Element) => void)[] = [];
  const owed: Promise<unknown>[] = [];
  let endedWith: string | undefined;
  let asked = 0;

  const session: OwnedSession = {
    id: `stream-${resourceOf(jid)}`,
    jid,
    account: bareOf(jid),
    host: domainOf(jid),
    isAnonymous: false,
    remote: '127.0.0.1',
    security: { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', mechanism: 'SCRAM-SHA-256' },
    device: undefined,
    isBind2: false,
    isActive: true,
    isManaged: true,
    isWaiting: true,
    ...traits,
    since: clock.now(),
    lastActive: clock.now(),
    presence: undefined,
    priority: 0,
    isAttached: true,
    restrain: () => {},
    isResumable: false,
    room: () => undefined,
    pace: () => undefined,
    owe: (work) => void owed.push(work),
    send(stanza: Stanza, to?: Jid, receipt?: Receipt) {
      const element = parse(to === undefined ? stanza.wire.text : stanza.wire.textTo(to));
      const taker = waiting.shift();
      if (taker === undefined) inbox.push(element);
      else taker(element);
      receipt?.acknowledged(session);
    },
    end(condition) {
      endedWith = condition;
      void sessions.remove(session, { kind: 'ended', text: condition });
    },
  };
  const settle = async () => {
    for (let work = owed.shift(); work !== undefined; work = owed.shift()) await work;
  };
  const send = async (xml: string | Element) => {
    const element = typeof xml === 'string' ? parse(xml) : xml;
    expect(isStanza(element), `a stanza: ${serialise(element)}`).toBe(true);
    const read = readStanza(element, { from: jid, defaultTo: bareOf(jid) });
    if (read.ok) await router.fromSession(read.stanza, session);
    else {
      const answer = errorFor(element, read, { from: bareOf(jid), to: jid });
      if (answer !== undefined) inbox.push(parse(answer.wire.text));
    }
    await settle();
  };
  const next = () => {
    const first = inbox.shift();
    if (first !== undefined) return Promise.resolve(first);
    return new Promise<Element>((resolve) => waiting.push(resolve));
  };
  sessions.add(session);

  return {
    jid,
    session,
    inbox,
    get endedWith() {
      return endedWith;
    },
    send,
    next,
    async nothing() {
      await settle();
      await new Promise((resolve) => setImmediate(resolve));
      expect(inbox.map(serialise)).toEqual([]);
    },
    async ask(type, payload, to) {
      asked += 1;
      const id = `ask-${resourceOf(jid)}-${asked}`;
      const child = typeof payload === 'string' ? parse(payload) : payload;
      await send(el('iq', { type, id, to }, child));
      const isAnswer = (element: Element) => element.name === 'iq' && element.attrs.id === id;
      const at = inbox.findIndex(isAnswer);
      if (at >= 0) {
        const [answer] = inbox.splice(at, 1);
        if (answer !== undefined) return answer;
      }
      for (;;) {
        const element = await next();
        if (isAnswer(element)) return element;
        inbox.push(element);
      }
    },
    disconnect: (end = { kind: 'closed', text: 'goodbye' }) => sessions.remove(session, end),
  };
}
