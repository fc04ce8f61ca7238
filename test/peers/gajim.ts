/** Gajim, a client with windows, on a screen of its own; steered by test/peers/python/gajim_client.py. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { type ClientProgram, startPython } from '../support/client-program.ts';
import { endProcess } from '../support/program.ts';

const SCREEN = '1100x800x24';
/** How long anything may take, the start with all its windows, too. */
const PATIENCE_MS = 45_000;

/** Starts Gajim, with its settings and its records in a folder of their own. */
export async function startGajim(folder: string): Promise<ClientProgram> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const words = ['-displayfd', '3', '-screen', '0', SCREEN, '-nolisten', 'tcp', '-terminate'];
  const screen = spawn('Xvfb', words, {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const env = {
    DISPLAY: `:${await displayOf(screen)}`,
    GDK_BACKEND: 'x11',
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_RUNTIME_DIR: folder,
    TMPDIR: folder,
    LC_ALL: 'C.UTF-8',
    // There is no desktop.
    DBUS_SESSION_BUS_ADDRESS: 'disabled:',
    GSETTINGS_BACKEND: 'memory',
    NO_AT_BRIDGE: '1',
  };
  const gajim = startPython('gajim_client.py', env, PATIENCE_MS);
  return {
    ...gajim,
    async kill() {
      await gajim.kill();
      await endProcess(screen);
    },
  };
}

/** The number of its display, which an X server chooses, and tells once it can be used. */
async function displayOf(screen: ChildProcess): Promise<string> {
  const output = screen.stdio[3];
  if (!(output instanceof Readable)) throw new Error('Xvfb has no way to tell its display');
  for await (const line of createInterface({ input: output })) return line;
  throw new Error(`Xvfb ended with status ${screen.exitCode}`);
}
