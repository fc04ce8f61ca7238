/**
 * The files of an import as one stream (XEP-0227 §5): what they include is read where it is included, from the
 * folder of the first one or below it, each file once.
 */
import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { type DocumentEvent, readDocument } from '../../xml/document.ts';
import { type Element, nsOf } from '../../xml/element.ts';
import type { XmlLimits } from '../../xml/events.ts';
import { PIE_MAM, PIES, XINCLUDE } from './names.ts';

/** What the files tell. */
export type FileEvent =
  | Exclude<DocumentEvent, { readonly kind: 'fault' }>
  /** A file that could not be read further, or at all. */
  | {
      readonly kind: 'broken';
      readonly file: string;
      readonly why: string;
      /** Whether elements had begun in it. */
      readonly isCut: boolean;
    };

/** A file holds what a server has: more than a stream may bring at once, but no more than memory has. */
export const FILE_LIMITS: XmlLimits = {
  maxBytes: 16 << 20,
  maxDepth: 200,
  maxAttributes: 200,
  maxElements: 500_000,
};

/** How deep files include others: a main file, hosts, users, parts of users, and one to spare. */
const MAX_NESTING = 5;

/**
 * Reads a file with all that it includes, or all the files of a folder, but for those in folders within it:
 * Prosody writes one for each user. What comes as bytes from elsewhere includes nothing of this machine.
 */
export async function* readFiles(
  path: string,
  source?: AsyncIterable<Buffer>,
): AsyncGenerator<FileEvent> {
  if (source !== undefined)
    return yield* readOne(
      { root: undefined, seen: new Set() },
      { file: path, name: path, above: [], source },
    );
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) yield* readFirst(path);
  else
    for (const name of (await readdir(path)).sort())
      if (name.endsWith('.xml')) yield* readFirst(join(path, name));
}

async function* readFirst(file: string): AsyncGenerator<FileEvent> {
  let first: string;
  try {
    first = await realpath(file);
  } catch (error) {
    yield { kind: 'broken', file, why: reasonOf(error), isCut: false };
    return;
  }
  const root = dirname(first);
  yield* readOne({ root, seen: new Set() }, { file: first, name: basename(first), above: [] });
}

/** What all files of an import have in common. */
interface Reading {
  /** The folder that files may be of; undefined where none may be read. */
  readonly root: string | undefined;
  readonly seen: Set<string>;
}

/** A file, and where it is included. */
interface Place {
  readonly file: string;
  /** As it is told. */
  readonly name: string;
  readonly above: readonly Element[];
  readonly nesting?: number;
  /** Its bytes, where it is no file of this machine. */
  readonly source?: AsyncIterable<Buffer>;
}

async function* readOne(reading: Reading, place: Place): AsyncGenerator<FileEvent> {
  const { file, name, above, nesting = 0 } = place;
  if (reading.seen.has(file)) {
    yield { kind: 'broken', file: name, why: 'it is included twice', isCut: false };
    return;
  }
  reading.seen.add(file);
  const path: Element[] = [...above];
  const broken = (why: string): FileEvent => {
    return { kind: 'broken', file: name, why, isCut: path.length > above.length };
  };
  const opens = (element: Element, own: readonly Element[]) =>
    isHolder(element, [...above, ...own]);
  try {
    if (place.source === undefined && !(await stat(file)).isFile()) {
      yield { kind: 'broken', file: name, why: 'it is no file', isCut: false };
      return;
    }
    const source: AsyncIterable<Buffer> = place.source ?? createReadStream(file);
    for await (const event of readDocument(source, { opens, limits: FILE_LIMITS })) {
      if (event.kind === 'open') path.push(event.element);
      else if (event.kind === 'close') path.pop();
      if (event.kind === 'fault') yield broken(`line ${event.line}: ${event.fault.text}`);
      else if (event.kind === 'element' && isInclude(event.element) && path.length <= USER_DEPTH)
        yield* include(reading, { file, name, above: path, nesting }, event.element);
      else yield event;
    }
  } catch (error) {
    yield broken(reasonOf(error));
  }
  // Who opened a host in a file that broke off has it closed.
  for (let open = path.length; open > above.length; open -= 1) yield { kind: 'close' };
}

/** `<server-data/>`, `<host/>` and `<user/>`: what is deeper may be the users' own (§5). */
const USER_DEPTH = 3;

const isInclude = (element: Element) => element.name === 'include' && nsOf(element) === XINCLUDE;

async function* include(
  reading: Reading,
  { file, name, above, nesting = 0 }: Place,
  { attrs }: Element,
): AsyncGenerator<FileEvent> {
  const href = attrs['href'];
  const asked = href ?? '';
  const broken = (why: string): FileEvent => {
    return { kind: 'broken', file: asked, why, isCut: false };
  };
  if (reading.root === undefined)
    return yield broken('a file that is sent along cannot include others');
  if (attrs['parse'] !== undefined || attrs['xpointer'] !== undefined)
    return yield broken('only whole XML files are included');
  const path = pathIn(asked);
  if (path === undefined) return yield broken(`${name} includes it by an address that is no path`);
  if (nesting >= MAX_NESTING) return yield broken('files include each other too deep');
  let target: string;
  try {
    target = await realpath(resolve(dirname(file), path));
  } catch (error) {
    return yield broken(reasonOf(error));
  }
  const inside = relative(reading.root, target);
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`))
    return yield broken('it is outside of the folder of the first file');
  yield* readOne(reading, { file: target, name: inside, above: [...above], nesting: nesting + 1 });
}

/** The path of a relative address (RFC 3986 §4.2); undefined if it is another one. */
function pathIn(href: string): string | undefined {
  if (href === '' || /^(?:[a-z][a-z0-9+.-]*:|\/|\\)/i.test(href) || /[?#\0]/.test(href))
    return undefined;
  try {
    const path = decodeURIComponent(href);
    return path.includes('\0') || path.startsWith('/') ? undefined : path;
  } catch {
    return undefined;
  }
}

/** Which elements hold others, by where they stand; what is in others is whole. */
function isHolder(element: Element, path: readonly Element[]): boolean {
  const ns = nsOf(element);
  const isPie = PIES.includes(ns);
  switch (path.length) {
    case 0:
      return element.name === 'server-data' && isPie;
    case 1:
      return element.name === 'host' && isPie;
    case 2:
      return element.name === 'user' && isPie;
    case 3:
      return (
        (element.name === 'offline-messages' && isPie) ||
        (element.name === 'archive' && ns === PIE_MAM) ||
        (element.name === 'pubsub' && ns === 'http://jabber.org/protocol/pubsub') ||
        (element.name === 'query' && ns === 'jabber:iq:private')
      );
    case 4:
      return element.name === 'items' && path[3]?.name === 'pubsub';
    default:
      return false;
  }
}

/** What is wrong with a file, without what is in it. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'the user of the server may not read it';
  return code === '' ? String(error) : `it cannot be read (${code})`;
}
