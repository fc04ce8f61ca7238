/**
 * How an account is made by its user: the one way, with its rules and limits, for clients (XEP-0077
 * §3.1) and for pages.
 */
import type { Home } from '../../core/module.ts';
import { type BareJid, type Domain, localOf, makeBare } from '../../jid/jid.ts';
import { RateLimit } from '../../kit/limits.ts';
import { networkOf } from '../../kit/remote.ts';
import type { StanzaCondition } from '../../stanza/condition.ts';
import { type RegisterSettings, weaknessOf } from './settings.ts';
import type { WaitingTable } from './waiting.ts';

const HOUR_SECONDS = 3600;
/** Whoever was invited has proved more than a stranger; a whole office may come from one address. */
const INVITED = { burst: 60, perSecond: 60 / HOUR_SECONDS };

/** What lets somebody make an account where not everyone may. */
export interface Permit {
  /** The only account that it is for; any if absent. */
  readonly account: BareJid | undefined;
  /**
   * Makes an account, and counts that if it was `created`; `spent` when there is no use left.
   * @param make answers `created`, or why not
   */
  use<T extends string>(account: BareJid, make: () => Promise<T>): Promise<T | 'spent'>;
}

/** One who knows of permits. */
export interface PermitSource {
  /** The permit that a stream has shown before it logged in. */
  of(stream: object): Permit | undefined;
  /** Whether a name is kept for somebody else than who has a permit. */
  isReserved(account: BareJid, permit: Permit | undefined): Promise<boolean>;
}

/** Somebody wants an account. */
export interface SignUpRequest {
  readonly host: Domain;
  readonly username: string;
  readonly password: string;
  /** The address from which he comes. */
  readonly remote: string;
  readonly permit?: Permit | undefined;
}

/** What came of it; an account that is `waiting` can be used when an admin has approved it. */
export type SignUpOutcome =
  | { readonly kind: 'made' | 'waiting'; readonly account: BareJid }
  | {
      readonly kind: 'refused';
      readonly condition: StanzaCondition;
      readonly text: string | undefined;
      /** What of the request was wrong, where it was one thing. */
      readonly field?: 'username' | 'password';
    };

/** Makes accounts. */
export type SignUp = (request: SignUpRequest) => Promise<SignUpOutcome>;

/** What signing up works with. */
export interface SignUpOptions {
  readonly home: Home<RegisterSettings>;
  readonly waiting: WaitingTable;
  readonly sources: readonly PermitSource[];
}

/** Makes the function that makes accounts. */
export function createSignUp({ home, waiting, sources }: SignUpOptions): SignUp {
  const limits = new Map<Domain, { attempts: number; limit: RateLimit<string> }>();
  const invited = new RateLimit<string>(home.clock, INVITED);
  const mayTry = (host: Domain, remote: string, isInvited: boolean): boolean => {
    if (isInvited) return invited.take(networkOf(remote));
    const attempts = home.configOf(host).attemptsPerHour;
    let known = limits.get(host);
    if (known?.attempts !== attempts) {
      const rate = { burst: attempts, perSecond: attempts / HOUR_SECONDS };
      known = { attempts, limit: new RateLimit(home.clock, rate) };
      limits.set(host, known);
    }
    return known.limit.take(networkOf(remote));
  };
  const isNamedAdmin = (account: BareJid, host: Domain): boolean =>
    home.server().admins.includes(account) ||
    home.hosts.get(host)?.config.admins.includes(account) === true;
  const isReserved = async (account: BareJid, permit: Permit | undefined): Promise<boolean> => {
    for (const source of sources) if (await source.isReserved(account, permit)) return true;
    return false;
  };

  return async ({ host, username, password, remote, permit }) => {
    const settings = home.configOf(host);
    if (permit === undefined && !settings.allowRegistration) return refused('not-allowed');
    if (username === '' || password === '')
      return refused('not-acceptable', 'A user name and a password are required.'); // §3.1
    const named = makeBare(username, host);
    if (!named.ok || localOf(named.value) === '')
      return refused('not-acceptable', 'That is no possible user name.', 'username');
    const account = named.value;
    if (permit?.account !== undefined && permit.account !== account)
      return refused('not-acceptable', `The invitation is for ${permit.account}.`, 'username');
    const weakness = weaknessOf(password, settings);
    if (weakness !== undefined) return refused('not-acceptable', weakness, 'password');
    if (!mayTry(host, remote, permit !== undefined)) {
      home.log.warn({ host, remote }, 'too many registrations from one address');
      return refused('not-acceptable', 'There were too many registrations. Try it later.'); // §3.1.1
    }
    const isWaiting = permit === undefined && settings.approval;
    if (isWaiting && (await waiting.count(host)) >= settings.maxWaiting)
      return refused('resource-constraint', 'Too many wait for an account. Try it later.');
    // Whoever is named an admin before he has an account must get it from another admin.
    const isTaken =
      isNamedAdmin(account, host) ||
      (await isReserved(account, permit)) ||
      (await home.accounts.exists(account));
    if (isTaken) return refused('conflict', 'That name is taken.', 'username');
    const make = () => home.accounts.create(account, password, { isLocked: isWaiting });
    const done = permit === undefined ? await make() : await permit.use(account, make);
    switch (done) {
      case 'conflict':
        return refused('conflict', 'That name is taken.', 'username');
      case 'bad-password':
        return refused(
          'not-acceptable',
          'The password has characters that cannot be used.',
          'password',
        );
      case 'spent':
        return refused('not-allowed', 'The invitation was used already.');
      case 'created':
        if (isWaiting) await waiting.add({ jid: account, host, remote, asked: home.clock.now() });
        home.log.info({ account, remote, isWaiting }, 'an account was registered');
        home.metrics.registrations.inc({ outcome: isWaiting ? 'waiting' : 'made' });
        return { kind: isWaiting ? 'waiting' : 'made', account };
    }
  };
}

function refused(
  condition: StanzaCondition,
  text?: string,
  field?: 'username' | 'password',
): SignUpOutcome {
  return { kind: 'refused', condition, text, ...(field === undefined ? {} : { field }) };
}
