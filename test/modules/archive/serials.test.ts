import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSerials, serialAt } from '../../../src/modules/archive/serials.ts';

const NEW = { last: 0, drift: 0 };

describe('the numbers of archived messages', () => {
  test('XEP-0313 §3.1: rise, whatever the clock does, and are never given twice', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1 }), (moments) => {
        let now = 0;
        const serials = createSerials(() => now, NEW);
        const places = moments.map((moment) => {
          now = Date.UTC(2026, 0, 1) + moment;
          return serials.next();
        });
        for (const [index, place] of places.entries()) {
          expect(place.at).toBe(Date.UTC(2026, 0, 1) + (moments[index] ?? 0));
          expect(place.serial).toBeGreaterThan(places[index - 1]?.serial ?? 0);
          // What the narrowing of a span of time relies on.
          expect(place.serial).toBeGreaterThanOrEqual(serialAt(place.at));
          expect(place.serial).toBeLessThan(serialAt(place.at + 1 + serials.drift));
        }
        expect(serials.last).toBe(places.at(-1)?.serial);
      }),
    );
  });

  test('go on after those of before, even if the clock was set back meanwhile', () => {
    const before = createSerials(() => Date.UTC(2030, 0, 1), NEW);
    const last = before.next().serial;
    const after = createSerials(() => Date.UTC(2026, 0, 1), { last, drift: before.drift });
    expect(after.next()).toEqual({ serial: last + 1, at: Date.UTC(2026, 0, 1) });
    expect(after.drift).toBe(Date.UTC(2030, 0, 1) - Date.UTC(2026, 0, 1));
  });

  test('are of the time as long as the clock does not step back', () => {
    const serials = createSerials(() => 1_000_000, NEW);
    for (let count = 0; count < 2048; count += 1) serials.next();
    expect(serials.drift).toBe(0);
    serials.next(); // one more than there are numbers for this millisecond
    expect(serials.drift).toBe(1);
  });

  test('are safe integers for the next eighty years', () => {
    expect(Number.isSafeInteger(serialAt(Date.UTC(2108, 0, 1)))).toBe(true);
  });
});
