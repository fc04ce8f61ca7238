/** The keys of rtcd.yaml and of the files in conf.d, but for those that other rooms bring. */
import { isIP } from 'node:net';
import { z } from 'zod';
import type { Domain } from '../jid/jid.ts';
import { LOG_LEVELS } from '../kit/log.ts';
import { type ComponentModule, components } from './components.ts';
import { dns, hostS2s, s2s } from './federation.ts';
import { accountJid, count, domain, duration, oneOrMore, path, size, uri } from './fields.ts';

/** All interfaces of the machine, IPv6 and IPv4: the listener binds without naming an address. */
export const ALL_INTERFACES = '*';
/** The loopback addresses. */
export const LOOPBACK = ['127.0.0.1', '::1'] as const;

/** The schemes by which a contact can be reached (XEP-0157 §2). */
const CONTACT_SCHEMES = ['mailto', 'xmpp', 'https', 'http', 'tel', 'sip', 'sips'] as const;

const networkInterface = z
  .string()
  .refine((raw) => raw === ALL_INTERFACES || isIP(raw) !== 0, { message: 'is not an IP address' })
  .meta({ syntax: 'interface', allowed: "an IP address of this machine, or '*' for all" });

/** A listener's keys. */
function listener(port: number, meaning: string, defaultText: string, isOn = true) {
  return z
    .object({
      enabled: z.boolean().default(isOn).describe('Whether this listener is opened.'),
      port: count(port, { max: 65_535 }).describe(
        'The TCP port. 0 takes any free one, which is of use in tests only.',
      ),
      interfaces: oneOrMore(networkInterface)
        .optional()
        .describe("The addresses it is bound to; '*' is all of them.")
        .meta({ defaultText }),
    })
    .prefault({})
    .describe(meaning);
}

const PUBLIC_DEFAULT = "'*'; loopback where there is no rtcd.yaml";
const LOOPBACK_DEFAULT = 'loopback: 127.0.0.1 and ::1';

const listeners = z
  .object({
    c2s: listener(5222, 'Clients, with STARTTLS (RFC 6120 §5).', PUBLIC_DEFAULT),
    c2sTls: listener(5223, 'Clients, with TLS from the first byte (XEP-0368).', PUBLIC_DEFAULT),
    s2s: listener(5269, 'Other servers, with STARTTLS (RFC 6120 §5).', PUBLIC_DEFAULT),
    s2sTls: listener(
      5270,
      'Other servers, with TLS from the first byte (XEP-0368).',
      PUBLIC_DEFAULT,
    ),
    component: listener(
      5347,
      'External components (XEP-0114); opened while a host has one.',
      LOOPBACK_DEFAULT,
    ),
    http: listener(
      5280,
      'What is served over HTTP, for this machine and reverse proxies.',
      LOOPBACK_DEFAULT,
    ),
    https: listener(
      5281,
      'What is served over HTTPS: console, files, invitations, WebSocket (RFC 7395).',
      PUBLIC_DEFAULT,
    ),
    edge: listener(
      443,
      'One port for clients, other servers and browsers; each connection goes where it belongs.',
      PUBLIC_DEFAULT,
      false,
    ),
  })
  .prefault({})
  .describe('The ports on which the server listens.');

const limits = z
  .object({
    // RFC 6120 §13.12: a limit below 10 000 bytes is not allowed; strangers get no more than that.
    stanzaBytesBeforeAuth: size('10000', { min: '10000', max: '1MiB' }).describe(
      'The largest stanza of a client that has not logged in.',
    ),
    // Holds an avatar (XEP-0084) or a vCard with a photo, the largest things that clients send.
    stanzaBytes: size('256KiB', { min: '10000', max: '16MiB' }).describe(
      'The largest stanza of a client that has logged in.',
    ),
    // XHTML and data forms reach some ten levels; a bound keeps recursion harmless.
    depth: count(64, { min: 8, max: 1000 }).describe('How deep elements may be nested.'),
    attributes: count(64, { min: 8, max: 1000 }).describe(
      'How many attributes one element may have.',
    ),
    // A whole office may come from one address; beyond it, someone is opening sockets for sport.
    connectionsPerAddress: count(500, { min: 1 }).describe(
      'How many connections one IP address (of IPv6: one /64 network) may have at a time.',
    ),
    // Long enough for a slow radio link and the hashing of a password, too short to be worth holding.
    authTimeout: duration('30s', { min: '1s', max: '10m' }).describe(
      'How long a client may take from connecting to being logged in.',
    ),
    // RFC 6120 §6.4.5: no fewer than two, no more than five tries are advised.
    loginTries: count(5, { min: 1, max: 20 }).describe('How many tries to log in a stream has.'),
    guests: z
      .object({
        // A household or a small office behind one address; each visitor has one session.
        perAddress: count(20, { min: 1 }).describe(
          'How many one IP address (of IPv6: one /64 network) may have at a time.',
        ),
        total: count(1000, { min: 1 }).describe('How many there may be in all.'),
        // Twice what the fastest typist sends, with the notes that he is typing.
        messagesPerMinute: count(60, { min: 5 }).describe(
          'How many messages one guest may send in a minute.',
        ),
      })
      .prefault({})
      .describe('What guests may use, who are logged in without an account (SASL ANONYMOUS).'),
    // RFC 6120 §7.5: phones, desks and web pages of one person, with room for forgotten ones.
    resourcesPerAccount: count(20, { min: 1 }).describe(
      'How many sessions one account may have at a time.',
    ),
    // Shorter than the idle timeouts of most NATs on wired networks, rare enough for a phone.
    idlePing: duration('5m', { min: '10s' }).describe(
      'After how long a silence a client is asked for a sign of life.',
    ),
    idleTimeout: duration('60s', { min: '1s' }).describe(
      'How long a client may take to give that sign before its session ends.',
    ),
    // RFC 6120 §4.6.1: whitespace keeps a link open; it wakes radios, so idlePing is preferred.
    whitespacePing: duration('0').describe(
      'How often a space is sent to an idle client to keep the link open; 0 is never.',
    ),
    // A reader that is this far behind is gone or hostile; memory is not for it.
    // A phone that changes networks is back in seconds, one in a tunnel or a pocket in minutes.
    resumeTimeout: duration('10m', { max: '7d' }).describe(
      'How long a session whose connection broke waits to be resumed (XEP-0198); 0 is not at all.',
    ),
    resumeLocation: z
      .string()
      .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s[\]]+)(:\d{1,5})?$/, 'is not host:port')
      .optional()
      .describe('Where clients come back best to resume, as host:port (XEP-0198 §3).')
      .meta({ allowed: 'a host or an address, with a port if need be', defaultText: 'not said' }),
    // What a busy room says in those minutes; beyond it, the client has to ask the archive.
    unackedStanzas: count(5000, { min: 50 }).describe(
      'How many stanzas a client may leave unacknowledged before its session ends.',
    ),
    unackedBytes: size('8MiB', { min: '64KiB' }).describe('The same in bytes.'),
    sendQueueBytes: size('4MiB', { min: '64KiB' }).describe(
      'How much may wait to be sent to one client before its stream ends.',
    ),
  })
  .prefault({})
  .describe('What one client may use. Clients are told the ones that concern them (XEP-0478).');

const tls = z
  .object({
    minVersion: z
      .preprocess((raw) => (typeof raw === 'number' ? String(raw) : raw), z.enum(['1.2', '1.3']))
      .default('1.2')
      .describe('The oldest version of TLS that is spoken.'),
    required: z
      .boolean()
      .default(true)
      .describe('Whether a client must use TLS before it logs in. Leave it so.'),
    ciphers: z
      .string()
      .min(1)
      .optional()
      .describe("The ciphers, in OpenSSL's notation.")
      .meta({ defaultText: "Node's list" }),
  })
  .prefault({})
  .describe('Encryption.');

const devices = z
  .object({
    // A person's phones, desks and browsers of some years.
    perAccount: count(50, { min: 1, max: 1000 }).describe(
      'How many devices of one account are remembered; those not seen for long give way.',
    ),
    forgetAfter: duration('180d', { min: '1d' }).describe(
      'After how long an absence a device is forgotten, with its tokens.',
    ),
    addresses: z
      .boolean()
      .default(true)
      .describe('Whether the address that a device came from last is kept.'),
    tokens: z
      .boolean()
      .default(true)
      .describe('Whether devices get tokens to log in without their password (XEP-0484).'),
    // A phone that was in a drawer over the holidays still gets in.
    tokenLifetime: duration('30d', { min: '1h', max: '365d' }).describe(
      'How long a token can be used after it was given out.',
    ),
    tokenRotation: duration('1d').describe(
      'From which age on a token that is used is replaced by a new one.',
    ),
  })
  .prefault({})
  .describe('The devices of users, and the tokens by which they log in.');

const log = z
  .object({
    level: z.enum(LOG_LEVELS).default('info').describe('How much is written.'),
    areas: z
      .record(z.string(), z.enum(LOG_LEVELS))
      .default({})
      .describe('Levels of single areas that differ, such as c2s: debug.'),
    format: z
      .enum(['auto', 'json', 'pretty'])
      .default('auto')
      .describe('json for machines, pretty for people; auto is pretty on a terminal.'),
  })
  .prefault({})
  .describe('The log, which goes to standard output.');

const consoleSection = z
  .object({
    enabled: z.boolean().default(true).describe('Whether the web console is served.'),
    url: uri(['https', 'http'])
      .optional()
      .describe('Its address as browsers see it, where a proxy stands before it.')
      .meta({ defaultText: 'the address of the http listener' }),
  })
  .prefault({})
  .describe('The web console.');

const addresses = z.array(
  z.string().refine(isNetwork, { message: 'is not an address or network' }).meta({
    syntax: 'interface',
    allowed: 'an IP address or a network such as 192.0.2.0/24',
  }),
);

/** What may come by the one port for all. */
export const EDGE_SERVICES = ['c2s', 's2s', 'https'] as const;

/** One of {@link EDGE_SERVICES}. */
export type EdgeService = (typeof EDGE_SERVICES)[number];

const edge = z
  .object({
    serves: z
      .array(z.enum(EDGE_SERVICES))
      .default([...EDGE_SERVICES])
      .describe('What may come by it: clients (c2s), other servers (s2s), browsers (https).'),
  })
  .prefault({})
  .describe('The one port for all, which `listeners.edge` opens.');

const http = z
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

const store = z
  .object({
    synchronous: z
      .enum(['full', 'normal'])
      .default('full')
      .describe('full survives a power cut; normal is faster and survives only a crash of rtcd.'),
    groupMs: count(4, { max: 1000 }).describe(
      'How many milliseconds a write may wait for others, to share one flush to disk.',
    ),
  })
  .prefault({})
  .describe('The database.')
  .meta({ restart: true });

const story = z
  .object({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        'Whether it is noted what becomes of each message, for rtcctl trace: addresses, ids and times, never what people write.',
      ),
    keepFor: duration('7d', { min: '1m', max: '366d' }).describe('How long that is kept.'),
    // Some eighty megabytes; what is told of a message later counts once more.
    maxRows: count(200_000, { min: 1000, max: 10_000_000 }).describe(
      'Of how many messages it is kept at most; the oldest go first.',
    ),
  })
  .prefault({})
  .describe('The story of each message.');

/** The keys of rtcd.yaml, without `modules` and what other rooms bring. */
export const serverShape = {
  admins: z
    .array(accountJid())
    .default([])
    .describe('The accounts that administer the whole server.'),
  data: path()
    .default('data')
    .describe('The folder of the database and of certificates that were made or imported.')
    .meta({ restart: true }),
  include: path()
    .default('conf.d')
    .describe('The folder with one file per domain; its *.yaml are read in the order of names.'),
  proxyProtocol: addresses
    .default([])
    .describe(
      'Proxies whose connections, at every port, must begin with a header of the PROXY protocol (version 1 or 2), which tells who is behind them.',
    ),
  certificates: oneOrMore(path())
    .default(['/etc/letsencrypt'])
    .describe("Folders that are searched for certificates: certbot's, acme.sh's, or plain files."),
  listeners,
  adminSocket: path()
    .optional()
    .describe('The unix socket on which rtcctl speaks to the server.')
    .meta({ restart: true, defaultText: 'rtcctl.sock in the data folder' }),
  limits,
  tls,
  devices,
  log,
  console: consoleSection,
  http,
  edge,
  store,
  story,
  dns,
  s2s,
} as const;

/** The roles that an address can be published for (XEP-0157 §2). */
const contactRoles = [
  'abuse',
  'admin',
  'feedback',
  'sales',
  'security',
  'status',
  'support',
] as const;
const contactList = oneOrMore(uri(CONTACT_SCHEMES));

/** The keys of a virtual host's file, without `modules`. */
export const hostShape = {
  virtualHost: domain().describe('The domain.'),
  enabled: z.boolean().default(true).describe('Whether the domain is served.'),
  ssl: z
    .object({
      key: path().describe('The private key (PEM).'),
      certificate: path().describe('The certificate with its chain (PEM).'),
    })
    .optional()
    .describe('The certificate of this domain.')
    .meta({ defaultText: 'found in `certificates`, imported, or self-signed' }),
  admins: z
    .array(accountJid())
    .default([])
    .describe('The accounts that administer this domain, beside those of the whole server.'),
  s2s: hostS2s,
  components,
  http: z
    .object({
      publicUrl: uri(['https'])
        .optional()
        .describe(
          'The address by which others reach what is served over HTTPS for this domain, where a proxy stands before it.',
        )
        .meta({ defaultText: 'https:// with the domain and the port of the https listener' }),
    })
    .prefault({})
    .describe('What is served over HTTPS for this domain.'),
  anonymous: z
    .boolean()
    .default(false)
    .describe('Whether anyone may log in without an account, as a guest (SASL ANONYMOUS).'),
  contacts: z
    .partialRecord(z.enum(contactRoles), contactList)
    .default({})
    .describe('Whom to turn to, as URIs, by role; published to everyone (XEP-0157).'),
} as const;

const serverBase = z.object(serverShape);
const hostBase = z.object(hostShape);

/** A listener as it is opened. */
export interface ListenerConfig {
  readonly enabled: boolean;
  readonly port: number;
  /** Addresses, or {@link ALL_INTERFACES} alone. */
  readonly interfaces: readonly string[];
}

/** The name of a listener. */
export type ListenerName = keyof z.output<typeof listeners>;

type Frozen<T> = T extends string | number | boolean | undefined
  ? T
  : { readonly [K in keyof T]: Frozen<T[K]> };

/** The server-wide config: paths are absolute, durations in milliseconds, sizes in bytes. */
export type ServerConfig = Frozen<
  Omit<z.output<typeof serverBase>, 'listeners' | 'adminSocket'>
> & {
  readonly listeners: { readonly [name in ListenerName]: ListenerConfig };
  readonly adminSocket: string;
};

/** The limits of one client. */
export type Limits = ServerConfig['limits'];

/** A virtual host's config. */
export type HostConfig = Frozen<Omit<z.output<typeof hostBase>, 'virtualHost'>> & {
  readonly virtualHost: Domain;
  /** The value of each module as it stands for this host, or false where it is switched off. */
  readonly modules: Readonly<Record<string, unknown>>;
};

/** The whole config, frozen. */
export interface Config {
  /** The config file; undefined when the development defaults are in force. */
  readonly file: string | undefined;
  /** The folder that relative paths start from. */
  readonly folder: string;
  readonly server: ServerConfig;
  /** The values of the server-wide sections that other rooms brought, by name. */
  readonly sections: Readonly<Record<string, unknown>>;
  /** The server-wide value of each module, or false where it is off unless a host switches it on. */
  readonly modules: Readonly<Record<string, unknown>>;
  /** The hosts that are served, in the order of their files. */
  readonly hosts: readonly HostConfig[];
  /** Domains that have a file which says `enabled: false`. */
  readonly disabled: readonly Domain[];
}

/** What a module tells the loader; a module's definition fits as it is. */
export interface ModuleSection extends ComponentModule {
  /** The schema of `modules.<name>`, all of whose fields have defaults. */
  readonly config: z.ZodType | undefined;
  readonly isOnByDefault: boolean;
}

/** The schemas that other rooms bring. */
export interface ConfigSections {
  /** Further top-level keys of rtcd.yaml. */
  readonly server: Readonly<Record<string, z.ZodType>>;
  readonly modules: readonly ModuleSection[];
}
