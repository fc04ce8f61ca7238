/** What is measured: each trial starts a server of its own, as fresh as the others'. */
import type { Transport } from './load/client.ts';
import type { Figure } from './load/scene.ts';
import { runAged } from './scenarios/aged.ts';
import { runArchive } from './scenarios/archive.ts';
import { runIdle } from './scenarios/idle.ts';
import { runLogins } from './scenarios/logins.ts';
import { runNodes } from './scenarios/nodes.ts';
import { runOffline } from './scenarios/offline.ts';
import { runPairs } from './scenarios/pairs.ts';
import { runRelay } from './scenarios/relay.ts';
import { runResume } from './scenarios/resume.ts';
import { runRoom } from './scenarios/room.ts';
import { runRoster } from './scenarios/roster.ts';
import type { Setup } from './servers/setup.ts';
import { type Needs, onServer, onTwoServers, type Stage } from './stage.ts';

/** One thing that is measured. */
export interface Trial {
  /** What it is, for the table and the documentation. */
  readonly what: string;
  /** Whether only rtcd has what is measured. */
  readonly isOwn?: true;
  run(stage: Stage): Promise<Figure[]>;
}

type ChatNeeds = Omit<Needs, 'accounts'> & { readonly held?: boolean; readonly isPaced?: boolean };

/** Pairs that chat. */
const pairs = (what: string, { held, isPaced, ...needs }: ChatNeeds = {}): Trial => ({
  what,
  run(stage) {
    const { options } = stage;
    const others = held === true ? options.held : 0;
    const rate = isPaced === true ? options.rate : undefined;
    return onServer(stage, { accounts: 2 * options.pairs + others, ...needs }, (scene) =>
      runPairs(scene, { ...options, held: others, rate }),
    );
  },
});

const logins = (what: string, transport: Transport, isWarm = false): Trial => ({
  what,
  run(stage) {
    const { options } = stage;
    const needs: Needs = { accounts: options.loginAccounts, isArchiving: true, transport };
    const loginsBefore = isWarm ? options.warmLogins : 0;
    return onServer(stage, needs, (scene) => runLogins(scene, { ...options, loginsBefore }));
  },
});

const resume = (what: string, isWarm = false): Trial => ({
  what,
  isOwn: true,
  run(stage) {
    const { options } = stage;
    const needs: Needs = {
      accounts: options.loginAccounts,
      isArchiving: true,
      transport: 'direct',
    };
    const loginsBefore = isWarm ? options.warmLogins : 0;
    return onServer(stage, needs, (scene) => runResume(scene, { ...options, loginsBefore }));
  },
});

const IDLE_BY: Readonly<Record<Transport, string>> = {
  tcp: 'plain',
  starttls: 'TLS',
  direct: 'TLS from the first byte',
  edge: 'by the one port for all',
  websocket: 'by WebSocket',
};

const idle = (sessions: number, transport: Transport): Trial => ({
  what: `${sessions} idle sessions, ${IDLE_BY[transport]}`,
  run: (stage) =>
    onServer(stage, { accounts: sessions, isArchiving: true, transport }, (scene) =>
      runIdle(scene, { ...stage.options, sessions }),
    ),
});

const room = (occupants: number): Trial => ({
  what: `a room of ${occupants}, one speaker`,
  run: (stage) =>
    onServer(stage, { accounts: occupants }, (scene) =>
      runRoom(scene, { ...stage.options, occupants }),
    ),
});

/** Messages in an archive in SQLite: the others flush each to the disk, so that filling it takes long. */
const ARCHIVED_IN_SQLITE = 2000;

const archive = (what: string, store: Setup['store'], most: number): Trial => ({
  what,
  run: (stage) =>
    onServer(stage, { accounts: 2, isArchiving: true, store }, (scene) => {
      const { options } = stage;
      return runArchive(scene, { ...options, archived: Math.min(options.archived, most) });
    }),
});

/** Logins of twice as many as each has contacts, who see each other come. */
const roster = (contacts: number): Trial => ({
  what: `${2 * contacts} come online, each with ${contacts} of the others in the roster`,
  run: (stage) =>
    onServer(stage, { accounts: 2 * contacts, contacts, isArchiving: true }, (scene) =>
      runRoster(scene, { ...stage.options, contacts }),
    ),
});

/** All trials, in the order in which they run. */
export const TRIALS = {
  start: {
    what: 'from the start of the process to taking connections',
    run: (stage) =>
      onServer(stage, { accounts: 1, isArchiving: true }, (_, { startSeconds }) =>
        Promise.resolve([{ name: 'start to listening', unit: 's', value: startSeconds }]),
      ),
  },
  logins: logins('STARTTLS, SCRAM-SHA-1, bind, roster and presence', 'starttls'),
  'logins-warm': logins('the same, after thousands of them', 'starttls', true),
  'logins-direct': logins('the same with TLS from the first byte', 'direct'),
  'logins-edge': { ...logins('the same by the one port for all', 'edge'), isOwn: true },
  'logins-websocket': { ...logins('the same by WebSocket', 'websocket'), isOwn: true },
  resume: resume('the same user again: resumed TLS, SASL2 with FAST, Bind 2, roster and presence'),
  'resume-warm': resume('the same, after thousands of them', true),
  pairs: pairs('chat over TLS, no archive, a window'),
  'pairs-websocket': {
    ...pairs('chat by WebSocket, no archive', { transport: 'websocket' }),
    isOwn: true,
  },
  'pairs-plain': pairs('chat over TCP, no archive', { transport: 'tcp' }),
  'pairs-held': pairs('chat over TCP, no archive, beside idle sessions', {
    transport: 'tcp',
    held: true,
  }),
  'pairs-paced': pairs('chat over TLS, no archive, at a fixed rate', { isPaced: true }),
  'pairs-archive': pairs('chat over TLS, with archive', { isArchiving: true }),
  'pairs-archive-sqlite': pairs('chat over TLS, with archive in SQLite', {
    isArchiving: true,
    store: 'sqlite',
  }),
  'pairs-archive-plain': pairs('chat over TCP, with archive', {
    isArchiving: true,
    transport: 'tcp',
  }),
  aged: {
    what: 'chat over TCP after many logins and beside idle sessions, against fresh',
    run(stage) {
      const { options } = stage;
      const needs: Needs = { accounts: 2 * options.pairs + options.held, transport: 'tcp' };
      return onServer(stage, needs, (scene) => runAged(scene, options));
    },
  },
  offline: {
    what: 'messages for those who are away, and their coming',
    run: (stage) =>
      onServer(stage, { accounts: 1 + stage.options.absent }, (scene) =>
        runOffline(scene, stage.options),
      ),
  },
  'room-20': room(20),
  'room-200': room(200),
  'room-500': room(500),
  archive: archive('an archive that is filled and read in pages', 'default', Infinity),
  'archive-sqlite': archive(
    'an archive in SQLite that is filled and read in pages',
    'sqlite',
    ARCHIVED_IN_SQLITE,
  ),
  'roster-100': roster(100),
  'roster-200': roster(200),
  relay: {
    what: 'chat over TLS between the users of two servers of a kind, no archive',
    run: (stage) =>
      onTwoServers(stage, { accounts: stage.options.pairs }, (left, right) =>
        runRelay(left, right, { ...stage.options, rate: undefined }),
      ),
  },
  nodes: {
    what: 'a node of the service with many subscribers',
    isOwn: true,
    run: (stage) =>
      onServer(stage, { accounts: stage.options.subscribers }, (scene) =>
        runNodes(scene, stage.options),
      ),
  },
  'idle-2000': idle(2000, 'starttls'),
  'idle-2000-plain': idle(2000, 'tcp'),
  'idle-2000-edge': { ...idle(2000, 'edge'), isOwn: true },
  'idle-2000-websocket': { ...idle(2000, 'websocket'), isOwn: true },
  'idle-10000': idle(10_000, 'starttls'),
  'idle-10000-plain': idle(10_000, 'tcp'),
} as const satisfies Readonly<Record<string, Trial>>;

/** The name of a trial. */
export type TrialName = keyof typeof TRIALS;
export const TRIAL_NAMES = Object.keys(TRIALS) as TrialName[];

/** What a trial is; an unknown one, of an older report, is only its name. */
export const whatOf = (name: string): string =>
  TRIAL_NAMES.includes(name as TrialName) ? TRIALS[name as TrialName].what : name;
