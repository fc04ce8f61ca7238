/** What others will find wrong with our own certificates: they are judged as those of other servers are. */
import { readFile } from 'node:fs/promises';
import type { Certificates } from '../certs/types.ts';
import type { Domain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { createTrust, type TrustProblemKind } from '../s2s/trust.ts';

/** What the certificate itself does not tell: its names, its life and who signed it are told elsewhere. */
const OF_THE_CHAIN: readonly TrustProblemKind[] = [
  'unknown-authority',
  'broken-chain',
  'usage',
  'weak',
];

/** What is needed to find out. */
export interface DoubtsOptions {
  readonly clock: Clock;
  readonly certificates: Pick<Certificates, 'chainOf'>;
  /** The files of authorities that are believed beside those that Node knows; one that cannot be read adds none. */
  authorities(): readonly string[];
}

/** Makes what answers, for one of our domains, what is wrong with the chain of its certificate, in sentences. */
export function createDoubts({ clock, certificates, authorities }: DoubtsOptions) {
  return async (domain: Domain): Promise<readonly string[]> => {
    const files = authorities().map((file) => readFile(file, 'utf8').catch(() => ''));
    const pem = (await Promise.all(files)).join('\n');
    const trust = createTrust({ clock, authorities: () => pem });
    const evidence = { chain: certificates.chainOf(domain), verification: undefined };
    const judged = trust.judge(evidence, domain, { role: 'server' });
    const problems = judged.ok ? [] : judged.problems;
    return problems.filter(({ kind }) => OF_THE_CHAIN.includes(kind)).map(({ text }) => text);
  };
}
