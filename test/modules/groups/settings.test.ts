/** What a file may say of groups, and how it is told where it says something else. */
import { describe, expect, test } from 'vitest';
import { formatFault } from '../../../src/config/check.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { groups } from '../../../src/modules/groups/index.ts';
import { folderWith } from '../../config/support.ts';

/** A host's file with groups, and what the loader makes of it. */
async function load(defined: string) {
  const cwd = await folderWith({
    'rtcd.yaml': '',
    'conf.d/a.yaml': `virtualHost: falcot.com\nmodules:\n  groups:\n    maxMembers: 2\n    maxGroups: 2\n    defined:\n${defined.replace(/^/gm, '      ')}\n`,
  });
  const outcome = await loadConfig({ env: {}, cwd, sections: { server: {}, modules: [groups] } });
  if (!outcome.ok) return outcome.faults.map((fault) => formatFault(fault).replace(/^.*?:/, ''));
  return outcome.config.hosts[0]?.modules['groups'];
}

describe('modules.groups.defined', () => {
  test('has accounts by the names of groups, or everyone', async () => {
    expect(
      await load('Sales: [Anna@falcot.com, ben@falcot.com]\nAll of Falcot: everyone'),
    ).toMatchObject({
      defined: {
        Sales: ['anna@falcot.com', 'ben@falcot.com'],
        'All of Falcot': ['everyone'],
      },
    });
  });

  test.each([
    ['Sales: [falcot.com]', '7:15 modules.groups.defined.Sales[0]: '],
    ['Sales: [a@b.example, everybody]', '7:28 modules.groups.defined.Sales[1]: '],
    ['Sales: { a: b }', '7:'],
    ['Sales: [a@b.example, c@b.example, d@b.example]', 'more than maxMembers allows (2)'],
    ['Sales: [a@b.example, everyone]', 'has everyone, and others beside'],
    ['A: []\nB: []\nC: []', 'has 3 groups, more than maxGroups allows (2)'],
    ["' Sales': []", 'begins or ends with a space'],
  ])('%j is a fault: %s', async (defined, told) => {
    const faults = await load(defined);
    expect(faults).toHaveLength(1);
    expect(String(faults)).toContain(told);
  });
});
