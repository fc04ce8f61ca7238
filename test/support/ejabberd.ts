/** ejabberd, in a process of its own, as another server of a federation. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  type OtherServer,
  type OtherServerOptions,
  type Place,
  startOtherServer,
} from './other-server.ts';
import { ejabberdLibraries } from './peers.ts';
import { HOST } from './server.ts';
import type { Federation } from './several-servers.ts';

/** What ejabberd is to be like. */
export interface EjabberdOptions extends OtherServerOptions {
  /** Further keys of its config. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Where it takes other servers, and from where it goes to them; clients are taken where others are. */
const ADDRESS = '127.0.0.2';

/** What it prints once the accounts are there. */
const PEOPLE_ARE_THERE = 'people are there';

/**
 * Starts ejabberd in a federation; it is found from then on. It asks the federation's DNS server for
 * SRV only, and the system for addresses: who wants to be found by it is on `localhost`.
 */
export function startEjabberd(
  federation: Federation,
  options: EjabberdOptions,
): Promise<OtherServer> {
  return startOtherServer(federation, options, async (place) => {
    const { folder, certificateFile, keyFile } = place;
    const both = [await readFile(certificateFile, 'utf8'), await readFile(keyFile, 'utf8')];
    await writeFile(join(folder, 'host.pem'), both.join(''));
    const config = join(folder, 'ejabberd.yml');
    await writeFile(config, stringify(configOf(federation, options, place)));
    const inetrc = join(folder, 'inetrc');
    const { address, port } = federation.dns;
    await writeFile(
      inetrc,
      `{resolv_conf, ""}.\n{nameserver, {${address.replaceAll('.', ',')}}, ${port}}.\n`,
    );
    const register = options.accounts.map(
      (name) => `ejabberd_auth:try_register(${[name, options.domain, 'secret'].map(erlang)})`,
    );
    // Not by ejabberdctl: that changes the user, and leaves a daemon (epmd) behind.
    return {
      name: 'ejabberd',
      address: ADDRESS,
      command: 'erl',
      words: [
        ...['-noinput', '+sbwt', 'none'],
        ...['-mnesia', 'dir', JSON.stringify(join(folder, 'spool'))],
        ...['-s', 'ejabberd'],
        ...['-eval', `${[...register, `io:format("${PEOPLE_ARE_THERE}~n")`].join(', ')}.`],
      ],
      env: {
        HOME: folder,
        ERL_LIBS: ejabberdLibraries() ?? '',
        ERL_INETRC: inetrc,
        ERL_CRASH_DUMP_BYTES: '0',
        EJABBERD_CONFIG_PATH: config,
        EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
      },
      isUp: (log) =>
        log.includes(PEOPLE_ARE_THERE) && log.split('Start accepting').length === 1 + 3,
    };
  });
}

function configOf(
  federation: Federation,
  { domain, secureAuth = false, settings = {} }: EjabberdOptions,
  { folder, ports }: Place,
): object {
  const others = { module: 'ejabberd_s2s_in', ip: ADDRESS };
  return {
    loglevel: 'debug',
    hosts: [domain],
    certfiles: [join(folder, 'host.pem')],
    ca_file: federation.authorityFile,
    listen: [
      { module: 'ejabberd_c2s', ip: HOST, port: ports.c2s, starttls: true },
      { ...others, port: ports.s2s },
      { ...others, port: ports.direct, tls: true },
    ],
    s2s_use_starttls: 'required',
    outgoing_s2s_ipv4_address: ADDRESS,
    // Seconds, at most, in which it does not try again where it did not get through.
    s2s_max_retry_delay: 1,
    modules: {
      mod_disco: {},
      mod_offline: {},
      mod_ping: {},
      mod_roster: {},
      // With it, it looks at no certificate of a server it goes to.
      ...(secureAuth ? {} : { mod_s2s_dialback: {} }),
    },
    ...settings,
  };
}

/** A binary of Erlang. */
const erlang = (text: string) => `<<${JSON.stringify(text)}>>`;
