/**
 * Software that is not ours and that tests speak with. It need not be installed everywhere: without
 * it its tests are skipped and say why, or fail where RTCD_PEERS=required (as in .ci/run).
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'vitest';

/** The Python that has Debian's packages, slixmpp among them. */
export const PYTHON = '/usr/bin/python3';

/** Debian's module of nginx for connections as they are. */
export const NGINX_STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** Debian's plugin of Gajim for OMEMO. */
const GAJIM_OMEMO = '/usr/share/gajim/plugins/omemo/plugin.py';

const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** How each peer is looked for: what is wrong, or undefined if it is there. */
const PEERS = {
  aioxmpp: () => (hasPythonModule('aioxmpp') ? undefined : 'python3-aioxmpp is not installed'),
  aiohttp: () => (hasPythonModule('aiohttp') ? undefined : 'python3-aiohttp is not installed'),
  slixmpp: () => (hasPythonModule('slixmpp') ? undefined : 'python3-slixmpp is not installed'),
  profanity: () => (findCommand('profanity') ? undefined : 'profanity is not installed'),
  tmux: () => (findCommand('tmux') ? undefined : 'tmux is not installed'),
  openssl: () => (findCommand('openssl') ? undefined : 'openssl is not installed'),
  'go-sendxmpp': () => (findCommand('go-sendxmpp') ? undefined : 'go-sendxmpp is not installed'),
  prosody: () => (findCommand('prosody') ? undefined : 'prosody is not installed'),
  // Without it, Prosody asks the DNS servers of the machine.
  'lua-unbound': () => (hasLuaModule('lunbound') ? undefined : 'lua-unbound is not installed'),
  ejabberd: () =>
    findCommand('erl') && ejabberdLibraries() ? undefined : 'ejabberd is not installed',
  biboumi: () => (findCommand('biboumi') ? undefined : 'biboumi is not installed'),
  // /usr/sbin is in root's $PATH only.
  nginx: () =>
    findCommand('nginx') || isExecutable('/usr/sbin/nginx') ? undefined : 'nginx is not installed',
  'nginx-stream': () =>
    isReadable(NGINX_STREAM) ? undefined : 'libnginx-mod-stream is not installed',
  gajim: () => (findCommand('gajim') ? undefined : 'gajim is not installed'),
  'gajim-omemo': () => (isReadable(GAJIM_OMEMO) ? undefined : 'gajim-omemo is not installed'),
  // Without it, Gajim has no icons, and fails.
  librsvg: () => (drawsSvg() ? undefined : 'librsvg2-common is not installed'),
  xvfb: () => (findCommand('Xvfb') ? undefined : 'xvfb is not installed'),
  caddy: () => (findCommand('caddy') ? undefined : 'caddy is not installed'),
  haproxy: () =>
    findCommand('haproxy') || isExecutable('/usr/sbin/haproxy')
      ? undefined
      : 'haproxy is not installed',
  chromium: () => (findChromium() ? undefined : 'chromium is not installed'),
} as const satisfies Record<string, () => string | undefined>;

/** The name of a peer. */
export type PeerName = keyof typeof PEERS;

/** The path of a command that is in $PATH. */
export function findCommand(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** The path of Chromium or of a browser that is as good. */
export function findChromium(): string | undefined {
  return CHROMIUM_NAMES.map(findCommand).find((path) => path !== undefined);
}

/** The folder with ejabberd and the libraries that it needs, as its own script has it. */
export function ejabberdLibraries(): string | undefined {
  // /usr/sbin is in root's $PATH only.
  const script = findCommand('ejabberdctl') ?? '/usr/sbin/ejabberdctl';
  try {
    return /^ERL_LIBS='?([^'\n]+)/m.exec(readFileSync(script, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** A `describe` for tests that need peers: skipped, or failed if peers are required, without them. */
export function describeWith(peers: readonly PeerName[], title: string, body: () => void): void {
  const missing = peers.flatMap((name) => PEERS[name]() ?? []);
  if (missing.length === 0) return void describe(title, body);
  const why = missing.join(', ');
  const isRequired = process.env['RTCD_PEERS'] === 'required';
  if (!isRequired) console.warn(`Skipped, for ${why}: ${title}`);
  describe(title, () => {
    if (isRequired)
      test('its peers are installed', () => {
        throw new Error(`${why}, and RTCD_PEERS=required`);
      });
    else test.skip(`skipped: ${why}`);
  });
}

const isExecutable = (path: string) => isAccessible(path, constants.X_OK);
const isReadable = (path: string) => isAccessible(path, constants.R_OK);

function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function hasPythonModule(name: string): boolean {
  const find = `import importlib.util, sys; sys.exit(importlib.util.find_spec("${name}") is None)`;
  return spawnSync(PYTHON, ['-c', find], { stdio: 'ignore' }).status === 0;
}

/** Whether programs with GTK draw SVG. */
function drawsSvg(): boolean {
  const formats = 'gi.repository.GdkPixbuf.Pixbuf.get_formats()';
  const find = `import sys, gi.repository.GdkPixbuf; sys.exit("svg" not in [each.get_name() for each in ${formats}])`;
  return spawnSync(PYTHON, ['-c', find], { stdio: 'ignore' }).status === 0;
}

/** Whether the Lua that Prosody runs on has a module. */
function hasLuaModule(name: string): boolean {
  const interpreter = '$(head -n 1 "$(command -v prosody)" | sed "s/^#! *//")';
  const words = ['-c', `${interpreter} -e 'require "${name}"'`];
  return spawnSync('sh', words, { stdio: 'ignore' }).status === 0;
}
