/** Which web pages may speak with us from their browsers (the Origin of RFC 6454 §7). */

/** What allows pages of every origin. */
export const ANY_ORIGIN = '*';

/** Whether a page of this origin may come; `host` is what its browser asked for. */
export type MayCome = (origin: string | undefined, host: string | undefined) => boolean;

/**
 * Makes a {@link MayCome}: one of our own origin may, and so may whatever is no page of a
 * browser, since that says what it wants anyway.
 * @param allowed origins such as `https://falcot.com`, or {@link ANY_ORIGIN}
 */
export function createOriginPolicy(allowed: readonly string[]): MayCome {
  const isOpen = allowed.includes(ANY_ORIGIN);
  const named = new Set(allowed.map((each) => each.toLowerCase()));
  return (origin, host) => {
    if (origin === undefined || isOpen) return true;
    const asked = origin.toLowerCase();
    return named.has(asked) || (host !== undefined && asked === `https://${host.toLowerCase()}`);
  };
}
