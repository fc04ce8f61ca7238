/** Starts Debian's ejabberd for comparison, with what rtcd has too and no limit that is in the way. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, makeFolder, startChild } from './child.ts';
import { whenRunning } from './running.ts';
import { DOMAIN, HOST, type RunningServer, type Setup } from './setup.ts';
import { filled, fillIn, PEERS } from './template.ts';

/** Debian's script, which knows where ejabberd's libraries are. */
const SCRIPT = '/usr/sbin/ejabberdctl';
/** What it prints once the accounts are there. */
const READY = 'people are there';

/** As the script has them, and the schedulers asleep when there is nothing to do: they would be counted. */
const EMULATOR = ['+K', 'true', '+P', '250000', '+Q', '65536', '+sbwt', 'none'];
const QUIET = ['+sbwtdcpu', 'none', '+sbwtdio', 'none', '-noinput'];

/** Starts ejabberd with its people. Rejects if it is not installed. */
export async function startEjabberd(setup: Setup): Promise<RunningServer> {
  const { people, certificate, core, relay } = setup;
  const libraries = await librariesOf(SCRIPT);
  const folder = await makeFolder('ejabberd');
  const { host, domain } = relay ?? { host: HOST, domain: DOMAIN };
  const [port = 0, directTlsPort = 0] = await freePorts(host, 2);
  const config = join(folder, 'ejabberd.yml');
  const values = {
    ...{ host, domain, port, directTlsPort, ...certificate },
    more: setup.store === 'sqlite' ? filled(SQLITE, { folder }) : '',
    listen: relay
      ? `  - { module: ejabberd_s2s_in, ip: "${host}", port: ${relay.serverPort} }`
      : '',
    modules: modulesOf(setup),
  };
  await writeFile(config, await fillIn('ejabberd.yml', values));
  const environment: Record<string, string> = {
    HOME: folder,
    ERL_LIBS: libraries,
    ERL_CRASH_DUMP_BYTES: '0',
    EJABBERD_CONFIG_PATH: config,
    EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
  };
  if (relay !== undefined) environment['ERL_INETRC'] = await writeResolver(folder, relay.dns);
  const bindings =
    `[{'Prefix', ${binary(people.prefix)}}, {'Domain', ${binary(domain)}}, ` +
    `{'Password', ${binary(people.password)}}, {'Count', ${people.count}}, {'Contacts', ${people.contacts}}]`;
  const script = JSON.stringify(join(PEERS, 'ejabberd-people.erl'));
  const make = `{ok, made} = file:script(${script}, ${bindings}), io:format("${READY}~n").`;
  // Not by ejabberdctl: that changes the user, and leaves a daemon (epmd) behind.
  const mnesia = ['-mnesia', 'dir', JSON.stringify(join(folder, 'spool'))];
  const args = [...EMULATOR, ...QUIET, ...mnesia, '-s', 'ejabberd', '-eval', make];
  const child = startChild({ program: 'erl', args, environment, core }, folder);
  return whenRunning(child, { host, domain, port, directTlsPort, folder }, async () =>
    (await child.printed()).includes(READY),
  );
}

const SQLITE = 'sql_type: sqlite\nsql_database: "$folder$/ejabberd.sqlite"';

function modulesOf({ isArchiving, store, relay }: Setup): string {
  const type = store === 'sqlite' ? 'sql' : 'mnesia';
  return [
    ...(isArchiving ? [`  mod_mam: { default: always, db_type: ${type} }`] : []),
    ...(relay === undefined ? [] : ['  mod_s2s_dialback: {}']),
  ].join('\n');
}

/** Lets the resolver of Erlang ask a DNS server of ours; returns the file. */
async function writeResolver(
  folder: string,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  const file = join(folder, 'inetrc');
  const nameserver = `{nameserver, {${host.replaceAll('.', ',')}}, ${port}}`;
  await writeFile(file, `{resolv_conf, ""}.\n${nameserver}.\n`);
  return file;
}

async function librariesOf(script: string): Promise<string> {
  const text = await readFile(script, 'utf8').catch(() => '');
  const libraries = /^ERL_LIBS='?([^'\n]+)/m.exec(text)?.[1];
  if (libraries === undefined) throw new Error('ejabberd is not installed as Debian has it');
  return libraries;
}

/** A binary of Erlang. */
const binary = (text: string) => `<<${JSON.stringify(text)}>>`;
