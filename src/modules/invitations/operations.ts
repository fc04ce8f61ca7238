/** What an admin does with invitations, and with links to set a new password. */
import { z } from 'zod';
import { accountJid, domain } from '../../config/fields.ts';
import { unlessFound, unlessServed } from '../../core/meant-host.ts';
import type { Home } from '../../core/module.ts';
import { type AnyOperation, failure, operation, success } from '../../core/operation.ts';
import { confirmed, kind, limit, offset, time } from '../../core/operation-fields.ts';
import { domainOf, localOf, makeBare } from '../../jid/jid.ts';
import type { InvitationService } from './service.ts';
import type { InvitationSettings } from './settings.ts';
import type { Invitation, InvitationTable } from './tables.ts';

/** What the operations work with. */
export interface InvitationOperationsOptions {
  readonly home: Home<InvitationSettings>;
  readonly table: InvitationTable;
  readonly service: InvitationService;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const account = accountJid().meta({
  ...kind('jid'),
  description: 'The account, such as joe@falcot.com.',
});
const made = {
  id: z.string(),
  url: z.string().describe('The link to send. It is shown only now.'),
  expires: time,
};

/** The operations. */
export function invitationOperations(options: InvitationOperationsOptions): AnyOperation[] {
  return [create(options), list(options), revoke(options), reset(options)];
}

function create({ home, service }: InvitationOperationsOptions): AnyOperation {
  return operation({
    name: 'invitations.create',
    command: ['invite', 'create'],
    summary: 'Invite somebody: make a link by which an account is made.',
    effect: 'change',
    offline: true,
    positional: ['host'],
    about: ({ host }) => host,
    input: z.object({
      host: domain().describe('The domain of the account.'),
      name: z
        .string()
        .min(1)
        .max(1023)
        .optional()
        .describe('The name of the account, which is kept; otherwise the invited choose.'),
      inviter: accountJid()
        .optional()
        .describe('A user who becomes a contact of those who come, and they his.'),
      uses: z.int().min(1).max(1000).default(1).describe('How many may use it.'),
      days: z.int().min(1).max(365).optional().describe('For how many days it can be used.'),
      note: z.string().max(200).default('').describe('What it is for, to be remembered.'),
    }),
    output: z.object({
      ...made,
      uri: z.string().describe('The same for clients, as an xmpp: address.'),
    }),
    async run({ host, name, inviter, uses, days, note }, actor) {
      const unserved = unlessServed(home.hosts, host);
      if (unserved !== undefined) return unserved;
      if (!home.isEnabled(host))
        return failure('unavailable', `Nobody can be invited to ${host}: the module is off there.`);
      const named = name === undefined ? undefined : makeBare(name, host);
      if (named?.ok === false || (named?.ok && localOf(named.value) === ''))
        return { ...failure('invalid-input', 'That is no possible name.'), fields: NAME_FAULT };
      if (named !== undefined && uses > 1)
        return failure('refused', 'An invitation for one name can be used once.');
      if (named !== undefined && (await home.accounts.exists(named.value)))
        return failure('conflict', `${named.value} is an account already.`);
      if (inviter !== undefined && (await home.accounts.get(inviter)) === undefined)
        return failure('not-found', `There is no account ${inviter}.`);
      // XEP-0445 §2.3: clients register where the contact is.
      if (inviter !== undefined && domainOf(inviter) !== host)
        return failure('refused', `${inviter} can invite to ${domainOf(inviter)} only.`);
      const link = await service.invite({
        host,
        account: named?.value,
        inviter,
        maxUses: uses,
        validFor: days === undefined ? undefined : days * DAY_MS,
        maker: actor.name,
        note,
      });
      if (link === undefined)
        return failure('refused', `Too many invitations to ${host} are open; revoke some.`);
      const { invitation, url, uri = '' } = link;
      return success({ id: invitation.id, url, uri, expires: invitation.expires });
    },
  });
}

const NAME_FAULT = { name: 'is no possible name' };

function list({ home, table }: InvitationOperationsOptions): AnyOperation {
  const stateOf = ({ uses, maxUses, expires }: Invitation): 'open' | 'used' | 'expired' => {
    if (uses >= maxUses) return 'used';
    return expires > home.clock.now() ? 'open' : 'expired';
  };
  return operation({
    name: 'invitations.list',
    command: ['invite', 'list'],
    summary: 'List invitations and links to set a new password, newest first.',
    effect: 'read',
    offline: true,
    positional: ['host'],
    about: ({ host }) => host,
    input: z.object({
      host: domain().optional().describe('Only those of this domain.'),
      all: z.boolean().default(false).describe('Also those that can no longer be used.'),
      offset,
      limit: limit(100),
    }),
    output: z.object({
      invitations: z.array(
        z.object({
          id: z.string(),
          kind: z.enum(['invitation', 'contact', 'reset']),
          host: z.string(),
          for: z.string().describe('The account; empty where any name can be chosen.'),
          inviter: z.string(),
          state: z.enum(['open', 'used', 'expired']),
          uses: z.int(),
          maxUses: z.int(),
          created: time,
          expires: time,
          maker: z.string(),
          note: z.string(),
        }),
      ),
      total: z.int(),
    }),
    async run({ host, all, offset, limit }) {
      const openAt = all ? undefined : home.clock.now();
      const { links, total } = await table.list({ host, openAt, offset, limit });
      const unserved = unlessFound(home.hosts, host, total);
      if (unserved !== undefined) return unserved;
      const invitations = links.map((each) => ({
        id: each.id,
        kind: each.kind,
        host: each.host,
        for: each.account ?? '',
        inviter: each.inviter ?? '',
        state: stateOf(each),
        uses: each.uses,
        maxUses: each.maxUses,
        created: each.created,
        expires: each.expires,
        maker: each.maker,
        note: each.note,
      }));
      return success({ invitations, total });
    },
  });
}

function revoke({ table }: InvitationOperationsOptions): AnyOperation {
  return operation({
    name: 'invitations.revoke',
    command: ['invite', 'revoke'],
    summary: 'Revoke an invitation or a link to set a new password.',
    effect: 'change',
    offline: true,
    positional: ['id'],
    about: async ({ id }) => (await table.find(id))?.host,
    input: confirmed(
      z.object({ id: z.string().min(1).max(100).describe('The id that the list shows.') }),
      'Revoke {id}, so that nobody can use it any more?',
    ),
    output: z.object({ id: z.string() }),
    async run({ id }) {
      return (await table.remove(id))
        ? success({ id })
        : failure('not-found', `There is no invitation ${id}.`);
    },
  });
}

function reset({ home, service }: InvitationOperationsOptions): AnyOperation {
  return operation({
    name: 'accounts.resetLink',
    command: ['user', 'reset-link'],
    summary: 'Make a link by which a user sets a new password.',
    effect: 'change',
    offline: true,
    positional: ['jid'],
    about: ({ jid }) => jid,
    input: z.object({
      jid: account,
      hours: z.int().min(1).max(720).optional().describe('For how many hours it can be used.'),
    }),
    output: z.object(made),
    async run({ jid, hours }, actor) {
      const host = domainOf(jid);
      if ((await home.accounts.get(jid)) === undefined)
        return failure('not-found', `There is no account ${jid}.`);
      if (home.hosts.get(host) === undefined || !home.isEnabled(host))
        return failure(
          'unavailable',
          `There are no such links for ${host}: the module is off there.`,
        );
      const validFor = hours === undefined ? undefined : hours * HOUR_MS;
      const { invitation, url } = await service.reset(jid, host, validFor, actor.name);
      return success({ id: invitation.id, url, expires: invitation.expires });
    },
  });
}
