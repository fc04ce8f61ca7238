/** What the certificate of one stream's other side is worth, for each domain that is asked about. */
import type { TLSSocket } from 'node:tls';
import type { Domain } from '../jid/jid.ts';
import type { DaneTerms } from './dane.ts';
import type { S2sServices } from './services.ts';
import { evidenceOf, type Trusted } from './trust.ts';

/** Domains of which the judgement is remembered. */
const REMEMBERED = 500;
/** How long the way from its certificate to an authority is taken for what it was. */
const FOLLOWED_MS = 600_000;

/** The stream whose other side is judged. */
export interface Judged {
  readonly direction: 'in' | 'out';
  /** What DNS says of the certificate, where that was validated, and for which domain it does. */
  readonly dane: { readonly domain: Domain; readonly terms: DaneTerms } | undefined;
  /** The socket, once TLS was begun. */
  tls(): TLSSocket | undefined;
}

/** Makes the judge of a stream: undefined without TLS. */
export function createJudge(
  { clock, trust, settings }: Pick<S2sServices, 'clock' | 'trust' | 'settings'>,
  { direction, dane, tls }: Judged,
): (domain: Domain) => Trusted | undefined {
  const known = new Map<Domain, Trusted>();
  let followed: { readonly judge: (domain: Domain) => Trusted; readonly until: number } | undefined;
  const options = () => ({
    role: direction === 'in' ? ('client' as const) : ('server' as const),
    acceptServerUsage: settings().acceptServerUsage,
  });
  const follow = (socket: TLSSocket) => ({
    judge: trust.follow(evidenceOf(socket), options()),
    until: clock.monotonic() + FOLLOWED_MS,
  });
  const ask = (socket: TLSSocket, domain: Domain): Trusted => {
    // RFC 7673 §4: the records are those of the host that this domain has named.
    if (domain === dane?.domain)
      return trust.judge(evidenceOf(socket), domain, { ...options(), dane: dane.terms });
    if (followed === undefined || followed.until <= clock.monotonic()) followed = follow(socket);
    return followed.judge(domain);
  };
  return (domain) => {
    const socket = tls();
    if (socket === undefined) return undefined;
    const before = known.get(domain);
    if (before !== undefined) return before;
    const judged = ask(socket, domain);
    if (known.size < REMEMBERED) known.set(domain, judged);
    return judged;
  };
}
