/** The side of other servers as tests of operations and pages have it: plain values. */
import { type Domain, parseDomain } from '../../src/jid/jid.ts';
import type {
  ExaminationStep,
  FederationEvent,
  FederationLink,
  FederationRule,
  FederationRules,
  FederationService,
} from '../../src/operations/federation-service.ts';

const named = (raw: string): Domain => {
  const parsed = parseDomain(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};

/** A link that is up, with changes. */
export const link = (
  domain: string,
  host: string,
  changes: Partial<FederationLink> = {},
): FederationLink => ({
  id: 'stream1',
  domain: named(domain),
  host: named(host),
  direction: 'out',
  state: 'up',
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  authenticatedBy: 'external',
  since: Date.UTC(2025, 11, 31),
  lastActive: Date.UTC(2025, 11, 31),
  management: 'resumable',
  queued: 0,
  unacknowledged: 0,
  remoteAddress: '192.0.2.7:5269',
  failure: undefined,
  retryAt: undefined,
  ...changes,
});

/** What a test may set. */
export interface FederationWorld {
  links: FederationLink[];
  events: FederationEvent[];
  steps: () => AsyncIterable<ExaminationStep>;
}

/** Makes the side, by rules that are kept elsewhere. */
export function federationOf(world: FederationWorld, rules: FederationRules): FederationService {
  return {
    list: (domain) => world.links.filter((each) => domain === undefined || each.domain === domain),
    history: async () => world.events,
    close: (domain) => world.links.filter((each) => each.domain === domain).length,
    refusal: (_, domain) =>
      rules.list().some((rule) => rule.domain === domain && rule.verdict === 'block')
        ? 'It is blocked here.'
        : undefined,
    enforce() {},
    examine: () => world.steps(),
  };
}

/** Rules in memory. */
export function rulesInMemory(): FederationRules {
  const rules: FederationRule[] = [];
  const remove = ({ host, domain }: Pick<FederationRule, 'host' | 'domain'>) => {
    const index = rules.findIndex((each) => each.host === host && each.domain === domain);
    if (index >= 0) rules.splice(index, 1);
    return index >= 0;
  };
  return {
    list: () => rules,
    async set(rule) {
      remove(rule); // of a pair one thing is said
      rules.push(rule);
    },
    unset: async (rule) => remove(rule),
  };
}
