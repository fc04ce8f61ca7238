/**
 * With whom our domains may talk, and on what terms: the config's lists, and over them what an admin
 * said while the server runs, which is kept in the database.
 */
import type { DomainPattern } from '../config/federation.ts';
import type { ServerConfig } from '../config/schema.ts';
import type { Hosts } from '../core/hosts.ts';
import type { Domain } from '../jid/jid.ts';
import type { Migration, Store } from '../store/store.ts';

/** The terms of one of our domains. */
export interface S2sTerms {
  /** Whether it talks with other servers at all. */
  readonly enabled: boolean;
  /** Whether the other side must prove itself by a certificate; dialback alone is not enough. */
  readonly secureAuth: boolean;
  readonly requireTls: boolean;
  readonly bidi: boolean;
  readonly allow: readonly string[];
  readonly block: readonly string[];
}

/** What an admin said of a domain. */
export interface PolicyRule {
  /** One of our domains, or `*` for all. */
  readonly host: Domain | '*';
  readonly domain: DomainPattern;
  readonly verdict: 'allow' | 'block';
}

/** The policy in force. */
export interface Policy {
  terms(local: Domain): S2sTerms;
  /**
   * Why two domains may not talk, as a sentence; undefined if they may. One that is served here has no
   * other server.
   */
  refusal(local: Domain, remote: Domain): string | undefined;
  /** What was said while the server runs. */
  rules(): readonly PolicyRule[];
  /** Says it; from now on it goes before the config, and is kept over restarts. */
  set(rule: PolicyRule): Promise<void>;
  /** Takes it back; false when nothing was said. */
  unset(rule: Pick<PolicyRule, 'host' | 'domain'>): Promise<boolean>;
}

interface Tables {
  s2s_policy: { host: string; domain: string; verdict: string };
}

/** The migrations of the policy's table. */
export const policyMigrations: readonly Migration[] = [
  {
    name: 'rules on other servers',
    up: [
      `CREATE TABLE s2s_policy (
         host TEXT NOT NULL, domain TEXT NOT NULL, verdict TEXT NOT NULL,
         PRIMARY KEY (host, domain)
       ) WITHOUT ROWID`,
    ],
  },
];

/** What the policy is made of. */
export interface PolicyOptions {
  readonly store: Store;
  readonly hosts: Hosts;
  settings(): ServerConfig['s2s'];
}

/** Reads what was said before, and makes the policy. */
export async function loadPolicy({ store, hosts, settings }: PolicyOptions): Promise<Policy> {
  const db = store.tables<Tables>();
  const keyOf = ({ host, domain }: Pick<PolicyRule, 'host' | 'domain'>) => `${host} ${domain}`;
  const rows = await store.read(db.selectFrom('s2s_policy').selectAll());
  // Written below only: prepared domains, known verdicts.
  const rules = new Map(rows.map((row) => [`${row.host} ${row.domain}`, row as PolicyRule]));

  /** What was said of a domain: of itself before of those below another one, and the nearer one first. */
  const saidOf = (local: Domain, remote: Domain): PolicyRule | undefined => {
    if (rules.size === 0) return undefined;
    const of = (domain: DomainPattern) =>
      rules.get(keyOf({ host: local, domain })) ?? rules.get(keyOf({ host: '*', domain }));
    let said = of(remote);
    for (
      let at = remote.indexOf('.');
      said === undefined && at >= 0;
      at = remote.indexOf('.', at + 1)
    )
      said = of(`*${remote.slice(at)}` as DomainPattern); // what follows the dot of a domain is one
    return said;
  };
  const terms = (local: Domain): S2sTerms => {
    const own = hosts.ownerOf(local)?.config.s2s;
    const common = settings();
    const secureAuth = own?.secureAuth ?? common.secureAuth;
    return {
      enabled: own?.enabled ?? common.enabled,
      secureAuth,
      // Where there is no TLS there is no certificate.
      requireTls: secureAuth || (own?.requireTls ?? common.requireTls),
      bidi: common.bidi,
      allow: own?.allow ?? common.allow,
      block: own?.block ?? common.block,
    };
  };

  return {
    terms,
    refusal(local, remote) {
      if (hosts.ownerOf(remote) !== undefined) return `${remote} is served here.`;
      const { enabled, allow, block } = terms(local);
      if (!enabled) return `${local} does not talk with other servers.`;
      const said = saidOf(local, remote);
      if (said?.verdict === 'allow') return undefined;
      const isBlocked = said !== undefined || block.some((pattern) => matches(pattern, remote));
      if (isBlocked) return `${local} does not talk with ${remote}: it is blocked here.`;
      if (allow.length > 0 && !allow.some((pattern) => matches(pattern, remote)))
        return `${local} talks with chosen domains only, and ${remote} is not one of them.`;
      return undefined;
    },
    rules: () => [...rules.values()],
    async set(rule) {
      const { host, domain, verdict } = rule;
      const insert = db.insertInto('s2s_policy').values({ host, domain, verdict });
      await store.write(
        insert.onConflict((at) => at.columns(['host', 'domain']).doUpdateSet({ verdict })),
      );
      rules.set(keyOf(rule), rule);
    },
    async unset(rule) {
      const { host, domain } = rule;
      await store.write(
        db.deleteFrom('s2s_policy').where('host', '=', host).where('domain', '=', domain),
      );
      return rules.delete(keyOf(rule));
    },
  };
}

/** Whether a domain is the one that a pattern names or, for `*.falcot.com`, any one below it. */
function matches(pattern: string, domain: Domain): boolean {
  return pattern.startsWith('*.') ? domain.endsWith(pattern.slice(1)) : pattern === domain;
}
