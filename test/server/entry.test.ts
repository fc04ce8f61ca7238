/** How the built programs are started (scripts/entry.js). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runToEnd } from '../support/program.ts';

const ROOT = join(import.meta.dirname, '../..');

test('the server is started with the flags with which its code was kept: V8 refuses it with others', () => {
  const flags = ['package.json', 'bin/rtcd.js', 'scripts/build.js', 'bench/servers/rtcd.ts'].map(
    (file) =>
      readFileSync(join(ROOT, file), 'utf8').match(
        /--(max-semi-space-size|no-allocation|no-parallel|v8-pool)[\w=-]+/g,
      ),
  );
  expect(flags[0]).toHaveLength(4);
  for (const each of flags) expect(each).toEqual(flags[0]);
});

/** Runs a program, which is hung up on as it reads its own code. */
async function hungUpOn(program: string, ...words: readonly string[]) {
  const hangUp = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const { readFileSync } = fs;
    fs.readFileSync = (file, ...more) => {
      if (String(file).endsWith('.bundle.js')) process.kill(process.pid, 'SIGHUP');
      return readFileSync(file, ...more);
    };
    syncBuiltinESMExports();`;
  const preload = `data:text/javascript,${encodeURIComponent(hangUp)}`;
  return runToEnd(process.execPath, ['--import', preload, join(ROOT, program), ...words], {});
}

test('a SIGHUP before the server has begun does not end it; rtcctl ends by it', async () => {
  const server = await hungUpOn('dist/main.js', '--config', '/nowhere/rtcd.yaml');
  expect(server).toMatchObject({ code: 1, stderr: expect.stringContaining('/nowhere/rtcd.yaml') });
  expect((await hungUpOn('dist/ctl/main.js', '--version')).code).toBeNull();
});
