/** Several servers that find each other by a DNS server of the test's own, on loopback. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type IssueOptions, issue } from '../s2s/authority.ts';
import type { Cable } from './cable.ts';
import { type Client, loggedIn } from './client.ts';
import { type DnsOptions, startDns, type TestDns, type Zone, type ZoneEntry } from './dns.ts';
import { startServer, type TestServer } from './server.ts';

/** What one server of a federation is like. */
export interface MemberOptions {
  /** The domains that it serves, each with keys of its file. */
  readonly hosts: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Names of accounts, made on each host with the password `secret`. */
  readonly accounts?: readonly string[];
  /** Keys of `s2s` in rtcd.yaml. */
  readonly s2s?: Readonly<Record<string, unknown>>;
  /** Further keys of rtcd.yaml. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * `trusted` has certificates of an authority that all know (the default); `self-signed` makes its
   * own; otherwise what the certificates are like.
   */
  readonly certificate?: 'trusted' | 'self-signed' | IssueOptions;
  /** By which records it is found: STARTTLS (the default), direct TLS, or none. */
  readonly found?: 'starttls' | 'direct' | 'none';
  /** Whether all come to it by its one port, which it has to have (`edge` in `config`). */
  readonly byEdge?: boolean;
  /** The name of its machine in those records; one of its own if absent. */
  readonly machine?: string;
  /** The line by which others come to it. */
  readonly cable?: Cable;
}

/** A federation. */
export interface Federation {
  readonly dns: TestDns;
  /** A file with the certificate of the authority that all know. */
  readonly authorityFile: string;
  /** Starts a server; it is found from then on. */
  join(options: MemberOptions): Promise<TestServer>;
  /** Ends a server in good order and starts it again on the same data; it is found at its new ports. */
  restart(server: TestServer): Promise<TestServer>;
  /** Adds records by hand. */
  record(zone: Zone): void;
  /** Logs somebody in. */
  enter(server: TestServer, jid: string): Promise<Client>;
  stop(): Promise<void>;
}

/** The authority that all know. */
export const AUTHORITY = issue({ subject: 'Authority of the test', isAuthority: true });

/** Begins a federation of no servers. */
export async function startFederation(options: DnsOptions = {}): Promise<Federation> {
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-federation-'));
  const authorityFile = join(folder, 'authority.pem');
  await writeFile(authorityFile, AUTHORITY.pem);
  const zone: Record<string, ZoneEntry> = {};
  const dns = await startDns(zone, { ttl: 1, ...options });
  const servers = new Map<
    TestServer,
    { domains: string[]; host: string; options: MemberOptions }
  >();
  const clients = new Set<Client>();
  let count = 0;

  const publish = async (server: TestServer) => {
    const member = servers.get(server);
    if (member === undefined) return;
    const { domains, host, options } = member;
    const { found = 'starttls', byEdge = false, cable } = options;
    const { edge, s2s, s2sTls } = server.ports;
    const own = byEdge ? edge : found === 'direct' ? s2sTls : s2s;
    const port = (await cable?.lead(own)) ?? own;
    zone[host] = { A: ['127.0.0.1'] };
    const service = found === 'direct' ? '_xmpps-server' : '_xmpp-server';
    if (found !== 'none')
      for (const domain of domains)
        zone[`${service}._tcp.${domain}`] = { SRV: [`1 1 ${port} ${host}`] };
    dns.serve({ ...zone });
  };

  return {
    dns,
    authorityFile,
    async join(options) {
      const { hosts, accounts = [], certificate = 'trusted' } = options;
      count += 1;
      const certificates = join(folder, `certificates-${count}`);
      await mkdir(certificates);
      const domains = Object.keys(hosts);
      if (certificate !== 'self-signed')
        for (const domain of domains) {
          const wanted = certificate === 'trusted' ? {} : certificate;
          const made = issue({ dns: [domain], by: AUTHORITY, ...wanted });
          await writeFile(join(certificates, `${domain}.pem`), made.pem);
          await writeFile(join(certificates, `${domain}.key`), made.keyPem);
        }
      const server = await startServer({
        hosts,
        accounts: Object.fromEntries(
          domains.flatMap((domain) => accounts.map((name) => [`${name}@${domain}`, 'secret'])),
        ),
        config: {
          certificates: [certificates],
          dns: { servers: [dns.server], timeout: '2s' },
          s2s: { authorities: [authorityFile], connectTimeout: '5s', ...options.s2s },
          ...options.config,
        },
      });
      const host = options.machine ?? `xmpp${count}.test.example`;
      servers.set(server, { domains, host, options });
      await publish(server);
      return server;
    },
    async restart(server) {
      const member = servers.get(server);
      if (member === undefined) throw new Error('it is no member');
      servers.delete(server);
      const again = await server.restart();
      servers.set(again, member);
      await publish(again);
      return again;
    },
    record(more) {
      Object.assign(zone, more);
      dns.serve({ ...zone });
    },
    async enter(server, jid) {
      const [user = '', to = ''] = jid.split('@');
      const { c2s, edge } = server.ports;
      const port = servers.get(server)?.options.byEdge === true ? edge : c2s;
      const client = await loggedIn({ port, to, user, password: 'secret' });
      clients.add(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.destroy();
      await Promise.all([...servers.keys()].map((server) => server.stop()));
      await dns.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The text of a message's body; fails for anything else. */
export function bodyOf(element: Awaited<ReturnType<Client['next']>>): string {
  const body = element.children.find((child) => typeof child !== 'string' && child.name === 'body');
  if (element.name !== 'message' || body === undefined || typeof body === 'string')
    return expect.fail(`no message with a body: ${element}`);
  return body.children.join('');
}
