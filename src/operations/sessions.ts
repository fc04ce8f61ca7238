/** Operations on live sessions. */
import { z } from 'zod';
import { closest } from '../config/closest.ts';
import { type AnyOperation, failure, operation, success } from '../core/operation.ts';
import type { Session } from '../core/sessions.ts';
import { bareOf, isFull } from '../jid/jid.ts';
import { anyJid, domain, hidden, limit, offset } from './fields.ts';
import { noSuchAccount, unlessServed } from './refusals.ts';
import type { Services } from './services.ts';
import { availabilityOf, sessionInfo, sessionInfoOf, stateOf } from './session-info.ts';

type Needs = Pick<Services, 'sessions' | 'accounts' | 'hosts'>;

/** Operations on live sessions. */
export function sessionOperations(services: Needs): AnyOperation[] {
  return [list(services), kick(services)];
}

function list({ sessions, hosts }: Needs): AnyOperation {
  return operation({
    name: 'sessions.list',
    command: ['session', 'list'],
    summary: 'List the sessions of clients.',
    effect: 'read',
    about: ({ host }) => host,
    input: z.object({
      host: domain.optional(),
      search: z.string().max(200).optional().describe('A part of the JID or of the address.'),
      users: z
        .enum(['all', 'active', 'idle'])
        .default('all')
        .describe(
          'active: only of users of whom a client is in use; idle: of those who are away from all.',
        ),
      offset,
      limit: limit(100),
    }),
    output: z.object({
      sessions: z.array(sessionInfo),
      total: z.int(),
      accounts: hidden(z.int()).describe('How many accounts they are of.'),
    }),
    run({ host, search, users, offset: from, limit: most }) {
      const unserved = host === undefined ? undefined : unlessServed(hosts, host);
      if (unserved !== undefined) return unserved;
      const part = search?.trim().toLowerCase() ?? '';
      const found = [...sessions.all()]
        .filter((session) => host === undefined || session.host === host)
        .filter(({ jid, remote }) => jid.toLowerCase().includes(part) || remote.includes(part))
        .filter(
          ({ account }) =>
            users === 'all' || isActive(sessions.of(account)) === (users === 'active'),
        )
        .sort((a, b) => (a.jid < b.jid ? -1 : 1));
      const page = found.slice(from, from + most).map((each) => sessionInfoOf(each, hosts));
      const accounts = new Set(found.map(({ account }) => account)).size;
      return success({ sessions: page, total: found.length, accounts });
    },
  });
}

/** Whether somebody uses one of the clients (XEP-0133 §4.16): it is not away, and says nothing else. */
const isActive = (sessions: readonly Session[]) =>
  sessions.some(
    (session) =>
      stateOf(session) === 'connected' &&
      !['unavailable', 'away', 'xa'].includes(availabilityOf(session)),
  );

function kick(services: Needs): AnyOperation {
  const { sessions } = services;
  return operation({
    name: 'sessions.kick',
    command: ['session', 'kick'],
    summary: 'End the sessions of an account, or one of them.',
    effect: 'change',
    about: ({ jid }) => jid,
    positional: ['jid'],
    input: z.object({
      jid: anyJid,
      reason: z.string().max(500).optional().describe('What the client is told.'),
    }),
    output: z.object({ ended: z.int() }),
    present: ({ ended }) => (ended === 1 ? 'One session ended.' : `${ended} sessions ended.`),
    async run({ jid, reason }) {
      const own = sessions.of(bareOf(jid));
      const meant = isFull(jid) ? own.filter((session) => session.jid === jid) : own;
      for (const session of meant)
        session.end('policy-violation', reason ?? 'An admin ended the session.');
      if (meant.length > 0) return success({ ended: meant.length });
      if (own.length > 0) {
        const others = own.map((session) => session.jid);
        return failure('not-found', `${jid} is not online; sessions: ${others.join(', ')}`);
      }
      if ((await services.accounts.get(bareOf(jid))) === undefined) {
        const online = [...new Set([...sessions.all()].map((session) => session.account))];
        const near = closest(bareOf(jid), online);
        if (near !== undefined)
          return failure('not-found', `There is no ${bareOf(jid)}; did you mean ${near}?`);
        return noSuchAccount(services, bareOf(jid));
      }
      return failure('not-found', `${bareOf(jid)} has no session.`);
    },
  });
}
