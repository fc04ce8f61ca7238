/** The files of Converse.js and our own beside this one: known by name from the start, read when asked for. */

import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

/** Types of the files that are served; others are not, such as source maps. */
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
};
const COMPRESSED = new Set(['.js', '.css', '.json', '.svg', '.wasm', '.ttf']);
/** What Converse.js also brings along, and pages never ask for. */
const LEFT_OUT = /^(?:converse\.js|converse\.css|website\..*)$/;

/** A file as it is sent. */
export interface ServedFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly isCompressed: boolean;
}

/** The files. */
export interface Files {
  /** Changes whenever a file does; part of their addresses, which browsers keep for good. */
  readonly version: string;
  /** A file; undefined where there is none of that name. */
  read(name: string, mayCompress: boolean): Promise<ServedFile | undefined>;
}

/** Finds the files; rejects when Converse.js is not installed. */
export async function findFiles(): Promise<Files> {
  const converse = dirname(
    createRequire(import.meta.url).resolve('converse.js/dist/converse.min.js'),
  );
  const own = fileURLToPath(new URL('./assets', import.meta.url));
  const found = new Map<string, string>();
  const hash = createHash('sha256');
  for (const folder of [converse, own]) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const file = join(entry.parentPath, entry.name);
      const name = relative(folder, file);
      if (!entry.isFile() || !(extname(name) in TYPES) || LEFT_OUT.test(name)) continue;
      found.set(name, file);
      const { size } = await stat(file);
      hash.update(`${name} ${size}\n`);
      if (folder === own) hash.update(await readFile(file));
    }
  }
  /** Compressed files are kept: some two megabytes, were all of them asked for. */
  const compressed = new Map<string, Promise<Buffer>>();
  const compressedOf = (file: string) => {
    const known = compressed.get(file) ?? readFile(file).then((bytes) => compress(bytes));
    compressed.set(file, known);
    known.catch(() => compressed.delete(file));
    return known;
  };
  return {
    version: hash.digest('hex').slice(0, 12),
    async read(name, mayCompress) {
      const file = found.get(name);
      if (file === undefined) return undefined;
      const end = extname(file);
      const type = TYPES[end] ?? 'application/octet-stream';
      const isCompressed = mayCompress && COMPRESSED.has(end);
      return { type, isCompressed, bytes: await (isCompressed ? compressedOf : readFile)(file) };
    },
  };
}
