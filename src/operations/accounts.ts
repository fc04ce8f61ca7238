/** Operations on accounts. */
import { z } from 'zod';
import { type Account, ROLES } from '../core/accounts.ts';
import { type Actor, type AnyOperation, failure, operation, success } from '../core/operation.ts';
import type { SessionEndCondition } from '../core/sessions.ts';
import { type BareJid, domainOf } from '../jid/jid.ts';
import {
  accountJid,
  confirmed,
  domain,
  hidden,
  limit,
  newPassword,
  offset,
  time,
} from './fields.ts';
import { noSuchAccount, unlessFound, unlessServed } from './refusals.ts';
import type { Services } from './services.ts';
import { sessionInfo, sessionInfoOf } from './session-info.ts';

type Needs = Pick<Services, 'accounts' | 'sessions' | 'hosts' | 'authority' | 'removeAccount'>;

/** Shorter passwords are taken, with a warning. */
const ADVISED_LENGTH = 8;

const ROLE_TEXT = 'admin: of its domain; guest: may only talk to people and rooms of this server.';
const OPERATORS_ONLY = failure('forbidden', 'Only operators make operators.');

const onAccount = z.object({ jid: accountJid });
const withWarning = z.object({ jid: z.string(), warning: z.string().optional() });
const lockState = z.object({ jid: z.string(), locked: z.boolean() });
const roleName = z
  .enum(ROLES)
  .describe(
    'operator: of the server; admin: of its domain; member; guest: talks to this server only.',
  );
const adminState = z.object({ jid: z.string(), admin: z.boolean() });

const withHint = (sentence: string, warning: string | undefined) =>
  warning === undefined ? sentence : `${sentence}\n${warning}`;
const warningFor = (password: string) =>
  [...password].length < ADVISED_LENGTH
    ? {
        warning: `The password is shorter than ${ADVISED_LENGTH} characters; a longer one is safer.`,
      }
    : {};

/** All operations on accounts. */
export function accountOperations(services: Needs): AnyOperation[] {
  return [...changes(services), ...reads(services), ...states(services)];
}

/** Ends all sessions of an account. */
function endSessions(
  { sessions }: Pick<Services, 'sessions'>,
  account: BareJid,
  condition: SessionEndCondition,
  text: string,
): void {
  for (const session of sessions.of(account)) session.end(condition, text);
}

function changes(services: Needs): AnyOperation[] {
  const { accounts, hosts, authority, removeAccount } = services;
  return [
    operation({
      name: 'accounts.add',
      command: ['adduser'],
      summary: 'Create an account.',
      effect: 'change',
      offline: true,
      about: ({ jid }) => jid,
      positional: ['jid'],
      secret: ['password'],
      input: z.object({
        jid: accountJid,
        password: newPassword,
        admin: z.boolean().default(false).describe('Make it an operator of the server.'),
        role: z.enum(['admin', 'member', 'guest']).default('member').describe(ROLE_TEXT),
      }),
      output: withWarning,
      present: ({ jid, warning }) => withHint(`${jid} was created.`, warning),
      async run({ jid, password, admin, role }, actor) {
        const unserved = unlessServed(hosts, domainOf(jid));
        if (unserved !== undefined) return unserved;
        if (admin && !(await authority.isOperator(actor))) return OPERATORS_ONLY;
        switch (await accounts.create(jid, password, { isAdmin: admin, role })) {
          case 'created':
            return success({ jid, ...warningFor(password) });
          case 'conflict':
            return failure('conflict', `${jid} exists already${wayOn(jid, actor)}.`);
          case 'bad-password':
            return failure('refused', 'The password has characters that it cannot have.');
        }
      },
    }),
    operation({
      name: 'accounts.password',
      command: ['passwd'],
      summary: "Set an account's password; its sessions end.",
      effect: 'change',
      offline: true,
      about: ({ jid }) => jid,
      positional: ['jid'],
      secret: ['password'],
      input: z.object({ jid: accountJid, password: newPassword }),
      output: withWarning,
      present: ({ jid, warning }) => withHint(`${jid} has a new password.`, warning),
      async run({ jid, password }) {
        switch (await accounts.setPassword(jid, password)) {
          case 'changed':
            // RFC 6120 §4.9.3.16: what the session was made with is no longer valid.
            endSessions(services, jid, 'reset', 'The password was changed.');
            return success({ jid, ...warningFor(password) });
          case 'not-found':
            return noSuchAccount(services, jid);
          case 'bad-password':
            return failure('refused', 'The password has characters that it cannot have.');
        }
      },
    }),
    operation({
      name: 'accounts.remove',
      command: ['deluser'],
      summary: 'Remove an account with all of its data; its sessions end.',
      effect: 'change',
      offline: true,
      about: ({ jid }) => jid,
      positional: ['jid'],
      input: confirmed(onAccount, 'Remove {jid} with its contacts and messages, for good?'),
      output: z.object({ jid: z.string() }),
      present: ({ jid }) => `${jid} was removed.`,
      async run({ jid }) {
        const isRemoved = await removeAccount(jid, 'The account was removed.');
        return isRemoved ? success({ jid }) : noSuchAccount(services, jid);
      },
    }),
  ];
}

/** What can be done with an account that is there already, by the face that is used. */
function wayOn(jid: BareJid, { via }: Actor): string {
  switch (via) {
    case 'socket':
    case 'offline':
      return '; rtcctl passwd sets its password';
    case 'console':
      return '; a new password is set on its own page, which the list of users leads to';
    case 'setup':
      return `; choose another name, or run rtcctl user promote ${jid}`;
    case 'rest':
    case 'xmpp':
      return '';
  }
}

function reads(services: Needs): AnyOperation[] {
  const { accounts, sessions, hosts, authority } = services;
  const told = async (account: Account) => ({
    jid: account.jid,
    created: account.created,
    locked: account.isLocked,
    admin: await authority.isAdmin(account.jid),
    role: await authority.roleOf(account.jid),
  });
  return [
    operation({
      name: 'accounts.list',
      command: ['user', 'list'],
      summary: 'List accounts.',
      effect: 'read',
      about: ({ host }) => host,
      offline: true,
      input: z.object({
        host: domain.optional(),
        search: z.string().max(200).optional().describe('A part of the address.'),
        locked: z.boolean().default(false).describe('Only those that are locked.'),
        role: z.enum(ROLES).optional().describe('Only those that were given this role here.'),
        offset,
        limit: limit(50),
      }),
      output: z.object({
        accounts: z.array(
          z.object({
            jid: z.string(),
            created: time,
            locked: z.boolean(),
            admin: hidden(z.boolean()),
            role: roleName,
            sessions: z.int(),
          }),
        ),
        total: z.int(),
      }),
      async run({ host, search, locked, role, offset: from, limit: most }) {
        const filter = {
          ...(host === undefined ? {} : { host }),
          ...(search === undefined ? {} : { search }),
          ...(locked ? { isLocked: true } : {}),
          ...(role === undefined ? {} : { role }),
        };
        const page = await accounts.list({ ...filter, offset: from, limit: most });
        const unserved = unlessFound(hosts, host, page.total);
        if (unserved !== undefined) return unserved;
        const rows = page.accounts.map(async (account) => ({
          ...(await told(account)),
          sessions: sessions.of(account.jid).length,
        }));
        return success({ accounts: await Promise.all(rows), total: page.total });
      },
    }),
    operation({
      name: 'accounts.show',
      command: ['user', 'show'],
      summary: 'Show an account and its sessions.',
      effect: 'read',
      offline: true,
      about: ({ jid }) => jid,
      positional: ['jid'],
      input: onAccount,
      output: z.object({
        jid: z.string(),
        created: time,
        locked: z.boolean(),
        admin: hidden(z.boolean()).describe('Whether it may sign in to administer.'),
        role: roleName,
        namedInConfig: z.boolean().describe('Whether the config names it as an admin.'),
        sessions: z.array(sessionInfo),
      }),
      async run({ jid }) {
        const account = await accounts.get(jid);
        if (account === undefined) return noSuchAccount(services, jid);
        return success({
          ...(await told(account)),
          namedInConfig: authority.roleByConfig(jid) !== undefined,
          sessions: sessions.of(jid).map((each) => sessionInfoOf(each, services.hosts)),
        });
      },
    }),
  ];
}

/** Locked or not, admin or not. */
function states(services: Needs): AnyOperation[] {
  const { accounts, authority } = services;
  const lockOperation = (isLocked: boolean) =>
    operation({
      name: isLocked ? 'accounts.lock' : 'accounts.unlock',
      command: ['user', isLocked ? 'lock' : 'unlock'],
      summary: isLocked
        ? 'Lock an account: it keeps its data, but nobody can log in; its sessions end.'
        : 'Unlock an account.',
      effect: 'change',
      offline: true,
      about: ({ jid }) => jid,
      positional: ['jid'],
      input: onAccount,
      output: lockState,
      present: ({ jid, locked }) => `${jid} is ${locked ? 'locked' : 'unlocked'}.`,
      async run({ jid }) {
        if (!(await accounts.setLocked(jid, isLocked))) return noSuchAccount(services, jid);
        if (isLocked) endSessions(services, jid, 'not-authorized', 'The account was locked.');
        return success({ jid, locked: isLocked });
      },
    });
  const adminOperation = (isAdmin: boolean) =>
    operation({
      name: isAdmin ? 'accounts.promote' : 'accounts.demote',
      command: ['user', isAdmin ? 'promote' : 'demote'],
      summary: isAdmin
        ? 'Make an account an operator of the server.'
        : 'Make an operator a member again.',
      effect: 'change',
      offline: true,
      positional: ['jid'],
      input: onAccount,
      output: adminState,
      present: ({ jid, admin }) =>
        `${jid} is ${admin ? 'an operator now' : 'no operator any more'}.`,
      async run({ jid }) {
        if (!isAdmin && authority.roleByConfig(jid) === 'operator') return namedInConfig(jid);
        if (!(await accounts.setAdmin(jid, isAdmin))) return noSuchAccount(services, jid);
        return success({ jid, admin: isAdmin });
      },
    });
  return [
    lockOperation(true),
    lockOperation(false),
    roleOperation(services),
    adminOperation(true),
    adminOperation(false),
  ];
}

const namedInConfig = (jid: BareJid) =>
  failure('refused', `${jid} is an admin by the config; take it out of admins there and reload.`);

/** Gives an account any of the roles. */
function roleOperation(services: Needs): AnyOperation {
  const { accounts, authority } = services;
  return operation({
    name: 'accounts.role',
    command: ['user', 'role'],
    summary: 'Give an account a role: operator, admin of its domain, member or guest.',
    effect: 'change',
    offline: true,
    about: ({ jid }) => jid,
    positional: ['jid', 'role'],
    input: z.object({ jid: accountJid, role: roleName }),
    output: z.object({ jid: z.string(), role: z.enum(ROLES) }),
    present: ({ jid, role }) => `${jid} is ${ROLE_PHRASES[role]} now.`,
    async run({ jid, role }, actor) {
      if (role === 'operator' && !(await authority.isOperator(actor))) return OPERATORS_ONLY;
      const least = authority.roleByConfig(jid);
      if (least !== undefined && ROLES.indexOf(role) > ROLES.indexOf(least))
        return namedInConfig(jid);
      if (!(await accounts.setRole(jid, role))) return noSuchAccount(services, jid);
      // Those whom a guest sees, and who see him, are others.
      if (role === 'guest') endSessions(services, jid, 'reset', 'The role was changed.');
      return success({ jid, role });
    },
  });
}

const ROLE_PHRASES = {
  operator: 'an operator of the server',
  admin: 'an admin of its domain',
  member: 'a member',
  guest: 'a guest',
} as const;
