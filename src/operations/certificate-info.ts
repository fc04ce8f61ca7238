/** A certificate as operations tell of it. */
import { z } from 'zod';
import type { CertificateInfo } from '../certs/types.ts';
import { hidden, time } from './fields.ts';

const shape = {
  domain: z.string(),
  issuer: z.string(),
  notAfter: time.describe('The end of its life.'),
  names: z.array(z.string()),
  keyType: z.string(),
  source: z.enum(['configured', 'imported', 'found', 'self-signed']),
  notBefore: hidden(time),
  selfSigned: hidden(z.boolean()),
  certificateFile: hidden(z.string()),
  keyFile: hidden(z.string()),
  fingerprint: hidden(z.string().describe('SHA-256 of the certificate.')),
  publicKeySha256: hidden(z.string().describe('As a TLSA 3 1 1 record has it.')),
  problems: z.array(z.string()),
};

/** The schema of a certificate. */
export const certificateInfo = z.object(shape);

/** The same where it stands in a row about its host. */
export const certificateInRow = z.object({
  ...shape,
  domain: hidden(shape.domain),
  names: hidden(shape.names),
  keyType: hidden(shape.keyType),
  source: hidden(shape.source),
  problems: hidden(shape.problems),
});

/** Tells of a certificate. */
export function certificateInfoOf(info: CertificateInfo): z.output<typeof certificateInfo> {
  const { chainLength: _, subject: __, ...told } = info;
  return {
    ...told,
    issuer: info.selfSigned ? 'self-signed' : issuerName(info.issuer),
    names: [...info.names],
    problems: [...info.problems],
  };
}

/** An issuer's organisation and name from the lines of its distinguished name. */
export function issuerName(lines: string): string {
  const part = (key: string) => new RegExp(`^${key}=(.+)$`, 'm').exec(lines)?.[1];
  const parts = [part('O'), part('CN')].filter((each) => each !== undefined);
  return parts.length === 0 ? lines.replaceAll('\n', ', ') : parts.join(' ');
}
