/** What pages read of invitations, links and those who registered. */
import { z } from 'zod';
import { count, text } from './values.ts';

const invitationView = z.object({
  id: text,
  kind: z.enum(['invitation', 'contact', 'reset']),
  host: text,
  for: text,
  inviter: text,
  state: z.enum(['open', 'used', 'expired']),
  uses: count,
  maxUses: count,
  created: count,
  expires: count,
  maker: text,
  note: text,
});

/** An invitation, or a link to set a new password, as pages read it. */
export type InvitationView = z.output<typeof invitationView>;

/** `invitations.list` */
export const invitationsView = z.object({ invitations: z.array(invitationView), total: count });

/** `invitations.create` and `accounts.resetLink` */
export const madeLinkView = z.object({ url: text });

/** `registrations.list` */
export const registrationsView = z.object({
  registrations: z.array(z.object({ jid: text, remote: text, asked: count })),
});
