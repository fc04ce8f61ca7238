import { describe, expect, test } from 'vitest';
import { type Run, summarise } from '../../bench/report/summary.ts';
import { tableText } from '../../bench/report/table.ts';

const run = (server: string, value: number): Run => ({
  server,
  trial: 'pairs',
  figures: [{ name: 'messages', unit: '/s', value }],
});

describe('the report of the load generator', () => {
  test('the median of several runs, and what they lay between', () => {
    const summaries = summarise([run('rtcd', 3000), run('rtcd', 1000), run('rtcd', 1500)]);
    expect(summaries.get('pairs')?.get('messages')?.get('rtcd')).toEqual({
      unit: '/s',
      median: 1500,
      least: 1000,
      most: 3000,
      isFault: false,
    });
    expect(tableText(summaries, ['rtcd'])).toContain('1,500 (1,000–3,000)');
  });

  test('a server that lacks a figure has a dash', () => {
    const table = tableText(summarise([run('rtcd', 1), run('rtcd', 2)]), ['rtcd', 'prosody']);
    expect(table.split('\n').at(-1)).toMatch(/1\.50 \(1–2\) +–$/);
  });
});
