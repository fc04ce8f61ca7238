/** The records that the zone of a host needs (RFC 6120 §3.2, XEP-0368, RFC 7673), as values and text. */
import { isIPv4 } from 'node:net';
import { componentsOf } from '../config/components.ts';
import type { Config, EdgeService, ListenerName } from '../config/schema.ts';
import type { Host } from '../core/hosts.ts';
import { type Domain, domainToAscii } from '../jid/jid.ts';

/** A host, as far as its records follow from it. */
export type ZoneHost = Pick<Host, 'domain' | 'config'>;

/** A record; names have A-labels and no dot at the end. */
export interface ZoneRecord {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'SRV' | 'TLSA';
  /** As a zone file has it. */
  readonly data: string;
}

/** A service that DNS announces, by the listener that serves it. */
export interface AnnouncedService {
  readonly service: string;
  readonly listener: ListenerName;
  /** As what it may come by the one port for all. */
  readonly edge?: EdgeService;
  /** Where others go without a record; undefined where they then do not come at all. */
  readonly fallbackPort: number | undefined;
  readonly forWhom: 'clients' | 'servers';
}

/** The services, in the order of a zone. */
export const ANNOUNCED: readonly AnnouncedService[] = [
  { service: '_xmpp-client._tcp', listener: 'c2s', fallbackPort: 5222, forWhom: 'clients' },
  {
    service: '_xmpps-client._tcp',
    listener: 'c2sTls',
    edge: 'c2s',
    fallbackPort: undefined,
    forWhom: 'clients',
  },
  { service: '_xmpp-server._tcp', listener: 's2s', fallbackPort: 5269, forWhom: 'servers' },
  {
    service: '_xmpps-server._tcp',
    listener: 's2sTls',
    edge: 's2s',
    fallbackPort: undefined,
    forWhom: 'servers',
  },
];

/** What the zone follows from. */
export interface ZoneTerms {
  readonly host: ZoneHost;
  readonly config: Config;
  /** The host that the SRV records name, A-labels. */
  readonly target: string;
  /** Public addresses of this machine; a placeholder stands where there are none. */
  readonly addresses: readonly string[];
  /** SHA-256 of the public key in use, hex; undefined without a certificate. */
  readonly keyHash: string | undefined;
  /** The port of a listener. */
  portOf(listener: ListenerName): number;
}

/** The name that the host of a domain has if nobody chose another one. */
export const usualTarget = (host: ZoneHost): string => `xmpp-gw.${domainToAscii(host.domain)}`;

/** Whether a host is to be reached by a service. */
export function isOffered(
  announced: AnnouncedService,
  host: ZoneHost,
  { server }: Config,
): boolean {
  const isWanted =
    announced.forWhom === 'clients' || (host.config.s2s.enabled ?? server.s2s.enabled);
  return isWanted && listenersOf(announced, server).length > 0;
}

/** The listeners by which a service is reached: its own, and where that is closed, the one for all. */
export function listenersOf(
  { listener, edge }: AnnouncedService,
  { listeners, edge: { serves } }: Config['server'],
): readonly ListenerName[] {
  const isAtEdge = edge !== undefined && listeners.edge.enabled && serves.includes(edge);
  return [
    ...(listeners[listener].enabled ? [listener] : []),
    ...(isAtEdge ? (['edge'] as const) : []),
  ];
}

/** The data of an SRV record; what gets through everywhere is tried after what is meant for it. */
export const srvData = (port: number, target: string, rank = 0): string =>
  `${5 + 5 * rank} 0 ${port} ${target}.`;

/** RFC 2782: there decidedly is no such service. */
export const DECLINED = '0 0 0 .';

/** What a TLSA record says of a key: DANE-EE, the key, SHA-256. */
export const tlsaData = (keyHash: string): string => `3 1 1 ${keyHash}`;

/** All records. */
export function zoneRecords(terms: ZoneTerms): ZoneRecord[] {
  const { host, config, target, keyHash, portOf } = terms;
  const domain = domainToAscii(host.domain);
  const offered = ANNOUNCED.filter((each) => isOffered(each, host, config));
  const recordsOf = (each: AnnouncedService, at: string) =>
    listenersOf(each, config.server).map((listener, rank): ZoneRecord => {
      const name = `${each.service}.${at}`;
      return { name, type: 'SRV', data: srvData(portOf(listener), target, rank) };
    });
  const services = offered.flatMap((each) => recordsOf(each, domain));
  const isAlone = offered.every(({ forWhom }) => forWhom !== 'servers');
  const refusal: ZoneRecord = { name: `_xmpp-server._tcp.${domain}`, type: 'SRV', data: DECLINED };
  const keys = offered
    .filter(({ forWhom }) => forWhom === 'servers' && keyHash !== undefined)
    .flatMap((each) => listenersOf(each, config.server))
    .map((listener): ZoneRecord => {
      const name = `_${portOf(listener)}._tcp.${target}`;
      return { name, type: 'TLSA', data: tlsaData(keyHash ?? '') };
    });
  const components = componentsBelow(host).flatMap((component) =>
    offered
      .filter(({ forWhom }) => forWhom === 'servers')
      .flatMap((each) => recordsOf(each, domainToAscii(component))),
  );
  const refusals = isAlone ? [refusal] : [];
  return [...addressRecords(terms), ...services, ...refusals, ...components, ...keys];
}

/**
 * The domains of components that are in the zone of their host and that others come to, such as
 * `conference.falcot.com`. Nobody from elsewhere uploads, and no certificate holds the name of that service.
 */
export const componentsBelow = ({ domain, config }: ZoneHost): readonly Domain[] =>
  componentsOf(config)
    .filter((each) => each.config.type !== 'upload')
    .map((each) => each.domain)
    .filter((each) => each.endsWith(`.${domain}`));

function addressRecords({ target, addresses }: ZoneTerms): ZoneRecord[] {
  if (addresses.length === 0) return [{ name: target, type: 'A', data: PLACEHOLDER }];
  return addresses.map((address) => {
    const type = isIPv4(address) ? 'A' : 'AAAA';
    return { name: target, type, data: address };
  });
}

const PLACEHOLDER = '<the public address of this machine>';

const NOTES: Readonly<Record<string, string>> = {
  address: 'the machine where the server runs',
  clients: 'clients: STARTTLS, and direct TLS',
  servers: 'other servers: STARTTLS, and direct TLS',
  TLSA: 'the key of the certificate (DANE), only if the zone is signed (DNSSEC);\n; with a new key, publish its record before the key is used',
};

const noteOf = ({ name, type }: ZoneRecord): string => {
  if (type === 'TLSA') return 'TLSA';
  if (type !== 'SRV') return 'address';
  return name.includes('-client.') ? 'clients' : 'servers';
};

/** The records as a part of a zone file, names relative to the zone. */
export function zoneText(host: ZoneHost, records: readonly ZoneRecord[]): string {
  const domain = domainToAscii(host.domain);
  const relative = (name: string) => {
    if (name === domain) return '@';
    return name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : `${name}.`;
  };
  const names = records.map(({ name }) => relative(name));
  const width = Math.max(0, ...names.map(({ length }) => length));
  const lines = [`; XMPP for ${host.domain}, to be added to the zone ${domain}.`];
  let before: string | undefined;
  for (const [index, record] of records.entries()) {
    const note = noteOf(record);
    if (note !== before) lines.push('', `; ${NOTES[note] ?? ''}`);
    before = note;
    const isOpen = record.data === PLACEHOLDER ? '; ' : '';
    const name = (names[index] ?? '').padEnd(width);
    lines.push(`${isOpen}${name}  IN  ${record.type.padEnd(4)}  ${record.data}`);
  }
  return lines.join('\n');
}
