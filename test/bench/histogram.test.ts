import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Histogram } from '../../bench/load/histogram.ts';

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

describe('the histogram of the load generator', () => {
  test('percentiles are those of the sorted values, to less than one per cent', () => {
    const micros = fc.array(fc.nat(2 ** 30), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(micros, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const sorted = [...values].sort((a, b) => a - b);
        const exact = (sorted[Math.ceil(share * sorted.length) - 1] ?? 0) / 1000;
        const found = histogramOf(values.map((value) => value / 1000)).percentile(share);
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found).toBeLessThanOrEqual(exact * 1.01);
      }),
    );
  });

  test('the maximum is exact, and an empty one is all zeros', () => {
    expect(histogramOf([1, 1234.567, 3]).summary().max).toBe(1234.567);
    expect(new Histogram().summary()).toEqual({ p50: 0, p99: 0, 'p99.9': 0, max: 0 });
  });
});
