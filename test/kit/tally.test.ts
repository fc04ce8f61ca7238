import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { createDurations, createTally } from '../../src/kit/tally.ts';

describe('figures of the hot path', () => {
  test('a tally is a counter with two labels', async () => {
    const registry = new Registry();
    const tally = createTally(
      { name: 'x_total', help: 'X.', registry },
      ['direction', ['in', 'out']],
      ['kind', ['message', 'iq']],
    );
    tally.in.message += 2;
    tally.out.iq += 1;
    await registry.metrics();
    const text = await registry.metrics();
    expect(text).toContain('# TYPE x_total counter');
    expect(text).toContain('x_total{direction="in",kind="message"} 2');
    expect(text).toContain('x_total{direction="out",kind="iq"} 1');
    expect(text).toContain('x_total{direction="in",kind="iq"} 0');
  });

  test('durations are a histogram whose buckets add up', async () => {
    const registry = new Registry();
    const durations = createDurations({ name: 'y', help: 'Y.', registry }, [0.1, 1]);
    for (const seconds of [0.05, 0.1, 0.5, 3]) durations.observe(seconds);
    const text = await registry.metrics();
    expect(text).toContain('# TYPE y histogram');
    expect(text).toContain('y_bucket{le="0.1"} 2');
    expect(text).toContain('y_bucket{le="1"} 3');
    expect(text).toContain('y_bucket{le="+Inf"} 4');
    expect(text).toContain('y_count 4');
    expect(text).toMatch(/y_sum 3\.65/);
  });
});
