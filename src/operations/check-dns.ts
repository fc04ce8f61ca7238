/** Checks what DNS says of a host against what the server offers (RFC 6120 §3.2, XEP-0368, RFC 7673). */
import { isIP } from 'node:net';
import type { Config, ListenerName } from '../config/schema.ts';
import { type Domain, domainToAscii } from '../jid/jid.ts';
import type { Answer, Lookup, SrvRecord } from './dns-lookup.ts';
import { type Finding, findingsOn } from './findings.ts';
import {
  ANNOUNCED,
  type AnnouncedService,
  componentsBelow,
  DECLINED,
  isOffered,
  listenersOf,
  srvData,
  tlsaData,
  usualTarget,
  type ZoneHost,
} from './zone.ts';

/** Top-level names that are never in the public DNS (RFC 6761, RFC 6762). */
const LOCAL_NAMES = ['localhost', 'local', 'test', 'example', 'invalid'];

/** What the check needs. */
export interface DnsCheck {
  readonly config: Config;
  readonly lookup: Lookup;
  /** The addresses of this machine. */
  readonly own: readonly string[];
  /** SHA-256 of the public key in use, hex; undefined without a certificate. */
  readonly keyHash: string | undefined;
  /** The port of a listener. */
  portOf(listener: ListenerName): number;
}

/** The check of one host, with what was found before the single records are looked at. */
interface Check extends DnsCheck {
  readonly host: ZoneHost;
  /** The domain with A-labels. */
  readonly name: string;
  /** The machine that records ought to name. */
  readonly target: string;
}

/** Checks one host. */
export async function checkDns(host: ZoneHost, given: DnsCheck): Promise<Finding[]> {
  const { domain } = host;
  const name = domainToAscii(domain);
  const say = findingsOn('dns', domain);
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0)
    return [say.ok('It is an IP address; DNS is not asked.')];
  if (LOCAL_NAMES.includes(name.split('.').at(-1) ?? ''))
    return [say.ok('It is a name for use on this machine or network; DNS is not asked.')];
  const { lookup, own } = given;
  const [addresses, ...services] = await Promise.all([
    lookup.addresses(name),
    ...ANNOUNCED.map(async (service) => ({
      service,
      found: await lookup.srv(`${service.service}.${name}`),
    })),
  ]);
  const named = services
    .flatMap(({ found }) => recordsOf(found))
    .find(({ target }) => target !== '');
  const isHere = recordsOf(addresses).some((address) => own.includes(address));
  const target = named?.target ?? (isHere ? name : usualTarget(host));
  const check: Check = { ...given, host, name, target };
  const each = await Promise.all(
    services.map(({ service, found }) => checkService(service, found, check)),
  );
  const components = componentsBelow(host).map((component) => checkComponent(component, check));
  const below = await Promise.all(components);
  return [...checkAddresses(addresses, check), ...each.flat(), ...below.flat()];
}

/** The domain of a component, such as that of rooms: users of other domains come to it by its records. */
async function checkComponent(component: Domain, check: Check): Promise<Finding[]> {
  const { host, config, lookup, target, portOf } = check;
  const announced = ANNOUNCED.find(({ listener }) => listener === 's2s');
  if (announced === undefined || !isOffered(announced, host, config)) return [];
  const name = domainToAscii(component);
  const say = findingsOn('dns', component);
  const service = `${announced.service}.${name}`;
  const [records, addresses] = await Promise.all([lookup.srv(service), lookup.addresses(name)]);
  const port = portOf('s2s');
  const fault = [records, addresses].find((each) => !each.ok);
  if (fault?.ok === false) return [say.error(`Its records are not known: ${fault.text}.`)];
  const offered = recordsOf(records).filter((record) => record.target !== '');
  if (offered.some((record) => record.port === port))
    return [say.ok(`Other servers are led to ${offered[0]?.target}:${port}.`)];
  if (offered.length === 0 && port === announced.fallbackPort && recordsOf(addresses).length > 0)
    return [say.ok('It has no SRV record; other servers then try its own address.')];
  return [
    say.warning(
      `Users of other domains do not find it. Add: ${service}. SRV ${srvData(port, target)}`,
    ),
  ];
}

const recordsOf = <T>(answer: Answer<T>): readonly T[] => (answer.ok ? answer.records : []);

function checkAddresses(found: Answer<string>, { name, host, own }: Check): Finding[] {
  const say = findingsOn('dns', host.domain);
  if (!found.ok) return [say.error(`Its addresses are not known: ${found.text}.`)];
  if (found.records.length === 0)
    return [
      say.warning(
        'It has no address (A or AAAA). Clients then need SRV records, and the console another name. ' +
          `Add: ${name}. A <address of this machine>`,
      ),
    ];
  return [
    found.records.some((address) => own.includes(address))
      ? say.ok(`It leads here: ${found.records.join(', ')}.`)
      : say.warning(
          `It leads to ${found.records.join(', ')}, which is not an address of this machine. ` +
            'That is right behind NAT or a proxy; otherwise change its A or AAAA record.',
        ),
  ];
}

/** Checks the records of one service. */
async function checkService(
  announced: AnnouncedService,
  found: Answer<SrvRecord>,
  check: Check,
): Promise<Finding[]> {
  const { service } = announced;
  const { host, config, name, target, portOf } = check;
  const say = findingsOn('dns', `${service}.${host.domain}`);
  const [listener = announced.listener] = listenersOf(announced, config.server);
  const port = portOf(listener);
  const expected = `${service}.${name}. SRV ${srvData(port, target)}`;
  if (!found.ok) return [say.error(`Its records are not known: ${found.text}.`)];
  const offered = found.records.filter((record) => record.target !== '');
  if (!isOffered(announced, host, config)) return unwanted(announced, offered, check);
  if (found.records.length === 0) return [missing(announced, port, expected, check)];
  if (offered.length === 0)
    return [
      say.error(
        `Its record says that there is no such service (a target of "."). Put: ${expected}`,
      ),
    ];
  const each = offered.map((record) => checkRecord(record, announced, expected, check));
  return (await Promise.all(each)).flat();
}

/** What is published, but not served. */
function unwanted(
  { service, listener, forWhom }: AnnouncedService,
  offered: readonly SrvRecord[],
  { host, config }: Check,
): Finding[] {
  if (offered.length === 0) return [];
  const say = findingsOn('dns', `${service}.${host.domain}`);
  if (config.server.listeners[listener].enabled && forWhom === 'servers')
    return [
      say.error(
        `It is published, but ${host.domain} does not talk with other servers (s2s.enabled). ` +
          `Replace the record by: SRV ${DECLINED}`,
      ),
    ];
  return [say.error(`It is published, but listeners.${listener} is off. Remove the record.`)];
}

/** There is no record at all. */
function missing(
  { service, fallbackPort, forWhom }: AnnouncedService,
  port: number,
  expected: string,
  { host }: Check,
): Finding {
  const say = findingsOn('dns', `${service}.${host.domain}`);
  const whom = forWhom === 'clients' ? 'clients' : 'other servers';
  if (fallbackPort === port)
    return say.ok(
      `It has no record; ${whom} then try the domain itself on ${port}, which is right.`,
    );
  if (fallbackPort !== undefined)
    return say.error(
      `It has no record, so that ${whom} try ${fallbackPort}, not ${port}. Add: ${expected}`,
    );
  return forWhom === 'clients'
    ? say.warning(`It has no record; clients do not find direct TLS. Add: ${expected}`)
    : say.ok(`It has no record; other servers use STARTTLS. For direct TLS, add: ${expected}`);
}

async function checkRecord(
  { target, port: published }: SrvRecord,
  announced: AnnouncedService,
  expected: string,
  { host, config, lookup, keyHash, portOf }: Check,
): Promise<Finding[]> {
  const { service, forWhom } = announced;
  const say = findingsOn('dns', `${service}.${host.domain}`);
  const ports = listenersOf(announced, config.server).map(portOf);
  if (!ports.includes(published))
    return [
      say.error(
        `It leads to ${target}:${published}, but the server listens on ${ports.join(' and ')}. ` +
          `Unless that is forwarded, put: ${expected}`,
      ),
    ];
  const addresses = await lookup.addresses(target);
  if (!addresses.ok)
    return [say.error(`The address of ${target} is not known: ${addresses.text}.`)];
  if (addresses.records.length === 0)
    return [say.error(`It leads to ${target}, which has no address. Add one (A or AAAA).`)];
  const right = say.ok(`It leads to ${target}:${published} (${addresses.records.join(', ')}).`);
  if (forWhom === 'clients') return [right];
  return [right, ...(await checkKey(`_${published}._tcp.${target}`, lookup, keyHash))];
}

/** TLSA records that name another key keep servers away that look at them (RFC 7673 §4). */
async function checkKey(
  name: string,
  lookup: Lookup,
  keyHash: string | undefined,
): Promise<Finding[]> {
  const found = await lookup.tlsa(name);
  // Records that name the certificate, or an authority, are not compared: they may be right.
  const keys = recordsOf(found).filter(
    ({ usage, selector, matching }) => usage === 3 && selector === 1 && matching === 1,
  );
  if (keys.length === 0 || keyHash === undefined) return [];
  const say = findingsOn('dns', name);
  return keys.some(({ data }) => data === keyHash)
    ? [say.ok('It names the key that is in use.')]
    : [
        say.error(
          `It names another key, so that servers that ask DNS (DANE) refuse ours. Add: ${name}. TLSA ${tlsaData(keyHash)}`,
        ),
      ];
}
