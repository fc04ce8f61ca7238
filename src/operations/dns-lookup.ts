/** Asks DNS, with a bound on time, and tells "there is none" from "nobody answered". */
import { Resolver } from 'node:dns/promises';

/** An SRV record (RFC 2782). */
export interface SrvRecord {
  /** The host; empty for "not available here" (a target of `.`). */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Records, an empty list when there is none, or why nothing is known. */
export type Answer<T> =
  | { readonly ok: true; readonly records: readonly T[] }
  | { readonly ok: false; readonly text: string };

/** Looks names up. Names have A-labels. */
export interface Lookup {
  /** IPv4 and IPv6 addresses. */
  addresses(name: string): Promise<Answer<string>>;
  srv(name: string): Promise<Answer<SrvRecord>>;
}

/** How to ask. */
export interface LookupOptions {
  /** Name servers, as addresses with an optional port; none for the system's. */
  readonly servers: readonly string[];
  /** For each try. */
  readonly timeoutMs: number;
  readonly tries: number;
}

/** The answers that mean "there is none" (c-ares). */
const NOTHING = ['ENOTFOUND', 'ENODATA'];

const PROBLEMS: Readonly<Record<string, string>> = {
  ETIMEOUT: 'the name server did not answer in time',
  ECONNREFUSED: 'the name server does not answer',
  ESERVFAIL: 'the name server failed',
  EREFUSED: 'the name server refuses to answer',
  EBADNAME: 'it is no name for DNS',
};

/** Makes a look-up. */
export function createLookup({ servers, timeoutMs, tries }: LookupOptions): Lookup {
  const resolver = new Resolver({ timeout: timeoutMs, tries });
  if (servers.length > 0) resolver.setServers(servers);
  return {
    async addresses(name) {
      const four = await asked(resolver.resolve4(name));
      const six = await asked(resolver.resolve6(name));
      if (!four.ok) return four;
      return { ok: true, records: [...four.records, ...(six.ok ? six.records : [])] };
    },
    async srv(name) {
      const answer = await asked(resolver.resolveSrv(name));
      if (!answer.ok) return answer;
      const records = answer.records.map(({ name: target, port, priority, weight }) => ({
        target: target.replace(/\.$/, '').toLowerCase(),
        port,
        priority,
        weight,
      }));
      return { ok: true, records: records.sort((a, b) => a.priority - b.priority) };
    },
  };
}

async function asked<T>(records: Promise<T[]>): Promise<Answer<T>> {
  try {
    return { ok: true, records: await records };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (NOTHING.includes(code)) return { ok: true, records: [] };
    return { ok: false, text: PROBLEMS[code] ?? `DNS could not be asked (${code || 'unknown'})` };
  }
}
