/** Operations on the DNS of our domains: the records that they need, and what is there. */
import { isIP } from 'node:net';
import { z } from 'zod';
import type { ListenerName } from '../config/schema.ts';
import { type AnyOperation, failure, operation, success } from '../core/operation.ts';
import { type Domain, domainToAscii, parseDomain } from '../jid/jid.ts';
import { checkDns } from './check-dns.ts';
import { domain, hidden, level, wholeText } from './fields.ts';
import { ownAddresses, publicAddresses } from './own-addresses.ts';
import { unlessServed } from './refusals.ts';
import type { Services } from './services.ts';
import { usualTarget, zoneRecords, zoneText } from './zone.ts';

type Needs = Pick<Services, 'config' | 'hosts' | 'certificates' | 'lookup' | 'runtime'>;

/** Operations on DNS. */
export function dnsOperations(services: Needs): AnyOperation[] {
  return [zone(services), check(services)];
}

/** Name servers to ask. */
export const nameServers = z
  .array(z.string().refine((raw) => isIP(raw) !== 0, { message: 'is not an IP address' }))
  .max(8)
  .default([])
  .describe("Name servers to ask instead of the server's own, such as a public one.");

/** The ports in force: one of 0 in the config is of the system's choice. */
export function portsOf({ config, runtime }: Pick<Services, 'config' | 'runtime'>) {
  return (listener: ListenerName): number => {
    const { port } = config.current().server.listeners[listener];
    if (port !== 0) return port;
    return runtime.listeners().find(({ name }) => name === listener)?.port ?? 0;
  };
}

function hostOf({ hosts }: Needs, asked: Domain) {
  return hosts.get(asked) ?? unlessServed(hosts, asked) ?? failure('not-found', 'It is gone.');
}

function zone(services: Needs): AnyOperation {
  return operation({
    name: 'dns.zone',
    command: ['dns', 'zone'],
    summary: 'Print the DNS records that a domain needs.',
    effect: 'read',
    offline: true,
    positional: ['domain'],
    input: z.object({
      domain,
      target: z
        .string()
        .max(253)
        .optional()
        .describe('The name of the machine in DNS; else xmpp-gw.<domain>.'),
    }),
    output: z.object({
      zone: wholeText.describe('The records as a part of a zone file.'),
      records: hidden(z.array(z.object({ name: z.string(), type: z.string(), data: z.string() }))),
    }),
    run({ domain: asked, target }) {
      const host = hostOf(services, asked);
      if ('ok' in host) return host;
      const named = target === undefined ? undefined : asHost(target);
      if (target !== undefined && named === undefined)
        return failure('invalid-input', `'${target}' is not the name of a machine`);
      const records = zoneRecords({
        host,
        config: services.config.current(),
        target: named ?? usualTarget(host),
        addresses: publicAddresses(),
        keyHash: services.certificates.info(asked)?.publicKeySha256,
        portOf: portsOf(services),
      });
      return success({ zone: zoneText(host, records), records });
    },
  });
}

/** A host name with A-labels, lower case. */
function asHost(raw: string): string | undefined {
  const parsed = parseDomain(raw.replace(/\.$/, ''));
  if (!parsed.ok) return undefined;
  const name = domainToAscii(parsed.value).toLowerCase();
  return /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/.test(name) && isIP(name) === 0 ? name : undefined;
}

function check(services: Needs): AnyOperation {
  return operation({
    name: 'dns.check',
    command: ['dns', 'check'],
    summary: 'Compare the DNS records of a domain with those that it needs.',
    effect: 'read',
    offline: true,
    positional: ['domain'],
    input: z.object({ domain, dns: nameServers }),
    output: z.object({
      healthy: hidden(z.boolean().describe('Whether there is no error among the findings.')),
      findings: z.array(z.object({ level, subject: z.string(), text: z.string() })),
    }),
    async run({ domain: asked, dns }) {
      const host = hostOf(services, asked);
      if ('ok' in host) return host;
      const found = await checkDns(host, {
        config: services.config.current(),
        lookup: services.lookup(dns),
        own: ownAddresses(),
        keyHash: services.certificates.info(asked)?.publicKeySha256,
        portOf: portsOf(services),
      });
      const findings = found.map(({ area: _, ...rest }) => rest);
      return success({ healthy: findings.every((each) => each.level !== 'error'), findings });
    },
  });
}
