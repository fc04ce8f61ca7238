#!/usr/bin/env -S node --max-semi-space-size=32 --no-allocation-site-pretenuring --no-parallel-scavenge --v8-pool-size=1
/** rtcd, as it was compiled; a checkout that was not built yet says how to. */
import { existsSync } from 'node:fs';

const program = new URL('../dist/main.js', import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  process.stderr.write(
    'rtcd: this checkout is not built yet; npm start (or npm run build) does it\n',
  );
  process.exitCode = 1;
}
