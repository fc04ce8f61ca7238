/** The keys of rtcd.yaml and of the files in conf.d, but for those that other rooms bring. */
import { isIP } from 'node:net';
import { z } from 'zod';
import type { Domain } from '../jid/jid.ts';
import { LOG_LEVELS } from '../kit/log.ts';
import { type ComponentModule, components } from './components.ts';
import { dns, hostS2s, s2s } from './federation.ts';
import { accountJid, count, domain, duration, oneOrMore, path, uri } from './fields.ts';
import { devices, limits } from './limits.ts';
import { addresses, consoleSection, edge, http } from './web.ts';

export type { EdgeService } from './web.ts';

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
      .describe('json for machines, pretty for people; auto is pretty on a terminal.')
      .meta({ restart: true }),
  })
  .prefault({})
  .describe('The log, which goes to standard output.');

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
    .describe(
      'The folder of the database and of certificates that were made or imported. When it is changed, rtcctl looks for the server there from then on: restart that at once.',
    )
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
    .describe('The accounts of this domain that administer it, beside those of the whole server.'),
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
