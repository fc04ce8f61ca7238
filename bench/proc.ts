/** What a server process used, from Linux's /proc (proc(5)). */
import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

/** Clock ticks a second, the unit of /proc/<pid>/stat. */
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU time of a process since its start, in milliseconds of user and system time. */
export interface CpuTime {
  /** Of all its threads, those that have ended included. */
  readonly total: number;
  /** Of each living thread, by its id. */
  readonly threads: ReadonlyMap<string, number>;
}

/** utime and stime, in milliseconds; the name before them may hold spaces and parentheses. */
function cpuOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}

/** Reads a process's CPU time. Rejects if there is no such process. */
export async function cpuTime(pid: number): Promise<CpuTime> {
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

/** The memory of a process that is in RAM, in bytes. Rejects if there is no such process. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new Error(`process ${pid} has no memory`);
  return Number(kib) * 1024;
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
}

/** Begins to measure; the function that it resolves to ends it. */
export async function measureUsage(pid: number): Promise<() => Promise<Usage>> {
  const before = await cpuTime(pid);
  const ownBefore = process.cpuUsage();
  const began = performance.now();
  return async () => {
    const own = process.cpuUsage(ownBefore);
    const elapsed = performance.now() - began;
    const after = await cpuTime(pid);
    const threads = [...after.threads].map(([id, used]) => used - (before.threads.get(id) ?? 0));
    const percent = (milliseconds: number) => (100 * milliseconds) / elapsed;
    const serverCpu = after.total - before.total;
    return {
      seconds: elapsed / 1000,
      serverCpu,
      serverPercent: percent(serverCpu),
      busiestThreadPercent: percent(Math.max(0, ...threads)),
      generatorPercent: percent((own.user + own.system) / 1000),
    };
  };
}
