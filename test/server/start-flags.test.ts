import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

test('the server is started with the flags with which its code was kept: V8 refuses it with others', () => {
  const flags = ['package.json', 'bin/rtcd.js', 'scripts/build.js', 'bench/servers/rtcd.ts'].map(
    (file) => /--max-semi-space-size=\d+/.exec(readFileSync(join(ROOT, file), 'utf8'))?.[0],
  );
  expect(flags[0]).toBeDefined();
  expect(new Set(flags).size).toBe(1);
});
