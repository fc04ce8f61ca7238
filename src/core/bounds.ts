/** Guests talk to this server only: what crosses its bounds, and for whom (see `authority.ts`). */
import { type BareJid, bareOf, domainOf, localOf } from '../jid/jid.ts';
import type { Stanza } from '../stanza/stanza.ts';
import type { Authority } from './authority.ts';
import { type MaybePromise, type Verdict, verdict } from './hooks.ts';
import type { Hosts } from './hosts.ts';

/** Judges stanzas by where they come from and go to. */
export interface Bounds {
  /** What a session of an account sends, before any module sees it. */
  sent(stanza: Stanza, account: BareJid): MaybePromise<Verdict>;
  /** What is about to leave for a domain outside, perhaps in the name of an account. */
  leaving(stanza: Stanza): MaybePromise<Verdict>;
  /** What comes for an account. */
  arriving(stanza: Stanza, account: BareJid): MaybePromise<Verdict>;
}

const GUESTS = 'the rule for guests';
const FROM_GUEST: Verdict = {
  kind: 'bounce',
  by: GUESTS,
  failure: {
    condition: 'forbidden',
    text: 'Guests talk to people and rooms of this server only.',
  },
};
/** Who comes from elsewhere learns no more than that nobody is there. */
const TO_GUEST: Verdict = {
  kind: 'bounce',
  by: GUESTS,
  failure: { condition: 'service-unavailable' },
};
const PRESENCE_TO_GUEST: Verdict = { kind: 'drop', by: GUESTS, why: 'presence to a guest' };

/** Makes the judge. */
export function createBounds(
  authority: Pick<Authority, 'isGuest' | 'isInside'>,
  hosts: Hosts,
): Bounds {
  const unlessGuest = (account: BareJid, refusal: Verdict): MaybePromise<Verdict> => {
    const isGuest = authority.isGuest(account);
    if (isGuest instanceof Promise) return isGuest.then((late) => (late ? refusal : verdict.pass));
    return isGuest === true ? refusal : verdict.pass;
  };
  return {
    sent({ to }, account) {
      const isInside = to === undefined || authority.isInside(domainOf(to));
      return isInside ? verdict.pass : unlessGuest(account, FROM_GUEST);
    },
    leaving({ from }) {
      const isOfAccount = localOf(from) !== '' && hosts.get(domainOf(from)) !== undefined;
      return isOfAccount ? unlessGuest(bareOf(from), FROM_GUEST) : verdict.pass;
    },
    arriving({ kind, from }, account) {
      if (authority.isInside(domainOf(from))) return verdict.pass;
      return unlessGuest(account, kind === 'presence' ? PRESENCE_TO_GUEST : TO_GUEST);
    },
  };
}
