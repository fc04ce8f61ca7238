/** What figures were taken on. */
import { execFile } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The machine, and what ran on it. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryMiB: number;
  readonly linux: string;
  readonly node: string;
  /** Debian's versions of the other servers that are installed. */
  readonly packages: Readonly<Record<string, string>>;
}

/** Looks at this machine. */
export async function machine(): Promise<Machine> {
  const all = cpus();
  return {
    cores: all.length,
    processor: all[0]?.model ?? '',
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    linux: release(),
    node: process.version,
    packages: await packages('prosody', 'ejabberd'),
  };
}

async function packages(...names: readonly string[]): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const name of names) {
    const asked = run('dpkg-query', ['--status', name]);
    const status = await asked.then(({ stdout }) => stdout).catch(() => '');
    const version = /^Version: (.+)$/m.exec(status)?.[1];
    if (version !== undefined) versions[name] = version;
  }
  return versions;
}

/** The machine in one line. */
export function machineText({
  cores,
  processor,
  linux,
  node,
  packages: versions,
}: Machine): string {
  const others = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [`${cores} × ${processor}`, `Linux ${linux}`, `Node ${node}`, ...others].join(', ');
}
