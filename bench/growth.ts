/** How costs grow: with the number of sessions, the size of rosters, of rooms, and of the archive. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from './load/client.ts';
import { measureUsage, residentBytes } from './load/proc.ts';
import { type Figure, inParallel, logOutAll, withClients } from './load/scene.ts';
import type { Growth, Point } from './report/lines.ts';
import { chat } from './scenarios/chat.ts';
import { runHistory } from './scenarios/history.ts';
import { runRoom } from './scenarios/room.ts';
import { runRoster } from './scenarios/roster.ts';
import { archiveBegin } from './servers/rtcd-archive.ts';
import { onServer, type Stage } from './stage.ts';

/** What is drawn, by its name. */
export const PLOTS = {
  'sessions-memory': {
    ...{ title: 'Memory by sessions', x: 'sessions (TLS), idle', y: 'MiB' },
  },
  'sessions-logins': {
    ...{ title: 'Logins by sessions', x: 'sessions that are there', y: 'CPU ms per login' },
  },
  'sessions-chat': {
    ...{ title: 'Chat by sessions', x: 'idle sessions beside', y: 'CPU µs per message' },
  },
  'roster-logins': {
    ...{ title: 'Logins by roster', x: 'contacts that come online', y: 'CPU ms per login' },
  },
  'room-deliveries': {
    ...{ title: 'Deliveries by room', x: 'occupants', y: 'CPU µs per delivery' },
  },
  'archive-pages': {
    ...{ title: 'Pages by archive', x: 'messages in the archive', y: 'CPU ms per page of 50' },
    isLogarithmic: true,
  },
  'archive-messages': {
    ...{ title: 'Messages by archive', x: 'messages in the archive', y: 'CPU µs per message' },
    isLogarithmic: true,
  },
} as const satisfies Readonly<Record<string, Omit<Growth, 'lines'>>>;

export type PlotName = keyof typeof PLOTS;
export const PLOT_NAMES = Object.keys(PLOTS) as PlotName[];

/** Points of the plots of one server. */
export type Points = Partial<Record<PlotName, readonly Point[]>>;

/** Something that grows. */
export interface Growing {
  /** Whether only rtcd has it, or it is made for rtcd only. */
  readonly isOwn?: true;
  run(stage: Stage): Promise<Points>;
}

const SESSIONS = [1000, 2000, 5000, 10_000, 15_000, 20_000];
/** Files beside those of clients that a process has open. */
const OTHER_FILES = 500;
const CONTACTS = [10, 50, 100, 200, 400];
const OCCUPANTS = [10, 20, 50, 100, 200, 500];
const ROWS = [10_000, 100_000, 1_000_000, 10_000_000];
/** Messages that are added to each archive. */
const FURTHER = 5000;

/** All that is measured, by its name. */
export const GROWING = {
  sessions: { run: growSessions },
  roster: {
    async run(stage) {
      const points = await each(CONTACTS, async (contacts) => {
        const needs = { accounts: 2 * contacts, contacts, isArchiving: true };
        const figures = await onServer(stage, needs, (scene) =>
          runRoster(scene, { ...stage.options, contacts }),
        );
        return valueIn(figures, 'server CPU per login') / 1000;
      });
      return { 'roster-logins': points };
    },
  },
  room: {
    async run(stage) {
      const points = await each(OCCUPANTS, async (occupants) => {
        const figures = await onServer(stage, { accounts: occupants }, (scene) =>
          runRoom(scene, { ...stage.options, occupants }),
        );
        return valueIn(figures, 'server CPU per delivery');
      });
      return { 'room-deliveries': points };
    },
  },
  archive: { isOwn: true, run: growArchive },
} as const satisfies Readonly<Record<string, Growing>>;

/** The name of something that grows. */
export type GrowingName = keyof typeof GROWING;
export const GROWING_NAMES = Object.keys(GROWING) as GrowingName[];

/** Sessions come, some thousands at a time, until so many are there as files may be open. */
async function growSessions(stage: Stage): Promise<Points> {
  const { options } = stage;
  const talking = 2 * options.pairs;
  const most = (await openFiles()) - OTHER_FILES - talking;
  const steps = [...new Set(SESSIONS.map((count) => Math.min(count, most)))];
  const accounts = talking + Math.max(...steps);
  return onServer(stage, { accounts }, async (scene) => {
    const held: Client[] = [];
    const [memory, logins, messages]: [Point[], Point[], Point[]] = [[], [], []];
    const others = scene.accounts.slice(talking);
    try {
      for (const x of steps) {
        const coming = others.slice(held.length, x);
        const finish = await measureUsage(scene.pids);
        await inParallel(coming.length, options.concurrency, async (index) => {
          const account = coming[index];
          if (account !== undefined)
            held.push(await Client.logIn(scene.endpoint, account, scene.keys));
        });
        const usage = await finish();
        logins.push({ x, y: usage.serverCpu / coming.length });
        await sleep(options.settle * 1000);
        memory.push({ x, y: (await residentBytes(scene.pids)) / 2 ** 20 });
        const figures = await withClients(scene, scene.accounts.slice(0, talking), (clients) =>
          chat(scene.pids, clients, { ...options, rate: undefined }),
        );
        messages.push({ x, y: valueIn(figures, 'server CPU per message') });
      }
    } finally {
      await logOutAll(held);
    }
    return { 'sessions-memory': memory, 'sessions-logins': logins, 'sessions-chat': messages };
  });
}

/** How many files a process may have open; one of each connection is the server's, one ours. */
async function openFiles(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
}

/** Archives of more and more messages, which are written straight into the database. */
async function growArchive(stage: Stage): Promise<Points> {
  const { options } = stage;
  const [pages, messages]: [Point[], Point[]] = [[], []];
  for (const x of ROWS.filter((rows) => rows <= options.mostRows)) {
    const end = Date.now();
    const archived = { rows: x, end };
    const figures = await onServer(stage, { accounts: 2, isArchiving: true, archived }, (scene) =>
      runHistory(scene, { ...options, begin: archiveBegin(x, end), end, further: FURTHER }),
    );
    pages.push({ x, y: valueIn(figures, 'server CPU per page') / 1000 });
    messages.push({ x, y: valueIn(figures, 'server CPU per message archived') });
  }
  return { 'archive-pages': pages, 'archive-messages': messages };
}

async function each(
  steps: readonly number[],
  measure: (x: number) => Promise<number>,
): Promise<Point[]> {
  const points: Point[] = [];
  for (const x of steps) points.push({ x, y: await measure(x) });
  return points;
}

const valueIn = (figures: readonly Figure[], name: string): number =>
  figures.find((figure) => figure.name === name)?.value ?? 0;
