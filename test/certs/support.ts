/** An authority that issues certificates, and folders to put them in. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type ConnectionOptions,
  connect,
  TLSSocket as ServerSocket,
  type TLSSocket,
} from 'node:tls';
import forge from 'node-forge';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type Certificates, openCertificates } from '../../src/certs/certificates.ts';
import type { CertificatesOptions } from '../../src/certs/types.ts';
import { type Domain, parseDomain } from '../../src/jid/jid.ts';
import { type Clock, systemClock } from '../../src/kit/clock.ts';
import { quick } from '../support/signing.ts';

/** One day in milliseconds. */
export const DAY = 86_400_000;

/** A domain that is known to be one. */
export function domain(raw: string): Domain {
  const parsed = parseDomain(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

function newKey(modulusLength = 2048) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { pem, forged: forge.pki.privateKeyFromPem(pem) };
}

const caKey = newKey();
const keys = [newKey(), newKey(), newKey(512)] as const;
type KeyNumber = 0 | 1 | 2;

/** The key with a number, as PEM; the last one is too weak to be used. */
export const keyOf = (which: KeyNumber): string => keys[which].pem;

let serial = 1;

function build(
  subject: string,
  key: forge.pki.rsa.PrivateKey,
  from: number,
  until: number,
  extensions: object[],
): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  serial += 1;
  certificate.serialNumber = `01${serial.toString(16).padStart(6, '0')}`;
  certificate.validity.notBefore = new Date(from);
  certificate.validity.notAfter = new Date(until);
  certificate.setSubject([{ name: 'commonName', value: subject }]);
  certificate.setIssuer([{ name: 'commonName', value: 'Test CA' }]);
  certificate.setExtensions(extensions);
  certificate.sign(quick(caKey.forged, caKey.pem), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n');
}

/** The authority's own certificate. */
export const caPem = build('Test CA', caKey.forged, Date.now() - DAY, Date.now() + 3650 * DAY, [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, critical: true },
]);

/** A certificate of the authority for some DNS names. */
export function issue(
  names: readonly string[],
  { key = 0, from = -1, until = 90 }: { key?: KeyNumber; from?: number; until?: number } = {},
): string {
  const altNames = names.map((value) => ({ type: 2, value }));
  const now = Date.now();
  return build(names[0] ?? '', keys[key].forged, now + from * DAY, now + until * DAY, [
    { name: 'subjectAltName', altNames },
  ]);
}

/** A folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-certs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file and the folders above it. */
export async function put(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

/** A clock that is ahead of the machine's by an offset that may be changed. */
export function shiftedClock(): Clock & { ahead: number } {
  return {
    ...systemClock,
    ahead: 0,
    now() {
      return systemClock.now() + this.ahead;
    },
  };
}

/** Opens certificates for falcot.com, or as told, and closes them with the test. */
export async function opened(
  folder: string,
  options: Partial<CertificatesOptions> = {},
): Promise<Certificates> {
  const certificates = await openCertificates({
    folder: join(folder, 'data/certs'),
    searchDirs: [join(folder, 'search')],
    hosts: [{ domain: domain('falcot.com'), names: [] }],
    tls: { minVersion: '1.2' },
    log: pino({ level: 'silent' }),
    clock: systemClock,
    ...options,
  });
  onTestFinished(() => certificates.close());
  return certificates;
}

/** The next certificate that is taken over. */
export function nextChange(certificates: Certificates) {
  return new Promise<ReturnType<Certificates['list']>[number]>((resolve) => {
    const stop = certificates.onChanged((info) => {
      stop();
      resolve(info);
    });
  });
}

/** What a client and the server see of one handshake. */
export interface Handshake {
  readonly client: TLSSocket;
  /** The DER of the certificate that the client was shown. */
  readonly shown: Buffer;
  /** The DER of the certificate that the server believes to have shown. */
  readonly believed: Buffer;
  /** What the client can resume TLS with. */
  session(): Buffer | undefined;
  /** The server's side of it. */
  readonly accepted: ServerSocket | undefined;
}

/** Connects over TLS as c2s does it: a plain socket that is wrapped on both sides. */
export async function handshake(
  serverOptions: object,
  clientOptions: ConnectionOptions,
): Promise<Handshake> {
  const secured: ServerSocket[] = [];
  const server = createServer((socket: Socket) => {
    const wrapped = new ServerSocket(socket, { ...serverOptions, isServer: true });
    wrapped.on('error', () => undefined);
    wrapped.once('secure', () => wrapped.write('welcome'));
    wrapped.resume();
    secured.push(wrapped);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', ...clientOptions });
  let session: Buffer | undefined;
  client.on('session', (given: Buffer) => {
    session = given;
  });
  onTestFinished(() => {
    client.destroy();
    for (const socket of secured) socket.destroy();
    server.close();
  });
  // What the server writes comes after its session tickets.
  await new Promise((resolve, reject) => client.once('data', resolve).once('error', reject));
  const local = secured[0]?.getCertificate();
  return {
    client,
    session: () => session,
    accepted: secured[0],
    shown: client.getPeerCertificate().raw ?? Buffer.alloc(0),
    believed: local !== undefined && local !== null && 'raw' in local ? local.raw : Buffer.alloc(0),
  };
}
