/** Prosody, in a process of its own, as another server of a federation. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type OtherServer,
  type OtherServerOptions,
  type Place,
  startOtherServer,
} from './other-server.ts';
import { HOST } from './server.ts';
import type { Federation } from './several-servers.ts';

/** What Prosody is to be like. */
export interface ProsodyOptions extends OtherServerOptions {
  /** Further modules. */
  readonly modules?: readonly string[];
  /** Further lines of its config, before the virtual host. */
  readonly lines?: readonly string[];
}

const MODULES = [
  'roster',
  'saslauth',
  'tls',
  'dialback',
  'disco',
  'offline',
  'ping',
  'version',
  's2s_bidi',
];

const SERVICES = ['c2s', 's2s', 's2s_direct_tls'];

/** Starts Prosody in a federation; it is found from then on. */
export function startProsody(
  federation: Federation,
  options: ProsodyOptions,
): Promise<OtherServer> {
  return startOtherServer(federation, options, async (place) => {
    const { domain, accounts } = options;
    const people = join(place.folder, 'data', folderOf(domain), 'accounts');
    await mkdir(people, { recursive: true });
    for (const name of accounts)
      await writeFile(join(people, `${name}.dat`), 'return { ["password"] = "secret"; };\n');
    const config = join(place.folder, 'prosody.cfg.lua');
    await writeFile(config, configOf(federation, options, place));
    return {
      name: 'Prosody',
      address: HOST,
      command: 'prosody',
      words: ['-F', '--config', config],
      isUp: (log) => SERVICES.every((name) => log.includes(`Activated service '${name}'`)),
    };
  });
}

function configOf(
  federation: Federation,
  { domain, secureAuth = false, modules = [], lines = [] }: ProsodyOptions,
  { folder, certificateFile, keyFile, ports }: Place,
): string {
  const dns = federation.dns.server.replace(':', '@');
  return `run_as_root = true
data_path = ${lua(join(folder, 'data'))}
pidfile = ${lua(join(folder, 'prosody.pid'))}
interfaces = { ${lua(HOST)} }
c2s_ports = { ${ports.c2s} }
s2s_ports = { ${ports.s2s} }
s2s_direct_tls_ports = { ${ports.direct} }
modules_enabled = { ${[...MODULES, ...modules].map(lua).join(', ')} }
modules_disabled = { "posix" }
authentication = "internal_plain"
s2s_secure_auth = ${secureAuth}
ssl = { key = ${lua(keyFile)}, certificate = ${lua(certificateFile)},
  cafile = ${lua(federation.authorityFile)} }
unbound = { resolvconf = false, hoststxt = false, forward = { ${lua(dns)} },
  options = { ["do-not-query-localhost:"] = "no", ["module-config:"] = "iterator" } }
log = { debug = "*console" }
${lines.join('\n')}
VirtualHost ${lua(domain)}
`;
}

/** As Prosody names the folder of a domain. */
const folderOf = (domain: string) => encodeURIComponent(domain).replaceAll('.', '%2e');

const lua = (text: string) => JSON.stringify(text);
