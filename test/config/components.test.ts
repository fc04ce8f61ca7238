/** Components in a host's file. */
import { describe, expect, test } from 'vitest';
import { componentsOf, withOwnComponents } from '../../src/config/components.ts';
import { diffConfig } from '../../src/config/diff.ts';
import { showConfig } from '../../src/config/show.ts';
import { faultsOf, host, loaded, sections } from './support.ts';

const external = '{ type: external, secret: hunter2 }';
const withComponents = (lines: string) => `${host}components:\n${lines}`;
const faults = (lines: string, more = {}) =>
  faultsOf({ 'rtcd.yaml': '', 'conf.d/a.yaml': withComponents(lines), ...more });

describe('components', () => {
  test('are taken by their prepared domains; there are none unless a file says so', async () => {
    const { config } = await loaded({
      'rtcd.yaml': '',
      'conf.d/a.yaml': withComponents(`  IRC.Falcot.com.: ${external}`),
      'conf.d/b.yaml': 'virtualHost: b.example',
    });
    expect(config.hosts.map(componentsOf)).toEqual([
      [{ domain: 'irc.falcot.com', config: { type: 'external', secret: 'hunter2' } }],
      [],
    ]);
  });

  test('a wrong name, an unknown type, an unknown key and a missing secret are told together', async () => {
    expect(
      await faults(
        [
          `  irc@falcot.com: ${external}`,
          '  constructor: { type: extern, secret: x }',
          '  c.falcot.com: { type: external, secrets: x }',
        ].join('\n'),
      ),
    ).toEqual([
      expect.stringMatching(/a\.yaml:3:3 components\.irc@falcot\.com: is not a domain/),
      expect.stringMatching(/a\.yaml:4:\d+ components\.constructor\.type: 'extern' is not/),
      expect.stringMatching(/a\.yaml:5:3 components\.c\.falcot\.com\.secret: is missing/),
      expect.stringMatching(/a\.yaml:5:\d+ .*secrets: is not a known key; did you mean secret/),
    ]);
  });

  test('one domain in two ways of writing is a fault', async () => {
    expect(await faults(`  irc.falcot.com: ${external}\n  IRC.falcot.com: ${external}`)).toEqual([
      'conf.d/a.yaml:4:3 components.IRC.falcot.com: irc.falcot.com is defined in conf.d/a.yaml:3 already; keep one',
    ]);
  });

  test('a domain that is a host, or a component of another one too, is a fault', async () => {
    expect(
      await faults(`  b.example: ${external}\n  irc.falcot.com: ${external}`, {
        'conf.d/b.yaml': `virtualHost: b.example\ncomponents: { IRC.falcot.com: ${external} }`,
      }),
    ).toEqual([
      'conf.d/b.yaml:1:1 virtualHost: b.example is defined in conf.d/a.yaml:3 already; keep one',
      'conf.d/b.yaml:2:15 components.IRC.falcot.com: irc.falcot.com is defined in conf.d/a.yaml:4 already; keep one',
    ]);
  });

  test('a secret is shown neither in faults nor in the effective config', async () => {
    const [fault, ...more] = await faults('  irc.falcot.com: { type: external, secret: 12345 }');
    expect(more).toEqual([]);
    expect(fault).toMatch(/secret: what stands here is not allowed; it must be a text$/);
    const outcome = await loaded({
      'rtcd.yaml': '',
      'conf.d/a.yaml': withComponents(`  irc.falcot.com: ${external}`),
    });
    const text = showConfig(outcome, sections);
    expect(text).toContain('irc.falcot.com:');
    expect(text).not.toContain('hunter2');
  });

  test('a change of one is named in the difference', async () => {
    const fileWith = async (secret: string) =>
      loaded({
        'rtcd.yaml': 'data: /srv/rtcd',
        'conf.d/a.yaml': withComponents(`  irc.falcot.com: { type: external, secret: ${secret} }`),
      });
    const { changed } = diffConfig((await fileWith('one')).config, (await fileWith('two')).config);
    expect(changed).toEqual([{ domain: 'falcot.com', keys: ['components.irc.falcot.com'] }]);
  });
});

describe('components that modules serve', () => {
  const served = (host: string, components: Record<string, object> = {}, muc: unknown = {}) => ({
    virtualHost: host as never,
    components: components as never,
    modules: { muc },
  });
  const modules = [{ name: 'muc', component: { type: 'muc', label: 'conference' } as const }];
  const domains = (hosts: ReturnType<typeof served>[]) =>
    withOwnComponents(hosts, modules).map((host) => Object.keys(host.components));

  test('are at the usual domain unless a file names one of the kind', () => {
    expect(
      domains([served('a.example'), served('b.example', { 'chat.b.example': { type: 'muc' } })]),
    ).toEqual([['conference.a.example'], ['chat.b.example']]);
  });

  test('are not there while the module is off, nor where the domain is something else', () => {
    expect(
      domains([
        served('a.example', {}, false),
        served('b.example'),
        served('conference.b.example', {}, false),
        served('c.example', { 'conference.c.example': { type: 'external', secret: 'x' } }),
      ]),
    ).toEqual([[], [], [], ['conference.c.example']]);
  });
});
