import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { diffConfig } from '../../src/config/diff.ts';
import { configReference } from '../../src/config/reference.ts';
import { showConfig } from '../../src/config/show.ts';
import { host, loaded, sections } from './support.ts';

describe('the reference', () => {
  const text = configReference(sections);
  const line = (key: string) => text.split('\n').find((each) => each.startsWith(`| \`${key}\``));

  test.each([
    [
      'limits.idlePing',
      '| `limits.idlePing` | duration from 10s on | `5m` | After how long a silence a client is asked for a sign of life. |',
    ],
    [
      'admins',
      '| `admins` | list of JID | none | The accounts that administer the whole server. |',
    ],
    ['limits.authTimeout', '| `limits.authTimeout` | duration from 1s to 10m | `30s` |'],
    ['limits.resumeTimeout', '| `limits.resumeTimeout` | duration up to 7d | `10m` |'],
    ['limits.whitespacePing', '| `limits.whitespacePing` | duration | `0` |'],
    ['components.*.secret', '| text | none: an external one must have it |'],
    ['components.*.name', '| text | `Chat rooms` or `HTTP File Upload` or `Publish-subscribe` |'],
    ['store.groupMs', '| `store.groupMs` ↻ | whole number from 0 to 1000 | `4` |'],
    ['listeners.http.port', '| `listeners.http.port` | whole number from 0 to 65535 | `5280` |'],
    ['virtualHost', '| `virtualHost` | domain | none: it must be given | The domain. |'],
    ['ssl.key', '| `ssl.key` | path | none: it must be given |'],
    ['every', '| `every` | duration | `1h` | How often. |'],
    ['turn', '| `turn` | map |  | The relay. |'],
  ])('%s', (key, expected) => expect(line(key)).toContain(expected));

  test('every key of ours has a meaning', () => {
    const rows = text.slice(0, text.indexOf('## modules')).split('\n');
    const without = rows.filter((row) => row.startsWith('| `') && !row.startsWith('| `turn.'));
    expect(without.filter((row) => /\| +\|$/.test(row))).toEqual([]);
  });

  test('modules stand in the order of names, and say when they are off', () => {
    const titles = text.match(/^### .*/gm);
    expect(titles).toEqual([
      '### modules.extra (off by default)',
      '### modules.register',
      '### modules.version',
    ]);
  });
});

describe('the effective config', () => {
  test('is YAML with units, sources and no secrets', async () => {
    const outcome = await loaded({
      'rtcd.yaml':
        'limits: { idlePing: 90s }\nturn: { key: hunter2 }\nmodules: { extra: { level: 5 } }',
      'conf.d/a.yaml': `${host}admins: [joe@falcot.com]\nmodules: { extra: { level: 6 } }`,
    });
    const text = showConfig(outcome, sections);
    expect(text).not.toContain('hunter2');
    expect(text).toMatch(/idlePing: 90s # .*rtcd\.yaml:1\n/);
    expect(text).toMatch(/idleTimeout: 1m\n/);
    const [server, own] = text.split('---\n').map((part) => parse(part));
    expect(server).toMatchObject({
      limits: { stanzaBytes: '256KiB' },
      turn: { key: '********' },
      modules: { extra: { level: 5 }, register: { every: '1h' } },
    });
    expect(own.virtualHost).toBe('falcot.com');
    expect(own.modules).toEqual({ extra: { level: 6 } });
  });
});

describe('what differs', () => {
  const base = {
    'rtcd.yaml': 'limits: { depth: 50 }',
    'conf.d/a.yaml': host,
    'conf.d/b.yaml': 'virtualHost: b.example',
  };
  // Each config has its own folder; where it lies is not what is compared here.
  const fixed = 'data: /srv/rtcd\ninclude: conf.d\n';
  const load = async (files: Record<string, string>) => {
    const all = { ...base, ...files };
    const { config } = await loaded({ ...all, 'rtcd.yaml': `${fixed}${all['rtcd.yaml']}` });
    return { ...config, server: { ...config.server, include: '' } };
  };

  test('nothing', async () => {
    const none = { server: [], needsRestart: [], added: [], removed: [], changed: [] };
    expect(diffConfig(await load({}), await load({}))).toEqual(none);
  });

  test('keys of the server, and which of them need a restart', async () => {
    const after = await load({
      'rtcd.yaml': 'limits: { depth: 60 }\nlisteners: { c2s: { port: 1 } }\nstore: { groupMs: 9 }',
    });
    const { server, needsRestart } = diffConfig(await load({}), after);
    expect(server).toEqual(['listeners.c2s', 'limits.depth', 'store.groupMs']);
    expect(needsRestart).toEqual(['store.groupMs']);
  });

  test('hosts that came, went and changed', async () => {
    const after = await load({
      'conf.d/a.yaml': `${host}anonymous: true\nmodules: { version: false }`,
      'conf.d/b.yaml': 'virtualHost: c.example',
    });
    expect(diffConfig(await load({}), after)).toEqual({
      server: [],
      needsRestart: [],
      added: ['c.example'],
      removed: ['b.example'],
      changed: [{ domain: 'falcot.com', keys: ['anonymous', 'modules.version'] }],
    });
  });
});
