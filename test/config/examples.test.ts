/** The example files in the repository work as they stand. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { configReference } from '../../src/config/reference.ts';
import { folderWith, loaded, sections } from './support.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (name: string) => readFile(resolve(root, name), 'utf8');

describe('the examples', () => {
  test.each(['localhost', 'falcot.com', 'guest.falcot.com'])(
    'conf.avail/%s.yaml',
    async (domain) => {
      const { config } = await loaded({
        'rtcd.yaml': '',
        'conf.d/a.yaml': await read(`conf.avail/${domain}.yaml`),
      });
      expect(config.hosts.map((each) => each.virtualHost)).toEqual([domain]);
      expect(config.hosts[0]?.anonymous).toBe(domain.startsWith('guest.'));
    },
  );

  test('rtcd.example.yaml says what the defaults are', async () => {
    const files = { 'conf.d/a.yaml': 'virtualHost: falcot.com' };
    const { config: written } = await loaded({
      ...files,
      'rtcd.yaml': await read('rtcd.example.yaml'),
    });
    const { config: empty } = await loaded({ ...files, 'rtcd.yaml': '' });
    const portable = ({ folder, server }: typeof empty) =>
      JSON.parse(JSON.stringify(server).replaceAll(folder, ''));
    expect(portable(written)).toEqual(portable(empty));
  });

  test('rtcd.example.yaml has every key of the server', async () => {
    const example = await read('rtcd.example.yaml');
    const whole = parse(example.replace(/^(\s*)# (url|ciphers|resumeLocation): /gm, '$1$2: '));
    const reference = configReference({ server: {}, modules: [] });
    const rows = reference.slice(0, reference.indexOf('## conf.d')).matchAll(/^\| `([\w.]+)`/gm);
    const keys = [...rows].map(([, key]) => (key ?? '').split('.'));
    const missing = keys.filter(
      (path) =>
        path.reduce((at, name) => (at === undefined ? undefined : at[name]), whole) === undefined,
    );
    expect(keys.length).toBeGreaterThan(30);
    expect(missing).toEqual([]);
  });

  test('a fresh clone has a conf.d that can be loaded', async () => {
    const file = resolve(await folderWith({ 'rtcd.yaml': `include: ${root}/conf.d` }), 'rtcd.yaml');
    const outcome = await loadConfig({ file, env: {}, cwd: root, sections });
    expect(outcome.ok && outcome.config.hosts.map((each) => each.virtualHost)).toEqual([
      'localhost',
    ]);
  });
});
