/** The shapes that the certificates room shows to others. */
import type { X509Certificate } from 'node:crypto';
import type { SecureContext, TLSSocket, TlsOptions } from 'node:tls';
import type { Domain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { ImportOutcome, RequestResult } from './folder.ts';
import type { KeyKind } from './generate.ts';

/** A host that needs a certificate. */
export interface CertificateHost {
  readonly domain: Domain;
  /** Further domains that belong to it, such as components. */
  readonly names: readonly Domain[];
  /** The files that the config names. */
  readonly files?: { readonly certificate: string; readonly key: string } | undefined;
}

/** What may change when the config is read again. */
export interface CertificateSettings {
  /** The hosts; the first one answers when a client names no server or an unknown one. */
  readonly hosts: readonly CertificateHost[];
  readonly searchDirs: readonly string[];
  readonly tls: { readonly minVersion: '1.2' | '1.3'; readonly ciphers?: string | undefined };
}

/** What {@link openCertificates} takes. */
export interface CertificatesOptions extends CertificateSettings {
  /** The folder for certificates that are made or imported (`data/certs`). */
  readonly folder: string;
  readonly log: Logger;
  readonly clock: Clock;
}

/** How a certificate came to be used. */
export type CertificateSource = 'configured' | 'imported' | 'found' | 'self-signed';

/** What there is to know of a host's certificate. Times are milliseconds since the epoch. */
export interface CertificateInfo {
  readonly domain: Domain;
  readonly source: CertificateSource;
  readonly subject: string;
  readonly issuer: string;
  /** All names in it: DNS names, addresses, SRV-IDs, XmppAddrs. */
  readonly names: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
  /** SHA-256 of the certificate, as pairs of hex digits with colons. */
  readonly fingerprint: string;
  /** SHA-256 of the public key, hex: what a TLSA `3 1 1` record has. */
  readonly publicKeySha256: string;
  readonly keyType: string;
  readonly selfSigned: boolean;
  /** How many certificates are sent, the host's own included. */
  readonly chainLength: number;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly problems: readonly string[];
}

/** A certificate as connections use it; a changed one is another holder. */
export interface SecureContextHolder {
  readonly domain: Domain;
  readonly context: SecureContext;
  /** Channel binding `tls-server-end-point` (RFC 5929 §4); undefined where it is not defined. */
  readonly endPointHash: Buffer | undefined;
}

/** TLS of one connection, on the server's side. */
export interface ServerTls {
  readonly options: Pick<TlsOptions, 'SNICallback'> & { readonly secureContext?: SecureContext };
  /**
   * The `endPointHash` of the certificate that the connection was shown, which may have been replaced
   * since. Where TLS was resumed none is shown: that of the name the client asks for.
   * @param socket what was made with these options, once it is secure
   */
  endPointHash(socket: TLSSocket): Buffer | undefined;
}

/** What a self-signed certificate is to be like. */
export interface GenerateOptions {
  /** Makes a new key of this kind; without it, the key of an earlier one is kept. */
  readonly key?: KeyKind | undefined;
  /** Names beside those of the host. */
  readonly names?: readonly Domain[];
  readonly days?: number | undefined;
}

/** What a certificate request is to be like. */
export interface SignRequestOptions {
  /** Makes a new key of this kind; without it, the key of an earlier request is kept. */
  readonly key?: KeyKind | undefined;
  /** Names beside those of the host. */
  readonly names?: readonly Domain[];
  /** Whether to ask for SRV-IDs and XmppAddrs too, which few authorities issue. */
  readonly withXmppNames?: boolean | undefined;
}

/** A certificate that is brought. */
export interface GivenCertificate {
  readonly domain: Domain;
  /** The certificate and its chain (PEM), in any order. */
  readonly certificate: string;
  /** Its key (PEM); without it, one that was made for a request here must fit. */
  readonly key?: string | undefined;
}

/** The certificates, while they are watched. */
export interface Certificates {
  /** A host's certificate; undefined for a domain that is no host. */
  contextFor(domain: Domain): SecureContextHolder | undefined;
  /**
   * The certificate for a server name as TLS carries it: a host, a name of a host, a name in a
   * certificate, a wildcard; else that of `fallback`, else the first host's. Undefined only when
   * there are no hosts.
   */
  lookup(serverName: string | undefined, fallback?: Domain): SecureContextHolder | undefined;
  /** {@link lookup} as options for the server's side of a TLS socket. */
  serverOptions(fallback: Domain | undefined): ServerTls['options'];
  /** The same for one connection, of which it is known afterwards which certificate it was shown. */
  serverTls(fallback: Domain | undefined): ServerTls;
  info(domain: Domain): CertificateInfo | undefined;
  /** What a host shows: its certificate and its issuers, in order; nothing for a domain that is no host. */
  chainOf(domain: Domain): readonly X509Certificate[];
  list(): readonly CertificateInfo[];
  /** Calls a listener whenever a host's certificate was replaced; answers what ends that. */
  onChanged(listener: (info: CertificateInfo) => void): () => void;
  /** Takes new settings. */
  reload(settings: CertificateSettings): Promise<void>;
  /** Looks at the files now, rather than when they are next seen to change. */
  check(): Promise<void>;
  /** Makes a self-signed certificate for a host and uses it where no other is preferred. */
  generateSelfSigned(
    domain: Domain,
    options?: { key?: KeyKind; days?: number; names?: readonly Domain[] },
  ): Promise<void>;
  /** Makes a key and a request for a certificate that names the host and its names. */
  requestCertificate(domain: Domain, options?: SignRequestOptions): Promise<RequestResult>;
  /** Checks a certificate that is brought and takes it in. */
  importCertificate(given: GivenCertificate): Promise<ImportOutcome>;
  /** Ends the watching. */
  close(): void;
}
