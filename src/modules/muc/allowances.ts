/** What one account may ask of rooms in a time: XEP-0045 §13.6. */
import { type BareJid, bareOf, type Domain } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import { RateLimit } from '../../kit/limits.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { invitedBy, mediation } from './inviting.ts';
import type { Addressed } from './receive.ts';
import type { MucSettings } from './settings.ts';

/** Looks after what accounts may. */
export interface Allowances {
  /** Why a stanza is too much now; undefined when it is not. */
  refusal(stanza: Addressed, host: Domain): StanzaFailure | undefined;
}

type Limits<K> = Map<Domain, { readonly most: number; readonly limit: RateLimit<K> }>;

const INVITATIONS: StanzaFailure = {
  condition: 'policy-violation',
  text: 'You invite or decline too often.',
};
const PRESENCES: StanzaFailure = {
  condition: 'policy-violation',
  type: 'wait',
  text: 'You come, go and change too often.',
};

/** Begins with everybody's full allowance. */
export function createAllowances(
  clock: Clock,
  settingsOf: (host: Domain) => MucSettings,
): Allowances {
  const invitations: Limits<BareJid> = new Map();
  const presences: Limits<string> = new Map();

  /** The limit of a host; made anew when the config says something else. */
  const limitOf = <K>(limits: Limits<K>, host: Domain, most: number, ms: number) => {
    const known = limits.get(host);
    if (known?.most === most) return known.limit;
    const limit = new RateLimit<K>(clock, { burst: most, perSecond: (most * 1000) / ms });
    limits.set(host, { most, limit });
    return limit;
  };

  return {
    refusal(stanza, host) {
      const { type, from } = stanza;
      const account = bareOf(from);
      if (stanza.kind === 'presence' && type === 'available') {
        const most = settingsOf(host).presencesPerMinute;
        const limit = limitOf(presences, host, most, 60_000);
        return limit.take(`${bareOf(stanza.to)} ${account}`) ? undefined : PRESENCES;
      }
      if (stanza.kind !== 'message' || type === 'error') return undefined;
      const x = mediation(stanza);
      if (x === undefined) return undefined;
      // Who declines writes to somebody, too, whether he was invited or not.
      const count = Math.max(1, invitedBy(x));
      const most = settingsOf(host).invitationsPerHour;
      const limit = limitOf(invitations, host, most, 3_600_000);
      return limit.take(account, count) ? undefined : INVITATIONS;
    },
  };
}
