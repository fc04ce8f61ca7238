/** Work that nobody waits for, but who ends it all: what it writes must not be cut off. */
export interface Pending {
  /** Begun work. It handles its own failures. */
  add(work: Promise<unknown>): void;
  /** Resolves when all of it is done, also what was added meanwhile. */
  settled(): Promise<void>;
}

/** Makes the place for it, with nothing in it. */
export function createPending(): Pending {
  const works = new Set<Promise<unknown>>();
  return {
    add(work) {
      works.add(work);
      const forget = () => void works.delete(work);
      work.then(forget, forget);
    },
    async settled() {
      while (works.size > 0) await Promise.allSettled(works);
    },
  };
}
