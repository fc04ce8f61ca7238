/** Invitations at work: made, looked at, used, and what follows from their use. */
import type { Home } from '../../core/module.ts';
import type { BareJid, Domain } from '../../jid/jid.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import { randomId } from '../../kit/ids.ts';
import type { PresenceApi } from '../presence/index.ts';
import type { Permit, PermitSource, RegisterApi, SignUpOutcome } from '../register/index.ts';
import { isToken, newToken, uriOf } from './links.ts';
import type { InvitationSettings } from './settings.ts';
import type { Invitation, InvitationTable } from './tables.ts';

/** Where the page of an invitation is, below the public address of its host. */
export const INVITE_PATH = '/invite/';
/** Where a new password is set. */
export const RESET_PATH = '/reset/';

/** What an invitation is made of. */
export interface InvitationParts {
  /** `invitation` if absent. */
  readonly kind?: 'invitation' | 'contact';
  readonly host: Domain;
  readonly account?: BareJid | undefined;
  readonly inviter?: BareJid | undefined;
  readonly maxUses: number;
  /** In ms; as the config has it if absent. */
  readonly validFor?: number | undefined;
  readonly maker: string;
  readonly note: string;
}

/** A link that was made; it is shown once. */
export interface MadeLink {
  readonly invitation: Invitation;
  /** The page (XEP-0401 §5.2). */
  readonly url: string;
  /** The `xmpp:` URI; undefined for a link to set a new password. */
  readonly uri: string | undefined;
}

/** What a new password came to. */
export type ResetOutcome =
  | { readonly kind: 'changed'; readonly account: BareJid }
  | { readonly kind: 'closed' }
  | { readonly kind: 'weak'; readonly text: string };

/** What pages and operations do with invitations. */
export interface InvitationService {
  /** Makes an invitation; undefined when too many are open. */
  invite(parts: InvitationParts): Promise<MadeLink | undefined>;
  /** Makes a link to set a new password, which voids earlier ones. */
  reset(
    account: BareJid,
    host: Domain,
    validFor: number | undefined,
    maker: string,
  ): Promise<MadeLink>;
  /** The invitation of a token, to an account or a contact, if it can be used now. */
  open(token: string): Promise<Invitation | undefined>;
  /** The account that gets a new password by a token, if it can be used now. */
  openReset(token: string): Promise<Invitation | undefined>;
  /** Makes an account by an invitation that is open. */
  join(
    invitation: Invitation,
    who: { readonly username: string; readonly password: string; readonly remote: string },
  ): Promise<SignUpOutcome>;
  /** Sets a new password. */
  setPassword(token: string, password: string): Promise<ResetOutcome>;
  /** The `xmpp:` URI of an invitation. */
  uriOf(invitation: Invitation, token: string): string;
  /** The domain's public address. */
  publicUrl(host: Domain): string;
  /** Whether anyone may make an account on a host, and whether it waits for an admin then. */
  openHost(host: Domain): { readonly needsApproval: boolean } | undefined;
  /** Makes an account without an invitation, where that is allowed. */
  register(
    host: Domain,
    who: { readonly username: string; readonly password: string; readonly remote: string },
  ): Promise<SignUpOutcome>;
}

/** What the service works with. */
export interface ServiceOptions {
  readonly home: Home<InvitationSettings>;
  readonly table: InvitationTable;
  readonly register: RegisterApi;
  readonly presence: PresenceApi;
}

/** The service, with what the module's own handlers use. */
export interface OwnService extends InvitationService {
  /** Notes that a stream has shown a token (XEP-0445 §4). */
  show(stream: object, invitation: Invitation): void;
  readonly permits: PermitSource;
  /** Accepts a request for a subscription that carries a token (XEP-0379 §3.5). */
  accept(account: BareJid, contact: BareJid, token: string): Promise<void>;
}

/** Makes the service. */
export function createService({ home, table, register, presence }: ServiceOptions): OwnService {
  const { clock, log, accounts } = home;
  const shown = new WeakMap<object, Invitation>();
  const inTurn = createExclusive<string>();
  const hasUses = ({ uses, maxUses }: Invitation) => uses < maxUses;

  const openOf = async (token: string, ...kinds: readonly Invitation['kind'][]) => {
    const found = isToken(token) ? await table.byToken(token) : undefined;
    const isOpen =
      found !== undefined &&
      kinds.includes(found.kind) &&
      hasUses(found) &&
      found.expires > clock.now() &&
      home.hosts.get(found.host) !== undefined &&
      home.isEnabled(found.host);
    return isOpen ? found : undefined;
  };
  const open = (token: string) => openOf(token, 'invitation', 'contact');
  /** Whether who made a link might make it now: he may be no admin any more, or the user more than he. */
  const isBacked = async ({ maker, account }: Invitation): Promise<boolean> => {
    if (maker === 'root') return true; // of the machine
    const permission = await home.authority.mayRun({ name: maker, via: 'console' });
    if (typeof permission === 'boolean') return permission;
    return account !== undefined && (await permission.mayTouch(account));
  };
  const openReset = async (token: string) => {
    const found = await openOf(token, 'reset');
    return found !== undefined && (await isBacked(found)) ? found : undefined;
  };

  const make = async (
    parts: Omit<Invitation, 'id' | 'uses' | 'created' | 'expires'>,
    validFor: number,
  ): Promise<MadeLink> => {
    const now = clock.now();
    const invitation = {
      ...parts,
      id: randomId(6),
      uses: 0,
      created: now,
      expires: now + validFor,
    };
    const token = newToken();
    await table.add(invitation, token);
    const isReset = parts.kind === 'reset';
    const path = isReset ? RESET_PATH : INVITE_PATH;
    const url = `${home.web.publicUrl(parts.host)}${path}${token}`;
    return { invitation, url, uri: isReset ? undefined : uriOf(invitation, token) };
  };

  /** XEP-0401 §5.5: both have each other's presence, and no request is seen by anyone. */
  const befriend = async (inviter: BareJid, account: BareJid) => {
    if (inviter === account || !(await accounts.exists(inviter))) return;
    for (const [from, to] of [
      [inviter, account],
      [account, inviter],
    ] as const) {
      await presence.send(from, to, 'subscribed'); // RFC 6121 §3.4: approved beforehand
      await presence.send(to, from, 'subscribe');
    }
  };

  const permitOf = (invitation: Invitation): Permit => ({
    account: invitation.account,
    use: (account, create) =>
      inTurn(invitation.id, async () => {
        // XEP-0445 §4: whether it has expired was asked when it was shown; whether it was used is now.
        const now = await table.find(invitation.id);
        if (now?.kind !== 'invitation' || !hasUses(now)) return 'spent';
        const done = await create();
        if (done !== 'created') return done;
        await table.countUse(invitation.id);
        log.info({ account, invitation: invitation.id }, 'an invitation was used');
        if (invitation.inviter !== undefined)
          await befriend(invitation.inviter, account).catch((error: unknown) =>
            log.error({ err: error, account }, 'an inviter could not be made a contact'),
          );
        return done;
      }),
  });

  return {
    open,
    openReset,
    uriOf,
    publicUrl: home.web.publicUrl,
    async invite({ kind = 'invitation', host, account, inviter, maxUses, validFor, maker, note }) {
      const { maxOpen, validFor: usual } = home.configOf(host);
      if ((await table.countOpen(host, clock.now())) >= maxOpen) return undefined;
      return make({ kind, host, account, inviter, maxUses, maker, note }, validFor ?? usual);
    },
    async reset(account, host, validFor, maker) {
      await table.removeResets(account);
      return make(
        { kind: 'reset', host, account, inviter: undefined, maxUses: 1, maker, note: '' },
        validFor ?? home.configOf(host).resetValidFor,
      );
    },
    join: (invitation, who) =>
      register.signUp({ host: invitation.host, ...who, permit: permitOf(invitation) }),
    openHost: (host) =>
      register.isOpen(host) ? { needsApproval: register.needsApproval(host) } : undefined,
    register: (host, who) => register.signUp({ host, ...who }),
    setPassword: (token, password) =>
      inTurn(token, async () => {
        const found = await openReset(token);
        if (found?.account === undefined) return { kind: 'closed' };
        const { account, host, id } = found;
        const weakness = register.weaknessOf(password, host);
        if (weakness !== undefined) return { kind: 'weak', text: weakness };
        const done = await accounts.setPassword(account, password);
        if (done === 'bad-password')
          return { kind: 'weak', text: 'The password has characters that cannot be used.' };
        if (done === 'not-found') return { kind: 'closed' };
        await table.remove(id);
        // Whoever knew the old password may be why there is a new one.
        for (const session of home.sessions.of(account))
          session.end('reset', 'The password was changed.');
        log.info({ account }, 'a password was set by a link');
        return { kind: 'changed', account };
      }),
    show: (stream, invitation) => void shown.set(stream, invitation),
    permits: {
      of(stream) {
        const invitation = shown.get(stream);
        return invitation === undefined ? undefined : permitOf(invitation);
      },
      async isReserved(account, permit) {
        if (permit?.account === account) return false;
        return (await table.keeping(account, clock.now())).length > 0; // XEP-0445 §5
      },
    },
    accept: async (account, contact, token) => {
      const found = await open(token);
      if (found?.inviter !== account) return; // XEP-0379 §4.1: as if there were no token
      await inTurn(found.id, async () => {
        const now = await table.find(found.id);
        if (now === undefined || !hasUses(now)) return;
        await table.countUse(found.id);
        await presence.send(account, contact, 'subscribed');
        await presence.send(account, contact, 'subscribe');
        log.info({ account, contact, invitation: found.id }, 'a contact came by an invitation');
      });
    },
  };
}
