/** What an admin can see of uploaded files, and do about them. */
import { z } from 'zod';
import { accountJid, domain } from '../../config/fields.ts';
import { unlessFound } from '../../core/meant-host.ts';
import type { Home } from '../../core/module.ts';
import { type AnyOperation, failure, operation, success } from '../../core/operation.ts';
import {
  bytes,
  confirmed,
  hidden,
  kind,
  limit,
  offset,
  time,
} from '../../core/operation-fields.ts';
import { domainOf } from '../../jid/jid.ts';
import { UPLOAD_PATH } from './desk.ts';
import { isId } from './folder.ts';
import { encodeSegment } from './names.ts';
import type { UploadSettings } from './settings.ts';
import type { Sweeper } from './sweeper.ts';
import type { FileTables, StoredFile } from './tables.ts';
import { dayOf, endOf, sharing } from './terms.ts';

/** What the operations work with. */
export interface FileOperationsOptions {
  readonly home: Home<UploadSettings>;
  readonly tables: FileTables;
  readonly sweeper: Pick<Sweeper, 'remove'>;
}

const account = accountJid().meta({
  ...kind('jid'),
  description: 'The account, such as joe@falcot.com.',
});
const fileId = z
  .string()
  .refine(isId, { message: 'is no id of a file' })
  .describe('The id, which stands in the address of a file, too.');
const fileInfo = z.object({
  id: z.string(),
  jid: z.string(),
  name: z.string(),
  type: z.string(),
  size: bytes,
  purpose: z.enum(['message', 'profile', 'ephemeral', 'permanent']),
  stored: time,
  ends: time.nullable().describe('When it is removed; empty is never.'),
  url: hidden(z.string()),
});

/** The operations. */
export function fileOperations(options: FileOperationsOptions): AnyOperation[] {
  return [list(options), show(options), remove(options), quota(options)];
}

function infoOf(home: Home<UploadSettings>, file: StoredFile): z.output<typeof fileInfo> {
  const { id, account: jid, host, name, type, size, purpose, stored } = file;
  const isServed = home.hosts.get(host) !== undefined && home.isEnabled(host);
  return {
    id,
    jid,
    name,
    type,
    size,
    purpose,
    stored,
    ends: (isServed ? endOf(file, home.configOf(host)) : file.expires) ?? null,
    url: `${home.web.publicUrl(host)}${UPLOAD_PATH}${id}/${encodeSegment(name)}`,
  };
}

function list({ home, tables }: FileOperationsOptions): AnyOperation {
  return operation({
    name: 'files.list',
    command: ['file', 'list'],
    summary: 'List uploaded files, newest first.',
    effect: 'read',
    offline: true,
    positional: ['jid'],
    about: ({ jid, host }) => jid ?? host,
    input: z.object({
      jid: account.optional(),
      host: domain().optional().describe('Only those of this domain.'),
      offset,
      limit: limit(50),
    }),
    output: z.object({ files: z.array(fileInfo), total: z.int() }),
    async run({ jid, host, offset, limit }) {
      const { files, total } = await tables.list({ account: jid, host, offset, limit });
      const unserved = unlessFound(home.hosts, host, total);
      if (unserved !== undefined) return unserved;
      return success({ files: files.map((file) => infoOf(home, file)), total });
    },
  });
}

const noSuchFile = (id: string) => failure('not-found', `There is no file ${id}.`);

function show({ home, tables }: FileOperationsOptions): AnyOperation {
  return operation({
    name: 'files.show',
    command: ['file', 'show'],
    summary: 'Show what is known of a file.',
    effect: 'read',
    offline: true,
    positional: ['id'],
    about: async ({ id }) => (await tables.find(id))?.account,
    input: z.object({ id: fileId }),
    output: fileInfo.extend({ url: z.string().describe('Its address, for whoever knows it.') }),
    async run({ id }) {
      const file = await tables.find(id);
      return file === undefined ? noSuchFile(id) : success(infoOf(home, file));
    },
  });
}

function remove({ tables, sweeper }: FileOperationsOptions): AnyOperation {
  return operation({
    name: 'files.delete',
    command: ['file', 'delete'],
    summary: 'Delete a file for good.',
    effect: 'change',
    offline: true,
    positional: ['id'],
    about: async ({ id }) => (await tables.find(id))?.account,
    input: confirmed(z.object({ id: fileId }), 'Delete the file {id} for good?'),
    output: z.object({ id: z.string(), jid: z.string(), name: z.string() }),
    async run({ id }) {
      const file = await tables.find(id);
      if (file === undefined) return noSuchFile(id);
      await sweeper.remove([id]);
      return success({ id, jid: file.account, name: file.name });
    },
  });
}

function quota({ home, tables }: FileOperationsOptions): AnyOperation {
  const bound = (limit: number) => (limit === 0 ? null : limit);
  return operation({
    name: 'files.quota',
    command: ['file', 'quota'],
    summary: 'Show how much room files take, of a user or on each domain, and how much they may.',
    effect: 'read',
    offline: true,
    positional: ['jid'],
    about: ({ jid, host }) => jid ?? host,
    input: z.object({
      jid: account.optional(),
      host: domain().optional().describe('Only this domain.'),
    }),
    output: z.object({
      usage: z.array(
        z.object({
          of: z.string().describe('The domain, or the kind of files of the user.'),
          files: z.int().nullable(),
          used: bytes,
          limit: bytes.nullable().describe('Empty is no limit.'),
        }),
      ),
    }),
    async run({ jid, host: only }) {
      if (jid === undefined) {
        const served = home.hosts.all().map(({ domain: each }) => each);
        const hosts = served.filter((each) => home.isEnabled(each) && (only ?? each) === each);
        const unserved = unlessFound(home.hosts, only, hosts.length);
        if (unserved !== undefined) return unserved;
        const usage = hosts.map(async (each) => {
          const { files, bytes: used } = await tables.usageOfHost(each);
          return { of: each, files, used, limit: bound(home.configOf(each).hostQuota) };
        });
        return success({ usage: await Promise.all(usage) });
      }
      const host = home.hosts.ownerOf(domainOf(jid));
      if ((await home.accounts.get(jid)) === undefined || host === undefined)
        return failure('not-found', `There is no account ${jid}.`);
      if (!home.isEnabled(host.domain))
        return failure('unavailable', `Files cannot be uploaded on ${host.domain}.`);
      const settings = home.configOf(host.domain);
      const kept = await tables.usageOf(jid, sharing('message'));
      const profile = await tables.usageOf(jid, sharing('profile'));
      const today = await tables.usageOn(jid, dayOf(home.clock.now()));
      return success({
        usage: [
          { of: 'files', files: kept.files, used: kept.bytes, limit: bound(settings.quota) },
          {
            of: 'profile',
            files: profile.files,
            used: profile.bytes,
            limit: bound(settings.profileQuota),
          },
          { of: 'uploaded today', files: null, used: today, limit: bound(settings.dailyQuota) },
        ],
      });
    },
  });
}
