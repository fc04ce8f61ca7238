/** How long a certificate still lives, in words. */
import { durationText } from '../text.ts';
import type { Tone } from '../ui/parts.tsx';
import type { CertificateView } from '../views/hosts.ts';

/** The state of a certificate. */
export interface CertificateLife {
  readonly tone: Tone;
  readonly word: string;
  readonly sentence: string;
  /** Whether an admin should do something. */
  readonly needsCare: boolean;
}

const DAY_S = 86_400;
/** Authorities of today give 90 days and renew at 30; two weeks before the end nobody has. */
const SOON_S = 14 * DAY_S;

/** The state of a certificate now. */
export function lifeOf(certificate: CertificateView | undefined, now: number): CertificateLife {
  if (certificate === undefined)
    return {
      tone: 'error',
      word: 'No certificate',
      sentence: 'it has no certificate, so nobody can connect securely.',
      needsCare: true,
    };
  const left = (certificate.notAfter - now) / 1000;
  if (left <= 0)
    return {
      tone: 'error',
      word: 'Expired',
      sentence: `its certificate expired ${durationText(-left)} ago.`,
      needsCare: true,
    };
  if (certificate.notBefore > now)
    return {
      tone: 'error',
      word: 'Not valid yet',
      sentence: 'its certificate is not valid yet.',
      needsCare: true,
    };
  if (left < SOON_S)
    return {
      tone: 'warning',
      word: `Expires in ${durationText(left)}`,
      sentence: `its certificate expires in ${durationText(left)}.`,
      needsCare: true,
    };
  if (certificate.selfSigned)
    return {
      tone: 'warning',
      word: 'Self-signed',
      sentence: 'its certificate is self-signed; clients warn of it.',
      needsCare: false,
    };
  return {
    tone: 'ok',
    word: `Valid for ${Math.floor(left / DAY_S)} days`,
    sentence: 'its certificate is valid.',
    needsCare: false,
  };
}
