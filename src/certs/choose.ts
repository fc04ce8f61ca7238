/** Chooses a host's certificate among those that there are. */
import { domainToAscii } from '../jid/jid.ts';
import { covers, wildcardOf } from './certificate.ts';
import type { Candidate } from './find.ts';
import { ownFiles, problemsOf } from './folder.ts';
import type { Pair, PairReader } from './pair.ts';
import type { CertificateHost, CertificateSource } from './types.ts';

/** A self-signed certificate is made anew when this much of its life is left. */
const RENEW_BEFORE = 30 * 86_400_000;

/** A certificate, how it came to be chosen, and what is wrong around it. */
export interface Choice {
  readonly pair: Pair;
  readonly source: CertificateSource;
  readonly problems: readonly string[];
}

/** What there is to choose from. */
export interface Supply {
  readonly reader: PairReader;
  /** The folder of certificates that were made or imported. */
  readonly folder: string;
  /** What the search found. */
  readonly candidates: readonly Candidate[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** What the host uses so far. */
  readonly held: Choice | undefined;
}

/** A choice, or nothing but problems: a self-signed certificate is to be made. */
export type Chosen = Choice | { readonly pair: undefined; readonly problems: readonly string[] };

/**
 * Chooses: the files that the config names; else a certificate that was imported or found and is
 * valid; else the one in use, if its files merely broke or the config names others that are broken; else
 * one that is expired; else a self-signed one that was made before.
 */
export async function choose(host: CertificateHost, supply: Supply): Promise<Chosen> {
  const { held, now } = supply;
  const configured = await readConfigured(host, supply);
  if (configured.pair !== undefined) return configured;
  const { offers, problems: elsewhere } = await readOffers(host, supply);
  const problems = [...configured.problems, ...elsewhere];
  const best = offers.toSorted(byMerit(host, now))[0];
  const isBestValid = best !== undefined && isValid(best.pair, now);
  if (held !== undefined && !isBestValid && isWorthKeeping(held, host, now)) {
    const { certificate } = held.pair.files;
    const stays = isNamedOtherwise(held, host)
      ? `${certificate} stays in use instead`
      : `${certificate}: can no longer be used; the one read before stays`;
    return { ...held, problems: [...problems, stays] };
  }
  if (best !== undefined)
    return { ...best, problems: [...problems, ...namingProblems(best.pair, host, now)] };
  return chooseOwn(host, supply, problems);
}

/** The files that the config names; those read before while they are broken. */
async function readConfigured(
  host: CertificateHost,
  { reader, held, now }: Supply,
): Promise<Chosen> {
  if (host.files === undefined) return { pair: undefined, problems: [] };
  const outcome = await reader.read(host.files);
  if (outcome.ok) {
    const problems = namingProblems(outcome.value, host, now);
    return { pair: outcome.value, source: 'configured', problems };
  }
  return held?.source === 'configured' && isSame(held.pair, host)
    ? { ...held, problems: [outcome.why] }
    : { pair: undefined, problems: [outcome.why] };
}

function isSame(pair: Pair, { files }: CertificateHost): boolean {
  return pair.files.certificate === files?.certificate && pair.files.key === files.key;
}

type Offer = Omit<Choice, 'problems'>;

/** The certificates that name the host, and what is wrong with those whose file names do. */
async function readOffers(
  { domain }: CertificateHost,
  { reader, folder, candidates }: Supply,
): Promise<{ offers: Offer[]; problems: string[] }> {
  const ascii = domainToAscii(domain);
  const own = { ...ownFiles(folder, domain), label: '', source: 'imported' as const };
  const offers: Offer[] = [];
  const problems: string[] = [];
  for (const candidate of [
    own,
    ...candidates.map((each) => ({ ...each, source: 'found' as const })),
  ]) {
    const outcome = await reader.read(candidate);
    const isNamed = candidate.label === ascii;
    if (!outcome.ok) {
      if (isNamed) problems.push(outcome.why);
    } else if (covers(outcome.value.names, ascii, domain)) {
      if (!outcome.value.isOwn) offers.push({ pair: outcome.value, source: candidate.source });
    } else if (isNamed) problems.push(`${candidate.certificate}: does not name ${domain}`);
  }
  return { offers, problems };
}

/** Valid ones first, then imported ones, exact names before wildcards, longer lives first. */
function byMerit({ domain }: CertificateHost, now: number) {
  const ascii = domainToAscii(domain);
  const rank = ({ pair, source }: Offer): number[] => [
    isValid(pair, now) ? 0 : 1,
    pair.isSelfSigned ? 1 : 0,
    source === 'imported' ? 0 : 1,
    !pair.names.dns.includes(ascii) && pair.names.dns.includes(wildcardOf(ascii)) ? 1 : 0,
    -pair.notAfter,
  ];
  return (a: Offer, b: Offer): number => {
    const other = rank(b);
    return (
      rank(a)
        .map((merit, index) => merit - (other[index] ?? 0))
        .find((each) => each !== 0) ?? 0
    );
  };
}

function isValid(pair: Pair, now: number): boolean {
  return pair.notBefore <= now && now < pair.notAfter;
}

/**
 * Whether what is in use outlives the loss of its files, or that the config names others that cannot be
 * used: it was not made by rtcd, and is valid.
 */
function isWorthKeeping(held: Choice, host: CertificateHost, now: number): boolean {
  if (held.source === 'self-signed' || !isValid(held.pair, now)) return false;
  return held.source !== 'configured' || host.files !== undefined;
}

/** Whether the config names other files than those in use. */
const isNamedOtherwise = ({ pair }: Choice, host: CertificateHost) =>
  host.files !== undefined && !isSame(pair, host);

/** What a certificate does not name, and whether it is out of its time. */
function namingProblems(pair: Pair, { domain, names }: CertificateHost, now: number): string[] {
  return [
    ...problemsOf(pair, domain, now),
    ...names
      .filter((name) => !covers(pair.names, domainToAscii(name), name))
      .map((name) => `it does not name ${name}`),
  ];
}

/** The self-signed one: from the folder, or the one in use where the folder takes none. */
async function chooseOwn(
  host: CertificateHost,
  supply: Supply,
  problems: string[],
): Promise<Chosen> {
  const { reader, folder, held, now } = supply;
  const isFit = (pair: Pair) =>
    pair.isOwn &&
    namingProblems(pair, host, now).length === 0 &&
    now < pair.notAfter - RENEW_BEFORE;
  const outcome = await reader.read(ownFiles(folder, host.domain).selfSigned);
  if (outcome.ok && isFit(outcome.value))
    return { pair: outcome.value, source: 'self-signed', problems };
  if (held?.source === 'self-signed' && isFit(held.pair))
    return { ...held, problems: [...problems, ...(outcome.ok ? [] : [outcome.why])] };
  return { pair: undefined, problems };
}
