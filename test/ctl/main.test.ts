/** The program as a process: on a real terminal, in a pipe. Compiled apart, so that it is current. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { makePlace, type Place, says } from './support.ts';

const root = resolve(import.meta.dirname, '../..');
let house: string;
let program: string;
let place: Place;

beforeAll(async () => {
  house = await mkdtemp(join(tmpdir(), 'rtcctl-'));
  await copyFile(join(root, 'package.json'), join(house, 'package.json'));
  await symlink(join(root, 'node_modules'), join(house, 'node_modules'));
  const built = [join(root, 'scripts/build.js'), join(house, 'dist')];
  expect(spawnSync(process.execPath, built, { encoding: 'utf8' })).toMatchObject({ status: 0 });
  program = join(house, 'dist/ctl/main.js');
}, 120_000);
afterAll(() => rm(house, { recursive: true, force: true }));
beforeEach(async () => {
  place = await makePlace();
});
afterEach(() => place.stop());

const environment = () => ({ ...process.env, RTCD_SOCKET: place.socket, NO_COLOR: '1' });

const start = (command: string, argv: readonly string[]) =>
  spawn(command, argv, { cwd: place.folder, env: environment(), stdio: ['pipe', 'pipe', 'pipe'] });

test('starts with a line that lets a system run it', async () => {
  const file = await readFile(program, 'utf8');
  expect(file.startsWith('#!/usr/bin/env node\n')).toBe(true);
});

test('ends with the exit code and the version of the package', async () => {
  const version = start(process.execPath, [program, '--version']);
  expect(await text(version.stdout)).toMatch(/^\d+\.\d+\.\d+\n$/);
  const status = start(process.execPath, [program, 'status']);
  const code = new Promise((done) => status.once('close', done));
  expect(await text(status.stderr)).toContain('rtcd is not running');
  expect(await code).toBe(3);
});

test('runs commands of modules on a stopped server, where there was one', async () => {
  const unknown = start(process.execPath, [program, 'invite', 'list']);
  expect(await text(unknown.stderr)).toBe("rtcctl: unknown command 'invite'\n");
  await expect(readdir(place.folder)).resolves.not.toContain('data');
  await mkdir(join(place.folder, 'data'));
  const list = start(process.execPath, [program, 'invite', 'list']);
  const code = new Promise((done) => list.once('close', done));
  expect(await text(list.stdout)).toBe('No invitations.\n');
  expect(await code).toBe(0);
});

test('a reader that leaves is no error', async () => {
  const reference = 'x'.repeat(1 << 20);
  await place.serve(says({ text: reference }));
  const child = start(process.execPath, [program, 'config', 'reference']);
  const code = new Promise((done) => child.once('close', done));
  child.stdout.once('data', () => child.stdout.destroy());
  expect(await text(child.stderr)).toBe('');
  expect(await code).toBe(0);
});

const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;

/** Runs a command on a terminal of its own; its output, without an echo, goes to ours. */
const ON_TERMINAL = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';

test.skipIf(!hasPython)('asks for a password on a terminal, which does not show it', async () => {
  await place.serve(says({ jid: 'joe@falcot.com' }));
  const argv = ['-c', ON_TERMINAL, process.execPath, program, 'adduser', 'joe@falcot.com'];
  const child = start('python3', argv);
  const code = new Promise((done) => child.once('close', done));
  let shown = '';
  let typed = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
    const questions = shown.match(/Password(?: again)?: /g)?.length ?? 0;
    for (; typed < questions; typed += 1) child.stdin.write('hush hush\r');
  });
  expect(await code).toBe(0);
  expect(place.asked[0]?.input).toEqual({ jid: 'joe@falcot.com', password: 'hush hush' });
  expect(shown).toContain('joe@falcot.com was created.');
  expect(shown).not.toContain('hush');
});
