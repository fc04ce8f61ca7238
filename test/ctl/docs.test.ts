import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { describeOperation } from '../../src/core/operation-description.ts';
import { commandReference } from '../../src/ctl/reference.ts';
import { declaredOperations } from '../../src/operations/index.ts';
import { moduleOperations } from '../support/module-operations.ts';

test('docs/rtcctl.md is what the operations say; UPDATE_DOCS=1 writes it', async () => {
  const file = fileURLToPath(new URL('../../docs/rtcctl.md', import.meta.url));
  const all = [...declaredOperations(), ...(await moduleOperations())];
  const text = commandReference(all.map(describeOperation));
  if (process.env['UPDATE_DOCS'] === '1') await writeFile(file, text);
  expect(await readFile(file, 'utf8')).toBe(text);
});
