/** Prosody, in a process of its own, as another server of a federation. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IssueOptions, issue } from '../s2s/authority.ts';
import { type Client, loggedIn } from './client.ts';
import { endProcess, gather } from './program.ts';
import { HOST } from './server.ts';
import { AUTHORITY, type Federation } from './several-servers.ts';

/** What Prosody is to be like. */
export interface ProsodyOptions {
  readonly domain: string;
  /** Names of accounts; their password is `secret`. */
  readonly accounts: readonly string[];
  /** What its certificate is like; one of the authority that all know, if absent. */
  readonly certificate?: IssueOptions | 'self-signed';
  /** Whether it insists on certificates. */
  readonly secureAuth?: boolean;
  /** By which records it is found. */
  readonly found?: 'starttls' | 'direct';
  /** Further lines of its config, before the virtual host. */
  readonly lines?: readonly string[];
}

/** Prosody under way. */
export interface Prosody {
  readonly domain: string;
  /** What it has logged. */
  log(): string;
  /** Logs somebody in. */
  enter(name: string): Promise<Client>;
  /** Ends it, and starts it again on the same ports. */
  restart(): Promise<void>;
  /** Ends it, to be started by {@link restart}. */
  end(): Promise<void>;
  stop(): Promise<void>;
}

const START_MS = 15_000;

/** Starts Prosody in a federation; it is found from then on. */
export async function startProsody(
  federation: Federation,
  options: ProsodyOptions,
): Promise<Prosody> {
  const { domain, accounts, certificate = {}, found = 'starttls' } = options;
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-prosody-'));
  const data = join(folder, 'data');
  const people = join(data, encodeURIComponent(domain).replaceAll('.', '%2e'), 'accounts');
  await mkdir(people, { recursive: true });
  for (const name of accounts)
    await writeFile(join(people, `${name}.dat`), 'return { ["password"] = "secret"; };\n');
  const wanted = certificate === 'self-signed' ? {} : { by: AUTHORITY, ...certificate };
  const made = issue({ dns: [domain], ...wanted });
  await writeFile(join(folder, 'host.crt'), made.pem);
  await writeFile(join(folder, 'host.key'), made.keyPem);
  const [c2s = 0, s2s = 0, direct = 0] = await freePorts(3);
  const config = join(folder, 'prosody.cfg.lua');
  await writeFile(
    config,
    `run_as_root = true
data_path = ${lua(data)}
pidfile = ${lua(join(folder, 'prosody.pid'))}
interfaces = { ${lua(HOST)} }
c2s_ports = { ${c2s} }
s2s_ports = { ${s2s} }
s2s_direct_tls_ports = { ${direct} }
modules_enabled = { "roster", "saslauth", "tls", "dialback", "disco", "ping", "version", "s2s_bidi" }
modules_disabled = { "posix" }
authentication = "internal_plain"
s2s_secure_auth = ${options.secureAuth ?? false}
ssl = { key = ${lua(join(folder, 'host.key'))}, certificate = ${lua(join(folder, 'host.crt'))},
  cafile = ${lua(federation.authorityFile)} }
unbound = { resolvconf = false, hoststxt = false, forward = { ${lua(federation.dns.server.replace(':', '@'))} },
  options = { ["do-not-query-localhost:"] = "no", ["module-config:"] = "iterator" } }
log = { debug = "*console" }
${(options.lines ?? []).join('\n')}
VirtualHost ${lua(domain)}
`,
  );
  const host = `${domain.replaceAll('.', '-')}.peer.example`;
  federation.record({
    [host]: { A: [HOST] },
    ...(found === 'starttls'
      ? { [`_xmpp-server._tcp.${domain}`]: { SRV: [`1 1 ${s2s} ${host}`] } }
      : { [`_xmpps-server._tcp.${domain}`]: { SRV: [`1 1 ${direct} ${host}`] } }),
  });
  const clients = new Set<Client>();
  let earlier = '';
  let running = await start(config, folder);

  return {
    domain,
    log: () => earlier + running.log(),
    async enter(name) {
      const client = await loggedIn({ port: c2s, to: domain, user: name, password: 'secret' });
      clients.add(client);
      return client;
    },
    async end() {
      await endProcess(running.child);
    },
    async restart() {
      await endProcess(running.child);
      earlier += running.log();
      running = await start(config, folder);
    },
    async stop() {
      for (const client of clients) client.destroy();
      await endProcess(running.child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function start(config: string, cwd: string): Promise<{ child: ChildProcess; log(): string }> {
  const child = spawn('prosody', ['-F', '--config', config], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = gather(child);
  await new Promise<void>((settle, fail) => {
    const complain = () => fail(new Error(`Prosody does not start:\n${log()}`));
    const timer = setTimeout(complain, START_MS);
    child.stdout.on('data', () => {
      const isUp = (service: string) => log().includes(`Activated service '${service}'`);
      if (!['c2s', 's2s', 's2s_direct_tls'].every(isUp)) return;
      clearTimeout(timer);
      settle();
    });
    child.once('exit', () => {
      clearTimeout(timer);
      complain();
    });
  });
  return { child, log };
}

/** Ports that are free now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const lua = (text: string) => JSON.stringify(text);
