/** SASL on a client's connection: the mechanism's exchange, and what an account may still be refused. */
import type { Accounts } from '../core/accounts.ts';
import { type Domain, makeBare, parseJid } from '../jid/jid.ts';
import { type ChannelBindingType, createExchange, type SaslStep } from '../sasl/index.ts';

/** What a login needs to know of its connection. */
export interface LoginOptions {
  readonly host: Domain;
  readonly accounts: Accounts;
  readonly isAnonymousAllowed: boolean;
  readonly offeredPlus: boolean;
  /** Told of what kept a password from being checked. */
  onFault(error: unknown): void;
  binding(type: ChannelBindingType): Buffer | undefined;
}

/** One try to log in. */
export interface Login {
  /** Takes the client's next message; never rejects. */
  step(data: Buffer): Promise<SaslStep>;
}

/** Begins a try by a mechanism that was offered. */
export function beginLogin(mechanism: string, options: LoginOptions): Login {
  const { host, accounts } = options;
  const exchange = createExchange(mechanism, {
    ...accounts.credentialsOf(host),
    channelBinding: options.binding,
    offeredPlus: options.offeredPlus,
    anonymousAllowed: options.isAnonymousAllowed,
  });
  return {
    async step(data) {
      if (exchange === undefined) return { kind: 'failure', condition: 'invalid-mechanism' };
      try {
        const step = await exchange.step(data);
        return step.kind === 'success' && mechanism !== 'ANONYMOUS'
          ? await admit(step, options)
          : step;
      } catch (error) {
        options.onFault(error);
        // The store does not answer; the password may be right (RFC 6120 §6.5.11).
        return { kind: 'failure', condition: 'temporary-auth-failure' };
      }
    },
  };
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
