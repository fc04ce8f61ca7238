/** Whether a TCP port is free, and if not, which program has it. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';

/** What became of trying to take a port. */
export type PortState =
  | { readonly kind: 'free' }
  /** `owner` such as `nginx (pid 812)`, when it may be known. */
  | { readonly kind: 'taken'; readonly owner: string | undefined }
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'no-address' }
  | { readonly kind: 'failed'; readonly code: string };

/** Looks at ports of this machine. */
export interface PortProbe {
  /** Takes the port for a moment. `*` is all addresses. */
  state(address: string, port: number): Promise<PortState>;
  /** Whether somebody accepts connections there. */
  answers(address: string, port: number): Promise<boolean>;
}

const PATIENCE_MS = 2000;

/** The probe on this machine. */
export const machinePorts: PortProbe = {
  async state(address, port) {
    const code = await tryListening(address, port);
    switch (code) {
      case undefined:
        return { kind: 'free' };
      case 'EADDRINUSE':
        return { kind: 'taken', owner: await ownerOf(port) };
      case 'EACCES':
        return { kind: 'forbidden' };
      case 'EADDRNOTAVAIL':
        return { kind: 'no-address' };
      default:
        return { kind: 'failed', code };
    }
  },
  answers(address, port) {
    const host = address === '*' ? '127.0.0.1' : address;
    return new Promise((resolve) => {
      const socket = connect({ host, port, timeout: PATIENCE_MS });
      const end = (isThere: boolean) => {
        socket.destroy();
        resolve(isThere);
      };
      socket.once('connect', () => end(true));
      socket.once('error', () => end(false));
      socket.once('timeout', () => end(false));
    });
  },
};

/** The code of the error, if there is one. */
function tryListening(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    const where = address === '*' ? { port } : { port, host: address };
    server.listen({ ...where, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

const LISTENING = '0A';

/** The program that listens on a port, from Linux's /proc, as far as this user may look. */
async function ownerOf(port: number): Promise<string | undefined> {
  const wanted = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      const localPort = Number.parseInt(local.split(':')[1] ?? '', 16);
      if (state === LISTENING && localPort === port) wanted.add(`socket:[${inode ?? ''}]`);
    }
  }
  if (wanted.size === 0) return undefined;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    for (const descriptor of await readdir(folder).catch(() => [])) {
      const target = await readlink(`${folder}/${descriptor}`).catch(() => '');
      if (!wanted.has(target)) continue;
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'a program');
      return `${name.trim()} (pid ${pid})`;
    }
  }
  return undefined;
}
