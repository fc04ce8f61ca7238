/** Registrations that wait for an admin. */
import { z } from 'zod';
import { accountJid, domain } from '../../config/fields.ts';
import { unlessFound } from '../../core/meant-host.ts';
import type { Home } from '../../core/module.ts';
import { type AnyOperation, failure, operation, success } from '../../core/operation.ts';
import { confirmed, kind, time } from '../../core/operation-fields.ts';
import type { RegisterSettings } from './settings.ts';
import type { WaitingTable } from './waiting.ts';

/** What the operations work with. */
export interface RegistrationOperationsOptions {
  readonly home: Home<RegisterSettings>;
  readonly waiting: WaitingTable;
}

/** More than an admin looks at; the config bounds how many may wait. */
const MOST_LISTED = 1000;
const REJECTED = 'The registration was not approved.';

const account = accountJid().meta({
  ...kind('jid'),
  description: 'The account that waits, such as joe@falcot.com.',
});
const who = z.object({ jid: z.string() });

/** The operations. */
export function registrationOperations(options: RegistrationOperationsOptions): AnyOperation[] {
  return [list(options), approve(options), reject(options)];
}

function list({ home, waiting }: RegistrationOperationsOptions): AnyOperation {
  return operation({
    name: 'registrations.list',
    command: ['registration', 'list'],
    summary: 'List who registered an account and waits for the approval of an admin.',
    effect: 'read',
    offline: true,
    positional: ['host'],
    about: ({ host }) => host,
    input: z.object({ host: domain().optional().describe('Only those of this domain.') }),
    output: z.object({
      registrations: z.array(
        z.object({ jid: z.string(), remote: z.string().describe('From where.'), asked: time }),
      ),
    }),
    async run({ host }) {
      const found = await waiting.list(host, MOST_LISTED);
      const unserved = unlessFound(home.hosts, host, found.length);
      if (unserved !== undefined) return unserved;
      return success({
        registrations: found.map(({ jid, remote, asked }) => ({ jid, remote, asked })),
      });
    },
  });
}

const nobody = (jid: string) => failure('not-found', `${jid} does not wait for an approval.`);

function approve({ home, waiting }: RegistrationOperationsOptions): AnyOperation {
  return operation({
    name: 'registrations.approve',
    command: ['registration', 'approve'],
    summary: 'Approve a registration: the account can be used from now on.',
    effect: 'change',
    offline: true,
    positional: ['jid'],
    about: ({ jid }) => jid,
    input: z.object({ jid: account }),
    output: who,
    async run({ jid }) {
      if ((await waiting.find(jid)) === undefined) return nobody(jid);
      const isThere = await home.accounts.setLocked(jid, false);
      await waiting.remove(jid);
      return isThere ? success({ jid }) : nobody(jid);
    },
  });
}

function reject({ home, waiting }: RegistrationOperationsOptions): AnyOperation {
  return operation({
    name: 'registrations.reject',
    command: ['registration', 'reject'],
    summary: 'Reject a registration: the account is removed.',
    effect: 'change',
    offline: true,
    positional: ['jid'],
    about: ({ jid }) => jid,
    input: confirmed(
      z.object({ jid: account }),
      'Reject the registration of {jid}, and remove the account?',
    ),
    output: who,
    async run({ jid }) {
      if ((await waiting.find(jid)) === undefined) return nobody(jid);
      await home.removeAccount(jid, REJECTED);
      await waiting.remove(jid);
      return success({ jid });
    },
  });
}
