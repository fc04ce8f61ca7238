/** Our own certificates as others see them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';
import { createDoubts } from '../../src/server/doubts.ts';
import { domain } from '../certs/support.ts';
import { issue } from '../s2s/authority.ts';

const FALCOT = domain('falcot.com');

test('an authority that nobody knows is told, unless its file is named in s2s.authorities', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-doubts-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const root = issue({ subject: 'Falcot Root', isAuthority: true });
  const own = issue({ dns: ['falcot.com'], by: root });
  const file = join(folder, 'root.pem');
  await writeFile(file, root.pem);
  const doubts = (...authorities: readonly string[]) =>
    createDoubts({
      clock: systemClock,
      certificates: { chainOf: () => [own.certificate] },
      authorities: () => authorities,
    })(FALCOT);
  expect(await doubts()).toEqual([expect.stringContaining('Falcot Root')]);
  expect(await doubts(join(folder, 'none.pem'))).toHaveLength(1);
  expect(await doubts(file)).toEqual([]);
});
