/** Imports from files and exports to files, for admins. */
import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Home } from '../../core/module.ts';
import type { Domain } from '../../jid/jid.ts';
import { documentOf, type Given } from './giving.ts';
import {
  type AccountCounts,
  type KindCounts,
  type PassedRow,
  type Person,
  Report,
} from './report.ts';
import { takeFiles, type Wish } from './taking.ts';
import type { Unfinished } from './unfinished.ts';

/** What was written. */
export interface Written {
  readonly accounts: number;
  readonly bytes: number;
}

/** What admins can have done. */
export interface PortableService {
  /** Takes accounts in; undefined when another import is under way. */
  import(wish: Wish): Promise<
    | {
        readonly accounts: Readonly<AccountCounts>;
        readonly kinds: readonly KindCounts[];
        readonly passed: readonly PassedRow[];
        readonly untold: number;
        readonly people: readonly Person[];
      }
    | undefined
  >;
  /** Writes accounts to a new file; what is there already is not touched. Or an error of the file system. */
  export(
    wish: Omit<Given, 'given'> & { readonly file: string },
  ): Promise<Written | { readonly code: string }>;
  /** Gives accounts as pieces of a document, and at last what it was. */
  document(wish: Omit<Given, 'given'>): AsyncIterable<string | Written>;
}

/** What it works with. */
export interface PortableParts {
  readonly home: Pick<
    Home<undefined>,
    'accounts' | 'hosts' | 'imported' | 'importEnded' | 'exported' | 'log'
  >;
  readonly unfinished: Unfinished;
}

/** Makes the service. */
export function createService({ home, unfinished }: PortableParts): PortableService {
  const isServed = (host: Domain) => home.hosts.get(host) !== undefined;
  let isBusy = false;
  return {
    async import(wish) {
      if (isBusy) return undefined;
      isBusy = true;
      const report = new Report();
      try {
        await takeFiles({ home, unfinished, report, isServed }, wish);
      } finally {
        isBusy = false;
      }
      const { accounts, kinds, rows, untold, people } = report;
      if (!wish.isDry) home.log.info({ file: wish.file, ...accounts }, 'accounts were imported');
      return {
        accounts,
        kinds: [...kinds.values()],
        passed: [...rows.values()],
        untold,
        people: [...people.values()],
      };
    },
    async export({ file, ...wish }) {
      let accounts = 0;
      const given = () => {
        accounts += 1;
      };
      const code = await write(file, documentOf(home, { ...wish, given }));
      if (code !== undefined) return { code };
      return { accounts, bytes: (await stat(file)).size };
    },
    async *document(wish) {
      let accounts = 0;
      let bytes = 0;
      const given = () => {
        accounts += 1;
      };
      for await (const piece of inPieces(documentOf(home, { ...wish, given }))) {
        bytes += Buffer.byteLength(piece);
        yield piece;
      }
      yield { accounts, bytes };
    },
  };
}

/** About the length of a piece. */
const PIECE = 1 << 16;

/** The same text in fewer parts. */
async function* inPieces(text: AsyncIterable<string>): AsyncGenerator<string> {
  let parts: string[] = [];
  let length = 0;
  for await (const part of text) {
    parts.push(part);
    length += part.length;
    if (length < PIECE) continue;
    yield parts.join('');
    parts = [];
    length = 0;
  }
  if (length > 0) yield parts.join('');
}

/** Writes a new file; the code of the error if that fails. */
async function write(file: string, text: AsyncIterable<string>): Promise<string | undefined> {
  let isOurs = false;
  const target = createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true });
  target.once('open', () => {
    isOurs = true;
  });
  try {
    await pipeline(Readable.from(text), target);
    return undefined;
  } catch (error) {
    if (isOurs) await rm(file, { force: true });
    if (!(error instanceof Error && 'syscall' in error && 'code' in error)) throw error;
    return String(error.code);
  }
}
