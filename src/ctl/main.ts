#!/usr/bin/env node
/** The program `rtcctl`. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { run } from './run.ts';

const fileAt = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Whoever reads our output may stop doing so: `rtcctl user list | head`.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });

const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort());

const { version } = JSON.parse(await readFile(fileAt('../../package.json'), 'utf8')) as {
  version: string;
};

process.exitCode = await run({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  serverProgram: fileAt('../main.js'),
  version,
  signal: interruption.signal,
});
process.stdin.destroy(); // an open terminal would keep the process alive
