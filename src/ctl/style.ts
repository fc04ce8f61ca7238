/** Colours for people, on a terminal that has them; and text that cannot play tricks on one. */

/** Paints text. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  careful(text: string): string;
  bad(text: string): string;
}

const same = (text: string) => text;

/** No colours. */
export const plainStyle: Style = { bold: same, dim: same, good: same, careful: same, bad: same };

const paint = (on: number, off: number) => (text: string) => `\u001b[${on}m${text}\u001b[${off}m`;

/** Colours of a terminal (ECMA-48 SGR). */
export const colourStyle: Style = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  good: paint(32, 39),
  careful: paint(33, 39),
  bad: paint(31, 39),
};

/** The style for a stream: colours on a terminal, unless NO_COLOR (no-color.org) or TERM say no. */
export function styleFor(
  stream: { readonly isTTY?: boolean | undefined },
  env: Readonly<Record<string, string | undefined>>,
): Style {
  const isWanted = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return stream.isTTY === true && isWanted ? colourStyle : plainStyle;
}

/**
 * Text whose control characters are written out: what a stranger put into it neither moves the
 * cursor nor recolours the screen. Newlines and tabs stay where `isWhole` says that lines are meant.
 */
export function harmless(text: string, isWhole = false): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) => {
    if (isWhole && (character === '\n' || character === '\t')) return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
