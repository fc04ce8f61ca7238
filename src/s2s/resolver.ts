/**
 * Where the servers of a domain are: RFC 6120 §3.2 with the two services of XEP-0368 merged.
 */
import type { Domain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { Dns, DnsOutcome, QueryOptions } from './dns.ts';
import type { SrvRecord } from './dns-message.ts';
import {
  DIRECT_TLS_SERVICE,
  isHostName,
  isUsableAddress,
  LOOPBACK_ADDRESSES,
  placeOf,
  placeOfHost,
  SERVER_PORT,
  SERVER_SERVICE,
} from './names.ts';
import { inOrder } from './srv-order.ts';

/** One server of a domain. */
export interface Target {
  /** A host name with A-labels, or an address (IPv6 without brackets). */
  readonly host: string;
  readonly port: number;
  /** Whether TLS begins with the first byte (XEP-0368), ALPN `xmpp-server`. */
  readonly isDirectTls: boolean;
  /** The name whose SRV record this is, such as `_xmpp-server._tcp.falcot.com`. */
  readonly srvName: string | undefined;
  readonly priority: number;
  readonly weight: number;
  /** Whether the way from the domain to this host was validated by DNSSEC. */
  readonly isSecure: boolean;
}

/** Why a domain has no servers to try. */
export type ResolveProblem =
  /** The domain is not in DNS. */
  | 'no-such-domain'
  /** An SRV record with the target `.`: it decidedly has no XMPP server. */
  | 'service-declined'
  /** The domain is in DNS, but has neither SRV records nor an address. */
  | 'no-address'
  /** SRV records are there, and none can be used. */
  | 'bad-records'
  /** Nobody could tell; another time it may be different. */
  | 'dns-timeout'
  | 'dns-failure';

/** Where to go, in the order of trying. `ttl` in seconds. */
export type Resolved =
  | {
      readonly ok: true;
      readonly targets: readonly Target[];
      readonly from: 'srv' | 'fallback' | 'literal' | 'loopback';
      readonly ttl: number;
      /** Whether all of it was validated by DNSSEC. */
      readonly isSecure: boolean;
      /** What went wrong on the way and did not matter, for a person to read. */
      readonly remarks: readonly string[];
    }
  | { readonly ok: false; readonly why: ResolveProblem; readonly text: string };

/** The addresses of a host, IPv6 and IPv4 in turn (RFC 8305 §4). */
export type Addresses =
  | {
      readonly ok: true;
      readonly addresses: readonly string[];
      readonly ttl: number;
      readonly isSecure: boolean;
    }
  | {
      readonly ok: false;
      readonly why: 'no-such-domain' | 'no-address' | 'dns-timeout' | 'dns-failure';
      readonly text: string;
    };

/** Finds servers. Neither method ever rejects. */
export interface Resolver {
  /** The servers of a domain; weights are drawn anew each time. */
  resolve(domain: Domain, options?: QueryOptions): Promise<Resolved>;
  /** The addresses of a target's host. */
  addresses(host: string, options?: QueryOptions): Promise<Addresses>;
}

/** What the resolver works with. */
export interface ResolverOptions {
  readonly dns: Dns;
  readonly clock: Clock;
  /** A number from 0 up to 1, for the weights. */
  readonly random: () => number;
}

/** More targets, or addresses of one host, than this are not tried. */
const MAX_TARGETS = 16;
const MAX_ADDRESSES = 8;
/** How long the addresses of one family wait for those of the other. */
const FAMILY_GRACE_MS = 300;
/** What never changes is asked again after a day. */
const DAY_SECONDS = 86_400;

/** Makes a resolver. */
export function createResolver({ dns, clock, random }: ResolverOptions): Resolver {
  return {
    async resolve(domain, options) {
      const place = placeOf(domain);
      if (place.kind !== 'name') return local(place);
      const [plain, direct] = await Promise.all([
        dns.query(`${SERVER_SERVICE}.${place.name}`, 'SRV', options),
        dns.query(`${DIRECT_TLS_SERVICE}.${place.name}`, 'SRV', options),
      ]);
      const found = fromSrv(place.name, plain, direct, random);
      return found ?? fallback(place.name, plain, direct, options);
    },
    addresses,
  };

  /** RFC 6120 §3.2.2: the domain itself, where no SRV record was received. */
  async function fallback(
    name: string,
    plain: DnsOutcome<SrvRecord>,
    direct: DnsOutcome<SrvRecord>,
    options: QueryOptions | undefined,
  ): Promise<Resolved> {
    const found = await addresses(name, options);
    if (!found.ok) {
      // That it has no address itself says nothing where nobody said whether it has SRV records.
      const unanswered = [plain, direct].find((each) => each.kind === 'failed');
      if (found.why !== 'no-address' || unanswered === undefined) return found;
      return failure(name, unanswered);
    }
    const isSecure = found.isSecure && isValidated(plain) && isValidated(direct);
    const target: Target = {
      host: name,
      port: SERVER_PORT,
      isDirectTls: false,
      srvName: undefined,
      priority: 0,
      weight: 0,
      isSecure,
    };
    const ttl = Math.min(found.ttl, ttlOf(plain), ttlOf(direct));
    return {
      ok: true,
      targets: [target],
      from: 'fallback',
      ttl,
      isSecure,
      remarks: remarksOn(plain),
    };
  }

  async function addresses(host: string, options?: QueryOptions): Promise<Addresses> {
    const place = placeOfHost(host);
    if (place.kind === 'loopback') return fixed(LOOPBACK_ADDRESSES);
    if (place.kind === 'address')
      return isUsableAddress(place.address) ? fixed([place.address]) : noAddress(host);
    const six = dns.query(host, 'AAAA', options);
    const four = dns.query(host, 'A', options);
    return merged(host, ...(await bothFamilies(six, four)));
  }

  /** Both families; but a family that has addresses does not wait long for one that is late. */
  function bothFamilies(
    six: Promise<DnsOutcome<string>>,
    four: Promise<DnsOutcome<string>>,
  ): Promise<[DnsOutcome<string>, DnsOutcome<string>]> {
    const late = { kind: 'failed', problem: 'timeout', text: 'no answer in time' } as const;
    return new Promise((resolve) => {
      const so: Record<'six' | 'four', DnsOutcome<string>> = { six: late, four: late };
      let open = 2;
      const timers: { cancel(): void }[] = [];
      const end = () => {
        for (const timer of timers) timer.cancel();
        resolve([so.six, so.four]);
      };
      const take = (family: 'six' | 'four') => (outcome: DnsOutcome<string>) => {
        so[family] = outcome;
        open -= 1;
        if (open === 0) end();
        else if (outcome.kind === 'records') timers.push(clock.after(FAMILY_GRACE_MS, end));
      };
      six.then(take('six'), end);
      four.then(take('four'), end);
    });
  }
}

/** A place that DNS is not asked about. */
function local(place: { kind: 'address'; address: string } | { kind: 'loopback' }): Resolved {
  const host = place.kind === 'loopback' ? 'localhost' : place.address;
  if (place.kind === 'address' && !isUsableAddress(host)) return noAddress(host);
  return {
    ok: true,
    targets: [
      {
        host,
        port: SERVER_PORT,
        isDirectTls: false,
        srvName: undefined,
        priority: 0,
        weight: 0,
        isSecure: false,
      },
    ],
    from: place.kind === 'loopback' ? 'loopback' : 'literal',
    ttl: DAY_SECONDS,
    isSecure: false,
    remarks: [],
  };
}

/** What the SRV records say; undefined when there are none and the domain itself is to be tried. */
function fromSrv(
  name: string,
  plain: DnsOutcome<SrvRecord>,
  direct: DnsOutcome<SrvRecord>,
  random: () => number,
): Resolved | undefined {
  const services = [
    { srvName: `${SERVER_SERVICE}.${name}`, isDirectTls: false, outcome: plain },
    { srvName: `${DIRECT_TLS_SERVICE}.${name}`, isDirectTls: true, outcome: direct },
  ];
  const all = services.flatMap(({ srvName, isDirectTls, outcome }) =>
    recordsOf(outcome).map(({ target: host, ...rest }) => ({
      ...rest,
      host,
      isDirectTls,
      srvName,
      isSecure: isValidated(outcome),
    })),
  );
  const usable = all.filter(({ host, port }) => port !== 0 && isTargetHost(host));
  const remarks = services.flatMap(({ outcome }) => remarksOn(outcome));
  if (usable.length > 0) {
    return {
      ok: true,
      targets: inOrder(usable, random).slice(0, MAX_TARGETS),
      from: 'srv',
      ttl: Math.min(ttlOf(plain), ttlOf(direct)),
      isSecure: services.every(({ outcome }) => isValidated(outcome)),
      remarks,
    };
  }
  return withoutTargets(name, plain, all);
}

/** No record can be used: was that said on purpose, is it a fault, or are there none? */
function withoutTargets(
  name: string,
  plain: DnsOutcome<SrvRecord>,
  all: readonly Target[],
): Resolved | undefined {
  const bad = all.filter(({ host }) => host !== '');
  if (bad.length > 0) {
    const what = bad.map(({ host, port }) => `${host.slice(0, 80)}:${port}`).slice(0, 3);
    const text = `the SRV records of ${name} name no usable host: ${what.join(', ')}`;
    return { ok: false, why: 'bad-records', text };
  }
  // RFC 6120 §3.2.1: a target of "." ends the search. XEP-0368 has the same for its own service
  // only, so that one alone does not say that there is no STARTTLS.
  if (recordsOf(plain).length > 0) {
    const text = `${name} says in DNS (SRV with the target ".") that it has no XMPP server`;
    return { ok: false, why: 'service-declined', text };
  }
  // §3.2.1: no answer leads to the fallback, too; but a server's failure may be the sign of a
  // forgery (RFC 4035 §5.5), after which nothing else may be tried.
  if (plain.kind === 'failed' && plain.problem !== 'timeout') return failure(name, plain);
  return undefined;
}

/** IPv6 and IPv4 addresses in turn; or why there are none. */
function merged(host: string, six: DnsOutcome<string>, four: DnsOutcome<string>): Addresses {
  const [sixes, fours] = [six, four].map((each) => recordsOf(each).filter(isUsableAddress));
  const length = Math.max(sixes?.length ?? 0, fours?.length ?? 0);
  const addresses = Array.from({ length }, (_, index) => [sixes?.[index], fours?.[index]])
    .flat()
    .filter((each) => each !== undefined);
  if (addresses.length > 0) {
    return {
      ok: true,
      addresses: addresses.slice(0, MAX_ADDRESSES),
      ttl: Math.min(ttlOf(six), ttlOf(four)),
      // RFC 7673 §3.2: who can hold back one answer must not be able to have DANE left out.
      isSecure: [six, four].filter(({ kind }) => kind === 'records').every(isValidated),
    };
  }
  for (const each of [four, six]) if (each.kind === 'failed') return failure(host, each);
  if (four.kind === 'none' && !four.isNameKnown)
    return { ok: false, why: 'no-such-domain', text: `${host} does not exist in DNS` };
  return noAddress(host);
}

const fixed = (addresses: readonly string[]): Addresses => ({
  ok: true,
  addresses,
  ttl: DAY_SECONDS,
  isSecure: false,
});

const noAddress = (host: string) =>
  ({ ok: false, why: 'no-address', text: `${host} has no usable address in DNS` }) as const;

function failure(name: string, { problem, text }: { problem: string; text: string }) {
  const why = problem === 'timeout' ? 'dns-timeout' : 'dns-failure';
  return { ok: false, why, text: `${name} cannot be looked up: ${text}` } as const;
}

const isTargetHost = (host: string): boolean =>
  isHostName(host) && placeOfHost(host).kind !== 'address';

const recordsOf = <R>(outcome: DnsOutcome<R>): readonly R[] =>
  outcome.kind === 'records' ? outcome.records : [];

const isValidated = (outcome: DnsOutcome<unknown>): boolean =>
  outcome.kind !== 'failed' && outcome.isValidated;

const ttlOf = (outcome: DnsOutcome<unknown>): number =>
  outcome.kind === 'failed' ? DAY_SECONDS : outcome.ttl;

const remarksOn = (outcome: DnsOutcome<unknown>): readonly string[] =>
  outcome.kind === 'failed' ? [`SRV: ${outcome.text}`] : [];
