/** A session as admins see it. */
import { z } from 'zod';
import type { Hosts } from '../core/hosts.ts';
import type { Session } from '../core/sessions.ts';
import { childOf, textOf } from '../xml/element.ts';
import { hidden, time } from './fields.ts';

/** The schema of a session. */
export const sessionInfo = z.object({
  id: hidden(z.string().describe("The stream's id, which its log lines carry.")),
  jid: z.string(),
  host: hidden(z.string()),
  remote: z.string(),
  device: z
    .string()
    .describe('What the client calls itself and its machine; empty if it does not.'),
  secure: z.string().describe('The version of TLS; empty without.'),
  cipher: hidden(z.string()),
  mechanism: z.string(),
  since: time,
  lastActive: time,
  state: z
    .enum(['connected', 'inactive', 'asleep'])
    .describe(
      'inactive: the client says that nobody looks at it. ' +
        'asleep: without a client, until it comes back or its time is over.',
    ),
  presence: z.string().describe('available, away, chat, dnd, xa or unavailable.'),
  priority: z.int(),
  extras: z.string().describe('What the client asked for besides, such as carbons.'),
});

/** Tells of a session. */
export function sessionInfoOf(session: Session, hosts: Hosts): z.output<typeof sessionInfo> {
  return {
    id: session.id,
    jid: session.jid,
    host: session.host,
    remote: session.remote,
    device: [session.device?.software, session.device?.name].filter(Boolean).join(', '),
    secure: session.security.protocol ?? '',
    cipher: session.security.cipher ?? '',
    mechanism: session.security.mechanism,
    since: session.since,
    lastActive: session.lastActive,
    state: stateOf(session),
    presence: availabilityOf(session),
    priority: session.priority,
    extras: (hosts.get(session.host)?.dispatch.sessionNotes(session) ?? []).join(' '),
  };
}

/** Whether a session has a client, and somebody looks at it. */
export function stateOf({ isAttached, isActive }: Session): 'connected' | 'inactive' | 'asleep' {
  if (!isAttached) return 'asleep';
  return isActive ? 'connected' : 'inactive';
}

const SHOWN = ['away', 'chat', 'dnd', 'xa']; // RFC 6121 §4.7.2.1

/** What its presence says. */
export function availabilityOf({ presence }: Session): string {
  if (presence === undefined) return 'unavailable';
  const show = childOf(presence.element, 'show');
  const said = show === undefined ? '' : textOf(show).trim();
  return SHOWN.includes(said) ? said : 'available';
}
