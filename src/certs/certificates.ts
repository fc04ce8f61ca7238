/**
 * The certificates of the virtual hosts: found, made when missing, checked, watched, and taken over
 * when they change (DESIGN D8). What is broken on disk never replaces what works in memory.
 */
import { randomBytes, type X509Certificate } from 'node:crypto';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { type Domain, domainToAscii } from '../jid/jid.ts';
import type { Timer } from '../kit/clock.ts';
import { endPointHash, keyTypeOf, publicKeyHash, readChain, wildcardOf } from './certificate.ts';
import { type Choice, choose } from './choose.ts';
import { type Found, findCandidates } from './find.ts';
import {
  type ImportOutcome,
  importPair,
  makeInMemory,
  makeRequest,
  makeSelfSigned,
  ownFiles,
  type RequestResult,
} from './folder.ts';
import { fileProblem, PairReader } from './pair.ts';
import type {
  CertificateHost,
  CertificateInfo,
  CertificateSettings,
  Certificates,
  CertificatesOptions,
  GenerateOptions,
  GivenCertificate,
  SecureContextHolder,
  ServerTls,
  SignRequestOptions,
} from './types.ts';
import { FolderWatch } from './watch.ts';

export type { KeyKind } from './generate.ts';
export type * from './types.ts';

/** How often files are looked at even when nothing told of a change: some file systems never do. */
const CHECK_EVERY = 60_000;

/** How long the files must be quiet: a certificate and its key are seldom written at once. */
const QUIET = 200;

/** How long a ticket key serves: whoever steals one can read the TLS 1.2 sessions of that time. */
const TICKET_KEY_LIFE = 24 * 3_600_000;

/** A certificate is called soon expired when this much is left; renewals come earlier than that. */
const WARN_BEFORE = 20 * 86_400_000;

/** What is held for a host. */
interface Held {
  readonly choice: Choice;
  readonly holder: SecureContextHolder;
}

/**
 * Finds or makes a certificate for each host, and watches the files from then on.
 * @throws when no TLS context can be made at all, such as for ciphers that OpenSSL does not know
 */
export async function openCertificates(options: CertificatesOptions): Promise<Certificates> {
  const keeper = new Keeper(options);
  await keeper.reload(options);
  return keeper;
}

class Keeper implements Certificates {
  readonly #options: CertificatesOptions;
  readonly #reader = new PairReader();
  readonly #watch = new FolderWatch(() => this.#stir());
  readonly #listeners = new Set<(info: CertificateInfo) => void>();
  readonly #periodic: Timer;
  #settings: CertificateSettings;
  #held = new Map<Domain, Held>();
  #byName = new Map<string, SecureContextHolder>();
  #ticketKeys = { keys: randomBytes(48), since: 0 };
  #quiet: Timer | undefined;
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: CertificatesOptions) {
    this.#options = options;
    this.#settings = options;
    this.#ticketKeys.since = options.clock.monotonic();
    this.#periodic = options.clock.every(CHECK_EVERY, () => this.#checkQuietly());
  }

  contextFor(domain: Domain): SecureContextHolder | undefined {
    return this.#held.get(domain)?.holder;
  }

  lookup(serverName: string | undefined, fallback?: Domain): SecureContextHolder | undefined {
    const name = serverName?.toLowerCase() ?? '';
    const byDefault = fallback ?? this.#settings.hosts[0]?.domain;
    return (
      this.#byName.get(name) ??
      this.#byName.get(wildcardOf(name)) ??
      (byDefault === undefined ? undefined : this.contextFor(byDefault))
    );
  }

  serverOptions(fallback: Domain | undefined): ServerTls['options'] {
    return this.serverTls(fallback).options;
  }

  serverTls(fallback: Domain | undefined): ServerTls {
    const byDefault = this.lookup(undefined, fallback);
    const lookup = (serverName: string) => this.lookup(serverName, fallback);
    let shown: SecureContextHolder | undefined;
    let read: { readonly hash: Buffer | undefined } | undefined;
    return {
      options: {
        // Not called for a client without a name, nor when TLS is resumed.
        SNICallback: (serverName, done) => {
          shown = lookup(serverName);
          done(null, shown?.context);
        },
        ...(byDefault === undefined ? {} : { secureContext: byDefault.context }),
      },
      endPointHash(socket) {
        // Before TLS 1.3, OpenSSL stays with the default where the keys are of another kind.
        if (socket.getProtocol() !== 'TLSv1.3') {
          read ??= { hash: shownHash(socket) };
          return read.hash;
        }
        const { servername } = socket;
        shown ??= typeof servername === 'string' ? lookup(servername) : byDefault;
        return shown?.endPointHash;
      },
    };
  }

  info(domain: Domain): CertificateInfo | undefined {
    const held = this.#held.get(domain);
    return held === undefined
      ? undefined
      : describe(domain, held.choice, this.#options.clock.now());
  }

  chainOf(domain: Domain): readonly X509Certificate[] {
    const pem = this.#held.get(domain)?.choice.pair.chainPem;
    return pem === undefined ? [] : (readChain(pem) ?? []);
  }

  list(): readonly CertificateInfo[] {
    return [...this.#held.keys()].flatMap((domain) => this.info(domain) ?? []);
  }

  onChanged(listener: (info: CertificateInfo) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async reload(settings: CertificateSettings): Promise<void> {
    await this.#inTurn(async () => {
      const before = this.#settings;
      this.#settings = settings;
      try {
        await this.#run(true);
      } catch (error) {
        this.#settings = before;
        throw error;
      }
    });
  }

  async check(): Promise<void> {
    await this.#inTurn(() => this.#run(false));
  }

  async generateSelfSigned(domain: Domain, options: GenerateOptions = {}): Promise<void> {
    const { folder, clock } = this.#options;
    const names = this.#namesOf(domain, options.names);
    await makeSelfSigned({ ...options, folder, clock, domain, names });
    await this.check();
  }

  requestCertificate(domain: Domain, options: SignRequestOptions = {}): Promise<RequestResult> {
    const { folder } = this.#options;
    const names = this.#namesOf(domain, options.names);
    return makeRequest({ ...options, folder, domain, names });
  }

  async importCertificate(given: GivenCertificate): Promise<ImportOutcome> {
    const { folder, clock } = this.#options;
    const outcome = await importPair({ folder, clock, ...given });
    if (outcome.ok) await this.check();
    return outcome;
  }

  close(): void {
    this.#isClosed = true;
    this.#periodic.cancel();
    this.#quiet?.cancel();
    this.#watch.close();
    this.#listeners.clear();
  }

  #namesOf(domain: Domain, further: readonly Domain[] = []): readonly Domain[] {
    const host = this.#settings.hosts.find((each) => each.domain === domain);
    return [...(host?.names ?? []), ...further];
  }

  /** Something moved in a watched folder: look when it has been quiet for a moment. */
  #stir(): void {
    this.#quiet?.cancel();
    if (!this.#isClosed) this.#quiet = this.#options.clock.after(QUIET, () => this.#checkQuietly());
  }

  #checkQuietly(): void {
    this.check().catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'certificates could not be checked');
    });
  }

  /** Runs one task at a time; a failure is the caller's and does not stop the next. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    const mine = this.#last.then(task);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Looks at all files and takes over what changed. */
  async #run(isNewSettings: boolean): Promise<void> {
    if (this.#isClosed) return;
    const { folder, clock } = this.#options;
    const { hosts, searchDirs } = this.#settings;
    const rebuild = this.#renewTicketKeys() || isNewSettings;
    const found = await Promise.all(searchDirs.map(findCandidates));
    const next = new Map<Domain, Held>();
    for (const host of hosts) {
      const held = this.#held.get(host.domain);
      const choice = await this.#chooseFor(host, found, held?.choice);
      next.set(host.domain, await this.#hold(host, choice, held, rebuild));
    }
    const before = this.#held;
    this.#held = next;
    this.#byName = indexNames(hosts, next);
    const candidates = found.flatMap((each) => each.candidates);
    const named = hosts.flatMap(({ files }) => files ?? []);
    const own = hosts.flatMap(({ domain }) => {
      const files = ownFiles(folder, domain);
      return [files, files.selfSigned];
    });
    this.#reader.keepOnly([...candidates, ...named, ...own]);
    this.#watch.set([folder, ...searchDirs, ...found.flatMap((each) => each.folders)], named);
    for (const [domain, { choice }] of next)
      this.#tell(domain, choice, before.get(domain)?.choice, clock.now());
  }

  #renewTicketKeys(): boolean {
    const now = this.#options.clock.monotonic();
    if (now - this.#ticketKeys.since < TICKET_KEY_LIFE) return false;
    this.#ticketKeys = { keys: randomBytes(48), since: now };
    return true;
  }

  async #chooseFor(
    host: CertificateHost,
    found: readonly Found[],
    held: Choice | undefined,
  ): Promise<Choice> {
    const { folder, clock } = this.#options;
    const candidates = found.flatMap((each) => each.candidates);
    const supply = { reader: this.#reader, folder, candidates, now: clock.now(), held };
    const chosen = await choose(host, supply);
    if (chosen.pair !== undefined) return chosen;
    const problems = [...chosen.problems, ...found.flatMap((each) => each.problems)];
    return this.#makeFor(host, problems);
  }

  /** Makes a self-signed certificate; where the folder does not take it, in memory only. */
  async #makeFor(host: CertificateHost, problems: readonly string[]): Promise<Choice> {
    const options = { ...this.#options, domain: host.domain, names: host.names };
    try {
      const made = await this.#reader.read(await makeSelfSigned(options));
      if (made.ok) return { pair: made.value, source: 'self-signed', problems };
      throw new Error(made.why);
    } catch (error) {
      const pair = await makeInMemory(options);
      return { pair, source: 'self-signed', problems: [...problems, fileProblem(error)] };
    }
  }

  /**
   * A choice with its context. If OpenSSL refuses it (such as for a weak key), what was held before
   * stays; at the start, a self-signed one stands in.
   */
  async #hold(host: CertificateHost, choice: Choice, held: Held | undefined, rebuild: boolean) {
    const isSame =
      held?.choice.pair.chainPem === choice.pair.chainPem &&
      held.choice.pair.keyPem === choice.pair.keyPem;
    if (held !== undefined && isSame && !rebuild) return { choice, holder: held.holder };
    try {
      return { choice, holder: this.#holderOf(host.domain, choice) };
    } catch (error) {
      if (held !== undefined && isSame) throw error; // it was good, so the new settings are not
      const why = `${choice.pair.files.certificate}: cannot be used: ${String(error)}`;
      const problems = [...choice.problems, why];
      if (held !== undefined) {
        const holder = rebuild ? this.#holderOf(host.domain, held.choice) : held.holder;
        return { choice: { ...held.choice, problems }, holder };
      }
      const standIn = await this.#makeFor(host, problems);
      return { choice: standIn, holder: this.#holderOf(host.domain, standIn) };
    }
  }

  #holderOf(domain: Domain, { pair }: Choice): SecureContextHolder {
    const { minVersion, ciphers } = this.#settings.tls;
    const context = createSecureContext({
      cert: pair.chainPem,
      key: pair.keyPem,
      minVersion: `TLSv${minVersion}`,
      ...(ciphers === undefined ? {} : { ciphers }),
      honorCipherOrder: true,
      ticketKeys: this.#ticketKeys.keys, // shared, so that sessions survive a new certificate
      sessionIdContext: 'rtcd',
    });
    return { domain, context, endPointHash: endPointHash(pair.leaf.raw) };
  }

  /** Logs what is new about a host's certificate, and tells the listeners. */
  #tell(domain: Domain, choice: Choice, before: Choice | undefined, now: number): void {
    const { log } = this.#options;
    const info = describe(domain, choice, now);
    const isNew = before?.pair.chainPem !== choice.pair.chainPem;
    const facts = { domain, source: info.source, file: info.certificateFile };
    if (isNew) {
      const expires = new Date(info.notAfter).toISOString();
      if (choice.source === 'self-signed')
        log.warn(
          { ...facts, expires, fingerprint: info.fingerprint },
          `${domain} has no certificate of an authority: a SELF-SIGNED one is used, which clients will not trust`,
        );
      else log.info({ ...facts, expires }, `the certificate of ${domain} is in use`);
    }
    const told = before?.problems ?? [];
    for (const problem of choice.problems.filter((each) => !told.includes(each)))
      log.warn({ ...facts, problem }, `certificate of ${domain}: ${problem}`);
    if (isNew && before !== undefined) for (const listener of this.#listeners) listener(info);
  }
}

/** The hash of the certificate that a connection has, read from it: at the price of much of a login. */
function shownHash(socket: TLSSocket): Buffer | undefined {
  const raw = socket.getX509Certificate()?.raw;
  return raw === undefined ? undefined : endPointHash(raw);
}

/** Which holder serves which server name; what is set first is not replaced. */
function indexNames(hosts: readonly CertificateHost[], held: ReadonlyMap<Domain, Held>) {
  const index = new Map<string, SecureContextHolder>();
  const add = (name: string, holder: SecureContextHolder) => {
    if (!index.has(name)) index.set(name, holder);
  };
  const entries = hosts.flatMap((host) => {
    const of = held.get(host.domain);
    return of === undefined ? [] : [{ host, of }];
  });
  for (const { host, of } of entries) add(domainToAscii(host.domain), of.holder);
  for (const { host, of } of entries)
    for (const name of host.names) add(domainToAscii(name), of.holder);
  for (const { of } of entries) for (const name of of.choice.pair.names.dns) add(name, of.holder);
  return index;
}

function describe(
  domain: Domain,
  { pair, source, problems }: Choice,
  now: number,
): CertificateInfo {
  const { leaf, names } = pair;
  const left = pair.notAfter - now;
  const days = Math.floor(left / 86_400_000);
  const isSoon = source !== 'self-signed' && left > 0 && left < WARN_BEFORE;
  return {
    domain,
    source,
    subject: leaf.subject,
    issuer: leaf.issuer,
    names: [...new Set([...names.dns, ...names.ip, ...names.services, ...names.xmpp])],
    notBefore: pair.notBefore,
    notAfter: pair.notAfter,
    fingerprint: leaf.fingerprint256,
    publicKeySha256: publicKeyHash(leaf),
    keyType: keyTypeOf(leaf.publicKey),
    selfSigned: pair.isSelfSigned,
    chainLength: pair.chainLength,
    certificateFile: pair.files.certificate,
    keyFile: pair.files.key,
    problems: isSoon ? [...problems, `it expires in ${days} days`] : problems,
  };
}
