/** The keys of the config on what is served over HTTP, and on what stands before it. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { duration, uri } from './fields.ts';

/** The web console. */
export const consoleSection = z
  .object({
    enabled: z.boolean().default(true).describe('Whether the web console is served.'),
    url: uri(['https', 'http'])
      .optional()
      .describe('Its address as browsers see it, where a proxy stands before it.')
      .meta({ defaultText: 'the address of the http listener' }),
  })
  .prefault({})
  .describe('The web console.');

/** Addresses and networks of proxies and others whose word is taken. */
export const addresses = z.array(
  z.string().refine(isNetwork, { message: 'is not an address or network' }).meta({
    syntax: 'interface',
    allowed: 'an IP address or a network such as 192.0.2.0/24',
  }),
);

/** What may come by the one port for all. */
const EDGE_SERVICES = ['c2s', 's2s', 'https'] as const;

/** One of {@link EDGE_SERVICES}. */
export type EdgeService = (typeof EDGE_SERVICES)[number];

/** The one port for all. */
export const edge = z
  .object({
    serves: z
      .array(z.enum(EDGE_SERVICES))
      .default([...EDGE_SERVICES])
      .describe('What may come by it: clients (c2s), other servers (s2s), browsers (https).'),
  })
  .prefault({})
  .describe('The one port for all, which `listeners.edge` opens.');

/** The HTTP server. */
export const http = z
  .object({
    trustedProxies: addresses
      .default([])
      .describe('Reverse proxies whose X-Forwarded-For and -Proto are believed.'),
    metricsFrom: addresses
      .default([])
      .describe('Who may read /metrics, beside this machine and admins who are signed in.'),
    origins: z
      .array(
        z
          .string()
          .refine(isOrigin, { message: 'is not an origin' })
          .meta({ allowed: "an origin such as https://falcot.com, or '*' for all" }),
      )
      .default(['*'])
      .describe(
        'The web sites whose pages may connect by WebSocket and BOSH, beside our own; these use no cookies.',
      ),
    // RFC 6797: holds for the whole name, other ports and the company's web site included.
    hsts: duration('180d', { max: '730d' }).describe(
      'For how long browsers that came by HTTPS are told to come by nothing else (RFC 6797); 0 is not at all.',
    ),
  })
  .prefault({})
  .describe('The HTTP server, and what stands before it.')
  .meta({ restart: true });

/** Whether a text is an origin as browsers write it (RFC 6454 §6.2), or all of them. */
function isOrigin(raw: string): boolean {
  return (
    raw === '*' || (/^https?:\/\//.test(raw) && URL.canParse(raw) && new URL(raw).origin === raw)
  );
}

/** Whether a text is an address, or an address with the length of a prefix. */
function isNetwork(raw: string): boolean {
  const [address = '', bits, ...more] = raw.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32))
  );
}
