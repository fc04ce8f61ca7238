/** Checks what DNS says of a host against what the server offers (RFC 6120 §3.2, XEP-0368). */
import { isIP } from 'node:net';
import type { Config, ListenerName } from '../config/schema.ts';
import { type Domain, domainToAscii } from '../jid/jid.ts';
import type { Lookup, SrvRecord } from './dns-lookup.ts';
import { type Finding, findingsOn } from './findings.ts';

/** What is published for clients, by the listener that serves it. */
const CLIENT_SERVICES = [
  { service: '_xmpp-client._tcp', listener: 'c2s', usual: 5222, isFallback: true },
  { service: '_xmpps-client._tcp', listener: 'c2sTls', usual: 5223, isFallback: false },
] as const satisfies readonly {
  service: string;
  listener: ListenerName;
  usual: number;
  isFallback: boolean;
}[];

type ClientService = (typeof CLIENT_SERVICES)[number];

const SERVER_SERVICES = ['_xmpp-server._tcp', '_xmpps-server._tcp'];

/** Top-level names that are never in the public DNS (RFC 6761, RFC 6762). */
const LOCAL_NAMES = ['localhost', 'local', 'test', 'example', 'invalid'];

/** What the check needs. */
export interface DnsCheck {
  readonly config: Config;
  readonly lookup: Lookup;
  /** The addresses of this machine. */
  readonly own: readonly string[];
}

/** Checks one host. */
export async function checkDns(domain: Domain, check: DnsCheck): Promise<Finding[]> {
  const name = domainToAscii(domain);
  const say = findingsOn('dns', domain);
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0)
    return [say.ok('It is an IP address; DNS is not asked.')];
  if (LOCAL_NAMES.includes(name.split('.').at(-1) ?? ''))
    return [say.ok('It is a name for use on this machine or network; DNS is not asked.')];
  const each = await Promise.all([
    checkAddresses(name, domain, check),
    ...CLIENT_SERVICES.map((service) => checkService(name, domain, service, check)),
    ...SERVER_SERVICES.map((service) => checkServerService(name, domain, service, check)),
  ]);
  return each.flat();
}

async function checkAddresses(name: string, domain: Domain, { lookup, own }: DnsCheck) {
  const say = findingsOn('dns', domain);
  const found = await lookup.addresses(name);
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

/** A record as a zone file has it. */
const recordText = (service: string, name: string, port: number) =>
  `${service}.${name}. SRV 0 5 ${port} ${name}.`;

async function checkService(
  name: string,
  domain: Domain,
  { service, listener, usual, isFallback }: ClientService,
  { config, lookup }: DnsCheck,
): Promise<Finding[]> {
  const say = findingsOn('dns', `${service}.${domain}`);
  const { enabled, port } = config.server.listeners[listener];
  const expected = recordText(service, name, port);
  const found = await lookup.srv(`${service}.${name}`);
  if (!found.ok) return [say.error(`Its records are not known: ${found.text}.`)];
  const offered = found.records.filter(({ target }) => target !== '');
  if (!enabled)
    return offered.length === 0
      ? []
      : [say.error(`It is published, but listeners.${listener} is off. Remove the record.`)];
  if (found.records.length === 0) {
    if (isFallback && port === usual)
      return [
        say.ok(`It has no record; clients then try the domain itself on ${usual}, which is right.`),
      ];
    if (isFallback)
      return [
        say.error(`It has no record, so that clients try ${usual}, not ${port}. Add: ${expected}`),
      ];
    return [say.warning(`It has no record; clients do not find direct TLS. Add: ${expected}`)];
  }
  if (offered.length === 0)
    return [
      say.error(
        `Its record says that there is no such service (a target of "."). Put: ${expected}`,
      ),
    ];
  const each = offered.map((record) => checkRecord(record, { expected, port, say, lookup }));
  return Promise.all(each);
}

async function checkRecord(
  { target, port: published }: SrvRecord,
  {
    expected,
    port,
    say,
    lookup,
  }: { expected: string; port: number; say: ReturnType<typeof findingsOn>; lookup: Lookup },
): Promise<Finding> {
  if (published !== port)
    return say.error(
      `It leads to ${target}:${published}, but the server listens on ${port}. ` +
        `Unless that is forwarded, put: ${expected}`,
    );
  const addresses = await lookup.addresses(target);
  if (!addresses.ok) return say.error(`The address of ${target} is not known: ${addresses.text}.`);
  if (addresses.records.length === 0)
    return say.error(`It leads to ${target}, which has no address. Put: ${expected}`);
  return say.ok(`It leads to ${target}:${published} (${addresses.records.join(', ')}).`);
}

/** Other domains are not served yet: a record that invites them leads them nowhere. */
async function checkServerService(
  name: string,
  domain: Domain,
  service: string,
  { lookup }: DnsCheck,
): Promise<Finding[]> {
  const found = await lookup.srv(`${service}.${name}`);
  if (!found.ok || found.records.every(({ target }) => target === '')) return [];
  const say = findingsOn('dns', `${service}.${domain}`);
  return [
    say.warning('It is published, but this server does not speak with other domains. Remove it.'),
  ];
}
