/**
 * Whether a certificate is good for a domain (RFC 6120 §13.7.2, RFC 6125 §6): its chain leads to an
 * authority that is believed, it is in its time, made for this use, and names the domain; or DNS
 * says so (DANE, RFC 7673).
 */
import { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { type CertificateNames, namesOf, wildcardOf } from '../certs/certificate.ts';
import { OID } from '../certs/oids.ts';
import { type Domain, domainToAscii, parseDomain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import {
  type Authorities,
  authoritiesOf,
  publicAuthorities,
  readAuthorities,
  together,
} from './authorities.ts';
import { type ChainProblemKind, followChain } from './chain.ts';
import { type DaneMatch, type DaneTerms, matchDane } from './dane.ts';
import { placeOf } from './names.ts';

/** What is wrong with a certificate. */
export type TrustProblemKind =
  | ChainProblemKind
  | 'no-certificate'
  | 'wrong-name'
  | 'revoked'
  /** DNS (TLSA, validated) names another certificate. */
  | 'dane-mismatch';

/** One thing that is wrong, and a sentence for an admin. */
export interface TrustProblem {
  readonly kind: TrustProblemKind;
  readonly text: string;
}

/** A certificate that is good, by what, or all that is wrong with it. */
export type Trusted =
  | {
      readonly ok: true;
      readonly by: 'authority' | 'dane';
      /** All names in the certificate. */
      readonly names: readonly string[];
    }
  | {
      readonly ok: false;
      readonly problems: readonly TrustProblem[];
      readonly names: readonly string[];
    };

/** What the other side of a TLS connection brought. */
export interface PeerEvidence {
  /** Its certificate first, then its issuers as they were sent, or known to Node. */
  readonly chain: readonly X509Certificate[];
  /** What OpenSSL found wrong, such as `CERT_REVOKED`; undefined for nothing. */
  readonly verification: string | undefined;
}

/** How a certificate is judged. */
export interface JudgeOptions {
  /** `server`: we connected to it; `client`: it connected to us. */
  readonly role: 'server' | 'client';
  /**
   * Whether a client's certificate may be one for servers only, as public authorities make them
   * now: the same names stand in it for the same owner.
   */
  readonly acceptServerUsage?: boolean;
  /** TLSA records of the host that we connected to; only such as were validated. */
  readonly dane?: DaneTerms | undefined;
}

/** Judges certificates. */
export interface Trust {
  /** Never throws. */
  judge(evidence: PeerEvidence, domain: Domain, options: JudgeOptions): Trusted;
  /** The same for any number of domains: the chain is followed once, now. Never throws. */
  follow(evidence: PeerEvidence, options: JudgeOptions): (domain: Domain) => Trusted;
}

/** What trust is built on. */
export interface TrustOptions {
  readonly clock: Clock;
  /** The authorities beside those that Node knows, as they stand: PEM, any number of certificates. */
  authorities(): string;
}

/** More certificates than this are not looked at. */
const MAX_CHAIN = 10;

/**
 * What OpenSSL may find and the chain is followed here all the same, where all of it is checked
 * again: it knows other authorities, another time, and one use only.
 */
const CHECKED_AGAIN: readonly string[] = [
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'INVALID_PURPOSE',
  // The name that the socket was given, which is not that of the domain.
  'ERR_TLS_CERT_ALTNAME_INVALID',
];

/** Takes what there is to know from a TLS socket whose handshake is done. */
export function evidenceOf(socket: TLSSocket): PeerEvidence {
  const chain: X509Certificate[] = [];
  // Node's types have a whole certificate here, but there may be none, and an end of the chain.
  let each: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true);
  const seen = new Set<unknown>();
  while (each?.raw !== undefined && !seen.has(each) && chain.length < MAX_CHAIN) {
    seen.add(each);
    const certificate = read(each.raw);
    // Without the first, the others are not its.
    if (certificate === undefined) break;
    chain.push(certificate);
    each = each.issuerCertificate;
  }
  return { chain, verification: codeOf(socket) };
}

/**
 * What OpenSSL found. Node asks it for sockets of `tls.connect` and of a `tls.Server` only, and puts
 * the code there as text, whatever the type says; from a socket that was wrapped by hand, as after
 * STARTTLS, its handle is asked in the same way.
 */
function codeOf(socket: TLSSocket): string | undefined {
  if (socket.authorized) return undefined;
  const code: unknown = socket.authorizationError;
  if (typeof code === 'string') return code;
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const verifyError: unknown = Reflect.get(handle, 'verifyError');
  const error: unknown = typeof verifyError === 'function' ? verifyError.call(handle) : undefined;
  if (!(error instanceof Error)) return undefined;
  return 'code' in error ? String(error.code) : 'UNSPECIFIED';
}

/** A certificate that can be worked with; undefined for one that is broken or whose key is. */
function read(raw: Buffer): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(raw);
    return isReadable(certificate) ? certificate : undefined;
  } catch {
    return undefined;
  }
}

function isReadable(certificate: X509Certificate): boolean {
  try {
    return certificate.publicKey.type === 'public';
  } catch {
    return false;
  }
}

/** Makes the judge. */
export function createTrust({ clock, authorities }: TrustOptions): Trust {
  let own = { pem: '', authorities: authoritiesOf([]) };

  /** The authorities as they stand; the company's own are read again when their text changes. */
  function known(): Authorities {
    const pem = authorities();
    if (pem !== own.pem) own = { pem, authorities: readAuthorities(pem) };
    return together(own.authorities, publicAuthorities());
  }

  function follow(
    { chain, verification }: PeerEvidence,
    { role, acceptServerUsage, dane }: JudgeOptions,
  ): (domain: Domain) => Trusted {
    const [leaf, ...rest] = chain;
    if (leaf === undefined)
      return () => refused([{ kind: 'no-certificate', text: 'no certificate was shown' }], []);
    const certified = namesOf(leaf.raw);
    const names = allNames(certified);
    if (!isReadable(leaf))
      return () => refused([{ kind: 'broken-chain', text: 'its key cannot be read' }], names);
    const sent = rest.filter(isReadable);
    const isForServers = role === 'server' || acceptServerUsage === true;
    const purpose = {
      now: clock.now(),
      usages: [
        ...(role === 'client' ? [OID.clientAuth] : []),
        ...(isForServers ? [OID.serverAuth] : []),
      ],
    };
    const wayFor = followChain([leaf, ...sent], { ...purpose, authorities: known() });
    let anchored: ReturnType<typeof followChain> | undefined;
    const followTo = (anchor: X509Certificate) =>
      followChain([leaf, ...sent], { ...purpose, authorities: authoritiesOf([anchor]) });
    return (domain) => {
      const ascii = domainToAscii(domain).toLowerCase();
      const pkix = wayFor(ascii);
      const match = dane === undefined ? undefined : matchDane(dane, [leaf, ...sent], pkix.path);
      // RFC 7673 §4.2, RFC 7671 §5.1: its names and its time do not matter.
      if (match?.kind === 'end-entity') return { ok: true, by: 'dane', names };
      // Which one is the anchor depends on what was shown only.
      if (match?.kind === 'anchor') anchored ??= followTo(match.anchor);
      const judged = match?.kind === 'anchor' && anchored !== undefined ? anchored(ascii) : pkix;
      const isNamed =
        coversServer(certified, domain) ||
        (match?.kind === 'anchor' && coversHost(certified, dane?.host ?? ''));
      const problems: TrustProblem[] = [
        ...judged.problems,
        ...(isNamed ? [] : [wrongName(names, domain)]),
        ...daneProblems(match),
      ];
      const all = withVerdict(problems, match?.kind === 'anchor' ? undefined : verification);
      if (all.length > 0) return refused(all, names);
      return { ok: true, by: match?.kind === 'anchor' ? 'dane' : 'authority', names };
    };
  }

  return {
    judge: (evidence, domain, options) => follow(evidence, options)(domain),
    follow,
  };
}

const refused = (problems: readonly TrustProblem[], names: readonly string[]): Trusted => ({
  ok: false,
  problems,
  names,
});

/**
 * Whether a certificate names a domain's XMPP server (RFC 6120 §13.7.1.2, RFC 6125 §6.4): DNS-ID,
 * also with a wildcard as its whole first label, SRV-ID of `_xmpp-server`, XmppAddr, or an address.
 * The common name does not count.
 */
export function coversServer(names: CertificateNames, domain: Domain): boolean {
  const place = placeOf(domain);
  if (place.kind === 'address') return names.ip.includes(place.address);
  const ascii = domainToAscii(domain).toLowerCase();
  return (
    coversHost(names, ascii) ||
    names.services.includes(`_xmpp-server.${ascii}`) ||
    names.xmpp.some((each) => {
      const address = parseDomain(each);
      return address.ok && address.value === domain;
    })
  );
}

function coversHost({ dns }: CertificateNames, host: string): boolean {
  return dns.includes(host) || (host.includes('.') && dns.includes(wildcardOf(host)));
}

const allNames = ({ dns, ip, services, xmpp }: CertificateNames): readonly string[] => [
  ...new Set([...dns, ...ip, ...services, ...xmpp]),
];

function wrongName(names: readonly string[], domain: Domain): TrustProblem {
  const list = names.slice(0, 5).join(', ') + (names.length > 5 ? ', …' : '');
  const text =
    names.length === 0
      ? `the certificate names no domain (subjectAltName), so not ${domain} either`
      : `the certificate is for ${list}, not for ${domain}`;
  return { kind: 'wrong-name', text };
}

/** RFC 7673 §4: records of which none fits are a refusal; unusable ones are as none. */
const daneProblems = (match: DaneMatch | undefined): TrustProblem[] =>
  match?.kind === 'mismatch'
    ? [{ kind: 'dane-mismatch', text: 'DNS (TLSA) names another certificate than the one shown' }]
    : [];

/** Adds what OpenSSL refuses for reasons of its own. */
function withVerdict(
  problems: readonly TrustProblem[],
  code: string | undefined,
): readonly TrustProblem[] {
  if (code === undefined || CHECKED_AGAIN.includes(code) || problems.length > 0) return problems;
  const kind = code === 'CERT_REVOKED' ? 'revoked' : 'broken-chain';
  return [{ kind, text: `the chain of certificates was refused (${code})` }];
}
