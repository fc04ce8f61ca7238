/** Bringing accounts along from another server, and taking them there. */
import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { type Actor, type AnyOperation, failure, operation, success } from '../core/operation.ts';
import { domainOf } from '../jid/jid.ts';
import { accountJid, bytes, domain, hidden, kind, watchOf } from './fields.ts';
import { noSuchAccount, unlessServed } from './refusals.ts';
import type { Services } from './services.ts';

type Needs = Pick<Services, 'accounts' | 'hosts' | 'portable'>;

/** The operations. */
export function portableOperations(services: Needs): AnyOperation[] {
  return [importOperation(services), exportOperation(services)];
}

/** Stands for bytes that are sent along, or are the answer. */
const STREAM = '-';

const filePath = (what: 'source' | 'target', description: string) =>
  z
    .string()
    .max(4096)
    .refine((path) => path === STREAM || (isAbsolute(path) && !path.includes('\0')), {
      message: 'is to be a whole path on the machine of the server, or -',
    })
    .meta({ ...kind(what), description });

/** Files of the machine are for those who are on it: an admin from elsewhere could look for them. */
const isOnMachine = ({ via }: Actor) => via === 'socket' || via === 'offline';
const ELSEWHERE = failure('refused', 'Files of the server are read and written by rtcctl only.');
const NOTHING_SENT = failure('refused', 'No file was sent along.');

const only = accountJid.describe('Only this account.').optional();

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
  people: hidden(
    z
      .array(
        z.object({
          jid: z.string(),
          fate: z.enum(['made', 'completed', 'addedTo']),
          kinds: z.array(z.object({ kind: z.string(), taken: z.int() })),
        }),
      )
      .describe('Whom something was taken in for: the first of them.'),
  ),
  healthy: hidden(z.boolean().describe('Whether nothing was passed over.')),
});

function importOperation({ portable }: Needs): AnyOperation {
  return operation({
    name: 'portable.import',
    command: ['import'],
    summary: 'Take in the accounts of another server, from a file of XEP-0227 or a folder of them.',
    effect: 'change',
    offline: true,
    isSlow: true,
    positional: ['file'],
    input: z.object({
      file: filePath(
        'source',
        'The file, or a folder with such files, which the user of the server can read; - is standard input.',
      ),
      dryRun: z.boolean().default(false).describe('Only say what would be taken in.'),
      intoExisting: z
        .boolean()
        .default(false)
        .describe('Add to accounts that are here already what they lack; their own data stays.'),
      jid: only,
    }),
    output: outcome,
    present,
    async run({ file, dryRun, intoExisting, jid }, actor, source) {
      const isSent = file === STREAM;
      if (!isSent && !isOnMachine(actor)) return ELSEWHERE;
      if (isSent && source === undefined) return NOTHING_SENT;
      const found = isSent ? undefined : await stat(file).catch(() => undefined);
      if (!isSent && found?.isFile() !== true && found?.isDirectory() !== true)
        return failure('not-found', `${file} is no file that the user of the server can see.`);
      const done = await portable.import({
        file,
        source: isSent ? source : undefined,
        isDry: dryRun,
        intoExisting,
        only: jid,
      });
      if (done === undefined) return failure('conflict', 'Another import is under way.');
      const { accounts, kinds, passed, untold, people } = done;
      return success({
        dryRun,
        accounts: { ...accounts },
        kinds: kinds.map((each) => ({ ...each })),
        passed: passed.map((each) => ({ ...each })),
        untold,
        people: people.map(({ account, fate, taken: own }) => ({
          jid: account,
          fate,
          kinds: [...own].map(([what, taken]) => ({ kind: what, taken })),
        })),
        healthy: passed.length === 0,
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

const counts = { accounts: z.int(), bytes };
/** What was written; for `-` the document in pieces, and at last what it was. */
const written = z.union([
  z.object({ file: z.string().optional(), ...counts }),
  watchOf(z.union([z.string(), z.object(counts)])),
]);

const sizeOf = (value: { file?: string | undefined; accounts: number; bytes: number }) => {
  const { file, accounts: count, bytes: size } = value;
  const said = `${count} ${count === 1 ? 'account' : 'accounts'}, ${size} bytes`;
  return file === undefined ? said : `${file}: ${said}`;
};

function exportOperation(services: Needs): AnyOperation {
  const { accounts, hosts, portable } = services;
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
        'target',
        'The file, which must not be there yet; only the user of the server can read it; - is standard output.',
      ),
      host: domain.describe('Only the accounts of this domain.').optional(),
      jid: only,
      credentials: z
        .boolean()
        .default(false)
        .describe('Also the keys of passwords (SCRAM): keep the file as safe as the database.'),
    }),
    output: written,
    present: (value) => ('accounts' in value ? sizeOf(value) : ''),
    async run({ file, host, jid, credentials }, actor) {
      const isStreamed = file === STREAM && actor.via !== 'xmpp';
      if (!isStreamed && !isOnMachine(actor)) return ELSEWHERE;
      if (jid !== undefined && (await accounts.get(jid)) === undefined)
        return noSuchAccount(services, jid);
      const unserved = host === undefined ? undefined : unlessServed(hosts, host);
      if (unserved !== undefined) return unserved;
      const all = hosts.all().filter((each) => host === undefined || each.domain === host);
      const wish = {
        hosts: jid === undefined ? all : [{ domain: domainOf(jid), only: jid }],
        hasCredentials: credentials,
      };
      if (isStreamed) return success(portable.document(wish));
      const done = await portable.export({ ...wish, file });
      if (!('code' in done)) return success({ file, ...done });
      if (done.code === 'EEXIST') return failure('conflict', `${file} is there already.`);
      const why = `${file} cannot be written by the user of the server (${done.code}).`;
      return failure('refused', why);
    },
  });
}
