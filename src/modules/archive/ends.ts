/**
 * Where archives begin and end: asked for at each login by XEP-0386, and by each client that comes back.
 * Remembered until a message comes or goes: most who log in come for nothing new.
 */
import { BoundedMap } from '../../kit/limits.ts';
import type { Ends } from './messages.ts';

/** Archives of which the ends are remembered. */
const REMEMBERED = 10_000;

/** Remembers the ends of archives. */
export interface EndsMemory {
  /** The ends of an owner's archive, with all that was kept before the call; undefined if it is empty. */
  of(owner: number): Promise<Ends | undefined>;
  /** A message of the owner comes, or some may go. */
  stir(owner: number): void;
}

/**
 * Makes the memory.
 * @param read reads the ends, once all that was kept before is on the disk
 */
export function createEndsMemory(read: (owner: number) => Promise<Ends | undefined>): EndsMemory {
  const known = new BoundedMap<number, Promise<Ends | undefined>>(REMEMBERED);
  return {
    of(owner) {
      const begun = known.get(owner);
      if (begun !== undefined) return begun;
      const found = read(owner);
      known.set(owner, found);
      found.catch(() => {
        if (known.get(owner) === found) known.delete(owner);
      });
      return found;
    },
    stir: (owner) => known.delete(owner),
  };
}
