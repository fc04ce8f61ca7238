/** Finds certificates in folders: certbot's layout, acme.sh's, and plain files. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { PairFiles } from './pair.ts';

/** A place where a certificate may be, and the name that its path gives it. */
export interface Candidate extends PairFiles {
  readonly label: string;
}

/** What a search found. */
export interface Found {
  readonly candidates: readonly Candidate[];
  /** The folders that were looked into, to be watched. */
  readonly folders: readonly string[];
  /** Folders that are there but may not be read. */
  readonly problems: readonly string[];
}

/**
 * Looks for pairs of certificate and key in a folder, in its subfolders, and in its `live` folder.
 * A folder that is not there holds none.
 */
export async function findCandidates(folder: string): Promise<Found> {
  const top = await list(folder);
  if (typeof top === 'string') return { candidates: [], folders: [], problems: top ? [top] : [] };
  const below = await Promise.all(subfolders(top).map((name) => listAt(join(folder, name))));
  const live = below.find((each) => basename(each.folder) === 'live');
  const inLive =
    live === undefined
      ? []
      : await Promise.all(subfolders(live.entries).map((name) => listAt(join(live.folder, name))));
  const looked = [{ folder, entries: top, problem: undefined }, ...below, ...inLive];
  return {
    candidates: [
      ...plainPairs(folder, names(top)),
      ...looked.flatMap((each) => namedPair(each.folder, names(each.entries))),
    ],
    folders: looked.filter(({ problem }) => problem === undefined).map((each) => each.folder),
    problems: looked.flatMap(({ problem }) => (problem ? [problem] : [])),
  };
}

type Listing = { folder: string; entries: readonly Dirent[]; problem: string | undefined };

/** A folder's entries; what is wrong, or '' when it is not there. */
async function list(folder: string): Promise<readonly Dirent[] | string> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return '';
    return `${folder}: cannot be searched (${String(code)})`;
  }
}

async function listAt(folder: string): Promise<Listing> {
  const entries = await list(folder);
  return typeof entries === 'string'
    ? { folder, entries: [], problem: entries }
    : { folder, entries, problem: undefined };
}

const names = (entries: readonly Dirent[]): ReadonlySet<string> =>
  new Set(entries.map(({ name }) => name));

/** Folders, and links that may lead to one. */
const subfolders = (entries: readonly Dirent[]): string[] =>
  entries
    .filter(
      (entry) => entry.isDirectory() || (entry.isSymbolicLink() && !/\.\w+$/.test(entry.name)),
    )
    .map(({ name }) => name);

/** certbot's `fullchain.pem` with `privkey.pem`, acme.sh's `fullchain.cer` with `<domain>.key`. */
function namedPair(folder: string, held: ReadonlySet<string>): Candidate[] {
  const label = basename(folder).replace(/_ecc$/, '');
  const at = (certificate: string, key: string): Candidate[] =>
    held.has(certificate) && held.has(key)
      ? [{ label, certificate: join(folder, certificate), key: join(folder, key) }]
      : [];
  return [...at('fullchain.pem', 'privkey.pem'), ...at('fullchain.cer', `${label}.key`)];
}

/** Plain files: `<domain>.pem|crt|cer` with `<domain>.key`, `-key.pem` or `.key.pem`, or all in one. */
function plainPairs(folder: string, held: ReadonlySet<string>): Candidate[] {
  return [...held].flatMap((name) => {
    const [, stem, end] = /^(.+)\.(pem|crt|cer)$/.exec(name) ?? [];
    if (stem === undefined || /(?:[-.]key|^fullchain|^privkey)$/.test(stem)) return [];
    const key = [`${stem}.key`, `${stem}-key.pem`, `${stem}.key.pem`].find((each) =>
      held.has(each),
    );
    if (key === undefined && end !== 'pem') return [];
    return [{ label: stem, certificate: join(folder, name), key: join(folder, key ?? name) }];
  });
}
