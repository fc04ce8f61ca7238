import { spawnSync } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { JsonSchema, OperationDescription } from '../../src/core/operation-description.ts';
import { describeOperation } from '../../src/core/operation-description.ts';
import { commandTree } from '../../src/ctl/command-tree.ts';
import { completionScript } from '../../src/ctl/completion.ts';
import { gatherInput } from '../../src/ctl/input.ts';
import { argumentOf, parametersOf, readValue } from '../../src/ctl/parameters.ts';
import { flagsOf, furtherOptions, GENERAL_OPTIONS, SHELLS } from '../../src/ctl/program.ts';
import { renderLine, renderValue } from '../../src/ctl/render.ts';
import { readEarly } from '../../src/ctl/run.ts';
import { colourStyle, harmless, plainStyle, styleFor } from '../../src/ctl/style.ts';
import { durationText, sizeText, timeText } from '../../src/ctl/values.ts';
import { declaredOperations } from '../../src/operations/index.ts';

const descriptions = declaredOperations().map(describeOperation);

const description = (input: JsonSchema, more: Partial<OperationDescription> = {}) => ({
  name: 'things.do',
  command: ['thing', 'do'],
  summary: 'Do.',
  effect: 'change' as const,
  offline: false,
  isSlow: false,
  positional: [],
  secret: [],
  input,
  output: {},
  ...more,
});

describe('parameters', () => {
  test('follow from the schema, positional ones first', () => {
    const properties: Record<string, JsonSchema> = {
      isOn: { type: 'boolean', default: true },
      isOff: { type: 'boolean', default: false },
      keyType: { type: 'string', enum: ['ec', 'rsa'], description: 'Which.' },
      count: { type: 'integer', default: 5 },
      names: { type: 'array', items: { type: 'string', 'x-kind': 'domain' } },
      pem: { type: 'string', 'x-kind': 'file' },
      password: { type: 'string', 'x-kind': 'new-password' },
      jid: { type: 'string' },
    };
    const input = { properties, required: ['jid', 'password'] };
    const found = parametersOf(
      description(input, { positional: ['jid'], secret: ['password', 'pem'] }),
    );
    expect(found.map(({ field, form, option }) => [field, form, option])).toEqual([
      ['jid', 'word', 'jid'],
      ['isOn', 'flag', 'no-is-on'],
      ['isOff', 'flag', 'is-off'],
      ['keyType', 'word', 'key-type'],
      ['count', 'number', 'count'],
      ['names', 'list', 'names'],
      ['pem', 'file', 'pem'],
      ['password', 'secret', 'password'],
    ]);
    expect(found.filter(({ isRequired }) => isRequired).map(({ field }) => field)).toEqual([
      'jid',
      'password',
    ]);
  });

  test('are read', () => {
    const properties: Record<string, JsonSchema> = {
      count: { type: 'integer' },
      kinds: { type: 'array', items: { type: 'string', enum: ['a', 'b'] } },
    };
    const [count, kinds] = parametersOf(description({ properties }));
    if (count === undefined || kinds === undefined) throw new Error('no parameters');
    expect(readValue(count, '-12')).toEqual({ ok: true, value: -12 });
    expect(readValue(count, '1.5')).toMatchObject({ ok: false });
    expect(readValue(kinds, ['a, b', 'a'])).toEqual({ ok: true, value: ['a', 'b', 'a'] });
    expect(readValue(kinds, ['a,c'])).toEqual({
      ok: false,
      text: "--kinds: 'c' is not one of a, b",
    });
  });

  test('a list of whole texts is given one by one: their commas are theirs', () => {
    const items: JsonSchema = { type: 'string', 'x-kind': 'text' };
    const [set] = parametersOf(description({ properties: { set: { type: 'array', items } } }));
    if (set === undefined) throw new Error('no parameter');
    const given = ['name=Tea, coffee', 'presenceOf=moderator,visitor'];
    expect(readValue(set, given)).toEqual({ ok: true, value: given });
    expect(flagsOf(set)).toBe('--set <set>');
  });

  test('a list takes all words that are left', async () => {
    const properties: Record<string, JsonSchema> = {
      name: { type: 'string' },
      jids: { type: 'array', items: { type: 'string' } },
    };
    const input = { properties, required: ['name', 'jids'] };
    const parameters = parametersOf(description(input, { positional: ['name', 'jids'] }));
    expect(parameters.map(argumentOf)).toEqual(['<name>', '<jids...>']);
    const given = { words: { name: 'Sales', jids: ['a@b,c@d', 'e@f'] }, options: {} };
    const sources = { cwd: '/', keyboard: new PassThrough(), terminal: undefined };
    expect(await gatherInput(parameters, given, sources)).toMatchObject({
      input: { name: 'Sales', jids: ['a@b', 'c@d', 'e@f'] },
    });
  });

  test('a path is made whole, for the server is elsewhere', async () => {
    const properties: Record<string, JsonSchema> = { file: { type: 'string', 'x-kind': 'source' } };
    const parameters = parametersOf(
      description({ properties, required: ['file'] }, { positional: ['file'] }),
    );
    const sources = { cwd: '/home/joe', keyboard: new PassThrough(), terminal: undefined };
    for (const [file, whole] of [
      ['people.xml', '/home/joe/people.xml'],
      ['/srv/people.xml', '/srv/people.xml'],
    ]) {
      const given = { words: { file }, options: {} };
      expect(await gatherInput(parameters, given, sources)).toMatchObject({
        input: { file: whole },
      });
    }
  });

  test.each(descriptions)('of $name are not in the way of general options', (each) => {
    const general = GENERAL_OPTIONS.map(([flags]) => /--([a-z]+)/.exec(flags)?.[1]);
    const own = parametersOf(each).map(({ option }) => option);
    const further = furtherOptions(each).map(([flags]) => /--([a-z-]+)/.exec(flags)?.[1]);
    const all = [...general, ...own, ...further, 'help', 'version'];
    expect(new Set(all).size).toBe(all.length);
  });

  test('of the place are found before the commands are known', () => {
    const argv = ['--socket', 's', 'user', '--json', 'list', '--config=c', '--timeout', '3', 'x'];
    expect(readEarly(argv)).toEqual({
      socket: 's',
      config: 'c',
      timeoutMs: 3000,
      words: ['user', 'list', 'x'],
    });
    expect(readEarly(['--socket'])).toEqual({
      socket: undefined,
      config: undefined,
      timeoutMs: 30_000,
      words: [],
    });
  });
});

describe('values for people', () => {
  test.each([
    [0, '0 s'],
    [59, '59 s'],
    [60, '1 min'],
    [3661, '1 h 1 min'],
    [86_400 * 3 + 59, '3 d'],
  ])('%i seconds are %s', (seconds, text) => expect(durationText(seconds)).toBe(text));

  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [200 * 1024, '200 KiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
    [5000 * 1024 ** 4, '5000 TiB'],
  ])('%i bytes are %s', (bytes, text) => expect(sizeText(bytes)).toBe(text));

  test('times are local', () => {
    const at = new Date(2026, 4, 1, 9, 8, 7);
    expect(timeText(at.getTime())).toBe('2026-05-01 09:08:07');
  });

  test('text keeps its lines only where lines are meant', () => {
    expect(harmless('a\n\tb\u0007')).toBe('a\\u000a\\u0009b\\u0007');
    expect(harmless('a\n\tb\u009b', true)).toBe('a\n\tb\\u009b');
    expect(harmless('grün 🙂 ✓')).toBe('grün 🙂 ✓');
  });

  test('colours are for terminals that want them', () => {
    expect(styleFor({ isTTY: true }, {})).toBe(colourStyle);
    expect(styleFor({ isTTY: true }, { NO_COLOR: '' })).toBe(colourStyle);
    expect(styleFor({ isTTY: true }, { NO_COLOR: '1' })).toBe(plainStyle);
    expect(styleFor({ isTTY: true }, { TERM: 'dumb' })).toBe(plainStyle);
    expect(styleFor({}, {})).toBe(plainStyle);
  });
});

describe('rendering', () => {
  const row: JsonSchema = {
    properties: {
      jid: { type: 'string' },
      id: { type: 'string', 'x-hidden': true },
      sessions: { type: 'integer' },
      lastActive: { type: 'integer', 'x-kind': 'time' },
      locked: { type: 'boolean' },
    },
  };
  const list: JsonSchema = { properties: { accounts: { items: row }, total: {} } };
  const at = new Date(2026, 0, 1).getTime();
  const jo = { jid: 'jo@falcot.com', id: 'x', sessions: 12, lastActive: at, locked: false };
  const anna = { ...jo, jid: 'anna@falcot.com', sessions: 1, locked: true };

  test('a list is a table without what is hidden, aligned, with what is left', () => {
    expect(renderValue({ accounts: [jo, anna], total: 9 }, list, plainStyle).split('\n')).toEqual([
      'jid              sessions  last active          locked',
      'jo@falcot.com          12  2026-01-01 00:00:00  no',
      'anna@falcot.com         1  2026-01-01 00:00:00  yes',
      '2 of 9; --offset and --limit show others',
    ]);
  });

  test('colours do not disturb the columns', () => {
    const painted = renderValue({ accounts: [jo, anna], total: 2 }, list, colourStyle);
    const plain = renderValue({ accounts: [jo, anna], total: 2 }, list, plainStyle);
    expect(painted).not.toBe(plain);
    expect(
      painted
        .replace(/\p{Cc}\[\d+m/gu, '')
        .split('\n')
        .map((line) => line.trimEnd()),
    ).toEqual(plain.split('\n'));
  });

  test('an empty list says so', () => {
    expect(renderValue({ accounts: [], total: 0 }, list, plainStyle)).toBe('No accounts.');
    expect(renderValue({ accounts: [], total: 4 }, list, plainStyle)).toBe(
      'No more accounts; there are 4.',
    );
  });

  test('a record has labels, and its lists below', () => {
    const schema: JsonSchema = {
      properties: {
        version: {},
        uptimeSeconds: { 'x-kind': 'seconds' },
        hosts: { type: 'array', items: { type: 'string' } },
        console: {},
        listeners: { items: { properties: { name: {}, port: {} } } },
      },
    };
    const value = {
      version: '1',
      uptimeSeconds: 61,
      hosts: ['a', 'b'],
      console: '',
      listeners: [{ name: 'c2s', port: 5222 }],
    };
    expect(renderValue(value, schema, plainStyle)).toBe(
      'version  1\nuptime   1 min 1 s\nhosts    a, b\nconsole  -\n\nlisteners\nname  port\nc2s   5222',
    );
    expect(renderValue({ ...value, listeners: [] }, schema, plainStyle)).toMatch(
      /console {2}-\n\nNo listeners\.$/,
    );
  });

  test('a map in a cell shows its visible values, also where it may be null', () => {
    const certificate: JsonSchema = {
      anyOf: [{ properties: { issuer: {}, file: { 'x-hidden': true } } }, { type: 'null' }],
    };
    const schema: JsonSchema = {
      properties: { hosts: { items: { properties: { domain: {}, certificate } } } },
    };
    const hosts = [
      { domain: 'a.example', certificate: { issuer: 'CA', file: 'f' } },
      { domain: 'b.example', certificate: null },
    ];
    expect(renderValue({ hosts }, schema, plainStyle)).toBe(
      'domain     certificate\na.example  CA\nb.example  -',
    );
  });

  test('what may be null is shown by its kind where it is not', () => {
    const nullable = (kind: 'time' | 'bytes'): JsonSchema => ({
      anyOf: [{ type: 'integer', 'x-kind': kind }, { type: 'null' }],
    });
    const item = { properties: { since: nullable('time'), limit: nullable('bytes') } };
    const quotas = [
      { since: at, limit: 1536 },
      { since: null, limit: null },
    ];
    expect(renderValue({ quotas }, { properties: { quotas: { items: item } } }, plainStyle)).toBe(
      'since                limit\n2026-01-01 00:00:00  1.5 KiB\n-                    -',
    );
  });

  test('a long list in a cell is cut; a record has it whole', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const item = { properties: { names: { items: {} } } };
    expect(
      renderValue({ all: [{ names }] }, { properties: { all: { items: item } } }, plainStyle),
    ).toBe('names\na, b, c, d and 2 more');
    expect(renderValue({ names }, item, plainStyle)).toBe('names  a, b, c, d, e, f');
  });

  test('a whole text is itself; a stranger in a cell does no harm', () => {
    const schema: JsonSchema = { properties: { text: { 'x-kind': 'text' } } };
    expect(renderValue({ text: 'a: 1\nb: 2\n' }, schema, plainStyle)).toBe('a: 1\nb: 2');
    expect(renderValue({ a: '\u001b[31m\n' }, {}, plainStyle)).toBe('a  \\u001b[31m\\u000a');
    expect(renderLine({ a: 'x\ny', b: 2 }, {}, plainStyle)).toBe('x\\u000ay  2');
  });

  test('every operation that has no words of its own can show a value', () => {
    for (const each of descriptions)
      expect(() => renderValue({}, each.output, plainStyle), each.name).not.toThrow();
  });
});

describe('completion', () => {
  const tree = commandTree(descriptions);

  test('knows all places', () => {
    const wordsAt = (...at: string[]) =>
      tree.places
        .find((place) => place.at.join(' ') === at.join(' '))
        ?.words.map(({ word }) => word);
    expect(wordsAt()).toEqual(expect.arrayContaining(['adduser', 'user', 'completion', 'help']));
    expect(wordsAt('user')).toEqual(expect.arrayContaining(['list', 'lock']));
    expect(wordsAt('adduser')).toEqual(
      expect.arrayContaining(['--admin', '--password-stdin', '--generate', '--json']),
    );
    expect(wordsAt('log', 'level')).toContain('debug');
    expect(tree.values.get('--key-type')).toMatchObject({ kind: 'choices' });
    expect(tree.values.get('--certificate')).toEqual({ kind: 'file' });
  });

  test.each(SHELLS)('makes a script for %s with every command', (shell) => {
    const script = completionScript(shell, descriptions);
    for (const { command } of descriptions) expect(script).toContain(command.join(' '));
  });

  const complete = (...words: string[]) => {
    const script = `${completionScript('bash', descriptions)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_rtcctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const ran = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect(ran.stderr).toBe('');
    return ran.stdout.split('\n').filter((line) => line !== '');
  };

  test.each([
    [['rtcctl', 'add'], ['adduser']],
    [
      ['rtcctl', 'user', 'l'],
      ['list', 'lock'],
    ],
    [['rtcctl', '--socket', 'user', 'user', 'un'], ['unlock']],
    [['rtcctl', 'adduser', 'joe@falcot.com', '--gen'], ['--generate']],
    [['rtcctl', 'cert', 'request', 'a.example', '--key-type', 'e'], ['ec']],
    [['rtcctl', 'log', 'level', 'wa'], ['warn']],
    [['rtcctl', 'completion', 'z'], ['zsh']],
    [['rtcctl', 'nothing', 'x'], []],
  ])('bash completes %j', (words, expected) => {
    expect(complete(...words)).toEqual(expected);
  });
});
