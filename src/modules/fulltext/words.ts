/** What a user types to find something, as FTS5 understands it. */

/** More words find nothing more. */
const TERMS_MOST = 16;
/** A shorter word is meant as it is; as the beginning of others it would be that of too many. */
const BEGINNING_LENGTH = 3;

/**
 * The FTS5 expression for texts with all of some words: a word also as the beginning of a longer one,
 * words "in quotes" in that order. Undefined for a text that has no word. Nothing that is typed has a
 * meaning of its own in the expression.
 */
export function expressionOf(typed: string): string | undefined {
  const terms: string[] = [];
  // For SQLite, a text ends with U+0000.
  for (const [, phrase, word] of typed.replaceAll('\0', ' ').matchAll(/"([^"]*)"|([^\s"]+)/gu)) {
    const term = phrase ?? word ?? '';
    if (!/[\p{L}\p{N}]/u.test(term)) continue;
    const isBeginning = word !== undefined && [...word].length >= BEGINNING_LENGTH;
    terms.push(isBeginning ? `"${term}"*` : `"${term}"`);
    if (terms.length === TERMS_MOST) break;
  }
  return terms.length === 0 ? undefined : terms.join(' AND ');
}
