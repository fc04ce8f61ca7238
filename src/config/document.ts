/** One YAML file, with the places of its keys. */
import { readFile } from 'node:fs/promises';
import {
  type Document,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import type { Path } from './shape.ts';

/** A place in a file; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Something wrong in the config. */
export interface Fault extends Place {
  /** The key, dotted; empty for the file as a whole. */
  readonly key: string;
  /** What is wrong, what is allowed, and what may have been meant. */
  readonly message: string;
}

/** A file that was read. */
export interface ConfigFile {
  readonly file: string;
  /** Its value; an empty map when the file cannot be used. */
  readonly value: Readonly<Record<string, unknown>>;
  /** What is wrong with its YAML. */
  readonly faults: readonly Fault[];
  /** Where a key stands or, if the file does not have it, the nearest map or list around it. */
  placeOf(path: Path): Place;
  /** Whether the file itself has the key. */
  has(path: Path): boolean;
}

/** A path as people write it: `listeners.c2s.port`, `admins[0]`. */
export function keyText(path: Path): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number'
        ? `${text}[${key}]`
        : text === ''
          ? String(key)
          : `${text}.${String(key)}`,
    '',
  );
}

/** Why a file could not be read, in plain words. */
export function readProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read by this user';
    case 'EISDIR':
      return 'is a folder, not a file';
    default:
      return `cannot be read (${code || String(error)})`;
  }
}

/** Reads a YAML file; a file that cannot be read or parsed is one with faults. */
export async function readConfigFile(file: string): Promise<ConfigFile> {
  try {
    return parseConfig(file, await readFile(file, 'utf8'));
  } catch (error) {
    return unusable(file, readProblem(error));
  }
}

/** A file of which nothing can be used. */
export function unusable(file: string, message: string): ConfigFile {
  const place = { file, line: 1, column: 1 };
  return {
    file,
    value: {},
    faults: [{ ...place, key: '', message }],
    placeOf: () => place,
    has: () => false,
  };
}

/** Parses a file's text. */
export function parseConfig(file: string, text: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const faults: Fault[] = document.errors.map((error) => {
    const isDuplicate = error.code === 'DUPLICATE_KEY';
    const key = isDuplicate ? (/^[^\s:]+/.exec(text.slice(error.pos[0]))?.[0] ?? '') : '';
    const message = isDuplicate
      ? 'stands twice in the same map; keep one'
      : `is not valid YAML: ${error.message}`;
    return { ...at(error.pos[0]), key, message };
  });
  const value = plainValue(document, faults, at);
  return {
    file,
    value,
    faults,
    placeOf: (path) => at(offsetOf(document, path)),
    has: (path) => nodeAt(document, path) !== undefined,
  };
}

/** The document's value; its being no map, or more than one can hold, is added to the faults. */
function plainValue(
  document: Document.Parsed,
  faults: Fault[],
  at: (offset: number) => Place,
): Record<string, unknown> {
  const isBroken = document.errors.some(({ code }) => code !== 'DUPLICATE_KEY');
  if (isBroken || document.contents === null) return {};
  const start = at(document.contents.range[0]);
  if (isScalar(document.contents) && document.contents.value === null) return {};
  if (!isMap(document.contents)) {
    faults.push({ ...start, key: '', message: 'the file must be a map of keys and values' });
    return {};
  }
  try {
    // A map's value is an object with its keys.
    return document.toJS() as Record<string, unknown>;
  } catch (error) {
    faults.push({ ...start, key: '', message: `is not usable YAML: ${String(error)}` });
    return {};
  }
}

/** The node at a path, for a map's key the key's own node. */
function nodeAt(document: Document.Parsed, path: Path): Node | undefined {
  const parent = path.length === 0 ? undefined : document.getIn(path.slice(0, -1), true);
  if (path.length === 0) return document.contents ?? undefined;
  const holder = path.length === 1 ? document.contents : parent;
  const last = path.at(-1);
  if (isMap(holder)) {
    const pair = holder.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(last),
    );
    return isScalar(pair?.key) ? pair.key : undefined;
  }
  const node = document.getIn(path, true);
  return typeof node === 'object' && node !== null && 'range' in node ? (node as Node) : undefined;
}

function offsetOf(document: Document.Parsed, path: Path): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const range = nodeAt(document, path.slice(0, length))?.range;
    if (range) return range[0];
  }
  return 0;
}
