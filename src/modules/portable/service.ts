/** Imports from files and exports to files, for admins. */
import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Home } from '../../core/module.ts';
import type { Domain } from '../../jid/jid.ts';
import { documentOf, type Given } from './giving.ts';
import { type AccountCounts, type KindCounts, type PassedRow, Report } from './report.ts';
import { takeFiles, type Wish } from './taking.ts';
import type { Unfinished } from './unfinished.ts';

/** What was written, or why nothing was: an error of the file system. */
export type Written =
  | { readonly accounts: number; readonly bytes: number }
  | { readonly code: string };

/** What admins can have done. */
export interface PortableService {
  /** Takes accounts in; undefined when another import is under way. */
  import(wish: Wish): Promise<
    | {
        readonly accounts: Readonly<AccountCounts>;
        readonly kinds: readonly KindCounts[];
        readonly passed: readonly PassedRow[];
        readonly untold: number;
      }
    | undefined
  >;
  /** Writes accounts to a new file; what is there already is not touched. */
  export(wish: Omit<Given, 'given'> & { readonly file: string }): Promise<Written>;
}

/** What it works with. */
export interface PortableParts {
  readonly home: Pick<Home<undefined>, 'accounts' | 'hosts' | 'imported' | 'exported' | 'log'>;
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
      const { accounts, kinds, rows, untold } = report;
      if (!wish.isDry) home.log.info({ file: wish.file, ...accounts }, 'accounts were imported');
      return { accounts, kinds: [...kinds.values()], passed: [...rows.values()], untold };
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
  };
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
