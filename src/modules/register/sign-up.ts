/** XEP-0077 §3.1: an account is made, on a stream that has not logged in. */
import { isIPv6 } from 'node:net';
import { type EarlyIqRequest, type Reply, reply } from '../../core/iq.ts';
import type { Home } from '../../core/module.ts';
import { type BareJid, type Domain, localOf, makeBare } from '../../jid/jid.ts';
import { RateLimit } from '../../kit/limits.ts';
import { RegisterQuery, signUpFields } from './payloads.ts';
import { type RegisterSettings, weaknessOf } from './settings.ts';

const HOUR_SECONDS = 3600;

/** Makes the handler of IQs before authentication. */
export function createSignUp(home: Home<RegisterSettings>) {
  const limits = new Map<Domain, { attempts: number; limit: RateLimit<string> }>();
  const mayTry = (host: Domain, remote: string): boolean => {
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

  return async ({ host, type, payload, remote }: EarlyIqRequest): Promise<Reply> => {
    const settings = home.configOf(host);
    const query = RegisterQuery.decode(payload);
    if (query === undefined) return reply.refuse('bad-request');
    if (type === 'get') {
      return settings.allowRegistration
        ? reply.result(signUpFields(settings.instructions))
        : reply.refuse('service-unavailable'); // §3.1
    }
    if (query.remove) return reply.refuse('unexpected-request'); // §3.2
    if (!settings.allowRegistration) return reply.refuse('not-allowed');
    const { username = '', password = '' } = query;
    if (username === '' || password === '')
      return reply.refuse('not-acceptable', 'A user name and a password are required.'); // §3.1
    const account = makeBare(username, host);
    if (!account.ok || localOf(account.value) === '')
      return reply.refuse('not-acceptable', 'That is no possible user name.');
    const weakness = weaknessOf(password, settings);
    if (weakness !== undefined) return reply.refuse('not-acceptable', weakness);
    if (!mayTry(host, remote)) {
      home.log.warn({ host, remote }, 'too many registrations from one address');
      return reply.refuse('not-acceptable', 'There were too many registrations. Try it later.'); // §3.1.1
    }
    // Whoever is named an admin before he has an account must get it from another admin.
    const isTaken =
      isNamedAdmin(account.value, host) || (await home.accounts.exists(account.value));
    const done = isTaken ? 'conflict' : await home.accounts.create(account.value, password);
    if (done === 'conflict') return reply.refuse('conflict');
    if (done === 'bad-password')
      return reply.refuse('not-acceptable', 'The password has characters that cannot be used.');
    home.log.info({ account: account.value, remote }, 'an account was registered');
    return reply.result();
  };
}

/** What counts as one address: an IPv4 address, or the /64 network that a customer is given. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing =
    tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const all = [
    ...groups,
    ...Array<string>(Math.max(0, missing)).fill('0'),
    ...(tail ?? '').split(':'),
  ];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
