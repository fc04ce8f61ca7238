/**
 * XEP-0077: In-Band Registration. Accounts are made only where the config allows it; those who have
 * one change its password and remove it.
 */
import { type IqRequest, onIq, type Reply, reply } from '../../core/iq.ts';
import { defineModule, type Home } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import {
  type BareJid,
  type Domain,
  domainOf,
  localOf,
  makeBare,
  parseBare,
} from '../../jid/jid.ts';
import { RateLimit } from '../../kit/limits.ts';
import { type Form, firstValueOf, readForm } from '../../stanza/form.ts';
import { childrenOf, el } from '../../xml/element.ts';
import { createEarly } from './early.ts';
import { registrationOperations } from './operations.ts';
import {
  CANCEL_FORM,
  cancelForm,
  REGISTER,
  REGISTER_FEATURE,
  RegisterQuery,
  registeredFields,
} from './payloads.ts';
import { type RegisterSettings, registerConfig, weaknessOf } from './settings.ts';
import { createSignUp, type PermitSource, type SignUp } from './sign-up.ts';
import { createWaitingTable, type WaitingTable, waitingMigrations } from './waiting.ts';

export type { Permit, PermitSource, SignUpOutcome } from './sign-up.ts';

/** What other modules, and pages, may use. */
export interface RegisterApi {
  /** Makes an account, by the rules of its host. */
  readonly signUp: SignUp;
  /** Whether anyone may make an account. */
  isOpen(host: Domain): boolean;
  /** Whether such accounts wait for an admin. */
  needsApproval(host: Domain): boolean;
  /** Why a host does not take a new password; undefined when it does. */
  weaknessOf(password: string, host: Domain): string | undefined;
  /** Adds one who knows of permits. */
  addPermits(source: PermitSource): void;
  /** Whether users of a host may change their password from a client. */
  mayChangePassword(host: Domain): boolean;
  /** Changes the password of a session's account as XEP-0077 §3.3 does. */
  changePassword(session: Session, password: string): Promise<Reply>;
  /** Whether users of a host may remove their account from a client. */
  mayRemove(host: Domain): boolean;
  /** Removes a session's account if the password is right. */
  removeAccount(session: Session, password: string): Promise<Reply>;
}

/** Passwords that one account may send in a row, and how fast more are allowed: each costs a hash. */
const PASSWORD_TRIES = { burst: 10, perSecond: 1 / 60 };
const REMOVED = 'The account was removed.';
const UNANSWERED = 'The registration was not approved in time.';
/** How often registrations that nobody answered are looked for, and how many go at a time. */
const SWEEP_MS = 3_600_000;
const SWEPT = 100;

type Request = IqRequest<NonNullable<ReturnType<typeof RegisterQuery.decode>>>;

/** The module. */
export const register = defineModule<RegisterSettings, RegisterApi>({
  name: 'register',
  specs: [{ xep: 77, version: '2.4', covers: 'complete', note: 'new accounts are off by default' }],
  features: [REGISTER],
  config: registerConfig,
  tables: waitingMigrations,
  setup(home) {
    const registered = createRegistered(home);
    const sources: PermitSource[] = [];
    const waiting = createWaitingTable(home.store);
    const signUp = createSignUp({ home, waiting, sources });
    const timer = home.clock.every(SWEEP_MS, () => {
      sweep(home, waiting).catch((error: unknown) =>
        home.log.error({ err: error }, 'registrations could not be swept'),
      );
    });
    // Who is unlocked by hand is approved: locked again one day, he must not go as one who still waits.
    home.accounts.onChange((account) => {
      settle(home, waiting, account).catch((error: unknown) =>
        home.log.error({ err: error, account }, 'a registration could not be settled'),
      );
    });
    return {
      api: {
        signUp,
        isOpen: (host) => home.isEnabled(host) && home.configOf(host).allowRegistration,
        needsApproval: (host) => home.configOf(host).approval,
        weaknessOf: (password, host) => weaknessOf(password, home.configOf(host)),
        addPermits: (source) => void sources.push(source),
        mayChangePassword: (host) => home.configOf(host).allowPasswordChange,
        changePassword: registered.changePassword,
        mayRemove: (host) => home.configOf(host).allowRemoval,
        removeAccount: registered.confirmRemoval,
      },
      operations: registrationOperations({ home, waiting }),
      hooks: { accountRemoved: (account) => waiting.remove(account) },
      async stop() {
        timer.cancel();
      },
      streamFeatures: ({ phase, host }) =>
        phase === 'early' && home.configOf(host).allowRegistration
          ? [el('register', { xmlns: REGISTER_FEATURE })] // §8
          : [],
      earlyIq: { key: RegisterQuery.key, handle: createEarly({ home, signUp, sources }) },
      iq: [
        onIq('get', ['server', 'self'], RegisterQuery, ({ session, host }) =>
          isAtHome(session, host)
            ? reply.result(registeredFields(localOf(session.account)))
            : reply.refuse('service-unavailable'),
        ),
        onIq('set', ['server', 'self'], RegisterQuery, registered.handle),
      ],
    };
  },
});

/** Forgets that an account waits, if it can be used. */
async function settle(
  { accounts }: Home<RegisterSettings>,
  waiting: WaitingTable,
  account: BareJid,
): Promise<void> {
  if ((await waiting.find(account)) === undefined) return;
  if ((await accounts.get(account))?.isLocked === false) await waiting.remove(account);
}

/** Removes those whose registration nobody approved in time. */
async function sweep(home: Home<RegisterSettings>, waiting: WaitingTable): Promise<void> {
  for (const { domain } of home.hosts.all()) {
    if (!home.isEnabled(domain)) continue;
    const { waitFor } = home.configOf(domain);
    if (waitFor === 0) continue;
    for (const { jid } of await waiting.before(domain, home.clock.now() - waitFor, SWEPT)) {
      // An admin may have unlocked it by hand.
      if ((await home.accounts.get(jid))?.isLocked === true)
        await home.removeAccount(jid, UNANSWERED);
      await waiting.remove(jid);
    }
  }
}

/** Whether a session's own account, which is not a guest's, is at that host. */
function isAtHome(session: Session | undefined, host: string): session is Session {
  return session !== undefined && session.host === host && !session.isAnonymous;
}

/** Makes the handler for what those who are signed in want changed. */
function createRegistered(home: Home<RegisterSettings>) {
  const tries = new RateLimit<BareJid>(home.clock, PASSWORD_TRIES);

  return { handle, changePassword, confirmRemoval };

  async function handle(request: Request): Promise<Reply> {
    const { session, host, payload, iq } = request;
    // §3.2: whoever has no account here; §3.3 knows only one's own password.
    if (!isAtHome(session, host))
      return reply.refuse(payload.remove ? 'registration-required' : 'forbidden');
    const children = iq.payload === undefined ? [] : childrenOf(iq.payload);
    const [only] = children;
    const form = children.length === 1 && only !== undefined ? readForm(only) : undefined;
    if (form !== undefined) return removeByForm(form, session);
    if (!payload.remove) return changeByQuery(payload, session);
    const { allowRemoval, confirmRemoval: isConfirmed } = home.configOf(host);
    if (children.length > 1) return reply.refuse('bad-request'); // §3.2
    if (!allowRemoval) return reply.refuse('not-allowed');
    if (!isConfirmed) return remove(session);
    const failure = {
      condition: 'not-allowed',
      text: 'Confirm this with your password.',
      payload: cancelForm(),
    } as const;
    return { kind: 'refuse', failure };
  }

  /** §3.2: the form comes back. */
  async function removeByForm(form: Form, session: Session): Promise<Reply> {
    if (form.type !== 'submit' || form.formType !== CANCEL_FORM) return reply.refuse('bad-request');
    if (!home.configOf(session.host).allowRemoval) return reply.refuse('not-allowed');
    const username = firstValueOf(form, 'username');
    const password = firstValueOf(form, 'password');
    if (username === undefined || password === undefined) return reply.refuse('bad-request');
    if (!isOwnName(username, session.account)) return reply.refuse('forbidden');
    return confirmRemoval(session, password);
  }

  async function confirmRemoval(session: Session, password: string): Promise<Reply> {
    if (!tries.take(session.account)) return reply.refuse('resource-constraint');
    const isRight = await home.accounts.checkPassword(session.account, password);
    return isRight ? remove(session) : reply.refuse('forbidden', 'The password is wrong.');
  }

  /** The result comes first, then the end of the stream (§3.2). */
  async function remove(session: Session): Promise<Reply> {
    const isRemoved = await home.removeAccount(session.account, REMOVED, session);
    if (!isRemoved) return reply.refuse('registration-required');
    home.log.info({ account: session.account }, 'an account was removed by its user');
    return reply.result(undefined, () => session.end('not-authorized', REMOVED));
  }

  /** §3.3 */
  async function changeByQuery(query: Request['payload'], session: Session): Promise<Reply> {
    const { account, host, security } = session;
    if (!home.configOf(host).allowPasswordChange) return reply.refuse('not-allowed');
    if (security.protocol === undefined) return reply.refuse('not-authorized');
    const { username, password = '' } = query;
    if (username === undefined || password === '') return reply.refuse('bad-request');
    if (!isOwnName(username, account)) return reply.refuse('forbidden');
    return changePassword(session, password);
  }

  async function changePassword(session: Session, password: string): Promise<Reply> {
    const { account, host } = session;
    const settings = home.configOf(host);
    const weakness = weaknessOf(password, settings);
    if (weakness !== undefined) return reply.refuse('not-acceptable', weakness);
    if (!tries.take(account)) return reply.refuse('resource-constraint');
    const done = await home.accounts.setPassword(account, password);
    if (done === 'not-found') return reply.refuse('registration-required');
    if (done === 'bad-password')
      return reply.refuse('not-acceptable', 'The password has characters that cannot be used.');
    home.log.info({ account }, 'a password was changed by its user');
    return reply.result(undefined, () => {
      // Whoever knew the old password may be why there is a new one.
      for (const other of home.sessions.of(account))
        if (other !== session) other.end('reset', 'The password was changed.');
    });
  }
}

/** Whether a user name, or the whole address as some clients send it, is the account's own. */
function isOwnName(username: string, account: BareJid): boolean {
  const named = username.includes('@')
    ? parseBare(username)
    : makeBare(username, domainOf(account));
  return named.ok && named.value === account;
}
