/** A certificate that all servers of a comparison have, as what a handshake costs depends on its key. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Kinds of keys: RSA of 2,048 bits, which many authorities still give, and P-256, as rtcd makes it. */
export const KEYS = ['rsa', 'ecdsa'] as const;
export type KeyKind = (typeof KEYS)[number];

/** PEM files. */
export interface Certificate {
  readonly keyFile: string;
  readonly certificateFile: string;
  /** Both in one file, as ejabberd wants them. */
  readonly bothFile: string;
}

const NEW_KEY: Readonly<Record<KeyKind, readonly string[]>> = {
  rsa: ['-newkey', 'rsa:2048'],
  ecdsa: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
};

/** Makes a certificate for domains and writes it to a folder. Rejects if openssl is not installed. */
export async function makeCertificate(
  folder: string,
  kind: KeyKind,
  domains: readonly string[],
): Promise<Certificate> {
  const [first = ''] = domains;
  const keyFile = join(folder, `${kind}.key`);
  const certificateFile = join(folder, `${kind}.crt`);
  const bothFile = join(folder, `${kind}.pem`);
  const names = domains.map((domain) => `DNS:${domain}`).join(',');
  await run('openssl', [
    ...['req', '-x509', '-days', '30', '-nodes', ...NEW_KEY[kind]],
    ...['-subj', `/CN=${first}`, '-addext', `subjectAltName=${names}`],
    ...['-keyout', keyFile, '-out', certificateFile],
  ]);
  await writeFile(
    bothFile,
    (await readFile(certificateFile, 'utf8')) + (await readFile(keyFile, 'utf8')),
  );
  return { keyFile, certificateFile, bothFile };
}
