/** Builds the side of other servers, with what it finds and trusts them by. */
import { readFile } from 'node:fs/promises';
import type { Config } from '../config/schema.ts';
import { loadSecret } from '../core/secret.ts';
import type { FederationService } from '../operations/federation-service.ts';
import { createDns } from '../s2s/dns-cache.ts';
import { type DoctorServices, examine } from '../s2s/doctor.ts';
import type { Policy } from '../s2s/policy.ts';
import { createResolver, type Resolver } from '../s2s/resolver.ts';
import { createS2s, type S2sSide } from '../s2s/side.ts';
import { createTrust, type Trust } from '../s2s/trust.ts';
import type { Assembled } from './assemble.ts';
import { createRemotePing } from './remote-ping.ts';
import { StartError } from './start-error.ts';

/** The side of other servers, and its tools. */
export interface Federation {
  readonly side: S2sSide;
  readonly policy: Policy;
  readonly resolver: Resolver;
  readonly trust: Trust;
  /**
   * Reads what a config says of other servers; the answer takes it over.
   * @throws StartError when a file cannot be read
   */
  prepare(next: Config): Promise<() => void>;
  close(): Promise<void>;
}

/**
 * Builds the side, with no port open yet, and makes it the router's way out.
 * @throws StartError when a file of authorities cannot be read
 */
export async function createFederation(assembled: Assembled): Promise<Federation> {
  const { heart, clock, log, metrics, store, certificates, policy, running } = assembled;
  const config = () => running.current().server;
  const settings = () => config().s2s;
  let authorities = await readAuthorities(running.current());
  const dns = createDns({
    clock,
    settings() {
      const { servers, timeout, trustValidation } = config().dns;
      return { servers, timeoutMs: timeout, trustValidation };
    },
  });
  const resolver = createResolver({ dns, clock, random: Math.random });
  const trust = createTrust({ clock, authorities: () => authorities });
  const secret = (await loadSecret(store, 'dialback')).toString('hex');
  const side = createS2s({
    hosts: heart.hosts,
    gate: assembled.gate,
    router: heart.router,
    story: heart.story,
    metrics,
    log: log.area('s2s'),
    clock,
    store,
    dns,
    resolver,
    trust,
    certificates,
    policy,
    secret,
    settings,
    limits: () => config().limits,
  });
  heart.router.useRemote(side.route);
  const doctor: DoctorServices = {
    clock,
    dns,
    resolver,
    trust,
    certificates,
    policy,
    secret,
    acceptsServerUsage: () => settings().acceptServerUsage,
    isServed: (domain) => heart.hosts.ownerOf(domain) !== undefined,
    ping: createRemotePing(heart.router, clock),
  };
  assembled.showFederation(serviceOf(side, policy, doctor));
  return {
    side,
    policy,
    resolver,
    trust,
    async prepare(next) {
      const read = await readAuthorities(next);
      return () => {
        authorities = read;
        side.enforce();
      };
    },
    async close() {
      await side.close();
      dns.close();
    },
  };
}

/** The side as operations see it. */
function serviceOf(side: S2sSide, policy: Policy, doctor: DoctorServices): FederationService {
  return {
    list: side.list,
    history: side.history,
    close: side.closeDomain,
    refusal: policy.refusal,
    enforce: side.enforce,
    examine: (local, remote) => examine({ local, remote }, doctor),
  };
}

async function readAuthorities({ server }: Config): Promise<string> {
  const texts = await Promise.all(
    server.s2s.authorities.map((file) =>
      readFile(file, 'utf8').catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        const text = `${file} of s2s.authorities cannot be read: ${why}.`;
        throw new StartError(text, ['s2s', 'authorities']);
      }),
    ),
  );
  return texts.join('\n');
}
