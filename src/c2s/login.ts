/** SASL on a client's connection: the mechanism's exchange, and what an account may still be refused. */
import type { Accounts } from '../core/accounts.ts';
import { deviceId } from '../core/devices.ts';
import type { DeviceToken, Tokens } from '../core/tokens.ts';
import { type Domain, makeBare, parseJid } from '../jid/jid.ts';
import {
  type ChannelBindingType,
  createExchange,
  hashOfUpgrade,
  type Offered,
  type SaslStep,
  tokenExchange,
} from '../sasl/index.ts';
import type { LoginRequest } from '../stream/login-request.ts';

/** What a login needs to know of its connection. */
export interface LoginOptions {
  readonly host: Domain;
  readonly accounts: Accounts;
  readonly tokens: Tokens;
  readonly isAnonymousAllowed: boolean;
  readonly offered: Offered;
  /** What is asked for besides, by SASL2. */
  readonly request: LoginRequest | undefined;
  /** Told of what kept a password from being checked. */
  onFault(error: unknown): void;
  binding(type: ChannelBindingType): Buffer | undefined;
}

/** What the mechanism answers, and, with success, the tasks to be done before it counts (XEP-0480). */
export interface LoginStep {
  readonly step: SaslStep;
  readonly tasks: readonly string[];
}

/** One try to log in. */
export interface Login {
  /** When it began, as `Accounts.moment` has it. */
  readonly since: number;
  /** Whether it rests on the password. */
  readonly isByPassword: boolean;
  /** The token that was proved, if any. */
  readonly token: DeviceToken | undefined;
  /** Takes the client's next message; never rejects. */
  step(data: Buffer): Promise<LoginStep>;
}

/** Begins a try by a mechanism that was offered. */
export function beginLogin(mechanism: string, options: LoginOptions): Login {
  const { host, accounts, request } = options;
  const isByToken = request?.fast !== undefined;
  const isByPassword = !isByToken && mechanism !== 'ANONYMOUS';
  const since = accounts.moment;
  let token: DeviceToken | undefined;
  const exchange = isByToken
    ? byToken(mechanism, options, (proved) => {
        token = proved;
      })
    : createExchange(mechanism, {
        ...accounts.credentialsOf(host),
        channelBinding: options.binding,
        offered: options.offered,
        anonymousAllowed: options.isAnonymousAllowed,
      });
  const answer = async (data: Buffer): Promise<LoginStep> => {
    if (exchange === undefined) return failed('invalid-mechanism');
    const step = await exchange.step(data);
    if (step.kind !== 'success' || mechanism === 'ANONYMOUS') return { step, tasks: [] };
    const admitted = await admit(step, options);
    const tasks = isByPassword && admitted.kind === 'success' ? await upgrades(step, options) : [];
    return { step: admitted, tasks };
  };
  return {
    since,
    isByPassword,
    get token() {
      return token;
    },
    async step(data) {
      try {
        return await answer(data);
      } catch (error) {
        options.onFault(error);
        // The store does not answer; the password may be right (RFC 6120 §6.5.11).
        return failed('temporary-auth-failure');
      }
    },
  };
}

const failed = (condition: 'invalid-mechanism' | 'temporary-auth-failure'): LoginStep => ({
  step: { kind: 'failure', condition },
  tasks: [],
});

/** The exchange by a token of the device that the client says to be (XEP-0484 §3.4). */
function byToken(
  mechanism: string,
  { host, tokens, request, binding }: LoginOptions,
  proved: (token: DeviceToken) => void,
) {
  const uuid = request?.agent?.uuid;
  return tokenExchange<DeviceToken>(
    mechanism,
    {
      async tokens(username) {
        const account = makeBare(username, host);
        if (!account.ok || uuid === undefined) return [];
        const id = deviceId(account.value, 'agent', uuid);
        return tokens.of({ account: account.value, id }, mechanism);
      },
      proved,
    },
    { channelBinding: binding },
  );
}

/** What a right password must still pass: acting as oneself, and not being locked. */
async function admit(
  step: SaslStep & { readonly kind: 'success' },
  { host, accounts }: LoginOptions,
): Promise<SaslStep> {
  const account = makeBare(step.username, host);
  if (!account.ok) return { kind: 'failure', condition: 'not-authorized' };
  if (step.authzid !== undefined && step.authzid !== '') {
    const wanted = parseJid(step.authzid);
    if (!wanted.ok || wanted.value !== account.value)
      return { kind: 'failure', condition: 'invalid-authzid' }; // §6.5.6
  }
  const stored = await accounts.get(account.value);
  if (stored === undefined) return { kind: 'failure', condition: 'not-authorized' };
  if (stored.isLocked) return { kind: 'failure', condition: 'account-disabled' }; // §6.5.2
  return step;
}

/**
 * The upgrades that the client would do and the account lacks (XEP-0480 §2.2). Only the password may
 * lead to them: with keys that a token's holder sends, he would know a password.
 */
async function upgrades(
  step: SaslStep & { readonly kind: 'success' },
  { host, accounts, request }: LoginOptions,
): Promise<readonly string[]> {
  const account = makeBare(step.username, host);
  if (request === undefined || request.upgrades.length === 0 || !account.ok) return [];
  const has = await accounts.hashesOf(account.value);
  return request.upgrades.filter((task) => {
    const hash = hashOfUpgrade(task);
    return hash !== undefined && !has.includes(hash);
  });
}
