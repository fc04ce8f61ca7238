/** Which domains may be named: those that announce the feature themselves (XEP-0485 §7). */
import type { Home } from '../../core/module.ts';
import type { Domain } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { iqGet } from '../../stanza/build.ts';
import type { Iq } from '../../stanza/stanza.ts';
import { childrenOf, el, isNamed } from '../../xml/element.ts';
import { DISCO_INFO } from '../disco/index.ts';
import { SERVER_INFO } from './document.ts';

/** Knows what other domains allow. */
export interface Consent {
  /** Those of some domains that may be named; asks those of which too little is known. Never rejects. */
  among(host: Domain, domains: readonly Domain[]): Promise<ReadonlySet<Domain>>;
  /** Forgets what a domain said to a host. */
  forget(host: Domain, domain: Domain): void;
}

/** How long an answer holds, and how long it is taken for a no that none came. */
const ANSWERED_MS = 6 * 3_600_000;
const SILENT_MS = 3_600_000;
/** How long a domain may take. */
const PATIENCE_MS = 20_000;
/** How many are asked at a time, and in one round; the others come in the next one. */
const ASKED = { atOnce: 5, perRound: 50 };
/** Answers that are remembered. */
const REMEMBERED = 5000;

/** What a domain said to a host, and until when it holds, on the monotonic scale. */
interface Answer {
  readonly mayBeNamed: boolean;
  readonly until: number;
}

/** Makes it; nothing is known yet. */
export function createConsent({ ask, clock }: Pick<Home<unknown>, 'ask' | 'clock'>): Consent {
  const answers = new BoundedMap<string, Answer>(REMEMBERED);
  const keyOf = (host: Domain, domain: Domain) => `${host} ${domain}`;

  const known = (host: Domain, domain: Domain): Answer | undefined => {
    const answer = answers.get(keyOf(host, domain));
    return answer === undefined || answer.until <= clock.monotonic() ? undefined : answer;
  };

  /** A yes that is too old is none: a domain that does not answer is not named (§7). */
  const inquire = async (host: Domain, domain: Domain) => {
    const payload = el('query', { xmlns: DISCO_INFO });
    const request = iqGet({ from: host, to: domain, payload });
    const answer = await ask(request, PATIENCE_MS).catch(() => undefined);
    const holds = answer?.type === 'result' ? ANSWERED_MS : SILENT_MS;
    const until = clock.monotonic() + holds;
    answers.set(keyOf(host, domain), { mayBeNamed: announces(answer), until });
  };

  return {
    async among(host, domains) {
      const unknown = domains.filter((domain) => known(host, domain) === undefined);
      // Shared by all who ask: each takes the next one.
      const queue = unknown.slice(0, ASKED.perRound).values();
      const work = async () => {
        for (const domain of queue) await inquire(host, domain);
      };
      await Promise.all(Array.from({ length: ASKED.atOnce }, work));
      return new Set(domains.filter((domain) => known(host, domain)?.mayBeNamed === true));
    },
    forget: (host, domain) => answers.delete(keyOf(host, domain)),
  };
}

/** §3: whether an answer to disco#info has the feature. */
function announces(answer: Iq | undefined): boolean {
  const query = answer?.type === 'result' ? answer.payload : undefined;
  if (query === undefined || !isNamed(query, 'query', DISCO_INFO)) return false;
  return childrenOf(query).some(
    (child) => isNamed(child, 'feature', DISCO_INFO) && child.attrs['var'] === SERVER_INFO,
  );
}
