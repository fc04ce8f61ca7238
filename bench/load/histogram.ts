/**
 * Latencies in bounded memory, in the manner of HDR histograms: each power of two is divided into
 * equal parts, so that a percentile is never further off than one part (here 1/128, under 0.8 %).
 */

const PART_BITS = 7;
const PARTS = 2 ** PART_BITS;
/** Values up to 2^40 µs (twelve days), which no bounded run reaches. */
const POWERS = 40;

/** The latencies of one scenario, as they are printed. All in milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly 'p99.9': number;
  readonly max: number;
}

/** The cell of a number of microseconds; the first {@link PARTS} cells hold one value each. */
function cellOf(micros: number): number {
  if (micros < PARTS) return micros;
  const shift = Math.floor(Math.log2(micros)) - PART_BITS;
  return (shift + 1) * PARTS + Math.floor(micros / 2 ** shift) - PARTS;
}

/** The largest number of microseconds that falls into a cell. */
function topOf(cell: number): number {
  if (cell < PARTS) return cell;
  const shift = Math.floor(cell / PARTS) - 1;
  return ((cell % PARTS) + PARTS + 1) * 2 ** shift - 1;
}

/** Counts durations. */
export class Histogram {
  readonly #cells = new Float64Array((POWERS + 1) * PARTS);
  #count = 0;
  #max = 0;

  /** How many durations were added. */
  get count(): number {
    return this.#count;
  }

  /** Adds a duration, in milliseconds; one below zero counts as zero. */
  add(milliseconds: number): void {
    const micros = Math.max(0, Math.round(milliseconds * 1000));
    const cell = Math.min(cellOf(micros), this.#cells.length - 1);
    this.#cells[cell] = (this.#cells[cell] ?? 0) + 1;
    this.#count += 1;
    if (micros > this.#max) this.#max = micros;
  }

  /** The duration, in milliseconds, that a share (0 to 1) of all does not exceed; 0 when empty. */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const [cell, count] of this.#cells.entries()) {
      seen += count;
      if (seen >= rank) return Math.min(topOf(cell), this.#max) / 1000;
    }
    return 0;
  }

  /** The percentiles that are printed. */
  summary(): Percentiles {
    return {
      p50: this.percentile(0.5),
      p99: this.percentile(0.99),
      'p99.9': this.percentile(0.999),
      max: this.#max / 1000,
    };
  }
}
