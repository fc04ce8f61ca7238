/** Holds the floors of docs/ARCHITECTURE.md: imports run down, never sideways, never up. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const src = resolve(import.meta.dirname, '../src');

const FLOORS = [
  ['jid', 'kit'],
  ['xml', 'sasl', 'config', 'store', 'certs'],
  ['stanza', 'http'],
  ['stream', 'core'],
  ['c2s', 's2s', 'component', 'edge', 'modules', 'operations'],
  ['admin', 'ctl'],
  ['server'],
  ['main.ts'],
] as const;

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) =>
  /\.tsx?$/.test(path),
);
const roomOf = (path: string) => path.split('/')[0] ?? path;
const floorOf = (room: string) =>
  FLOORS.findIndex((rooms) => (rooms as readonly string[]).includes(room));
const importsOf = (path: string) =>
  [...readFileSync(join(src, path), 'utf8').matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map(
    (match) => relative(src, resolve(src, dirname(path), match[1] ?? '')),
  );

describe('the floors', () => {
  test.each(files)('%s imports from its own room and lower floors only', (path) => {
    const room = roomOf(path);
    expect(floorOf(room), `${room} stands on no floor`).toBeGreaterThanOrEqual(0);
    const wrong = importsOf(path).filter(
      (to) => roomOf(to) !== room && floorOf(roomOf(to)) >= floorOf(room),
    );
    expect(wrong).toEqual([]);
  });

  test('a module sees another only through its index', () => {
    const unitOf = (path: string) => path.split('/')[1]?.replace(/\.ts$/, '') ?? '';
    const inside = files.filter(
      (path) => path.startsWith('modules/') && path !== 'modules/index.ts',
    );
    const wrong = inside.flatMap((path) =>
      importsOf(path)
        .filter((to) => to.startsWith('modules/') && unitOf(to) !== unitOf(path))
        .filter((to) => !/^modules\/[^/]+(\/index)?\.ts$/.test(to))
        .map((to) => `${path} → ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test('each module has its test and stands in modules/index.ts', () => {
    const list = readFileSync(join(src, 'modules/index.ts'), 'utf8');
    const units = readdirSync(join(src, 'modules'))
      .filter((name) => name !== 'index.ts')
      .map((name) => name.replace(/\.ts$/, ''));
    const missing = units.filter(
      (unit) =>
        !list.includes(`'./${unit}`) ||
        !['.test.ts', '/index.test.ts'].some((end) =>
          existsSync(resolve(src, `../test/modules/${unit}${end}`)),
        ),
    );
    expect(missing).toEqual([]);
  });
});
