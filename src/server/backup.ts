/** Copies of the database that an admin asks for. */
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../store/store.ts';

/**
 * Writes a copy into a folder, which is made if it is not there; the file is named by the time, in UTC.
 * @param at the time, in ms since the epoch
 */
export async function backUp(
  store: Pick<Store, 'backup'>,
  folder: string,
  at: number,
): Promise<{ readonly file: string; readonly bytes: number }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stamp = new Date(at).toISOString().replace(/[-:.]/g, '');
  const file = join(folder, `rtcd-${stamp}.sqlite`);
  await store.backup(file);
  return { file, bytes: (await stat(file)).size };
}
