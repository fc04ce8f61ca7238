/** Bringing accounts along from another server, and taking them there. */
import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { accountJid, domain } from '../../config/fields.ts';
import type { Home } from '../../core/module.ts';
import { type AnyOperation, failure, operation, success } from '../../core/operation.ts';
import { bytes, hidden, kind } from '../../core/operation-fields.ts';
import { domainOf } from '../../jid/jid.ts';
import { documentOf, type Given } from './giving.ts';
import { Report } from './report.ts';
import { takeFiles } from './taking.ts';
import type { Unfinished } from './unfinished.ts';

/** What the operations work with. */
export interface PortableParts {
  readonly home: Pick<Home<undefined>, 'accounts' | 'hosts' | 'imported' | 'exported' | 'log'>;
  readonly unfinished: Unfinished;
}

/** The operations. */
export function portableOperations(parts: PortableParts): AnyOperation[] {
  return [importOperation(parts), exportOperation(parts)];
}

const filePath = (description: string) =>
  z
    .string()
    .max(4096)
    .refine((path) => isAbsolute(path) && !path.includes('\0'), {
      message: 'is to be a whole path on the machine of the server',
    })
    .meta({ ...kind('path'), description });

const only = accountJid()
  .meta({ ...kind('jid'), description: 'Only this account.' })
  .optional();

const outcome = z.object({
  dryRun: z.boolean(),
  accounts: z.object({
    made: z.int(),
    completed: z.int().describe('Of an import that had been interrupted.'),
    addedTo: z.int(),
    passedOver: z.int(),
  }),
  kinds: z.array(z.object({ kind: z.string(), taken: z.int(), passed: z.int() })),
  passed: z.array(z.object({ of: z.string(), what: z.string(), why: z.string(), times: z.int() })),
  untold: hidden(z.int().describe('How many more were passed over, beyond those that are listed.')),
  healthy: hidden(z.boolean().describe('Whether nothing was passed over.')),
});

function importOperation({ home, unfinished }: PortableParts): AnyOperation {
  let isBusy = false;
  const isServed = (host: Parameters<typeof home.hosts.get>[0]) =>
    home.hosts.get(host) !== undefined;
  return operation({
    name: 'portable.import',
    command: ['import'],
    summary: 'Take in the accounts of another server, from a file of XEP-0227 or a folder of them.',
    effect: 'change',
    offline: true,
    isSlow: true,
    positional: ['file'],
    input: z.object({
      file: filePath('The file, or a folder with such files; the user of the server can read it.'),
      dryRun: z.boolean().default(false).describe('Only say what would be taken in.'),
      intoExisting: z
        .boolean()
        .default(false)
        .describe('Add to accounts that are here already what they lack; their own data stays.'),
      jid: only,
    }),
    output: outcome,
    present,
    async run({ file, dryRun, intoExisting, jid }) {
      if (isBusy) return failure('conflict', 'Another import is under way.');
      const found = await stat(file).catch(() => undefined);
      if (found === undefined || !(found.isFile() || found.isDirectory()))
        return failure('not-found', `${file} is no file that the user of the server can see.`);
      isBusy = true;
      const report = new Report();
      try {
        const wish = { file, isDry: dryRun, intoExisting, only: jid };
        await takeFiles({ home, unfinished, report, isServed }, wish);
      } finally {
        isBusy = false;
      }
      const { accounts, kinds, rows, untold, isWhole } = report;
      if (!dryRun) home.log.info({ file, ...accounts }, 'accounts were imported');
      return success({
        dryRun,
        accounts: { ...accounts },
        kinds: [...kinds.values()],
        passed: [...rows.values()],
        untold,
        healthy: isWhole,
      });
    },
  });
}

/** The outcome as a table, and what was passed over below it. */
function present({ dryRun, accounts, kinds, passed, untold }: z.output<typeof outcome>): string {
  const lines = [
    ...(dryRun ? ['Nothing was changed; this would be taken in:'] : []),
    ...table([
      ['', 'taken', 'passed over'],
      ['accounts', String(accounts.made + accounts.completed), String(accounts.passedOver)],
      ...(accounts.addedTo > 0 ? [['accounts added to', String(accounts.addedTo), '0']] : []),
      ...kinds.map((each) => [each.kind, String(each.taken), String(each.passed)]),
    ]),
  ];
  if (passed.length > 0) lines.push('', 'Passed over:');
  for (const { of, what, why, times } of passed)
    lines.push(`  ${of}: ${what}: ${why}${times > 1 ? ` (${times} times)` : ''}`);
  if (untold > 0) lines.push(`  and ${untold} more`);
  return lines.join('\n');
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map(([name = '', ...numbers]) =>
    [name.padEnd(widths[0] ?? 0), ...numbers.map((each, at) => each.padStart(widths[at + 1] ?? 0))]
      .join('  ')
      .trimEnd(),
  );
}

function exportOperation({ home }: PortableParts): AnyOperation {
  return operation({
    name: 'portable.export',
    command: ['export'],
    summary: 'Write accounts with all their data to a file of XEP-0227.',
    effect: 'change',
    offline: true,
    isSlow: true,
    positional: ['file'],
    input: z.object({
      file: filePath(
        'The file, which must not be there yet; only the user of the server can read it.',
      ),
      host: domain()
        .meta({ ...kind('domain'), description: 'Only the accounts of this domain.' })
        .optional(),
      jid: only,
      credentials: z
        .boolean()
        .default(false)
        .describe('Also the keys of passwords (SCRAM): keep the file as safe as the database.'),
    }),
    output: z.object({ file: z.string(), accounts: z.int(), bytes }),
    present: ({ file, accounts, bytes: size }) =>
      `${file}: ${accounts} ${accounts === 1 ? 'account' : 'accounts'}, ${size} bytes`,
    async run({ file, host, jid, credentials }) {
      if (jid !== undefined && (await home.accounts.get(jid)) === undefined)
        return failure('not-found', `There is no ${jid}.`);
      if (host !== undefined && home.hosts.get(host) === undefined)
        return failure('not-found', `${host} is not served here.`);
      let accounts = 0;
      const hosts =
        jid !== undefined
          ? [{ domain: domainOf(jid), only: jid }]
          : home.hosts.all().filter(({ domain: each }) => host === undefined || each === host);
      const given: Given = {
        hosts,
        hasCredentials: credentials,
        given() {
          accounts += 1;
        },
      };
      const fault = await write(file, documentOf(home, given));
      if (fault !== undefined) return fault;
      return success({ file, accounts, bytes: (await stat(file)).size });
    },
  });
}

/** Writes a new file; what is there already is not touched. */
async function write(file: string, text: AsyncIterable<string>) {
  let isOurs = false;
  const target = createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true });
  target.once('open', () => (isOurs = true));
  try {
    await pipeline(Readable.from(text), target);
    return undefined;
  } catch (error) {
    if (isOurs) await rm(file, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === 'EEXIST') return failure('conflict', `${file} is there already.`);
    if (code === undefined) throw error;
    return failure('refused', `${file} cannot be written by the user of the server (${code}).`);
  }
}
