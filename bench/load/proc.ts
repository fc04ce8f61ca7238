/** What server processes used, from Linux's /proc (proc(5)). */
import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

/** Clock ticks a second, the unit of /proc/<pid>/stat. */
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU time of processes since their start, in milliseconds of user and system time. */
export interface CpuTime {
  /** Of all threads, those that have ended included. */
  readonly total: number;
  /** Of each living thread, by its id. */
  readonly threads: ReadonlyMap<string, number>;
}

/** utime and stime, in milliseconds; the name before them may hold spaces and parentheses. */
function cpuOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}

/** A process and all that it has started (ejabberd has helpers). */
async function family(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const children = await Promise.all(
    threads.map((id) => readFile(`/proc/${pid}/task/${id}/children`, 'utf8').catch(() => '')),
  );
  const ids = children.flatMap((line) => line.split(' ').filter((id) => id !== ''));
  return [pid, ...(await Promise.all(ids.map((id) => family(Number(id)).catch(() => [])))).flat()];
}

async function families(pids: readonly number[]): Promise<number[]> {
  return (await Promise.all(pids.map(family))).flat();
}

/** Reads the CPU time of processes and their children. Rejects if one of them is not there. */
export async function cpuTime(pids: readonly number[]): Promise<CpuTime> {
  const each = await Promise.all((await families(pids)).map(cpuTimeOf));
  return {
    total: each.reduce((sum, { total }) => sum + total, 0),
    threads: new Map(each.flatMap(({ threads }) => [...threads])),
  };
}

async function cpuTimeOf(pid: number): Promise<CpuTime> {
  const folder = `/proc/${pid}`;
  const ids = await readdir(`${folder}/task`);
  const each = ids.map(async (id) => {
    // A thread may end between the listing and the reading.
    const stat = await readFile(`${folder}/task/${id}/stat`, 'utf8').catch(() => undefined);
    return stat === undefined ? [] : [[id, cpuOf(stat)] as const];
  });
  return {
    total: cpuOf(await readFile(`${folder}/stat`, 'utf8')),
    threads: new Map((await Promise.all(each)).flat()),
  };
}

/** The memory of processes that is in RAM, in bytes. Rejects if one of them is not there. */
export const residentBytes = (pids: readonly number[]): Promise<number> => sumOf(pids, 'VmRSS');

/** The most that they have had in RAM since their start. */
export const peakBytes = (pids: readonly number[]): Promise<number> => sumOf(pids, 'VmHWM');

async function sumOf(pids: readonly number[], field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const each = (await families(pids)).map(async (pid) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kib === undefined) throw new Error(`process ${pid} has no memory`);
    return Number(kib) * 1024;
  });
  return (await Promise.all(each)).reduce((sum, bytes) => sum + bytes, 0);
}

/** What the server and the generator used between two moments. */
export interface Usage {
  readonly seconds: number;
  /** The server's CPU time, in milliseconds. */
  readonly serverCpu: number;
  /** How busy the server was; 100 is one core. */
  readonly serverPercent: number;
  /** How busy its busiest thread was: near 100, that thread is what limits the server. */
  readonly busiestThreadPercent: number;
  /** How busy the generator was: near 100, it is the generator that was measured. */
  readonly generatorPercent: number;
  /** The most memory that the server has had since its start, in bytes. */
  readonly peakBytes: number;
}

/** Begins to measure; the function that it resolves to ends it. */
export async function measureUsage(pids: readonly number[]): Promise<() => Promise<Usage>> {
  const before = await cpuTime(pids);
  const ownBefore = process.cpuUsage();
  const began = performance.now();
  return async () => {
    const own = process.cpuUsage(ownBefore);
    const elapsed = performance.now() - began;
    const after = await cpuTime(pids);
    const threads = [...after.threads].map(([id, used]) => used - (before.threads.get(id) ?? 0));
    const percent = (milliseconds: number) => (100 * milliseconds) / elapsed;
    const serverCpu = after.total - before.total;
    return {
      seconds: elapsed / 1000,
      serverCpu,
      serverPercent: percent(serverCpu),
      busiestThreadPercent: percent(Math.max(0, ...threads)),
      generatorPercent: percent((own.user + own.system) / 1000),
      peakBytes: await peakBytes(pids),
    };
  };
}
