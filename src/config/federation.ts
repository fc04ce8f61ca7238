/** The keys of the config that other servers are about. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { type Domain, parseDomain } from '../jid/jid.ts';
import { count, duration, oneOrMore, path, size } from './fields.ts';

const nameServer = z
  .string()
  .refine(isNameServer, { message: 'is not the address of a name server' })
  .meta({ allowed: 'an IP address, with a port if it is not 53: 127.0.0.1:5353, [::1]:5353' });

/** How the servers of other domains are found. */
export const dns = z
  .object({
    servers: z
      .array(nameServer)
      .default([])
      .describe("The name servers that are asked; none for the system's own."),
    timeout: duration('5s', { min: '100ms', max: '1m' }).describe(
      'How long one question may take, over all tries.',
    ),
    trustValidation: z
      .enum(['loopback', 'all', 'none'])
      .default('loopback')
      .describe('Whose word that DNSSEC validated an answer is believed.'),
  })
  .prefault({})
  .describe('How the servers of other domains are found.');

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`. */
function isNameServer(raw: string): boolean {
  const [, six, four, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(raw) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
  return isIP(raw) !== 0 || isIP(six ?? '') === 6 || isIP(four ?? '') === 4;
}

/** A domain, or `*.domain` for all that are below it. */
export type DomainPattern = Domain | `*.${string}`;

/** Reads one, prepared; or why it is none. */
export function parseDomainPattern(raw: string): Outcome<DomainPattern> {
  const isBelow = raw.startsWith('*.');
  const parsed = parseDomain(isBelow ? raw.slice(2) : raw);
  return parsed.ok && isBelow ? { ok: true, value: `*.${parsed.value}` } : parsed;
}

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

const domainPattern = z
  .string()
  .transform((raw, context) => {
    const parsed = parseDomainPattern(raw);
    if (parsed.ok) return parsed.value;
    context.addIssue({ code: 'custom', message: parsed.why });
    return z.NEVER;
  })
  .meta({ syntax: 'domain', allowed: 'a domain, or *.domain for all that are below it' });

/** Other servers, for all our domains. */
export const s2s = z
  .object({
    enabled: z.boolean().default(true).describe('Whether our domains talk with other servers.'),
    secureAuth: z
      .boolean()
      .default(false)
      .describe('Whether others must prove themselves by a certificate; dialback is not enough.'),
    acceptServerUsage: z
      .boolean()
      .default(true)
      .describe(
        'Whether a certificate that is made for servers only proves the one who connects, too.',
      ),
    requireTls: z
      .boolean()
      .default(true)
      .describe('Whether streams must be encrypted. With `secureAuth` they always must.'),
    bidi: z
      .boolean()
      .default(true)
      .describe('Whether one stream may carry both directions (XEP-0288).'),
    allow: z
      .array(domainPattern)
      .default([])
      .describe('The only domains that are talked with; none for all.'),
    block: z.array(domainPattern).default([]).describe('Domains that are not talked with.'),
    authorities: oneOrMore(path())
      .default([])
      .describe('Files (PEM) of authorities that are believed beside those that Node knows.'),
    stanzaBytes: size('512KiB', { min: '10000', max: '16MiB' }).describe(
      'The largest stanza of another server that is authenticated, or of a component.',
    ),
    // A hoster of many domains may come with a stream for each from one address.
    connectionsPerAddress: count(200, { min: 1 }).describe(
      'How many connections one IP address (of IPv6: one /64 network) may have at a time.',
    ),
    authTimeout: duration('60s', { min: '1s', max: '10m' }).describe(
      'How long another server may take from connecting to being authenticated.',
    ),
    connectTimeout: duration('30s', { min: '1s', max: '5m' }).describe(
      'How long finding, reaching and securing another server may take.',
    ),
    // Long enough for a restart of the other server, short enough for a person to wait for.
    queueTime: duration('60s', { min: '1s', max: '1d' }).describe(
      'How long a stanza may be on its way to the other server before it bounces.',
    ),
    queueStanzas: count(10_000, { min: 1 }).describe(
      'How many stanzas may be on their way to one domain: waiting, or not acknowledged.',
    ),
    queueBytes: size('8MiB', { min: '64KiB' }).describe(
      'How much may be on its way to one domain.',
    ),
    idleTimeout: duration('10m', { min: '1s' }).describe('When a stream without use is closed.'),
  })
  .prefault({})
  .describe('Other servers: with whom our domains talk, and how.');

/** Other servers, for one of our domains. */
export const hostS2s = z
  .object({
    enabled: z.boolean().optional().describe('Whether the domain talks with other servers.'),
    secureAuth: z
      .boolean()
      .optional()
      .describe('Whether others must prove themselves by a certificate.'),
    requireTls: z.boolean().optional().describe('Whether streams must be encrypted.'),
    allow: z
      .array(domainPattern)
      .optional()
      .describe('The only domains that it talks with, in place of those of the server.'),
    block: z
      .array(domainPattern)
      .optional()
      .describe('Domains that it does not talk with, in place of those of the server.'),
  })
  .prefault({})
  .describe('Other servers; what is left out is as the server has it.');
