/** Resource binding (RFC 6120 §7, XEP-0386): which full JID a session gets. */
import { createHmac } from 'node:crypto';
import type { Session, SessionDevice, SessionEndCondition, Sessions } from '../core/sessions.ts';
import { type BareJid, type FullJid, withResource } from '../jid/jid.ts';
import { randomId } from '../kit/ids.ts';
import type { C2sServices } from './services.ts';

/** The bound full JID, or the stanza error of §7.6.2 and §7.7.2. */
export type Bound =
  | { readonly ok: true; readonly jid: FullJid }
  | { readonly ok: false; readonly condition: 'bad-request' | 'conflict' | 'resource-constraint' };

const STABLE_BYTES = 9;

/**
 * Finds the full JID for a resource that the client wants, or for one that the server makes up
 * (§7.6). If it is taken by a session of the same account, the older one ends with a conflict, since
 * it is most often the same client after its connection broke (§7.7.2.2, the third way).
 */
export async function bindResource(
  account: BareJid,
  wanted: string | undefined,
  { sessions, limits }: Pick<C2sServices, 'sessions' | 'limits'>,
): Promise<Bound> {
  const full = withResource(account, wanted ?? randomId());
  if (!full.ok) return { ok: false, condition: 'bad-request' }; // §7.7.2.1
  const jid = full.value;
  await sessions.gone(jid); // modules may still be telling others that the last one left
  const rival = sessions.at(jid);
  if (rival === undefined && sessions.of(account).length >= limits().resourcesPerAccount) {
    const sleeper = sessions.of(account).find(({ isAttached }) => !isAttached);
    if (sleeper === undefined) return { ok: false, condition: 'resource-constraint' }; // §7.6.2.1
    await end(sessions, sleeper, 'resource-constraint', 'Another session needs its place.');
  }
  if (rival !== undefined) {
    await end(sessions, rival, 'conflict', 'Another connection took over this resource.');
    if (sessions.at(jid) !== undefined) return { ok: false, condition: 'conflict' };
  }
  return { ok: true, jid };
}

/** Ends a session; whoever needs its place does not wait for what its client sent to be handled. */
function end(
  sessions: Sessions,
  session: Session,
  condition: SessionEndCondition,
  text: string,
): Promise<void> {
  session.end(condition, text);
  if (sessions.at(session.jid) === session) session.end(condition, text);
  return sessions.gone(session.jid);
}

/** Who binds by XEP-0386. */
export interface Binder {
  readonly account: BareJid;
  /** Undefined for one that did not name itself. */
  readonly device: SessionDevice | undefined;
  /** What the client wants its resource to begin with. */
  readonly tag: string | undefined;
}

/**
 * Finds the full JID of a device (XEP-0386 §3.2): always the same one, whose resource does not tell by
 * what it is known. Earlier sessions of the device end.
 */
export async function bindDevice(
  { account, device, tag }: Binder,
  services: Pick<C2sServices, 'sessions' | 'limits' | 'resourceKey'>,
): Promise<Bound> {
  const { sessions } = services;
  const own = device === undefined ? randomId() : stableId(services.resourceKey, device, tag);
  const tagged = `${tag}/${own}`;
  // §3.2.1: a tag that cannot be part of a resource is left out.
  const isTagged = tag !== undefined && withResource(account, tagged).ok;
  const resource = isTagged ? tagged : own;
  for (const other of sessions.of(account)) {
    if (device === undefined || other.device?.id !== device.id) continue;
    await end(sessions, other, 'conflict', 'The same client has logged in again.');
  }
  return bindResource(account, resource, services);
}

/** §3.2.1: the same for a device and tag each time. */
function stableId(key: Buffer, { id }: SessionDevice, tag = ''): string {
  const digest = createHmac('sha256', key).update(`${id}\0${tag}`).digest();
  return digest.toString('base64url', 0, STABLE_BYTES);
}
