/**
 * The Bidi Rule (RFC 5893 §2) for text of the PRECIS IdentifierClass. Within that class Unicode's
 * bidirectional classes follow from blocks and general categories; R and AL need not be told apart.
 */

const RIGHT_TO_LEFT_BLOCKS =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const ARABIC_NUMBER = /^[\u0660-\u0669\u{10d30}-\u{10d39}]$/u;
const EUROPEAN_NUMBER = /^[0-9\u06f0-\u06f9]$/;
const NONSPACING = /^\p{Mn}$/u;
const NEUTRAL_LETTER =
  /^[\u02b9\u02ba\u02c6-\u02cf\u02ec\u0375\u2e2f\u30fb\ua67f\ua717-\ua71f\ua788]$/u;
const LETTER = /^[\p{L}\p{Mc}\p{Nd}\u3007]$/u;

type Direction = 'right' | 'left' | 'arabic-number' | 'european-number' | 'nonspacing' | 'neutral';

function directionOf(char: string): Direction {
  if (EUROPEAN_NUMBER.test(char)) return 'european-number';
  if (ARABIC_NUMBER.test(char)) return 'arabic-number';
  if (NONSPACING.test(char)) return 'nonspacing';
  if (RIGHT_TO_LEFT_BLOCKS.test(char)) return 'right';
  return LETTER.test(char) && !NEUTRAL_LETTER.test(char) ? 'left' : 'neutral';
}

/** Whether a text has right-to-left code points, so that the rule binds it (RFC 5893 §1.4). */
export function isRightToLeft(text: string): boolean {
  if (!RIGHT_TO_LEFT_BLOCKS.test(text)) return false;
  return [...text].some((char) => ['right', 'arabic-number'].includes(directionOf(char)));
}

/** Whether a text meets the six conditions of RFC 5893 §2, so that its display misleads nobody. */
export function meetsBidiRule(text: string): boolean {
  const directions = [...text].map(directionOf);
  const has = (direction: Direction) => directions.includes(direction);
  const last = directions.findLast((direction) => direction !== 'nonspacing');
  switch (directions[0]) {
    case 'right':
      return (
        !has('left') && // 2
        last !== 'neutral' && // 3
        !(has('arabic-number') && has('european-number')) // 4
      );
    case 'left':
      return !has('right') && !has('arabic-number') && last !== 'neutral'; // 5, 6
    default:
      return false; // 1
  }
}
