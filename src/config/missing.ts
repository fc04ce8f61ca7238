/** The files and folders of certificates that a config names: whether they are there, and can be read. */
import { access, constants, stat } from 'node:fs/promises';
import type { Domain } from '../jid/jid.ts';
import { type Fault, keyText, readProblem } from './document.ts';
import type { Loaded } from './load.ts';
import { serverShape } from './schema.ts';
import { type Path, unwrap } from './shape.ts';

/** What is missing. */
export interface Missing {
  /** Without these a config is not taken. */
  readonly faults: readonly Fault[];
  /** Without these the server runs, with other certificates than were meant. */
  readonly warnings: readonly Fault[];
}

/** Whether a folder is searched by default: a copy of the example writes that down. */
function isUsual(folder: string): boolean {
  const { fallback } = unwrap(serverShape.certificates);
  return Array.isArray(fallback) && fallback.includes(folder);
}

/** Looks for those that are named; what is so by default may be missing. */
export async function findMissing({ config, placeOf }: Loaded): Promise<Missing> {
  const { server, hosts } = config;
  const look = async (kind: 'file' | 'folder', target: string, path: Path, host?: Domain) => {
    const problem = await problemWith(kind, target);
    // One that stands alone where a list could has no place of its own.
    const key = [path, path.slice(0, -1)].find((each) => placeOf(each, host) !== undefined);
    const place = key && placeOf(key, host);
    if (problem === undefined || key === undefined || place === undefined) return [];
    return [{ ...place, key: keyText(key), message: `${target}: ${problem}` }];
  };
  const found = await Promise.all([
    ...server.certificates.map((folder, index) =>
      isUsual(folder) ? [] : look('folder', folder, ['certificates', index]),
    ),
    ...hosts.flatMap(({ virtualHost, ssl }) =>
      Object.entries(ssl ?? {}).map(([key, file]) => look('file', file, ['ssl', key], virtualHost)),
    ),
  ]);
  const needed = await Promise.all(
    server.s2s.authorities.map((file, index) => look('file', file, ['s2s', 'authorities', index])),
  );
  return { faults: needed.flat(), warnings: found.flat() };
}

/** Why something cannot be read, in plain words; undefined if it can. */
async function problemWith(kind: 'file' | 'folder', target: string): Promise<string | undefined> {
  try {
    const isFolder = (await stat(target)).isDirectory();
    if (isFolder !== (kind === 'folder'))
      return isFolder ? 'is a folder, not a file' : 'is no folder';
    await access(target, constants.R_OK);
    return undefined;
  } catch (error) {
    return readProblem(error).replace('such file', `such ${kind}`);
  }
}
