/** How long to wait for an acknowledgement before a message is written down. */

/** Two round trips of a wired line, and what a turn of a busy event loop takes. */
const LEAST_MS = 40;
/** Nobody's acknowledgement is put off for longer, however slow all others are. */
const MOST_MS = 200;
/** Acknowledgements over which is averaged, about. */
const MEMORY = 64;

/**
 * Twice what acknowledgements take on average: on a busy machine they all take longer, and to write what
 * is about to be acknowledged would make it busier still.
 */
export class Patience {
  #usual = 0;

  /** Notes what an acknowledgement took, in ms. */
  note(ms: number): void {
    this.#usual += (Math.min(Math.max(ms, 0), MOST_MS) - this.#usual) / MEMORY;
  }

  /** How long to wait, in ms. */
  get ms(): number {
    return Math.min(Math.max(2 * this.#usual, LEAST_MS), MOST_MS);
  }
}
