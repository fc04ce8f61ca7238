/** The authorities whose certificates are believed: those that Node knows, and the company's own. */
import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { readChain } from '../certs/certificate.ts';

/** Certificates at which a chain may end. */
export interface Authorities {
  /** Those whose subject is this name. */
  bySubject(subject: string): readonly X509Certificate[];
  /** Whether this very certificate is one of them. */
  has(certificate: X509Certificate): boolean;
}

/** Puts certificates into order by their subjects. */
export function authoritiesOf(certificates: readonly X509Certificate[]): Authorities {
  const bySubject = new Map<string, X509Certificate[]>();
  for (const certificate of certificates) {
    const { subject } = certificate;
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), certificate]);
  }
  return {
    bySubject: (subject) => bySubject.get(subject) ?? [],
    has: (certificate) =>
      bySubject.get(certificate.subject)?.some(({ raw }) => raw.equals(certificate.raw)) === true,
  };
}

/** Both, one after the other. */
export const together = (first: Authorities, second: Authorities): Authorities => ({
  bySubject: (subject) => [...first.bySubject(subject), ...second.bySubject(subject)],
  has: (certificate) => first.has(certificate) || second.has(certificate),
});

/** Reads PEM text; one that is broken adds nothing. */
export const readAuthorities = (pem: string): Authorities => authoritiesOf(readChain(pem) ?? []);

let known: Authorities | undefined;

/** The authorities that Node brings (Mozilla's list). Read when they are first needed. */
export function publicAuthorities(): Authorities {
  known ??= authoritiesOf(rootCertificates.map((pem) => new X509Certificate(pem)));
  return known;
}
