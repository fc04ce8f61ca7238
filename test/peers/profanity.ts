/** Profanity, a client for terminals, in a tmux of its own: typed into and read from as by a person. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { runToEnd } from '../support/program.ts';

/** How long anything may take to appear. */
const DEADLINE_MS = 15_000;
/** How often the screen is read meanwhile. */
const GLANCE_MS = 50;

const WIDTH = 120;
const HEIGHT = 60;

/** Profanity under way. */
export interface Profanity {
  /** Types a line: a command, or a message in the window of a contact. */
  type(line: string): Promise<void>;
  /** Waits until the screen shows this; answers the screen. */
  shows(pattern: RegExp): Promise<string>;
  /** Ends it, and the tmux with it. */
  stop(): Promise<void>;
}

/** Starts Profanity, with its settings and its records in a folder of their own. */
export async function startProfanity(folder: string): Promise<Profanity> {
  await mkdir(folder, { recursive: true });
  const tmux = async (...words: string[]) => {
    const socket = join(folder, 'tmux');
    const { code, stdout, stderr } = await runToEnd('tmux', ['-S', socket, ...words], { env });
    if (code !== 0) throw new Error(`tmux ${words[0]}: ${stderr}`);
    return stdout;
  };
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_DATA_HOME: join(folder, 'data'),
    LC_ALL: 'C.UTF-8',
    SHELL: '/bin/sh',
    TERM: 'screen-256color',
  };
  const size = ['-x', String(WIDTH), '-y', String(HEIGHT)];
  await tmux('-f', '/dev/null', 'new-session', '-d', ...size, 'exec profanity');

  const shows = async (pattern: RegExp) => {
    const end = performance.now() + DEADLINE_MS;
    for (;;) {
      const screen = await tmux('capture-pane', '-p', '-J');
      if (pattern.test(screen)) return screen;
      if (performance.now() > end)
        throw new Error(`Profanity does not show ${pattern}, but:\n${screen.trim()}`);
      await pause(GLANCE_MS);
    }
  };
  const profanity: Profanity = {
    async type(line) {
      await tmux('send-keys', '-l', '--', line);
      await tmux('send-keys', 'Enter');
    },
    shows,
    stop: async () => void (await tmux('kill-server')),
  };
  try {
    await shows(/Type '\/help' to show complete help/);
  } catch (error) {
    await profanity.stop();
    throw error;
  }
  return profanity;
}
