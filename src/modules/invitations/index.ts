/**
 * Links by which people come in: invitations (XEP-0401) that make an account, from a client (XEP-0445)
 * or in the browser, and bring a contact along (XEP-0379); and links to set a new password. The pages
 * are the console's (admin/welcome).
 */
import { type EarlyIqRequest, type Reply, reply } from '../../core/iq.ts';
import { defineModule, type Home } from '../../core/module.ts';
import { domainOf } from '../../jid/jid.ts';
import { RateLimit } from '../../kit/limits.ts';
import { networkOf } from '../../kit/remote.ts';
import { el } from '../../xml/element.ts';
import { commands } from '../commands/index.ts';
import { presence } from '../presence/index.ts';
import { register } from '../register/index.ts';
import { createInviteCommands, INVITE_NODES } from './commands.ts';
import { invitationOperations } from './operations.ts';
import { ibrTokenFeature, Preauth, tokenIn } from './payloads.ts';
import { createService, type InvitationService, type OwnService } from './service.ts';
import { type InvitationSettings, invitationsConfig } from './settings.ts';
import { createInvitationTable, invitationMigrations } from './tables.ts';

export { INVITE_PATH, type InvitationService, RESET_PATH } from './service.ts';
export type { Invitation } from './tables.ts';

/** Tokens that an address may show: a person has one, and mistypes it. */
const TRIES = { burst: 60, perSecond: 0.2 };
const SWEEP_MS = 3_600_000;
/** How long an invitation that can no longer be used is still listed. */
const SHOWN_MS = 30 * 86_400_000;

/** The module. */
export const invitations = defineModule<InvitationSettings, InvitationService>({
  name: 'invitations',
  specs: [
    {
      xep: 401,
      version: '0.6.0',
      covers: 'complete',
    },
    { xep: 445, version: '0.2.0', covers: 'complete' },
    { xep: 379, version: '0.3.3', covers: 'complete', note: 'for links that the server made' },
  ],
  needs: ['roster', 'presence', 'register'],
  wants: ['commands'],
  config: invitationsConfig,
  tables: invitationMigrations,
  setup(home: Home<InvitationSettings>) {
    const table = createInvitationTable(home.store);
    const registering = home.use(register);
    const contacts = home.use(presence);
    const service = createService({ home, table, register: registering, presence: contacts });
    registering.addPermits(service.permits);
    home.use(commands).addCommands(createInviteCommands({ home, table, service }), INVITE_NODES);
    contacts.onRequest((account, contact, request) => {
      const token = tokenIn(request.element);
      if (token === undefined || !home.isEnabled(domainOf(account))) return;
      service
        .accept(account, contact, token)
        .catch((error: unknown) =>
          home.log.error({ err: error, account }, 'an invitation could not be used'),
        );
    });
    const timer = home.clock.every(SWEEP_MS, () => {
      table
        .removeExpired(home.clock.now() - SHOWN_MS)
        .catch((error: unknown) =>
          home.log.error({ err: error }, 'old invitations could not be removed'),
        );
    });
    return {
      api: service,
      streamFeatures: ({ phase, host }) =>
        phase === 'early'
          ? [
              ibrTokenFeature(),
              // XEP-0445 §3: clients look for this one, too, which register has where it is open.
              ...(registering.isOpen(host)
                ? []
                : [el('register', { xmlns: 'http://jabber.org/features/iq-register' })]),
            ]
          : [],
      earlyIq: { key: Preauth.key, handle: createPreauth(home, service) },
      operations: invitationOperations({ home, table, service }),
      hooks: { accountRemoved: (account) => table.removeOf(account) },
      async stop() {
        timer.cancel();
      },
    };
  },
});

/** XEP-0445 §4: a client shows its token. */
function createPreauth(home: Home<InvitationSettings>, service: OwnService) {
  const tries = new RateLimit<string>(home.clock, TRIES);
  return async ({ host, type, payload, remote, stream }: EarlyIqRequest): Promise<Reply> => {
    if (type !== 'set') return reply.refuse('bad-request');
    const token = Preauth.decode(payload)?.token;
    if (token === undefined) return reply.refuse('bad-request');
    if (!tries.take(networkOf(remote)))
      return reply.refuse('policy-violation', 'There were too many tokens. Try it later.');
    const invitation = await service.open(token);
    if (invitation?.host !== host || invitation.kind !== 'invitation')
      return reply.refuse('item-not-found', 'The provided token is invalid or expired');
    service.show(stream, invitation);
    return reply.result();
  };
}
