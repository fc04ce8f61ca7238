import { describe, expect, test } from 'vitest';
import { barsPlot } from '../../bench/report/bars.ts';
import { summariesIn, treeOf } from '../../bench/report/json.ts';
import { linesPlot } from '../../bench/report/lines.ts';
import { derivedPart, pageWith, targetRows } from '../../bench/report/page.ts';
import { ratiosOf } from '../../bench/report/ratios.ts';
import { faultsIn, type Run, summarise } from '../../bench/report/summary.ts';
import { ticksTo } from '../../bench/report/svg.ts';
import { tableText } from '../../bench/report/table.ts';
import { reachedTargets } from '../../bench/report/targets.ts';
import { reportText } from '../../bench/report/text.ts';
import { parse } from '../support/scene.ts';

const run = (server: string, value: number, name = 'messages', unit = '/s'): Run => ({
  server,
  trial: 'pairs',
  figures: [{ name, unit, value }],
});
const cpu = (server: string, value: number) => run(server, value, 'server CPU per message', 'µs');
const THREE = summarise([cpu('rtcd', 20), cpu('prosody', 100), cpu('ejabberd', 50)]);

describe('summaries of the load generator', () => {
  test('the median of several runs, and what they lay between', () => {
    const summaries = summarise([run('rtcd', 3000), run('rtcd', 1000), run('rtcd', 1500)]);
    expect(summaries.get('pairs')?.get('messages')?.get('rtcd')).toEqual({
      unit: '/s',
      median: 1500,
      least: 1000,
      most: 3000,
      runs: [3000, 1000, 1500],
      isFault: false,
    });
    expect(tableText(summaries, ['rtcd'])).toContain('1,500 (1,000–3,000)');
  });

  test('a share is the median of what each round says, however fast the machine is in it', () => {
    const rounds = [20, 50, 40, 100, 21, 51].map((value, index) =>
      cpu(index % 2 === 0 ? 'rtcd' : 'prosody', value),
    );
    const [ratio] = ratiosOf(summarise(rounds));
    expect(ratio?.ofBetter).toBeCloseTo(0.4);
    expect(ratio?.shares.get('prosody')).toBeCloseTo(0.4);
    // One that failed in a round: what is left cannot be told apart by rounds.
    const [without] = ratiosOf(summarise(rounds.slice(0, 5)));
    expect(without?.ofBetter).toBeCloseTo(21 / 75);
  });

  test('a server that lacks a figure has a dash', () => {
    const table = tableText(summarise([run('rtcd', 1), run('rtcd', 2)]), ['rtcd', 'prosody']);
    expect(table.split('\n').at(-1)).toMatch(/1\.50 \(1–2\) +–$/);
  });

  test('one run that lost something is a failure, whatever the median', () => {
    const lost = (value: number): Run => ({
      server: 'rtcd',
      trial: 'pairs',
      figures: [{ name: 'messages lost', unit: '', value, isFault: true }],
    });
    expect(faultsIn(summarise([lost(0), lost(0)]))).toEqual([]);
    const summaries = summarise([lost(0), lost(0), lost(3)]);
    expect(faultsIn(summaries)).toEqual(['rtcd, pairs: messages lost 0 to 3']);
    expect(reportText(summaries, ['rtcd'])).toContain('FAILED');
  });

  test('it is told where the generator was the limit', () => {
    const summaries = summarise([run('rtcd', 1, 'generator was the limit', '')]);
    expect(reportText(summaries, ['rtcd'])).toContain('THE GENERATOR WAS THE LIMIT\n  rtcd, pairs');
    expect(reportText(THREE, ['rtcd'])).not.toContain('LIMIT');
  });

  test('figures survive JSON', () => {
    expect(summariesIn(JSON.parse(JSON.stringify(treeOf(THREE))))).toEqual(THREE);
  });
});

describe('ratios and targets of the load generator', () => {
  test('a cost is compared with the lower one, a rate with the higher one', () => {
    const [ofCost] = ratiosOf(THREE);
    expect(ofCost?.ofBetter).toBe(0.4);
    expect(ofCost?.shares.get('prosody')).toBe(0.2);
    const rates = summarise([run('rtcd', 300), run('prosody', 100), run('ejabberd', 50)]);
    expect(ratiosOf(rates)[0]?.ofBetter).toBe(3);
  });

  test('variants of rtcd are none of the others', () => {
    expect(ratiosOf(summarise([cpu('rtcd', 20), cpu('rtcd-no-story', 10)]))).toEqual([]);
  });

  test('a target is met up to its bound, and not told without figures', () => {
    expect(reachedTargets(THREE)).toMatchObject([{ reached: 0.4, isMet: false }]);
    const better = summarise([cpu('rtcd', 17.5), cpu('prosody', 100), cpu('ejabberd', 50)]);
    expect(reachedTargets(better)).toMatchObject([{ reached: 0.35, isMet: true }]);
    expect(reachedTargets(summarise([cpu('rtcd', 20)]))).toEqual([]);
  });

  test('what nobody else offers is compared with what they offer in its place', () => {
    const login = (trial: string, server: string, value: number): Run => ({
      ...{ trial, server },
      figures: [{ name: 'server CPU per login', unit: 'µs', value }],
    });
    const summaries = summarise([
      login('resume', 'rtcd', 1000),
      login('logins', 'prosody', 5000),
      login('logins', 'ejabberd', 4000),
    ]);
    const reached = reachedTargets(summaries);
    expect(reached).toMatchObject([{ target: { trial: 'resume' }, reached: 0.25, isMet: true }]);
  });
});

describe('plots and the page of the load generator', () => {
  test('ticks are round, and reach the value', () => {
    expect(ticksTo(48)).toEqual([0, 10, 20, 30, 40, 50]);
    expect(ticksTo(50)).toEqual([0, 10, 20, 30, 40, 50]);
    expect(ticksTo(0)).toEqual([0, 1]);
  });

  test('plots are well-formed XML, with whatever text in them', () => {
    const title = 'a < b & "c"';
    const lines = linesPlot({
      ...{ title, x: 'sessions', y: 'MiB' },
      lines: { rtcd: [1, 2].map((x) => ({ x, y: x })), prosody: [] },
    });
    for (const svg of [lines, barsPlot(title, targetRows(THREE))]) {
      expect(parse(svg).name).toBe('svg');
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  test('the page keeps what stands around the derived part, and is the same a second time', () => {
    const begin = '<!-- derived by `npm run bench -- --report`: begin -->';
    const page = `# Title\n${begin}\nold\n<!-- derived: end -->\nnotes\n`;
    const machine = {
      ...{ cores: 2, processor: 'P', memoryMiB: 1, linux: 'L', node: 'N' },
      packages: {},
    };
    const derived = derivedPart(THREE, machine, () => 'chat', [{ file: 'a.svg', title: 'A' }]);
    const once = pageWith(page, derived);
    expect(once).toMatch(/^# Title\n[\s\S]*\nnotes\n$/);
    expect(once).not.toContain('old');
    expect(once).toContain('![A](a.svg)');
    expect(once).toContain('| 20 µs | 100 µs | 50 µs | at most 0.35 | 0.40 | **no** |');
    expect(pageWith(once, derived)).toBe(once);
    expect(() => pageWith('no place', derived)).toThrow('no <!--');
  });
});
