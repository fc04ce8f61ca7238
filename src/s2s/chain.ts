/**
 * Follows a certificate to an authority (RFC 5280 §6). OpenSSL, which Node asks, tells only the last
 * fault that it met, and takes a server's certificate for none at all when a client shows it; this
 * tells all faults, and can be asked for either use.
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { isSelfSigned } from '../certs/certificate.ts';
import type { Authorities } from './authorities.ts';
import {
  type CertificateTerms,
  mayCertify,
  type NameConstraints,
  termsOf,
} from './certificate-terms.ts';

/** What is wrong with a chain. */
export type ChainProblemKind =
  | 'expired'
  | 'not-yet-valid'
  | 'self-signed'
  | 'unknown-authority'
  /** It says that it is for something else: extendedKeyUsage or keyUsage. */
  | 'usage'
  /** A key that is too short, a hash that is broken. */
  | 'weak'
  | 'broken-chain';

/** One thing that is wrong, and a sentence for an admin. */
export interface ChainProblem {
  readonly kind: ChainProblemKind;
  readonly text: string;
}

/** What a chain is followed for. */
export interface ChainPurpose {
  readonly authorities: Authorities;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The uses (object identifiers of extendedKeyUsage) of which one must be allowed. */
  readonly usages: readonly string[];
}

/** The way to an authority, if there is one, and what is wrong with it; nothing: it is good. */
export interface ChainJudgement {
  readonly path: readonly X509Certificate[];
  readonly problems: readonly ChainProblem[];
}

/** A way to an authority, and the limits of domains on it, which are in nobody's way yet. */
interface Way extends ChainJudgement {
  readonly limits: readonly { readonly who: string; readonly constraints: NameConstraints }[];
}

const ANY_USAGE = '2.5.29.37.0';
/** Certificates in a path. Public chains have three or four. */
const MAX_PATH = 8;
/** Signatures are checked no more often than this, however many certificates are sent. */
const MAX_CHECKS = 32;
const MIN_RSA_BITS = 2048;
const WEAK_HASHES = ['md5', 'sha1'];
const DAY = 86_400_000;

/**
 * Follows a certificate through those sent with it to authorities, and answers what tells the best way
 * for a domain (A-labels, lower case): authorities may be limited to some. To follow costs much, to
 * tell little: whoever connects may ask about any number of domains.
 */
export function followChain(
  [leaf, ...sent]: readonly [X509Certificate, ...X509Certificate[]],
  purpose: ChainPurpose,
): (domain: string) => ChainJudgement {
  const { authorities } = purpose;
  let checks = 0;
  const ways: Way[] = [];

  /** Goes on from a path; true when one was found that is good for all domains. */
  function extend(path: readonly X509Certificate[]): boolean {
    const last = path.at(-1);
    if (last === undefined || path.length > MAX_PATH) return false;
    if (authorities.has(last)) {
      const way = { path, problems: problemsOf(path, purpose), limits: limitsOf(path) };
      ways.push(way);
      return way.problems.length + way.limits.length === 0;
    }
    return [...authorities.bySubject(last.issuer), ...sent].some((issuer) => {
      if (path.some(({ raw }) => raw.equals(issuer.raw)) || !last.checkIssued(issuer)) return false;
      checks += 1;
      return (
        checks <= MAX_CHECKS && isSignedBy(last, issuer.publicKey) && extend([...path, issuer])
      );
    });
  }

  extend([leaf]);
  const [first, ...others] = ways;
  if (first === undefined) {
    const problems = [...anchorless(leaf, sent), ...problemsOf([leaf], purpose)];
    return () => ({ path: [leaf], problems });
  }
  return (domain) =>
    [first, ...others]
      .map((way) => within(way, domain))
      .reduce((best, each) => (each.problems.length < best.problems.length ? each : best));
}

function isSignedBy(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.verify(key);
  } catch {
    return false;
  }
}

/** Why no way leads to an authority. */
function anchorless(
  leaf: X509Certificate,
  sent: readonly X509Certificate[],
): readonly ChainProblem[] {
  if (isSelfSigned(leaf))
    return [{ kind: 'self-signed', text: 'the certificate was signed by its own key' }];
  const top = sent.find((each) => isSelfSigned(each));
  const issuer = oneLine(top?.subject ?? sent.at(-1)?.issuer ?? leaf.issuer);
  const text =
    sent.length === 0
      ? `it was issued by “${issuer}”, whose certificate was not sent and is not known here`
      : `the authority “${issuer}” is not known here, or the chain to it has a gap`;
  return [{ kind: 'unknown-authority', text }];
}

/** All that is wrong on a path whose signatures are right. */
function problemsOf(
  path: readonly X509Certificate[],
  purpose: ChainPurpose,
): readonly ChainProblem[] {
  return path.flatMap((certificate, index) => {
    const terms = termsOf(certificate);
    const who = index === 0 ? 'the certificate' : `the authority “${oneLine(certificate.subject)}”`;
    if (terms === undefined)
      return [{ kind: 'broken-chain', text: `${who} cannot be read` } as const];
    return [
      ...timeProblems(certificate, who, purpose.now),
      ...strengthProblems(certificate, terms, who, purpose.authorities),
      ...(terms.unknownCritical.length > 0
        ? [broken(`${who} has terms that are not understood (${terms.unknownCritical.join(', ')})`)]
        : []),
      ...(index === 0 ? leafProblems(terms, purpose) : issuerProblems(path, index, terms, purpose)),
    ];
  });
}

const broken = (text: string): ChainProblem => ({ kind: 'broken-chain', text });

function timeProblems(certificate: X509Certificate, who: string, now: number): ChainProblem[] {
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  if (!(now >= from))
    return [{ kind: 'not-yet-valid', text: `${who} is valid from ${dayOf(from)}` }];
  if (now <= to) return [];
  const days = Math.floor((now - to) / DAY);
  return [{ kind: 'expired', text: `${who} expired on ${dayOf(to)} (${days} days ago)` }];
}

const dayOf = (ms: number): string =>
  Number.isNaN(ms) ? 'an unknown day' : new Date(ms).toISOString().slice(0, 10);

function strengthProblems(
  certificate: X509Certificate,
  { hash }: CertificateTerms,
  who: string,
  authorities: Authorities,
): ChainProblem[] {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } =
    certificate.publicKey;
  const isRsa = type === 'rsa' || type === 'rsa-pss';
  const problems: ChainProblem[] = [];
  if (isRsa ? (details?.modulusLength ?? 0) < MIN_RSA_BITS : !/^(?:ec|ed25519|ed448)$/.test(type)) {
    const size = isRsa ? ` of ${details?.modulusLength ?? '?'} bits` : '';
    problems.push({ kind: 'weak', text: `the key of ${who} is too weak (${type}${size})` });
  }
  // An authority is believed for its key, whatever its own signature is.
  if (hash !== undefined && WEAK_HASHES.includes(hash) && !authorities.has(certificate))
    problems.push({ kind: 'weak', text: `${who} is signed with ${hash}, which can be forged` });
  return problems;
}

function leafProblems(terms: CertificateTerms, { usages }: ChainPurpose): ChainProblem[] {
  if (!allows(terms, usages))
    return [{ kind: 'usage', text: 'the certificate is not made for this use (extendedKeyUsage)' }];
  return terms.maySignHandshakes
    ? []
    : [{ kind: 'usage', text: 'the key of the certificate is not for TLS (keyUsage)' }];
}

const allows = ({ usages }: CertificateTerms, wanted: readonly string[]): boolean =>
  usages === undefined ||
  usages.includes(ANY_USAGE) ||
  wanted.some((each) => usages.includes(each));

/** §4.2.1.10: the authorities of a path that may issue certificates for some domains only. */
const limitsOf = (path: readonly X509Certificate[]): Way['limits'] =>
  path.slice(1).flatMap((certificate) => {
    const constraints = termsOf(certificate)?.constraints;
    if (constraints === undefined) return [];
    return [{ who: `“${oneLine(certificate.subject)}”`, constraints }];
  });

/** What a way is worth for a domain. */
function within({ path, problems, limits }: Way, domain: string): ChainJudgement {
  const outside = limits
    .filter(({ constraints }) => !mayCertify(constraints, domain))
    .map(({ who }) => broken(`${who} may not issue certificates for ${domain}`));
  return { path, problems: [...problems, ...outside] };
}

/** RFC 5280 §6.1.4: what an authority may do. */
function issuerProblems(
  path: readonly X509Certificate[],
  index: number,
  terms: CertificateTerms,
  { usages, authorities }: ChainPurpose,
): ChainProblem[] {
  const certificate = path[index];
  if (certificate === undefined) return [];
  const who = `“${oneLine(certificate.subject)}”`;
  const problems: ChainProblem[] = [];
  if (!certificate.ca) problems.push(broken(`${who} is no authority, but issued a certificate`));
  const between = path.slice(1, index).filter(({ subject, issuer }) => subject !== issuer).length;
  if (terms.pathLength !== undefined && between > terms.pathLength)
    problems.push(broken(`${who} may not have as many authorities below it`));
  if (!authorities.has(certificate) && !allows(terms, usages))
    problems.push({ kind: 'usage', text: `${who} may not issue certificates for this use` });
  return problems;
}

const oneLine = (name: string): string => name.split('\n').toReversed().join(', ').slice(0, 200);
