/** Where a server sends us on to (RFC 6120 §4.9.3.19): the doctor goes there, too, as a stream would. */
import { createRedirects, type Redirects } from '../redirect.ts';
import type { Destination } from './names.ts';
import type { Examination } from './services.ts';
import { quoted, type Step, stepsOn } from './step.ts';
import type { Visit } from './visit.ts';

/** Follows the servers of one examination, a few times and not in a circle. */
export interface Follower {
  /** Where to go after a visit; nowhere if it does not send us on. */
  next(visit: Visit, from: Destination): AsyncGenerator<Step, readonly Destination[]>;
}

/** Makes the follower of an examination. */
export function createFollower({ services }: Examination): Follower {
  const redirects: Redirects = createRedirects(services.resolver);
  return {
    async *next({ where, otherHost }, { target, address }) {
      redirects.visit(target, address);
      if (otherHost === undefined) return [];
      const found: Destination[] = [];
      for (const each of await redirects.follow(otherHost, target.isDirectTls)) {
        const addresses = await services.resolver.addresses(each.host, { isFresh: true });
        if (addresses.ok)
          for (const one of addresses.addresses)
            found.push({ target: each, address: one, dane: undefined });
      }
      const text = `It sends us on to ${quoted(otherHost)}, where no other server is found.`;
      if (found.length === 0) yield stepsOn('stream', where).error('redirected', text);
      return found.slice(0, MAX_PLACES);
    },
  };
}

/** More places than this are not visited. */
const MAX_PLACES = 4;
