/** Who may log in, and who is in whose roster. Each server is given them in the form of its own store. */

/** Who logs in. */
export interface Account {
  readonly user: string;
  readonly password: string;
}

/** The accounts of a server. */
export interface People {
  readonly prefix: string;
  /** The password of all. */
  readonly password: string;
  readonly count: number;
  /** How many of the others each has in the roster, and is in the roster of. */
  readonly contacts: number;
}

/** The accounts, `bench0`, `bench1` … */
export const accountsOf = ({ prefix, password, count }: People): Account[] =>
  Array.from({ length: count }, (_, index) => ({ user: `${prefix}${index}`, password }));

/**
 * The contacts of an account, by number: those who sit next to it in a ring, half of them on each side,
 * so that who is in whose roster is mutual.
 */
export function contactsOf(index: number, { count, contacts }: People): number[] {
  if (contacts >= count || contacts % 2 !== 0)
    throw new Error('contacts are an even number, and fewer than accounts');
  return Array.from({ length: contacts / 2 }, (_, place) => place + 1).flatMap((step) => [
    (index + step) % count,
    (index - step + count) % count,
  ]);
}
