/** Lets so many through at once and so many wait, in their order. */

/** A gate; who entered must leave. */
export interface Gate {
  /** Resolves with true when there is room; with false at once where too many wait. */
  enter(): Promise<boolean>;
  leave(): void;
}

/** Makes a gate. */
export function createGate(maxInside: number, maxWaiting: number): Gate {
  const waiting: ((isIn: boolean) => void)[] = [];
  let inside = 0;
  return {
    async enter() {
      if (inside >= maxInside) {
        if (waiting.length >= maxWaiting) return false;
        return new Promise((resolve) => waiting.push(resolve));
      }
      inside += 1;
      return true;
    },
    leave() {
      const next = waiting.shift();
      if (next === undefined) inside -= 1;
      else next(true);
    },
  };
}
