/** Starts Debian's Prosody for comparison, with what rtcd has too and no limit that is in the way. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveClientKeys, storedKeyOf } from '../load/scram.ts';
import { freePorts, makeFolder, startChild } from './child.ts';
import { accountsOf, contactsOf, type People } from './people.ts';
import { whenRunning } from './running.ts';
import { DOMAIN, HOST, type RunningServer, type Setup } from './setup.ts';
import { fillIn } from './template.ts';

/** Prosody's own default. */
const ROUNDS = 10_000;

/** Starts Prosody with its people. Rejects if it is not installed. */
export async function startProsody(setup: Setup): Promise<RunningServer> {
  const { people, certificate, core, relay } = setup;
  const folder = await makeFolder('prosody');
  const { host, domain } = relay ?? { host: HOST, domain: DOMAIN };
  const [port = 0, directTlsPort = 0] = await freePorts(host, 2);
  await writePeople(join(folder, 'data', folderOf(domain)), domain, people);
  const config = join(folder, 'prosody.cfg.lua');
  const values = {
    ...{ folder, host, domain, port, directTlsPort, ...certificate },
    asRoot: process.getuid?.() === 0,
    modules: [...(setup.isArchiving ? ['"mam"'] : []), ...(relay ? ['"dialback"'] : [])].join('; '),
    disabled: relay === undefined ? '"s2s"' : '',
    more: moreOf(setup),
  };
  await writeFile(config, await fillIn('prosody.cfg.lua', values));
  const args = ['-F', '--config', config];
  const child = startChild({ program: 'prosody', args, core }, folder);
  return whenRunning(child, { host, domain, port, directTlsPort, folder });
}

function moreOf({ store, relay }: Setup): string {
  // Accounts and rosters stay in files.
  const lines =
    store === 'sqlite'
      ? ['storage = { archive = "sql" }', 'sql = { driver = "SQLite3"; database = "sqlite" }']
      : ['storage = "internal"'];
  if (relay !== undefined) {
    const { serverPort, dns } = relay;
    lines.push(
      `s2s_ports = { ${serverPort} }`,
      's2s_secure_auth = false',
      `unbound = { resolvconf = false, hoststxt = false, forward = { "${dns.host}@${dns.port}" },`,
      '  options = { ["do-not-query-localhost:"] = "no", ["module-config:"] = "iterator" } }',
    );
  }
  return lines.join('\n');
}

/** As Prosody names the folder of a domain. */
const folderOf = (domain: string) => encodeURIComponent(domain).replaceAll('.', '%2e');

/** Writes the files that `prosodyctl register` would write, and rosters. */
async function writePeople(folder: string, domain: string, people: People): Promise<void> {
  const accounts = join(folder, 'accounts');
  const rosters = join(folder, 'roster');
  await mkdir(accounts, { recursive: true });
  await mkdir(rosters, { recursive: true });
  const salt = randomBytes(16).toString('hex');
  const keys = await deriveClientKeys(people.password, Buffer.from(salt), ROUNDS);
  const entry =
    `return { ["iteration_count"] = ${ROUNDS}; ["salt"] = "${salt}"; ` +
    `["server_key"] = "${keys.serverKey.toString('hex')}"; ` +
    `["stored_key"] = "${storedKeyOf(keys.clientKey).toString('hex')}"; };\n`;
  for (const [index, { user }] of accountsOf(people).entries()) {
    await writeFile(join(accounts, `${user}.dat`), entry);
    if (people.contacts === 0) continue;
    const items = contactsOf(index, people).map(
      (other) =>
        `["${people.prefix}${other}@${domain}"] = { subscription = "both"; groups = {}; };`,
    );
    const head = 'return { [false] = { version = 1; pending = {}; };';
    await writeFile(join(rosters, `${user}.dat`), `${head}\n${items.join('\n')}\n};\n`);
  }
}
