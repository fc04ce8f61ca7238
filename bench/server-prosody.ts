/** Starts Debian's Prosody for comparison, with what rtcd has too and no limit that is in the way. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts, makeFolder, type RunningServer, startChild } from './child.ts';
import type { Account } from './client.ts';
import { deriveClientKeys, storedKeyOf } from './scram.ts';

const run = promisify(execFile);
const HOST = '127.0.0.1';
const DOMAIN = 'localhost';
/** Prosody's own default. */
const ROUNDS = 10_000;

/** The config: `limits` is left out, as it slows clients down; there is nobody to federate with. */
function configOf(folder: string, port: number, directTlsPort: number): string {
  return `
run_as_root = ${process.getuid?.() === 0}
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
certificates = "${folder}"
log = { info = "${folder}/prosody.log" }
interfaces = { "${HOST}" }
c2s_ports = { ${port} }
c2s_direct_tls_ports = { ${directTlsPort} }
c2s_require_encryption = true
authentication = "internal_hashed"
storage = "internal"
modules_enabled = { "roster"; "saslauth"; "tls"; "disco"; "ping"; "version"; "time"; "private";
  "vcard"; "lastactivity"; "mam"; "posix"; }
modules_disabled = { "s2s" }
VirtualHost "${DOMAIN}"
  ssl = { key = "${folder}/key.pem"; certificate = "${folder}/certificate.pem"; }
`;
}

/** A key and a certificate of the kind that rtcd makes for itself. */
async function makeCertificate(folder: string): Promise<void> {
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const name = ['-subj', `/CN=${DOMAIN}`, '-addext', `subjectAltName=DNS:${DOMAIN}`];
  await run('openssl', ['req', '-x509', '-days', '30', ...key, ...name, ...files]);
}

/** Writes the files that `prosodyctl register` would write, without a process for each account. */
async function writeAccounts(folder: string, accounts: readonly Account[]): Promise<void> {
  const target = join(folder, 'data', DOMAIN, 'accounts');
  await mkdir(target, { recursive: true });
  const salt = randomBytes(16).toString('hex');
  for (const { user, password } of accounts) {
    const keys = await deriveClientKeys(password, Buffer.from(salt), ROUNDS);
    const stored = storedKeyOf(keys.clientKey).toString('hex');
    await writeFile(
      join(target, `${user}.dat`),
      `return { ["iteration_count"] = ${ROUNDS}; ["salt"] = "${salt}"; ` +
        `["server_key"] = "${keys.serverKey.toString('hex')}"; ["stored_key"] = "${stored}"; };\n`,
    );
  }
}

/** Whether someone listens. */
function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Starts Prosody with accounts. Rejects if it, or openssl, is not installed. */
export async function startProsody(accounts: readonly Account[]): Promise<RunningServer> {
  const folder = await makeFolder('prosody');
  const [port = 0, directTlsPort = 0] = await freePorts(HOST, 2);
  await makeCertificate(folder);
  await writeAccounts(folder, accounts);
  const config = join(folder, 'prosody.cfg.lua');
  await writeFile(config, configOf(folder, port, directTlsPort));
  const child = startChild('prosody', ['-F', '--config', config], folder);
  try {
    await child.ready(() => isOpen(port));
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    name: 'prosody',
    pid: child.pid,
    host: HOST,
    domain: DOMAIN,
    port,
    directTlsPort,
    stop: () => child.stop(),
  };
}
