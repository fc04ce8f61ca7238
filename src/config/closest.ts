/** "Did you mean": the known word that is nearest to a mistyped one. */

/** The number of letters to insert, delete, change or swap with a neighbour to get from a to b. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + change);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1);
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** Longer words are not compared: nobody mistypes those, and the work grows with their product. */
const MAX_LENGTH = 64;

/** The known word closest to `word`, if it is close enough to have been meant. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const plain = word.toLowerCase().replace(/[-_]/g, '');
  if (plain.length === 0 || plain.length > MAX_LENGTH) return undefined;
  const tolerated = Math.max(1, Math.floor(plain.length / 3));
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(plain, candidate.toLowerCase().slice(0, MAX_LENGTH));
    if (distance <= tolerated && distance < (best?.distance ?? Number.POSITIVE_INFINITY))
      best = { word: candidate, distance };
  }
  return best?.word;
}
