/** A certificate as operations tell of it. */
import { z } from 'zod';
import { hidden, time } from './fields.ts';
import type { CertificateInfo } from './services.ts';

/** The schema of a certificate. */
export const certificateInfo = z.object({
  domain: hidden(z.string()),
  issuer: z.string(),
  notAfter: time.describe('The end of its life.'),
  notBefore: hidden(time),
  names: hidden(z.array(z.string())),
  selfSigned: hidden(z.boolean()),
  keyType: hidden(z.string()),
  file: hidden(z.string()),
  fingerprint: hidden(z.string().describe('SHA-256, hex.')),
});

/** Tells of a certificate. */
export function certificateInfoOf(info: CertificateInfo): z.output<typeof certificateInfo> {
  return {
    domain: info.domain,
    issuer: info.isSelfSigned ? 'self-signed' : info.issuer,
    notAfter: info.notAfter,
    notBefore: info.notBefore,
    names: [...info.names],
    selfSigned: info.isSelfSigned,
    keyType: info.keyType,
    file: info.file,
    fingerprint: info.fingerprint,
  };
}
