/**
 * A server that sends us on to another host of its own (RFC 6120 §4.9.3.19, see-other-host). We go
 * there for the same domain and by the same rules: the certificate there has to prove the domain, as
 * it had to here.
 */
import { type Domain, domainToAscii, parseDomain } from '../jid/jid.ts';
import type { Resolver, Target } from './resolver.ts';

/** How often in a row we let ourselves be sent on. */
export const MAX_REDIRECTS = 2;

/** The stream error that sends us on. */
export const SEE_OTHER_HOST = 'see-other-host';

/** Where we are sent. */
export interface OtherHost {
  readonly domain: Domain;
  /** Undefined where the domain's records name it. */
  readonly port: number | undefined;
}

/** Reads what such an error says, `domainpart` or `domainpart:port`; undefined if it is neither. */
export function readOtherHost(text: string): OtherHost | undefined {
  const [, name = '', digits] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text.trim()) ?? [];
  const parsed = parseDomain(name);
  const port = digits === undefined ? undefined : Number(digits);
  if (!parsed.ok || port === 0 || (port ?? 1) > 65_535) return undefined;
  return { domain: parsed.value, port };
}

/**
 * The servers to which we are sent; none if they cannot be found. Nothing of the way to them is
 * validated: it was a server that named them, not DNS.
 * @param isDirectTls whether TLS came first where we were sent on, and so does there
 */
export async function targetsOf(
  { domain, port }: OtherHost,
  isDirectTls: boolean,
  resolver: Pick<Resolver, 'resolve'>,
): Promise<readonly Target[]> {
  if (port === undefined) {
    const resolved = await resolver.resolve(domain);
    return resolved.ok ? resolved.targets.map((each) => ({ ...each, isSecure: false })) : [];
  }
  const host = domainToAscii(domain).replace(/^\[|\]$/g, '');
  const usual = { srvName: undefined, priority: 0, weight: 0, isSecure: false };
  return [{ host, port, isDirectTls, ...usual }];
}

/** The redirects of one attempt to reach a domain: a few, and none in a circle. */
export interface Redirects {
  /** Notes where we were. */
  visit(target: Target, address: string): void;
  /** The servers to which we are sent now; none where we were already, or were sent on too often. */
  follow(said: string | undefined, isDirectTls: boolean): Promise<readonly Target[]>;
}

/** Makes the record of an attempt. */
export function createRedirects(resolver: Pick<Resolver, 'resolve'>): Redirects {
  const visited = new Set<string>();
  let count = 0;
  return {
    visit({ host, port }, address) {
      for (const name of [host, address]) visited.add(`${name} ${port}`);
    },
    async follow(said, isDirectTls) {
      const other = said === undefined ? undefined : readOtherHost(said);
      if (other === undefined || count >= MAX_REDIRECTS) return [];
      count += 1;
      const targets = await targetsOf(other, isDirectTls, resolver);
      return targets.filter(({ host, port }) => !visited.has(`${host} ${port}`));
    },
  };
}
