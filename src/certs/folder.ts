/**
 * The folder in which rtcd keeps the certificates that it made or was given: for each domain
 * `<domain>.pem` (certificate and chain) and `<domain>.key` as they were imported, the same with
 * `.self-signed` as rtcd made them, and for one that was requested and has not come yet,
 * `<domain>.request.key` and `<domain>.csr`.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Domain, domainToAscii } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { covers } from './certificate.ts';
import {
  certificateRequest,
  generateKey,
  type KeyKind,
  keyPem,
  selfSignedCertificate,
} from './generate.ts';
import { makePair, type Pair, type PairFiles, readKey } from './pair.ts';

/** How long a self-signed certificate lives. Longer than 825 days, some clients refuse it. */
const SELF_SIGNED_DAYS = 820;

const DAY = 86_400_000;

/** Clocks of clients that are a little late must not find a certificate from the future. */
const BACKDATED = DAY;

/** The files of a domain in the folder: those imported, made, and waiting. */
export interface OwnFiles extends PairFiles {
  readonly selfSigned: PairFiles;
  readonly requestKey: string;
  readonly request: string;
}

/** The files of a domain in the folder. */
export function ownFiles(folder: string, domain: Domain): OwnFiles {
  // Brackets and colons of an IPv6 address do not belong into file names.
  const stem = join(folder, domainToAscii(domain).replace(/[^a-z0-9.-]/gi, '_'));
  return {
    certificate: `${stem}.pem`,
    key: `${stem}.key`,
    selfSigned: { certificate: `${stem}.self-signed.pem`, key: `${stem}.self-signed.key` },
    requestKey: `${stem}.request.key`,
    request: `${stem}.csr`,
  };
}

/** What {@link makeSelfSigned} takes. */
export interface SelfSignedOptions {
  readonly folder: string;
  readonly domain: Domain;
  /** Further domains to name, such as components. */
  readonly names: readonly Domain[];
  readonly clock: Clock;
  readonly key?: KeyKind | undefined;
  readonly days?: number | undefined;
}

/**
 * Makes a self-signed certificate and puts it, with its key, in the folder, in place of an earlier
 * one. Without `key`, that one's key is kept, so that whoever trusted it still does.
 */
export async function makeSelfSigned(options: SelfSignedOptions): Promise<PairFiles> {
  const { folder, domain, names, clock } = options;
  const { certificate, key: keyFile } = ownFiles(folder, domain).selfSigned;
  const kept = options.key === undefined ? await readOwnKey(keyFile) : undefined;
  const key = kept ?? (await generateKey(options.key ?? 'ec'));
  const until = clock.now() + (options.days ?? SELF_SIGNED_DAYS) * DAY;
  const pem = selfSignedCertificate({ key, domain, names }, clock.now() - BACKDATED, until);
  await writeSecret(keyFile, keyPem(key));
  await writeAtomically(certificate, pem, 0o644);
  return { certificate, key: keyFile };
}

/** Makes a self-signed certificate that lives in memory only, where the folder takes none. */
export async function makeInMemory(options: SelfSignedOptions): Promise<Pair> {
  const { folder, domain, names, clock } = options;
  const key = await generateKey(options.key ?? 'ec');
  const until = clock.now() + SELF_SIGNED_DAYS * DAY;
  const pem = selfSignedCertificate({ key, domain, names }, clock.now() - BACKDATED, until);
  const outcome = makePair(pem, keyPem(key), ownFiles(folder, domain).selfSigned);
  if (!outcome.ok) throw new Error(outcome.why);
  return outcome.value;
}

/** What {@link makeRequest} takes. */
export interface RequestOptions {
  readonly folder: string;
  readonly domain: Domain;
  readonly names: readonly Domain[];
  /** The kind of key to make; without it, a key of an earlier request is used again. */
  readonly key?: KeyKind | undefined;
  /** Whether to ask for SRV-IDs and XmppAddrs too. */
  readonly withXmppNames?: boolean | undefined;
}

/** A certificate request to send to an authority. */
export interface RequestResult {
  readonly csrPem: string;
  readonly csrFile: string;
  readonly keyFile: string;
}

/** Makes a certificate request; its key waits in the folder until the certificate is imported. */
export async function makeRequest(options: RequestOptions): Promise<RequestResult> {
  const { folder, domain, names } = options;
  const files = ownFiles(folder, domain);
  const kept = options.key === undefined ? await readOwnKey(files.requestKey) : undefined;
  const key = kept ?? (await generateKey(options.key ?? 'ec'));
  const csrPem = certificateRequest({ key, domain, names }, options.withXmppNames);
  await writeSecret(files.requestKey, keyPem(key));
  await writeAtomically(files.request, csrPem, 0o644);
  return { csrPem, csrFile: files.request, keyFile: files.requestKey };
}

/** What {@link importPair} takes. */
export interface ImportOptions {
  readonly folder: string;
  readonly domain: Domain;
  readonly clock: Clock;
  /** The certificate and its chain (PEM), in any order. */
  readonly certificate: string;
  /** The private key (PEM); without it, that of the request, or the key in use, must fit. */
  readonly key?: string | undefined;
}

/** What an import ends with: the pair as it was written, or all that speaks against it. */
export type ImportOutcome =
  | { readonly ok: true; readonly value: Pair }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Checks a certificate (it parses, fits the key, names the domain, is valid now) and takes it in. */
export async function importPair(options: ImportOptions): Promise<ImportOutcome> {
  const { folder, domain, clock, certificate } = options;
  const files = ownFiles(folder, domain);
  const waiting = [files.requestKey, files.key, files.selfSigned.key];
  const keys =
    options.key === undefined
      ? (await Promise.all(waiting.map((file) => readFile(file, 'utf8').catch(() => '')))).filter(
          Boolean,
        )
      : [options.key];
  if (keys.length === 0)
    return {
      ok: false,
      problems: [`there is no key for ${domain} yet: give it with the certificate`],
    };
  // In messages, what was given has names of its own: it is in no file yet.
  const given = { certificate: 'certificate', key: 'key' };
  const outcomes = keys.map((key) => makePair(certificate, key, given));
  const found = outcomes.find((outcome) => outcome.ok) ?? outcomes[0];
  if (found?.ok !== true) return { ok: false, problems: [found?.why ?? 'there is no key'] };
  const pair = { ...found.value, files: { certificate: files.certificate, key: files.key } };
  const problems = problemsOf(pair, domain, clock.now());
  if (problems.length > 0) return { ok: false, problems };
  await writeSecret(files.key, pair.keyPem);
  await writeAtomically(files.certificate, pair.chainPem, 0o644);
  // A request goes with its certificate only: that of the authority may still be on its way.
  const requested = await readOwnKey(files.requestKey);
  if (requested !== undefined && keyPem(requested) === pair.keyPem)
    await Promise.all([files.requestKey, files.request].map((file) => rm(file, { force: true })));
  return { ok: true, value: pair };
}

/** What speaks against using a pair for a domain at a moment (milliseconds since the epoch). */
export function problemsOf(pair: Pair, domain: Domain, now: number): string[] {
  const on = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  return [
    ...(covers(pair.names, domainToAscii(domain), domain) ? [] : [`it does not name ${domain}`]),
    ...(now < pair.notBefore ? [`it is valid only from ${on(pair.notBefore)} on`] : []),
    ...(now >= pair.notAfter ? [`it expired on ${on(pair.notAfter)}`] : []),
  ];
}

async function readOwnKey(file: string) {
  const key = readKey(await readFile(file, 'utf8').catch(() => ''));
  return typeof key === 'string' ? undefined : key;
}

/** Writes a file that its owner alone may read. */
const writeSecret = (file: string, text: string) => writeAtomically(file, text, 0o600);

/** Writes a file beside its place and moves it there, so that nobody ever reads half of it. */
async function writeAtomically(file: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${randomBytes(6).toString('hex')}.new`;
  try {
    await writeFile(beside, text, { mode, flag: 'wx', flush: true });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
