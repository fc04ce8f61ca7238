/** What the doctor says of a certificate: whom it proves, until when, for which use. */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { OID } from '../../certs/oids.ts';
import { termsOf } from '../certificate-terms.ts';
import { evidenceOf, type Trusted } from '../trust.ts';
import type { Destination } from './names.ts';
import type { Examination } from './services.ts';
import { quoted, type Step, sentence, stepsOn } from './step.ts';

const DAY_MS = 86_400_000;
/** So few days before its end, a certificate is a reason to write to the other admin. */
const SOON_DAYS = 14;
const MAX_NAMES = 20;
const MAX_CHAIN = 6;

/** Judges the certificate that was shown; answers whether it proves the domain. */
export async function* examineCertificate(
  tls: TLSSocket,
  { dane }: Destination,
  where: string,
  { local, remote, services }: Examination,
): AsyncGenerator<Step, boolean> {
  const { trust, clock, policy } = services;
  const evidence = evidenceOf(tls);
  const [leaf] = evidence.chain;
  const say = stepsOn('certificate', where);
  const detail = leaf === undefined ? '' : describe(leaf, evidence.chain);
  const judged = trust.judge(evidence, remote, { role: 'server', dane });
  if (!judged.ok) {
    const isFatal = policy.terms(local).secureAuth;
    for (const { kind, text } of judged.problems) {
      const words = sentence(quoted(text, 400));
      yield isFatal ? say.error(kind, words, detail) : say.warning(kind, words, detail);
    }
    return false;
  }
  yield say.ok(goodText(judged, remote, leaf), detail);
  if (leaf === undefined) return true;
  const days = Math.floor((Date.parse(leaf.validTo) - clock.now()) / DAY_MS);
  if (days < SOON_DAYS)
    yield say.warning('expired', `It ends in ${days} days, on ${dayOf(leaf.validTo)}.`);
  const asClient = trust.judge(evidence, remote, {
    role: 'client',
    acceptServerUsage: services.acceptsServerUsage(),
  });
  if (!asClient.ok && judged.by === 'authority')
    yield say.warning(
      'usage',
      'It is made for servers only, so it does not prove them when they connect to us.',
    );
  return true;
}

function goodText(judged: Trusted & { ok: true }, remote: string, leaf?: X509Certificate): string {
  const by =
    judged.by === 'dane'
      ? 'by DNS (TLSA)'
      : `by an authority${leaf === undefined ? '' : `, ${issuerOf(leaf)}`}`;
  const until = leaf === undefined ? '' : `, until ${dayOf(leaf.validTo)}`;
  return `It proves ${remote}, ${by}${until}.`;
}

/** All that an admin may want to compare. */
function describe(leaf: X509Certificate, chain: readonly X509Certificate[]): string {
  const names = quoted(leaf.subjectAltName ?? 'none', MAX_NAMES * 50);
  const usages = termsOf(leaf)?.usages;
  const lines = [
    `names: ${names}`,
    `valid: ${dayOf(leaf.validFrom)} to ${dayOf(leaf.validTo)}`,
    `issued by: ${issuerOf(leaf)}`,
    `made for: ${usages === undefined ? 'any use' : usages.map(usageName).join(', ')}`,
    `SHA-256: ${leaf.fingerprint256}`,
    ...chain.slice(1, MAX_CHAIN).map((each) => `then: ${lineOf(each.subject)}`),
  ];
  return lines.join('\n');
}

const usageName = (oid: string): string => {
  if (oid === OID.serverAuth) return 'servers';
  return oid === OID.clientAuth ? 'clients' : quoted(oid, 60);
};

const issuerOf = (certificate: X509Certificate) => lineOf(certificate.issuer);
const lineOf = (name: string) => quoted(name.split('\n').toReversed().join(', '));

function dayOf(text: string): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? 'an unknown day' : at.toISOString().slice(0, 10);
}
