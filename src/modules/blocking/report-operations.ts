/** What an admin does with reports of spam and abuse (XEP-0377). */
import { z } from 'zod';
import { domain } from '../../config/fields.ts';
import { unlessFound } from '../../core/meant-host.ts';
import type { Home } from '../../core/module.ts';
import { type AnyOperation, failure, operation, success } from '../../core/operation.ts';
import { kind, limit, offset, time } from '../../core/operation-fields.ts';
import { bareOf, domainOf } from '../../jid/jid.ts';
import type { KeptReport, Reports } from './reports.ts';
import type { BlockingSettings } from './settings.ts';

/** What the operations work with. */
export interface ReportOperationsOptions {
  readonly home: Home<BlockingSettings>;
  readonly reports: Reports;
}

const number = z.int().min(1).describe('The number of the report, as report list shows it.');
const line = z.object({
  id: z.int().describe('The number of the report.'),
  at: time,
  reported: z.string().describe('Who was reported.'),
  local: z.boolean().describe('Whether that is an account of this server.'),
  reason: z.string().describe('spam, abuse, or another reason.'),
  reporter: z.string(),
  text: z.string().describe('What the reporter says.'),
});

/** The operations. */
export function reportOperations(options: ReportOperationsOptions): AnyOperation[] {
  return [list(options), show(options), dismiss(options)];
}

async function lineOf(
  { id, at, reported, reason, reporter, text }: KeptReport,
  { accounts, hosts }: Home<BlockingSettings>,
): Promise<z.output<typeof line>> {
  const account = bareOf(reported);
  const isHere = hosts.get(domainOf(account)) !== undefined;
  const local = isHere && (await accounts.get(account)) !== undefined;
  const word = reason.replace(/^urn:xmpp:reporting:/, '');
  return { id, at, reported, local, reason: word, reporter, text };
}

function list({ home, reports }: ReportOperationsOptions): AnyOperation {
  return operation({
    name: 'reports.list',
    command: ['report', 'list'],
    summary: 'List what users reported of whom they blocked, newest first.',
    effect: 'read',
    offline: true,
    about: ({ host }) => host,
    input: z.object({
      host: domain()
        .optional()
        .meta({ ...kind('domain'), description: 'Only those of users of this domain.' }),
      offset,
      limit: limit(100),
    }),
    output: z.object({ reports: z.array(line), total: z.int() }),
    async run(filter) {
      const { page, total } = await reports.list(filter);
      const unserved = unlessFound(home.hosts, filter.host, total);
      if (unserved !== undefined) return unserved;
      return success({ reports: await Promise.all(page.map((each) => lineOf(each, home))), total });
    },
  });
}

function show({ home, reports }: ReportOperationsOptions): AnyOperation {
  return operation({
    name: 'reports.show',
    command: ['report', 'show'],
    summary: 'Show a report, and how many users reported the same address.',
    effect: 'read',
    offline: true,
    about: async ({ id }) => (await reports.find(id))?.host,
    positional: ['id'],
    input: z.object({ id: number }),
    output: line.extend({
      reporters: z.int().describe('How many users reported this address.'),
      messages: z.array(z.string()).describe('Ids of the messages that are meant.'),
    }),
    async run({ id }) {
      const report = await reports.find(id);
      if (report === undefined) return nothing(id);
      const reporters = await reports.reportersOf(report.reported);
      return success({
        ...(await lineOf(report, home)),
        reporters,
        messages: [...report.messages],
      });
    },
  });
}

function dismiss({ reports }: ReportOperationsOptions): AnyOperation {
  return operation({
    name: 'reports.dismiss',
    command: ['report', 'dismiss'],
    summary: 'Take a report off the list; what the user blocked stays blocked.',
    effect: 'change',
    offline: true,
    about: async ({ id }) => (await reports.find(id))?.host,
    positional: ['id'],
    input: z.object({ id: number }),
    output: z.object({ id: z.int() }),
    present: ({ id }) => `Report ${id} is dismissed.`,
    run: async ({ id }) => ((await reports.dismiss(id)) ? success({ id }) : nothing(id)),
  });
}

const nothing = (id: number) =>
  failure('not-found', `There is no report ${id}; rtcctl report list shows all.`);
