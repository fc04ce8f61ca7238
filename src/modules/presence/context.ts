/** What the parts of this module share. */
import type { MaybePromise } from '../../core/hooks.ts';
import type { Home } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, bareOf, domainOf, type Jid } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import { addressedTo } from '../../stanza/address.ts';
import { presence } from '../../stanza/build.ts';
import type { Presence } from '../../stanza/stanza.ts';
import type { RosterApi } from '../roster/index.ts';
import type { Barrier } from './barrier.ts';
import type { Directed } from './directed.ts';
import { createReminding, type Reminding } from './reminding.ts';

/** Limits of presence, as an admin sets them for a host. */
export interface PresenceLimits {
  readonly maxRequests: number;
  readonly maxRequestBytes: number;
  readonly maxDirected: number;
  /** ms; 0 for never. */
  readonly askAgainAfter: number;
}

/** What is told of a request for a subscription that waits for an answer; one may be repeated. */
export type RequestListener = (
  account: BareJid,
  contact: BareJid,
  request: Presence,
  isNew: boolean,
) => void;

/** How the ids of our probes begin, so that an error of one is no error of a subscription. */
const PROBE = 'probe-';

/** Asks a contact, for an account, who is there (§4.3). */
export const probeOf = (account: BareJid, contact: Jid): Presence =>
  presence({ type: 'probe', from: account, to: contact, id: `${PROBE}${randomId()}` });

/** Whether an id is that of a probe of ours. */
export const isOfProbe = (id: string | undefined): boolean => id?.startsWith(PROBE) === true;

/** The module's means. */
export interface Context {
  readonly home: Home<PresenceLimits>;
  readonly rosters: RosterApi;
  readonly directed: Directed;
  readonly reminding: Reminding;
  /** The sessions of an account that have sent presence. */
  available(account: BareJid): readonly Session[];
  /** Whether an address is in a domain that is served here. */
  isLocal(jid: Jid): boolean;
  /** Whether an account ends with its session, and so is no party to a subscription. */
  isTemporary(account: BareJid): boolean;
  /** Tells other modules of a request for a subscription (§3.1.3). */
  readonly requested: RequestListener;
  /** Judges presence, once a module has brought one. */
  barrierOf(account: BareJid): Barrier | undefined;
  /**
   * Routes many stanzas of one account, but for whom it blocks; what happens to one is no matter to the
   * others.
   */
  routeAll(stanzas: Iterable<Presence>): MaybePromise<void>;
  /** Sends the presence of all available resources to a contact (§3.1.5). */
  sendPresence(account: BareJid, contact: Jid): MaybePromise<void>;
  /** Tells a contact that all available resources are gone for him (§3.2.2). */
  sendUnavailable(account: BareJid, contact: BareJid): MaybePromise<void>;
}

/** Makes the means. */
export function createContext(
  home: Home<PresenceLimits>,
  rosters: RosterApi,
  directed: Directed,
  requested: RequestListener,
  barrier: () => Barrier | undefined,
): Context {
  const barrierOf = (account: BareJid) => {
    const found = barrier();
    return found?.isOn(domainOf(account)) === true ? found : undefined;
  };
  const available = (account: BareJid) =>
    home.sessions.of(account).filter((session) => session.presence !== undefined);
  const failed = (error: unknown) => home.log.error({ err: error }, 'a presence was not routed');
  const routeAll = (stanzas: Iterable<Presence>): MaybePromise<void> => {
    const all = [...stanzas];
    const [first] = all;
    if (first === undefined) return undefined;
    const blocks = barrierOf(bareOf(first.from))?.of(bareOf(first.from));
    if (blocks instanceof Promise) return blocks.then((late) => routeUnless(all, late));
    return routeUnless(all, blocks);
  };
  const routeUnless = (
    stanzas: readonly Presence[],
    blocks: ((jid: Jid) => boolean) | undefined,
  ): MaybePromise<void> => {
    const later: Promise<void>[] = [];
    for (const stanza of stanzas) {
      if (blocks !== undefined && stanza.to !== undefined && blocks(stanza.to)) continue;
      try {
        const routed = home.route(stanza);
        if (routed instanceof Promise) later.push(routed.catch(failed));
      } catch (error) {
        failed(error);
      }
    }
    return later.length === 0 ? undefined : Promise.all(later).then(() => undefined);
  };
  return {
    home,
    rosters,
    directed,
    reminding: createReminding(home.clock),
    requested,
    barrierOf,
    available,
    isLocal: (jid) => home.hosts.get(domainOf(jid)) !== undefined,
    isTemporary: home.accounts.isTemporary,
    routeAll,
    sendPresence: (account, contact) =>
      routeAll(
        available(account).flatMap((session) =>
          session.presence === undefined ? [] : [addressedTo(session.presence, contact)],
        ),
      ),
    sendUnavailable: (account, contact) =>
      routeAll(
        available(account).map((session) => {
          directed.delete(session, contact);
          return presence({ type: 'unavailable', from: session.jid, to: contact });
        }),
      ),
  };
}
