/** A certificate with its key, as two files (or one) hold them. */
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import {
  type CertificateNames,
  isSelfSigned,
  namesOf,
  orderChain,
  readChain,
} from './certificate.ts';
import { SELF_SIGNED_MARK } from './generate.ts';

/** Where a certificate and its key are; both may be the same file. */
export interface PairFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate with its chain and its key, which match. */
export interface Pair {
  readonly files: PairFiles;
  readonly leaf: X509Certificate;
  /** The leaf and its issuers, in order, as PEM. */
  readonly chainPem: string;
  readonly chainLength: number;
  readonly keyPem: string;
  readonly names: CertificateNames;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Whether rtcd made it for itself. */
  readonly isOwn: boolean;
  readonly isSelfSigned: boolean;
}

/** A pair, or what is wrong with it, in words. */
export type PairOutcome =
  | { readonly ok: true; readonly value: Pair }
  | { readonly ok: false; readonly why: string };

const refuse = (why: string): PairOutcome => ({ ok: false, why });

/** Reads a private key; the reason why not, if it is none that can be used. */
export function readKey(pem: string): KeyObject | string {
  const found = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]+?-----END [A-Z ]*PRIVATE KEY-----/.exec(
    pem,
  );
  if (found === null) return 'there is no private key (PEM) in it';
  if (/ENCRYPTED/.test(found[0]))
    return 'the private key is encrypted; rtcd needs it without a passphrase';
  try {
    return createPrivateKey(found[0]);
  } catch {
    return 'the private key cannot be read';
  }
}

/** Joins a chain and a key that are in memory. */
export function makePair(certificatePem: string, keyText: string, files: PairFiles): PairOutcome {
  const chain = readChain(certificatePem);
  if (chain === undefined)
    return refuse(`${files.certificate}: there is no readable certificate (PEM) in it`);
  const key = readKey(keyText);
  if (typeof key === 'string') return refuse(`${files.key}: ${key}`);
  const ordered = orderChain(chain, key);
  const leaf = ordered?.[0];
  if (ordered === undefined || leaf === undefined)
    return refuse(
      `${files.key}: the key does not belong to the certificate in ${files.certificate}`,
    );
  return {
    ok: true,
    value: {
      files,
      leaf,
      chainPem: ordered.map(String).join(''),
      chainLength: ordered.length,
      keyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      names: namesOf(leaf.raw),
      notBefore: Date.parse(leaf.validFrom),
      notAfter: Date.parse(leaf.validTo),
      isOwn: leaf.subject.split('\n').includes(`O=${SELF_SIGNED_MARK}`),
      isSelfSigned: isSelfSigned(leaf),
    },
  };
}

/** Reads pairs and remembers them for as long as their files stay as they are. */
export class PairReader {
  readonly #known = new Map<string, { stamp: string; outcome: PairOutcome }>();

  /** Reads a pair, anew only if one of its files changed. */
  async read(files: PairFiles): Promise<PairOutcome> {
    const id = `${files.certificate}\0${files.key}`;
    try {
      const stamp = `${await stampOf(files.certificate)} ${await stampOf(files.key)}`;
      const known = this.#known.get(id);
      if (known?.stamp === stamp) return known.outcome;
      const [certificate, key] = await Promise.all([
        readFile(files.certificate, 'utf8'),
        readFile(files.key, 'utf8'),
      ]);
      const outcome = makePair(certificate, key, files);
      this.#known.set(id, { stamp, outcome });
      return outcome;
    } catch (error) {
      this.#known.delete(id);
      return refuse(fileProblem(error));
    }
  }

  /** Forgets pairs that are not among those given, so that removed files take no memory. */
  keepOnly(kept: readonly PairFiles[]): void {
    const ids = new Set(kept.map((files) => `${files.certificate}\0${files.key}`));
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
  }
}

/** Changes whenever a file, or the target of a link, is another one or is written. */
async function stampOf(file: string): Promise<string> {
  const { ino, mtimeMs, ctimeMs, size } = await stat(file);
  return `${ino}:${mtimeMs}:${ctimeMs}:${size}`;
}

/** What is wrong with a file, in words that name it. */
export function fileProblem(error: unknown): string {
  if (!(error instanceof Error && 'code' in error && 'path' in error)) return String(error);
  const path = String(error.path);
  if (error.code === 'ENOENT') return `${path}: there is no such file`;
  if (error.code === 'EACCES') return `${path}: may not be read by the user of rtcd`;
  return `${path}: cannot be read (${String(error.code)})`;
}
