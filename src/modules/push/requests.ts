/** What clients ask of push notifications: XEP-0357 §5, §6. */
import { type IqRequest, type Reply, reply } from '../../core/iq.ts';
import type { Home } from '../../core/module.ts';
import { type BareJid, bareOf, domainOf, parseJid } from '../../jid/jid.ts';
import { RateLimit } from '../../kit/limits.ts';
import { readOptions } from './payloads.ts';
import type { Publisher } from './publisher.ts';
import { deviceOf, type Registration, type Registrations } from './registrations.ts';
import type { PushSettings } from './settings.ts';

/** What the handlers work with. */
export interface RequestsOptions {
  readonly home: Home<PushSettings>;
  readonly registrations: Registrations;
  readonly publisher: Publisher;
  /** Whether the device of a registration has a session. */
  hasSession(registration: Registration): boolean;
}

type Request = IqRequest<{ readonly jid: string; readonly node?: string | undefined }>;

/** Clients enable when they sign in, for each app server one; each time costs a write. */
const CHANGES = { burst: 30, perSecond: 0.2 };
/** The longest node, in bytes. XEP-0060 sets no limit; one that was a resource could not be longer. */
const MAX_NODE = 1023;

/** Makes the handlers. */
export function createRequests({ home, registrations, publisher, hasSession }: RequestsOptions) {
  const changes = new RateLimit<BareJid>(home.clock, CHANGES);
  const tooMany = () => reply.refuse('resource-constraint', 'Too many changes; wait a little.');

  return {
    /** §5 */
    async enable({
      iq,
      session,
      account,
      host,
      payload: { jid, node = '' },
    }: Request): Promise<Reply> {
      const settings = home.configOf(host);
      const service = parseJid(jid);
      if (!service.ok) return reply.refuse('jid-malformed', `The app server: ${service.why}.`);
      const options = iq.payload === undefined ? undefined : readOptions(iq.payload);
      if (options === undefined)
        return reply.refuse('bad-request', 'These are no publish options.');
      if (session === undefined || session.isAnonymous)
        return reply.refuse('not-allowed', 'A guest has no push notifications.');
      if (bareOf(service.value) === account)
        return reply.refuse('not-allowed', 'An account is no app server of its own.');
      if (!isAllowed(settings, domainOf(service.value)))
        return reply.refuse('not-allowed', 'This app server may not be used here.');
      if (Buffer.byteLength(node) > MAX_NODE || Buffer.byteLength(options) > settings.maxOptions)
        return reply.refuse('policy-violation', 'The node or the publish options are too long.');
      if (!changes.take(account)) return tooMany();
      const wanted = { account, service: service.value, node, options };
      const outcome = await registrations.enable(
        { ...wanted, ...deviceOf(session) },
        { most: settings.maxRegistrations, now: home.clock.now(), isInUse: hasSession },
      );
      if (outcome === 'full')
        return reply.refuse('resource-constraint', 'All registrations of the account are in use.');
      publisher.drop(wanted); // the device is here
      return reply.result();
    },

    /** §6: also when there is nothing to disable, since that is what was asked for. */
    async disable({ account, payload: { jid, node } }: Request): Promise<Reply> {
      const service = parseJid(jid);
      if (!service.ok) return reply.refuse('jid-malformed', `The app server: ${service.why}.`);
      if (!changes.take(account)) return tooMany();
      const isMeant = (each: Registration) =>
        each.service === service.value && (node === undefined || each.node === node);
      for (const each of await registrations.remove(account, isMeant)) publisher.drop(each);
      return reply.result();
    },
  };
}

const isAllowed = ({ services }: PushSettings, domain: PushSettings['services'][number]) =>
  services.length === 0 || services.includes(domain);
