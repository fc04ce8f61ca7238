/** The program `rtcctl`. */
import { fileURLToPath } from 'node:url';
import { PROGRAM } from '../kit/program.ts';
import { run } from './run.ts';

// Whoever reads our output may stop doing so: `rtcctl user list | head`.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });

const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort());

async function main(): Promise<void> {
  process.exitCode = await run({
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    serverProgram: fileURLToPath(new URL('../main.js', import.meta.url)),
    version: PROGRAM.version,
    signal: interruption.signal,
  });
  process.stdin.destroy(); // an open terminal would keep the process alive
}

void main();
