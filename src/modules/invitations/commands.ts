/** XEP-0401 §5.1 and §5.4: users and admins make links from their clients, by ad-hoc commands. */
import type { Home } from '../../core/module.ts';
import { localOf, makeBare } from '../../jid/jid.ts';
import { firstValueOf, formElement } from '../../stanza/form.ts';
import { writeDateTime } from '../../xml/date-time.ts';
import {
  type Asker,
  type CommandSource,
  commandFailure,
  type HostCommand,
  type Stage,
} from '../commands/index.ts';
import type { InvitationService, MadeLink } from './service.ts';
import type { InvitationSettings } from './settings.ts';
import type { InvitationTable } from './tables.ts';

const INVITE = 'urn:xmpp:invite#invite';
const CREATE_ACCOUNT = 'urn:xmpp:invite#create-account';
const RESULT = 'urn:xmpp:invite#invitation';

/** The nodes of these commands. */
export const INVITE_NODES = [INVITE, CREATE_ACCOUNT] as const;

/** What the commands work with. */
export interface InviteCommandsOptions {
  readonly home: Home<InvitationSettings>;
  readonly table: InvitationTable;
  readonly service: InvitationService;
}

const refuse = (condition: 'not-allowed' | 'conflict', text: string): Stage => ({
  kind: 'refuse',
  failure: { condition, text },
});
const TOO_MANY = 'Too many invitations are open.';

/** Makes the source: for users of the host, over TLS; a link is a secret. */
export function createInviteCommands(options: InviteCommandsOptions): CommandSource {
  const { home } = options;
  const invite: HostCommand = {
    node: INVITE,
    name: 'Invite user',
    begin: (asker) => inviteUser(options, asker),
  };
  const create: HostCommand = {
    node: CREATE_ACCOUNT,
    name: 'Create account',
    begin: (asker) => createAccount(options, asker),
  };
  return async (asker) => {
    const { session, host } = asker;
    const isUser = !session.isAnonymous && session.host === host;
    if (!isUser || !home.isEnabled(host) || session.security.protocol === undefined) return [];
    const mayInvite =
      home.configOf(host).users !== 'nobody' && !(await home.authority.isGuest(session.account));
    return [...(mayInvite ? [invite] : []), ...((await mayCreate(options, asker)) ? [create] : [])];
  };
}

/** Whether somebody may make accounts on a host. */
async function mayCreate({ home }: InviteCommandsOptions, { session, host }: Asker) {
  const { account: name, remote } = session;
  const permission = await home.authority.mayRun({ name, via: 'xmpp', remote });
  return typeof permission === 'boolean' ? permission : permission.host === host;
}

/** §5.1: at once, with nothing to fill in. */
async function inviteUser(
  { home, table, service }: InviteCommandsOptions,
  { session: { account }, host }: Asker,
): Promise<Stage> {
  const { users, maxOpenOfUser } = home.configOf(host);
  if ((await table.countOpenOf(account, home.clock.now())) >= maxOpenOfUser)
    return refuse('not-allowed', TOO_MANY);
  const link = await service.invite({
    kind: users === 'accounts' ? 'invitation' : 'contact',
    host,
    inviter: account,
    maxUses: 1, // XEP-0379 §6.3
    maker: account,
    note: '',
  });
  return ended(link);
}

/** §5.4 */
function createAccount(options: InviteCommandsOptions, { session, host }: Asker): Stage {
  const { home, service } = options;
  return {
    kind: 'form',
    isLast: true,
    form: {
      title: 'Create account',
      instructions: ['You get a link to send: whoever opens it chooses a password.'],
      fields: [
        { name: 'username', type: 'text-single', label: 'Username', values: [] },
        {
          name: 'roster-subscription',
          type: 'boolean',
          label: 'Roster subscription',
          values: ['0'],
        },
      ],
    },
    async next(form) {
      const name = firstValueOf(form, 'username') ?? '';
      const named = name === '' ? undefined : makeBare(name, host);
      if (named?.ok === false || (named?.ok && localOf(named.value) === ''))
        return {
          kind: 'refuse',
          failure: commandFailure('bad-payload', 'That is no possible username.'),
        };
      if (named !== undefined && (await home.accounts.exists(named.value)))
        return refuse('conflict', `${named.value} is an account already.`);
      const isContact = ['1', 'true'].includes(firstValueOf(form, 'roster-subscription') ?? '');
      const link = await service.invite({
        host,
        account: named?.value,
        inviter: isContact ? session.account : undefined,
        maxUses: 1,
        maker: session.account,
        note: '',
      });
      return ended(link);
    },
  };
}

function ended(link: MadeLink | undefined): Stage {
  if (link === undefined) return refuse('not-allowed', TOO_MANY);
  const { uri = '', url, invitation } = link;
  const form = formElement({
    type: 'result',
    formType: RESULT,
    fields: [
      { name: 'uri', type: 'text-single', label: 'Invitation', values: [uri] },
      { name: 'landing-url', type: 'text-single', label: 'Page of the invitation', values: [url] },
      {
        name: 'expire',
        type: 'text-single',
        label: 'When it expires',
        values: [writeDateTime(invitation.expires)],
      },
    ],
  });
  return { kind: 'end', form };
}
